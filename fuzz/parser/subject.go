package parser

import (
	"fmt"
	"time"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/pipe"
)

// subject is the parser under test: a process that is started again where it has to be.
type subject struct {
	cfg      *Config
	process  *pipe.Process // nil: not started
	memory   int64         // bytes, at the last look
	requests uint64
	patience time.Duration
}

// dataLimit bounds the memory of a parser, so that one which asks for all there is dies before the machine does.
const dataLimit = 2 << 30

// start starts a fresh process, and wants an answer of it.
func (s *subject) start() error {
	s.stop()
	process, err := pipe.Start(s.cfg.Command, dataLimit)
	if err != nil {
		return err
	}
	s.process = process
	hello := pipe.NewRequest("hello", pipe.Setting{Dialect: s.cfg.Dialect}, []byte("PING\r\n"), nil)
	if _, err := process.Ask(hello, max(s.cfg.Patience, defaultPatience)); err != nil {
		s.stop()
		return &UnreachableError{err, wrong(err).Said}
	}
	s.memory = harness.Resident(process.PID())
	return nil
}

func (s *subject) stop() {
	if s.process != nil {
		s.process.Stop()
		s.process = nil
	}
}

// A parser may hold this much more for one case, and so much for each byte of it: buffers, and a collector that takes its time.
const (
	memoryFree    = 64 << 20
	memoryPerByte = 256
)

// played is what came of a case.
type played struct {
	answer  pipe.Answer // to the stream as a whole
	symptom *Symptom    // nil: nothing is wrong
	cuts    []int       // with which the symptom came; nil: as a whole
}

// play asks for a case whole and then for each way to cut it, and judges the answers.
func (s *subject) play(c *Case, ways [][]int) played {
	stream := c.bytes()
	want, err := pipe.Read(c.Setting, stream)
	if err != nil {
		panic(err) // settings come from check and parseCases, which know the dialects
	}
	var p played
	if p.answer, err = s.ask(c, stream, nil); err != nil {
		p.symptom = wrong(err)
		return p
	}
	if d := pipe.Compare(&want, &p.answer); d != nil {
		p.symptom = &Symptom{Kind: Difference, Class: d.What, Detail: d.Detail, placed: true}
		return p
	}
	sent := len(stream)
	for _, cuts := range ways {
		if len(cuts) == 0 {
			continue
		}
		p.cuts = cuts
		again, err := s.ask(c, stream, cuts)
		if err != nil {
			p.symptom = wrong(err)
			return p
		}
		sent += len(stream)
		if d := pipe.Compare(&p.answer, &again); d != nil {
			p.symptom = &Symptom{Kind: Split, Class: d.What, Detail: fmt.Sprintf("in %d pieces: %s", len(cuts)+1, d.Detail), placed: true}
			return p
		}
	}
	p.cuts = nil
	p.symptom = s.weigh(sent)
	return p
}

func (s *subject) ask(c *Case, stream []byte, cuts []int) (pipe.Answer, error) {
	s.requests++
	return s.process.Ask(pipe.NewRequest("fuzz", c.Setting, stream, cuts), s.patience)
}

// weigh looks at the memory of the process.
func (s *subject) weigh(sent int) *Symptom {
	now := harness.Resident(s.process.PID())
	grown := now - s.memory
	s.memory = now
	if now == 0 || grown < memoryFree+memoryPerByte*int64(sent) {
		return nil
	}
	return &Symptom{Kind: Memory, Class: "resident", Detail: fmt.Sprintf("%d MiB more after %d bytes", grown>>20, sent)}
}

// class is what an answer looks like: what was agreed on, the last operation, and how it ends.
func class(c *Case, a *pipe.Answer) string {
	last := ""
	if n := len(a.Ops); n > 0 {
		last = a.Ops[n-1].Op
	}
	return fmt.Sprint(c.Setting.ConnectFirst, c.Setting.Pinned, c.Setting.LNOCU, " ", last, " ", a.Error, " ", a.Token)
}
