package live

import (
	"context"
	"fmt"
	"time"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/fuzz/shrink"
	"github.com/natsroute/natsroute/harness"
)

const (
	minimiseTests = 600
	minimiseTime  = 30 * time.Second
	hangTime      = 45 * time.Second // of those: each case takes seconds
	proofs        = 3
)

// fatal tells whether the target is of no use after the symptom.
func (s *Symptom) fatal() bool {
	switch s.Kind {
	case Crash, Unresponsive, Hang, Memory:
		return true
	}
	return false
}

// pursue goes after a symptom: on disk first, then once more on a fresh target, smaller, and into its bucket.
func (w *worker) pursue(ctx context.Context, s *Symptom) error {
	if !s.fatal() && w.run.met(s) {
		w.run.known.Add(1)
		return nil
	}
	suspects := w.log.last(historyKept)
	name, err := w.run.store.suspect(suspects[max(0, len(suspects)-8):])
	if err != nil {
		return err
	}
	w.run.busy(1)
	defer w.run.busy(-1)
	err = w.settle(ctx, s, suspects)
	if ctx.Err() != nil {
		return nil // the suspect stays for --resume
	}
	if err != nil {
		return err
	}
	w.run.store.Settled(name)
	return w.fresh(ctx)
}

// settle confirms, minimises and stores.
func (w *worker) settle(ctx context.Context, first *Symptom, suspects []gen.Sequence) error {
	proof := &proof{w: w, split: first.Kind == Split}
	seqs, s, err := proof.confirm(ctx, first, suspects)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if s == nil {
		w.run.unproven.Add(1)
		w.run.cfg.log("not again on a fresh target: %s: %s", first.Kind, folder.Plain(first.Detail))
		return nil
	}
	if w.run.met(s) {
		w.run.known.Add(1)
		return w.remask(ctx, proof, s, seqs)
	}
	w.run.cfg.log("confirmed, minimising: %s: %s", s.Kind, folder.Plain(s.Class))
	limit := minimiseTime
	if s.Kind == Hang {
		limit = hangTime
	}
	small, always := w.smaller(ctx, proof, s, seqs, minimiseTests, limit)
	if ctx.Err() != nil {
		return nil
	}
	return w.file(s, small, always)
}

// smaller makes a case smaller in haste, and takes of what comes of it the smallest that always shows the symptom without haste too. It tells
// whether what it returns does.
func (w *worker) smaller(ctx context.Context, proof *proof, s *Symptom, seqs []gen.Sequence, tests int, limit time.Duration) (small []gen.Sequence, always bool) {
	trail := w.shrink(ctx, proof, s, seqs, tests, limit)
	if !s.fatal() && w.t.server != nil {
		if small := trail[len(trail)-1]; proof.always(ctx, s, small) {
			return small, true
		}
		w.run.cfg.log("what was made smaller shows it on a target only that had got more: once more, each case on a fresh one")
		proof.apart = true
		trail = w.shrink(ctx, proof, s, seqs, tests, limit)
		proof.apart = false
	}
	for back := 1; ; back *= 2 {
		at := max(len(trail)-back, 0)
		if proof.always(ctx, s, trail[at]) || ctx.Err() != nil {
			return trail[at], ctx.Err() == nil
		}
		if at == 0 {
			return seqs, false
		}
		w.run.cfg.log("what was made smaller does not always show it: back to a larger case")
	}
}

// shrink makes a case ever smaller, in haste, and returns each that showed the symptom, the case itself first.
func (w *worker) shrink(ctx context.Context, proof *proof, s *Symptom, seqs []gen.Sequence, tests int, limit time.Duration) [][]gen.Sequence {
	trail := [][]gen.Sequence{seqs}
	limits := shrink.Limits{Tests: tests, Until: time.Now().Add(limit), KeepNumbers: s.fatal() && !s.placed()}
	proof.hasty = !s.fatal() // those show at once
	defer func() { proof.hasty = false }()
	shrink.Sequences(seqs, limits, func(c []gen.Sequence) bool {
		shows := !(proof.behind && w.run.masks.cover(c)) && proof.again(ctx, s, c)
		if shows {
			trail = append(trail, c)
		}
		return shows
	})
	return trail
}

// file stores what is proven. What ends the target now and then is kept too, apart from the findings.
func (w *worker) file(s *Symptom, small []gen.Sequence, always bool) error {
	if !always {
		w.run.unproven.Add(1)
		w.run.cfg.log("does not happen each time: %s: %s", s.Kind, folder.Plain(s.Detail))
		if !s.fatal() { // a busy machine, not a defect
			return nil
		}
		return w.run.store.rare(w.newFinding(s, small))
	}
	f := w.newFinding(s, small)
	f.Proven = fmt.Sprintf("%d of %d", proofs, proofs)
	fresh, err := w.run.store.finding(f)
	if err != nil {
		return err
	}
	w.run.found(s, f.Bucket, fresh)
	return w.mask(s, f.Bucket, small)
}

// mask makes the generator leave out what ends the target.
func (w *worker) mask(s *Symptom, bucket string, seqs []gen.Sequence) error {
	if !s.fatal() {
		return nil
	}
	return w.run.masks.add(bucket, seqs)
}

// remask widens the mask of a bucket that was met behind it: by a case that stays behind all masks while it is made smaller.
func (w *worker) remask(ctx context.Context, proof *proof, s *Symptom, seqs []gen.Sequence) error {
	if !s.fatal() {
		return nil
	}
	proof.behind = true
	small, _ := w.smaller(ctx, proof, s, seqs, minimiseTests/4, minimiseTime/4)
	return w.mask(s, w.run.bucketOf(s), small)
}

// proof plays cases again on a fresh target.
type proof struct {
	w      *worker
	split  bool
	hasty  bool
	dirty  bool // the target is of no use any more
	behind bool // what a mask leaves out is no smaller case
	apart  bool // each case meets another process, where it is ours: a server may keep what a connection wanted that was closed, for a while or for good
}

// another tells whether a case, or a sequence where it is one alone, has to meet a process that has got nothing.
func (p *proof) another() bool { return p.apart && p.w.t.server != nil }

// confirm looks for the fewest of the last sequences that show a symptom on a fresh target.
func (p *proof) confirm(ctx context.Context, first *Symptom, suspects []gen.Sequence) ([]gen.Sequence, *Symptom, error) {
	p.dirty, p.apart = true, !first.fatal()
	defer func() { p.apart = false }()
	most := len(suspects)
	if !first.fatal() || first.greedy() { // what grows over many sequences is no answer to the bytes of one
		most = min(most, 4)
	}
	for n := 1; ; n = min(n*4, most) {
		seqs := suspects[len(suspects)-n:]
		s, err := p.run(ctx, seqs)
		if err != nil || ctx.Err() != nil {
			return nil, nil, err
		}
		if s != nil && p.again(ctx, s, seqs) {
			return seqs, s, nil
		}
		if n >= most {
			return nil, nil, nil
		}
		p.dirty = true
	}
}

// always tells whether the case shows the symptom as often as it is played.
func (p *proof) always(ctx context.Context, s *Symptom, seqs []gen.Sequence) bool {
	p.apart = !s.fatal()
	defer func() { p.apart = false }()
	for range proofs {
		if !p.again(ctx, s, seqs) {
			return false
		}
	}
	return true
}

// again tells whether the case shows the symptom.
func (p *proof) again(ctx context.Context, s *Symptom, seqs []gen.Sequence) bool {
	got, err := p.run(ctx, seqs)
	if err != nil && ctx.Err() == nil {
		p.w.run.cfg.log("a case could not be played again: %v", err)
		p.dirty = true
	}
	return err == nil && got.same(s)
}

// run plays the case, on a fresh target where the last one has suffered, and returns the first symptom. A target that is gone before the case has begun
// has died late of the case before: a server that panics goes on answering for a moment.
func (p *proof) run(ctx context.Context, seqs []gen.Sequence) (*Symptom, error) {
	p.dirty = p.dirty || p.another() || p.w.t.gone()
	for i := range seqs {
		ways := []playOptions{{stepwise: true}, {}}
		if p.split {
			ways = []playOptions{{cuts: []int{1}}, {cuts: []int{3, 7, 40}}, {cuts: []int{20, 9}, stepwise: true}}
		}
		for _, opts := range ways {
			if err := p.w.ledger.enter(&seqs[i]); err != nil {
				return nil, err
			}
			if err := p.ready(ctx); err != nil {
				return nil, err
			}
			o, s, err := p.one(ctx, &seqs[i], opts)
			if err != nil {
				return nil, err
			}
			if s == nil && i == len(seqs)-1 && p.w.t.ailing() != nil { // it may have died behind the last barrier
				s = p.w.t.weighed(p.w.t.vitals(ctx, &o), &o)
			}
			if s != nil {
				if p.split {
					s.Kind = Split
				}
				p.dirty = s.fatal() || o.died() || o.lasting
				return s, nil
			}
			p.dirty = o.lasting || p.another() && len(seqs) == 1
		}
	}
	return nil, nil
}

// ready makes the target fresh where the last one has suffered.
func (p *proof) ready(ctx context.Context) error {
	if !p.dirty {
		return nil
	}
	err := p.w.freshKeepLog(ctx)
	p.dirty = err != nil
	return err
}

// one plays one sequence of the case.
func (p *proof) one(ctx context.Context, seq *gen.Sequence, opts playOptions) (outcome, *Symptom, error) {
	p.w.p.hasty = p.hasty
	defer func() { p.w.p.hasty = false }()
	o := p.w.p.play(seq, opts)
	s, err := p.w.look(ctx, seq, &o, opts)
	return o, s, err
}

// freshKeepLog is fresh for the time in which the history is needed.
func (w *worker) freshKeepLog(ctx context.Context) error {
	keep := w.log
	w.log = history{}
	err := w.fresh(ctx)
	w.log = keep
	return err
}

// bare is the address of a route port without credentials.
func bare(server string) string {
	m, _ := harness.ParseRoute(server) // it has been read before
	if m.TLS != nil {
		return "tls://" + m.Route
	}
	return m.Route
}

// replayCommand is what a finding says about how to see it again.
func (r *run) replayCommand(bucket string) string {
	where := "--launch " + harness.ShellWord(r.cfg.Launch)
	if r.cfg.Server != "" {
		where = "-s " + harness.ShellWord(bare(r.cfg.Server))
	}
	if r.cfg.Flags != "" {
		where += " " + r.cfg.Flags
	}
	if r.cfg.Beside != "" {
		where += " --beside " + harness.ShellWord(r.cfg.Beside)
	}
	return fmt.Sprintf("natsroute replay %s %s", harness.ShellWord(r.store.Path("findings", bucket)), where)
}
