package parser

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/harness"
)

// Kind is what is wrong.
type Kind string

// What a parser can do.
const (
	Crash      Kind = "crash"       // the process has ended
	Hang       Kind = "hang"        // no answer in time
	Babble     Kind = "babble"      // what it writes is no answer
	Memory     Kind = bucket.Memory // memory grows far beyond what was sent
	Difference Kind = "difference"  // another answer than the reference's
	Split      Kind = "split"       // another answer to the same stream in other pieces
)

// Symptom is what was seen.
type Symptom struct {
	Kind   Kind
	Class  string // what two cases of one defect have in common
	Detail string // for people
	Said   string // by a process that has ended: hostile text
	placed bool   // the class says where it happened
}

func (s *Symptom) key() string { return bucket.Key(string(s.Kind), s.Class) }

// same tells whether two symptoms are of one defect.
func (s *Symptom) same(other *Symptom) bool {
	return s != nil && other != nil && s.key() == other.key()
}

// fatal tells whether the parser ends by it, or has to be ended.
func (s *Symptom) fatal() bool { return s.Kind != Difference && s.Kind != Split }

// bucket is the symptom's name. Where the class does not say where it happened the shape of the smallest case does.
func (s *Symptom) bucket(cases []Case) string {
	further := ""
	if !s.placed {
		further = bucket.Shape(streams(cases))
	}
	return bucket.Name(string(s.Kind), s.Class, further)
}

// Line is the symptom for people.
func (s *Symptom) Line() string { return fmt.Sprintf("%s: %s", s.Kind, folder.Plain(s.Detail)) }

// wrong is the symptom of a question without an answer.
func wrong(err error) *Symptom {
	var silent *harness.SilentError
	var ended *harness.EndedError
	var babble *harness.BabbleError
	switch {
	case errors.As(err, &silent):
		s := &Symptom{Kind: Hang, Class: "no answer", Detail: err.Error(), Said: tail(silent.Exit.Tail)}
		if where, ok := bucket.Running(silent.Exit.Tail); ok {
			s.Detail += ", busy in " + where
		}
		return s
	case errors.As(err, &ended):
		return crash(&ended.Exit)
	case errors.As(err, &babble):
		return &Symptom{Kind: Babble, Class: "no answer", Detail: err.Error(), placed: true}
	}
	return &Symptom{Kind: Babble, Class: "no conversation", Detail: err.Error(), placed: true}
}

// crash reads how a process ended. Where it was not a Go program that panicked its last words say what it was: the last line of a
// traceback, an assertion.
func crash(exit *harness.Exit) *Symptom {
	class, detail, said := bucket.Crash(exit.State, exit.Tail)
	s := &Symptom{Kind: Crash, Class: class, Detail: detail, Said: said, placed: strings.Contains(class, " in ")}
	if words := lastLine(exit.Tail); !s.placed && class != bucket.OutOfMemory && words != "" {
		s.Class, s.Detail, s.placed = class+": "+words, detail+": "+words, true
	}
	s.Class = varying.ReplaceAllString(s.Class, "N")
	s.Class = strings.TrimSpace(folder.Plain(s.Class[:min(len(s.Class), 200)]))
	return s
}

// varying is what differs between two ends of one defect: texts in quotes, and numbers.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'|0x[0-9a-fA-F]+|[0-9]+`)

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

func tail(text string) string { return text[max(0, len(text)-8<<10):] }
