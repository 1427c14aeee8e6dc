package parser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/fuzz/shrink"
)

const (
	minimiseTests = 1500
	minimiseTime  = 30 * time.Second
	proofs        = 3
	overtime      = 2*minimiseTime + 20*time.Second // for what is found at the end of a run
	again         = 8                               // times that a known bucket is gone after, so that its mask grows
)

// pursue goes after a symptom: on disk first, then once more in a fresh process, smaller, and into its bucket.
func (w *worker) pursue(ctx context.Context, p *played) error {
	first := p.symptom
	if w.run.settled(first) || !w.run.claim(first) {
		w.run.known.Add(1)
		if first.fatal() {
			return w.fresh()
		}
		return nil
	}
	defer w.run.unclaim(first)
	suspects := slices.Clone(w.log[max(0, len(w.log)-historyKept):])
	suspects[len(suspects)-1].Cuts = p.cuts
	name, err := w.run.folder.Suspect(appendCases(nil, suspects[max(0, len(suspects)-inFlight):]))
	if err != nil {
		return err
	}
	w.run.pursuing.Add(1)
	defer w.run.pursuing.Add(-1)
	err = w.settle(ctx, first, suspects)
	if err != nil || ctx.Err() != nil {
		return err // the suspect stays for --resume
	}
	w.run.folder.Settled(name)
	return w.fresh()
}

// settle confirms, minimises and stores.
func (w *worker) settle(ctx context.Context, first *Symptom, suspects []Case) error {
	proof := &proof{sub: w.sub, dirty: true, restarted: func() { w.run.restarts.Add(1) }, entered: w.ledger.Enter}
	cases, s, err := proof.confirm(ctx, first, suspects)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if s == nil {
		w.run.unproven.Add(1)
		w.run.cfg.log("not again in a fresh process: %s", first.Line())
		return nil
	}
	met := s.placed && w.run.met(s)
	if met && !s.fatal() {
		w.run.known.Add(1)
		return nil
	}
	budget := minimiseTests
	if met {
		budget /= 4
	} else {
		w.run.cfg.log("confirmed, minimising: %s: %s", s.Kind, folder.Plain(s.Class))
	}
	small, err := proof.smaller(ctx, s, cases, budget)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if s.fatal() {
		if err := w.run.masks.Add(s.bucket(small), streams(small)); err != nil {
			return err
		}
	}
	if met {
		w.run.meet(s)
		return nil
	}
	return w.file(ctx, proof, s, small)
}

// file stores what is proven.
func (w *worker) file(ctx context.Context, proof *proof, s *Symptom, small []Case) error {
	happened := 0
	for range proofs {
		proof.dirty = true
		got, _, err := proof.run(ctx, small, false)
		if err != nil {
			return err
		}
		if got.same(s) {
			if got.placed || !s.placed {
				s = got // as the smallest case shows it
			}
			happened++
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if happened == 0 || s.Kind == Hang && happened < proofs { // a busy machine, not a defect
		w.run.unproven.Add(1)
		w.run.cfg.log("happens %d times of %d only: %s", happened, proofs, s.Line())
		return nil
	}
	f := w.run.newFinding(s, small)
	f.Proven = fmt.Sprintf("%d of %d", happened, proofs)
	fresh, err := w.run.folder.Find(f.Bucket, f.Text())
	if err != nil {
		return err
	}
	w.run.found(s, f.Bucket, fresh)
	return nil
}

// proof plays cases again in a fresh process.
type proof struct {
	sub       *subject
	dirty     bool // the process is of no use any more
	restarted func()
	entered   func([]byte) error // is told of each case before it is sent
}

// confirm looks for the fewest of the last cases that show a symptom in a fresh process.
func (p *proof) confirm(ctx context.Context, first *Symptom, suspects []Case) ([]Case, *Symptom, error) {
	for n := 1; ; n = min(n*4, len(suspects)) {
		p.dirty = true
		cases := suspects[len(suspects)-n:]
		s, shown, err := p.run(ctx, cases, false)
		if err != nil || ctx.Err() != nil {
			return nil, nil, err
		}
		if s != nil {
			return shown, s, nil
		}
		if n == len(suspects) {
			return nil, nil, nil
		}
	}
}

// run plays the cases, in a fresh process where the last one has suffered, and returns the first symptom and the cases up to the one that
// showed it, which has the cuts that it came with. Each case is cut at its own places; with everywhere one that has any is cut in every other way too, the
// simplest first.
func (p *proof) run(ctx context.Context, cases []Case, everywhere bool) (*Symptom, []Case, error) {
	if p.dirty {
		if err := p.sub.start(); err != nil {
			return nil, nil, err
		}
		p.restarted()
		p.dirty = false
	}
	for i := range cases {
		if ctx.Err() != nil {
			return nil, nil, nil
		}
		c := &cases[i]
		if err := p.entered(c.appendText(nil)); err != nil {
			return nil, nil, err
		}
		length := len(c.bytes())
		var ways [][]int
		if everywhere && len(c.Cuts) > 0 {
			ways = append(single(c), lineEnds(c.bytes()), everyByte(length))
		}
		ways = append(ways, inside(c.Cuts, length))
		if got := p.sub.play(c, ways); got.symptom != nil {
			p.dirty = got.symptom.fatal() || len(cases) > 1
			shown := slices.Clone(cases[:i+1])
			shown[i].Cuts = got.cuts
			return got.symptom, shown, nil
		}
	}
	p.dirty = len(cases) > 1
	return nil, nil, nil
}

// single are the ways to cut a stream once: of a long one at its line ends.
func single(c *Case) [][]int {
	stream := c.bytes()
	places := lineEnds(stream)
	if len(stream) <= bytewiseLimit {
		places = everyByte(len(stream))
	}
	ways := make([][]int, len(places))
	for i := range places {
		ways[i] = places[i : i+1]
	}
	return ways
}

// smaller makes cases smaller: fewer of them, plainer settings, and each stream by messages, fields and bytes.
func (p *proof) smaller(ctx context.Context, s *Symptom, cases []Case, tests int) ([]Case, error) {
	until := time.Now().Add(minimiseTime)
	if len(cases) > 1 { // each of them takes a fresh process and many streams
		until = until.Add(minimiseTime)
	}
	if s.Kind == Hang { // what is not answered soon is hardly answered later; the proof waits in full
		p.sub.patience = min(p.sub.cfg.Patience, max(p.sub.cfg.Patience/10, 200*time.Millisecond))
	}
	defer func() { p.sub.patience = p.sub.cfg.Patience }()
	best := slices.Clone(cases)
	var failure error
	fails := func(candidate []Case) bool {
		if failure != nil || ctx.Err() != nil || tests <= 0 || time.Now().After(until) {
			return false
		}
		tests--
		got, shown, err := p.run(ctx, candidate, true)
		if err != nil {
			failure = err
			return false
		}
		if got.same(s) {
			best = shown
		}
		return got.same(s)
	}
	try := func(change func([]Case) []Case) bool {
		candidate := change(slices.Clone(best))
		return len(candidate) > 0 && fails(candidate)
	}
	shrink.Runs(func() int { return len(best) }, func(from, to int) bool {
		return try(func(c []Case) []Case { return slices.Delete(c, from, to) })
	})
	try(func(c []Case) []Case { return c }) // finds the fewest cuts
	for i := 0; i < len(best); i++ {
		for _, plain := range plainer {
			try(func(c []Case) []Case {
				if i >= len(c) {
					return nil
				}
				before := c[i].Setting
				if plain(&c[i]); c[i].Setting == before {
					return nil
				}
				return c
			})
		}
		at := func(seqs []gen.Sequence) func([]Case) []Case {
			return func(c []Case) []Case {
				if i >= len(c) {
					return nil
				}
				c[i].Stream = seqs[0]
				return c
			}
		}
		shrink.Sequences([]gen.Sequence{best[i].Stream}, shrink.Limits{Tests: tests, Until: until, KeepNumbers: s.fatal() && !s.placed}, func(seqs []gen.Sequence) bool { return try(at(seqs)) })
	}
	return best, failure
}

// plainer are what makes a setting plainer, alone or with the fields that make the stream mean the same.
var plainer = []func(*Case){
	func(c *Case) { c.Setting.ConnectFirst = false },
	func(c *Case) { c.Setting.Pinned = false },
	func(c *Case) {
		if c.Setting.Pinned {
			c.Setting.Pinned = false
			c.eachLine(func(m *gen.Message) { m.Fields = slices.Insert(m.Fields, 0, " $G") })
		}
	},
	func(c *Case) { c.Setting.LNOCU = false },
	func(c *Case) {
		if c.Setting.LNOCU {
			c.Setting.LNOCU = false
			c.eachLine(func(m *gen.Message) {
				if strings.EqualFold(m.Verb, "LS-") {
					m.Fields = m.Fields[1:]
				}
			})
		}
	},
}

// eachLine changes each message with fields, in a stream of the case's own.
func (c *Case) eachLine(change func(*gen.Message)) {
	c.Stream = c.Stream.Clone()
	for i := range c.Stream.Steps {
		if m := &c.Stream.Steps[i].Message; len(m.Fields) > 0 && !m.Object {
			change(m)
		}
	}
}

func streams(cases []Case) []gen.Sequence {
	seqs := make([]gen.Sequence, len(cases))
	for i := range cases {
		seqs[i] = cases[i].Stream
	}
	return seqs
}

// settled tells whether nothing more is to be known of a symptom: it has been found, or met often.
func (r *run) settled(s *Symptom) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.keys[s.key()]
	return known && (!s.fatal() || r.times[s.key()] >= again)
}

// claim takes a symptom for one worker to go after; false: another one is at it.
func (r *run) claim(s *Symptom) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed[s.key()] {
		return false
	}
	r.claimed[s.key()] = true
	return true
}

func (r *run) unclaim(s *Symptom) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.claimed, s.key())
}

func (r *run) met(s *Symptom) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.keys[s.key()]
	return known
}

// meet notes that a known symptom was met and pursued.
func (r *run) meet(s *Symptom) {
	r.known.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[s.key()]++
}

func (r *run) found(s *Symptom, name string, fresh bool) {
	if !fresh {
		r.meet(s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[s.key()] = name
	if fresh {
		r.buckets = append(r.buckets, name)
		r.cfg.log("FOUND %s: %s", name, folder.Plain(s.Detail))
	}
}

// openMasks reads the masks of a run.
func openMasks(cfg *Config) (*bucket.Masks, error) {
	m, err := bucket.OpenMasks(cfg.Dir, cfg.Masks)
	if err != nil {
		return nil, &ConfigError{err.Error()}
	}
	return m, nil
}
