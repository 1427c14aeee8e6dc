package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// Mask is what the generator leaves out because of one bucket: sequences in which the steps of one of the patterns stand in
// this order, with anything between them.
type Mask struct {
	Bucket   string      `json:"bucket"`
	Patterns [][]Pattern `json:"patterns"`
	Hits     int         `json:"hits"` // times that the bucket was met
}

// Pattern is one message: its verb, and what its fields and members are like.
type Pattern struct {
	Verb    string   `json:"verb"`
	Fields  []string `json:"fields,omitempty"`
	Members []string `json:"members,omitempty"` // name=class, sorted; those that every peer sends are left out. The class * is any
}

// telling are the classes of fields that tell more of a defect than the form of the line around them.
var telling = []string{"zero", "large", "huge", "beyond", "wrapping", "odd-number", "long"}

func isTelling(class string) bool { return slices.Contains(telling, class) }

// indicators are the + and | of the line.
func (p Pattern) indicators() []string {
	return slices.DeleteFunc(slices.Clone(p.Fields), func(class string) bool { return class != "+" && class != "|" })
}

func (p Pattern) text() string {
	return strings.TrimSpace(p.Verb + " " + strings.Join(append(slices.Clone(p.Fields), p.Members...), ","))
}

func (p Pattern) equal(q Pattern) bool {
	return p.Verb == q.Verb && slices.Equal(p.Fields, q.Fields) && slices.Equal(p.Members, q.Members)
}

// usual tells whether the message is part of most sequences: masking it would mask them all.
func (p Pattern) usual() bool {
	return len(p.Members) == 0 && slices.Contains([]string{"CONNECT", "INFO", "PING", "PONG", "+OK"}, p.Verb)
}

// patternOf reads what a step is like.
func patternOf(st *gen.Step) Pattern {
	m := &st.Message
	p := Pattern{Verb: strings.ToUpper(m.Verb)}
	if len(p.Verb) > 16 {
		p.Verb = p.Verb[:16]
	}
	if !m.Object {
		for _, f := range m.Fields {
			p.Fields = append(p.Fields, fieldClass(f))
		}
		return p
	}
	for _, member := range m.Members {
		if usualAsIs[member] {
			continue
		}
		if word := wordOf(member); !usualMembers[word] {
			p.Members = append(p.Members, word)
		}
	}
	slices.Sort(p.Members)
	return p
}

// wordOf is what a pattern has of a member.
func wordOf(member gen.Member) string {
	return strings.ToLower(member.Name) + "=" + fieldClass(member.Value)
}

// usualMembers are those of peers that introduce themselves, usualAsIs as these say them.
var usualMembers, usualAsIs = func() (map[string]bool, map[gen.Member]bool) {
	words, asIs := map[string]bool{}, map[gen.Member]bool{}
	hello := gen.FromBytes(nil).Generate(gen.Options{Ops: 1})
	for _, st := range hello.Steps {
		for _, member := range st.Message.Members {
			words[wordOf(member)], asIs[member] = true, true
		}
	}
	return words, asIs
}()

// nearlyOverflown is a number to which as much as a line end cannot be added without that it overflows 63 bits.
const nearlyOverflown = "9223372036854775000"

// fieldClass is what a field is like.
func fieldClass(field string) string {
	text := strings.Trim(field, " \t")
	digits := strings.Trim(text, "0123456789") == ""
	switch {
	case text == "":
		return "empty"
	case text == "@size@", text == "@header@", text == "@port@":
		return "right"
	case text == "+", text == "|":
		return text
	case digits && strings.Trim(text, "0") == "":
		return "zero"
	case digits && len(text) < 5:
		return "number"
	case digits && len(text) < 10:
		return "large"
	case digits && (len(text) < 19 || len(text) == 19 && text < nearlyOverflown):
		return "huge"
	case digits && len(text) < 20:
		return "beyond"
	case digits:
		return "wrapping" // in 64 bits
	case strings.Trim(text, "0123456789+-.ex") == "" && strings.ContainsAny(text, "0123456789"):
		return "odd-number"
	case len(text) > 200:
		return "long"
	case text[0] == '"', text[0] == '{', text[0] == '[', text == "true", text == "false", text == "null":
		return jsonClass(text)
	}
	return "word"
}

func jsonClass(text string) string {
	switch text[0] {
	case '"':
		return "text"
	case '{':
		return "object"
	case '[':
		return "list"
	}
	return text
}

// Masks are all masks of a run, shared by its workers. The zero Masks mask nothing, and cannot be added to.
type Masks struct {
	path string

	mu  sync.RWMutex
	all []Mask
}

const masksFile = "masks.json"

// MaskError is a file of masks, given by the caller, that does not read.
type MaskError struct{ Err error }

func (e *MaskError) Error() string { return "--mask: " + e.Err.Error() }

func (e *MaskError) Unwrap() error { return e.Err }

// OpenMasks reads masks.json of a run's folder, where what Add adds will be, and further files of that form.
func OpenMasks(dir string, more []string) (*Masks, error) {
	m := &Masks{path: filepath.Join(dir, masksFile)}
	err := m.read(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, path := range more {
		if readErr := m.read(path); readErr != nil {
			err = errors.Join(err, &MaskError{readErr})
		}
	}
	return m, err
}

func (m *Masks) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []Mask
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i := range all {
		m.take(&all[i])
	}
	return nil
}

// take adds what a mask has that this bucket's has not.
func (m *Masks) take(other *Mask) {
	k := m.of(other.Bucket)
	k.Hits += other.Hits
	for _, pattern := range other.Patterns {
		k.add(pattern)
	}
}

// of is the mask of a bucket, a new one if need be.
func (m *Masks) of(bucket string) *Mask {
	at := slices.IndexFunc(m.all, func(k Mask) bool { return k.Bucket == bucket })
	if at < 0 {
		at = len(m.all)
		m.all = append(m.all, Mask{Bucket: bucket})
	}
	return &m.all[at]
}

// patternsKept is how many patterns a bucket may have before they become what all of them have in common.
const patternsKept = 4

// longest is the longest pattern that is kept, in messages: more of them, in that order, are never in one sequence.
const longest = 24

// Add makes the minimal sequences of a bucket part of its mask.
func (m *Masks) Add(bucket string, seqs []gen.Sequence) error {
	var pattern []Pattern
	for i := range seqs {
		for j := range seqs[i].Steps {
			if st := &seqs[i].Steps[j]; !st.End {
				if p := patternOf(st); !p.usual() {
					pattern = append(pattern, p)
				}
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(bucket)
	k.Hits++
	k.add(pattern)
	if cause := m.recurring(pattern); cause != nil {
		k.add([]Pattern{*cause})
	}
	text, err := json.MarshalIndent(m.all, "", "  ")
	if err != nil {
		return err
	}
	return folder.Write(m.path, append(text, '\n'))
}

// recurs is the number of buckets from which on a message is taken for their cause, whatever stands around it.
const recurs = 3

// recurring finds a message of a pattern that tells something and that several buckets have with other messages around it; nil: there is none.
func (m *Masks) recurring(pattern []Pattern) *Pattern {
	if len(pattern) == 1 {
		return nil
	}
	for _, p := range pattern {
		cause := Pattern{Verb: p.Verb, Fields: p.telling()}
		if len(cause.Fields) == 0 {
			continue
		}
		n := 0
		for i := range m.all {
			if m.all[i].has(cause) {
				n++
			}
		}
		if n >= recurs {
			return &cause
		}
	}
	return nil
}

// has tells whether one of the mask's messages tells just what cause does.
func (k *Mask) has(cause Pattern) bool {
	tells := func(p Pattern) bool { return p.Verb == cause.Verb && slices.Equal(p.telling(), cause.Fields) }
	return slices.ContainsFunc(k.Patterns, func(pattern []Pattern) bool { return slices.ContainsFunc(pattern, tells) })
}

// telling are the classes of the fields that tell something.
func (p Pattern) telling() []string {
	return slices.DeleteFunc(slices.Clone(p.Fields), func(class string) bool { return !isTelling(class) })
}

// add makes pattern one of the mask's.
func (k *Mask) add(pattern []Pattern) {
	if len(pattern) == 0 || len(pattern) > longest || k.unify(pattern) {
		return
	}
	if k.Patterns = append(k.Patterns, pattern); len(k.Patterns) > patternsKept {
		k.widen()
	}
}

// unify makes pattern part of one that differs from it in the classes of members at most, and tells whether there was one.
func (k *Mask) unify(pattern []Pattern) bool {
	for _, known := range k.Patterns {
		if !slices.EqualFunc(known, pattern, Pattern.sameNames) {
			continue
		}
		for i := range known {
			for j, member := range known[i].Members {
				if member != pattern[i].Members[j] {
					known[i].Members[j] = nameOf(member) + "=*"
				}
			}
		}
		return true
	}
	return false
}

// sameNames tells whether two messages differ in the classes of members at most.
func (p Pattern) sameNames(q Pattern) bool {
	return p.Verb == q.Verb && slices.Equal(p.Fields, q.Fields) && slices.EqualFunc(p.Members, q.Members, func(a, b string) bool { return nameOf(a) == nameOf(b) })
}

func nameOf(member string) string {
	name, _, _ := strings.Cut(member, "=")
	return name
}

// widen replaces patterns by what all of them have in common, where that is anything.
func (k *Mask) widen() {
	var common []Pattern
	for _, p := range k.Patterns[0] {
		if !slices.ContainsFunc(k.Patterns, func(other []Pattern) bool { return !slices.ContainsFunc(other, p.equal) }) {
			common = append(common, p)
		}
	}
	if len(common) > 0 {
		k.Patterns = [][]Pattern{common}
	}
}

// Tame takes the masked out of a sequence: the last step of each pattern that it holds. It tells whether it has changed it.
func (m *Masks) Tame(seq *gen.Sequence) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.all) == 0 {
		return false
	}
	found := make([]Pattern, len(seq.Steps))
	for i := range seq.Steps {
		if !seq.Steps[i].End {
			found[i] = patternOf(&seq.Steps[i])
		}
	}
	changed := false
	for i := range m.all {
		for _, pattern := range m.all[i].Patterns {
			for at := match(found, pattern); at >= 0; at = match(found, pattern) {
				seq.Steps = slices.Delete(slices.Clone(seq.Steps), at, at+1)
				found = slices.Delete(found, at, at+1)
				changed = true
			}
		}
	}
	return changed
}

// match finds the pattern in order and returns where its last step stands; -1: it is not there. Where a part of the pattern tells something, the
// form of the rest does not matter.
func match(steps, pattern []Pattern) int {
	if len(pattern) == 0 {
		return -1
	}
	tells := slices.ContainsFunc(pattern, func(p Pattern) bool { return len(p.Members) > 0 || slices.ContainsFunc(p.Fields, isTelling) })
	next := 0
	for i := range steps {
		if steps[i].Verb != "" && steps[i].covers(pattern[next], tells) {
			if next++; next == len(pattern) {
				return i
			}
		}
	}
	return -1
}

// covers tells whether the message is as the pattern says: its verb and fields, or what tells in them, and at least its members.
func (p Pattern) covers(pattern Pattern, tells bool) bool {
	switch {
	case p.Verb != pattern.Verb:
		return false
	case !tells && !slices.Equal(p.Fields, pattern.Fields):
		return false
	case tells && !slices.ContainsFunc(pattern.Fields, isTelling) && !slices.Equal(p.indicators(), pattern.indicators()):
		return false
	case tells && !tellAlike(p.Fields, pattern.Fields):
		return false
	}
	for _, member := range pattern.Members {
		name, class, _ := strings.Cut(member, "=")
		if !slices.ContainsFunc(p.Members, func(m string) bool { return m == member || class == "*" && nameOf(m) == name }) {
			return false
		}
	}
	return true
}

// tellAlike tells whether all that tells in wanted stands in fields, in its order.
func tellAlike(fields, wanted []string) bool {
	for _, class := range wanted {
		if !isTelling(class) {
			continue
		}
		at := slices.Index(fields, class)
		if at < 0 {
			return false
		}
		fields = fields[at+1:]
	}
	return true
}

// Shape is what minimal sequences of one defect have in common: verbs with their fields' classes.
func Shape(seqs []gen.Sequence) string {
	var parts []string
	for i := range seqs {
		for j := range seqs[i].Steps {
			st := &seqs[i].Steps[j]
			if st.End {
				parts = append(parts, "end")
				continue
			}
			parts = append(parts, patternOf(st).text())
		}
	}
	return strings.Join(parts, "; ")
}
