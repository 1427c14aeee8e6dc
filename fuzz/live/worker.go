package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness"
)

// worker fuzzes one target.
type worker struct {
	run    *run
	number int
	t      *target
	p      *player
	twin   *twin // nil: there is none
	src    *gen.Source
	ledger *ledger
	log    history
}

const (
	freshEvery = 4000 // sequences to one process
	splitEvery = 24   // sequences, of which one is sent a second time in pieces

	costlyEvery = 64 // sequences, of which one may be such that the target is another one since: a fresh one costs as much as a hundred sequences
)

func (r *run) newWorker(ctx context.Context, number int) (*worker, error) {
	w := &worker{run: r, number: number, src: gen.FromSeed(r.cfg.Seed + uint64(number)<<48)}
	var err error
	if w.t, err = openTarget(ctx, r.cfg); err != nil {
		return nil, err
	}
	if w.p, err = newPlayer(w.t); err != nil {
		return nil, errors.Join(err, w.t.close())
	}
	if w.twin, err = openTwin(ctx, r.cfg); err != nil {
		return nil, errors.Join(err, w.t.close())
	}
	if w.ledger, err = r.store.openLedger(number); err != nil {
		return nil, errors.Join(err, w.t.close(), w.twin.close())
	}
	return w, nil
}

func (w *worker) close() error { return errors.Join(w.t.close(), w.twin.close(), w.ledger.Close()) }

// work fuzzes until the run is over.
func (w *worker) work(ctx context.Context) error {
	for n := 1; w.run.more(ctx); n++ {
		seq := w.next()
		if n%freshEvery == 0 {
			if err := w.fresh(ctx); err != nil {
				return err
			}
		}
		stepwise := w.src.Bool()
		if err := w.ledger.enter(&seq); err != nil {
			return err
		}
		w.log.add(seq)
		opts := playOptions{stepwise: stepwise}
		o := w.p.play(&seq, opts)
		w.run.played(&o)
		s, err := w.look(ctx, &seq, &o, opts)
		if s == nil && err == nil && n%splitEvery == 0 && !o.guarded && !o.lasting {
			s = w.split(ctx, &seq, &o, stepwise)
		}
		if err == nil {
			err = w.conclude(ctx, &seq, &o, s)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// conclude draws what follows from a sequence: what is wrong is pursued, what is new is kept, and a target that is another one since gives way to a fresh one.
func (w *worker) conclude(ctx context.Context, seq *gen.Sequence, o *outcome, s *Symptom) error {
	var err error
	if s != nil {
		err = w.pursue(ctx, s)
	} else {
		err = w.learn(seq, o)
	}
	if err == nil && o.lasting {
		err = w.fresh(ctx)
	}
	return err
}

// lengths of sequences: in short ones more of what comes can be told from what is due.
var lengths = []int{2, 4, 6, 12}

// next is a sequence that nobody has sent: one made anew, or a neighbour of one that showed something new.
func (w *worker) next() gen.Sequence {
	o := gen.Options{Clients: w.t.witness != nil, Ops: lengths[w.src.Intn(len(lengths))]}
	var seq gen.Sequence
	if base, donors, ok := w.run.pick(w.src); ok && w.src.Chance(2) {
		seq = w.src.Mutate(&base, donors, o)
	} else {
		seq = w.src.Generate(o)
	}
	if !w.src.Chance(costlyEvery) {
		dropMoves(&seq)
		keepModes(&seq)
	}
	if w.run.masks.tame(&seq) {
		w.run.masked.Add(1)
	}
	return seq
}

// dropMoves takes the member out that costs a fresh target each time.
func dropMoves(seq *gen.Sequence) {
	const member = `"route_acc_add_reqid"`
	is := func(m gen.Member) bool { return strings.EqualFold(m.Name, member) }
	for i := range seq.Steps {
		if m := &seq.Steps[i].Message; slices.ContainsFunc(m.Members, is) {
			m.Members = slices.DeleteFunc(slices.Clone(m.Members), is)
		}
	}
}

// keepModes makes all that a connection says of leafs what its first INFO says: to change it costs a fresh target, where a group was joined before.
func keepModes(seq *gen.Sequence) {
	for conn := range gen.MaxConns {
		from := 0
		for i := range seq.Steps {
			if seq.Steps[i].Conn == conn && seq.Steps[i].End {
				keepMode(seq.Steps[from:i], conn)
				from = i + 1
			}
		}
		keepMode(seq.Steps[from:], conn)
	}
}

// keepMode is keepModes for the steps from the begin of one connection to its end.
func keepMode(steps []gen.Step, conn int) {
	says := func(st gen.Step, verb string) bool {
		return st.Conn == conn && st.Message.Object && strings.EqualFold(st.Message.Verb, verb)
	}
	first := slices.IndexFunc(steps, func(st gen.Step) bool { return says(st, "INFO") })
	if first < 0 {
		return
	}
	modes := leafModes(steps[first].Message.Members)
	for i := range steps {
		if i != first && (says(steps[i], "INFO") || says(steps[i], "CONNECT")) {
			m := &steps[i].Message
			m.Members = append(slices.DeleteFunc(slices.Clone(m.Members), isLeafMode), modes...)
		}
	}
}

func leafModes(members []gen.Member) []gen.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m gen.Member) bool { return !isLeafMode(m) })
}

func isLeafMode(m gen.Member) bool {
	return strings.EqualFold(m.Name, `"lnocu"`) || strings.EqualFold(m.Name, `"ln"`)
}

// look asks every oracle but split about the sequence that was just played.
func (w *worker) look(ctx context.Context, seq *gen.Sequence, o *outcome, opts playOptions) (s *Symptom, err error) {
	if s = w.t.weighed(w.examine(ctx, o), o); s == nil {
		s, err = w.compare(ctx, seq, o, opts)
	}
	return s, err
}

// examine says what is wrong with an outcome; nil: nothing.
func (w *worker) examine(ctx context.Context, o *outcome) *Symptom {
	if o.guarded || ctx.Err() != nil {
		return nil
	}
	if o.died() || o.silent >= 0 || unexpectedClose(o) {
		if s := w.t.vitals(ctx, o); s != nil {
			return s
		}
	}
	s := judge(w.t, o)
	if o.infoIn > slowInfo {
		s = &Symptom{Kind: Slow, Class: "INFO", Detail: fmt.Sprintf("INFO came %v after the connection was opened", o.infoIn.Round(time.Millisecond))}
	}
	if s != nil { // a target that has died closes its connections, where that was due too
		if worse := w.t.vitals(ctx, o); worse != nil {
			return worse
		}
	}
	return s
}

// slowInfo is how late the INFO of a new connection may be.
const slowInfo = time.Second

func unexpectedClose(o *outcome) bool {
	for i := range o.conns {
		c := &o.conns[i]
		n := len(c.tokens)
		if n > 0 && c.tokens[n-1] == tokenClosed && !c.lastWant.closed {
			return true
		}
	}
	return false
}

// vitals looks whether the target lives; nil: it does.
func (t *target) vitals(ctx context.Context, o *outcome) *Symptom {
	ailing := t.ailing()
	if ailing == nil {
		if o.witness != nil {
			return &Symptom{Kind: Delivery, Class: "client connection lost", Detail: "the client port: " + o.witness.Error()}
		}
		return nil
	}
	if exit := t.exited(ctx); exit != nil {
		return crashSymptom(exit.State, exit.Tail)
	}
	if t.server == nil {
		return &Symptom{Kind: Unresponsive, Class: "unresponsive", Detail: ailing.Error()}
	}
	return t.stacks(ctx)
}

// stacks makes a process that hangs say where.
func (t *target) stacks(ctx context.Context) *Symptom {
	s := &Symptom{Kind: Hang, Class: noInfo, Detail: "the process runs, and a new connection gets no INFO in " + infoLimit.String()}
	if t.server.Order(ctx, harness.DumpStacks) != nil {
		return s
	}
	if exit := t.exited(ctx); exit != nil {
		s.Stack = exit.Tail
		if where, ok := bucket.Locked(exit.Tail); ok {
			s.Class += ", waits for a lock in " + where
		} else if where, ok := bucket.Running(exit.Tail); ok {
			s.Detail += ", busy in " + where
		}
	}
	return s
}

// split sends the sequence once more, cut in pieces, and wants the same answer.
func (w *worker) split(ctx context.Context, seq *gen.Sequence, first *outcome, stepwise bool) *Symptom {
	if !first.whole() || first.sent > 4<<10 {
		return nil
	}
	cuts := []int{1 + w.src.Intn(8), 1 + w.src.Intn(40), 1 + w.src.Intn(120)}
	again := w.p.play(seq, playOptions{stepwise: stepwise, cuts: cuts})
	if s := w.examine(ctx, &again); s != nil {
		s.Kind = Split
		return s
	}
	return nil
}

// learn keeps a sequence that has shown something new.
func (w *worker) learn(seq *gen.Sequence, o *outcome) error {
	if o.guarded || !w.run.seen.note(o) {
		return nil
	}
	w.run.remember(seq)
	return w.run.store.keep(seq)
}

func (w *worker) fresh(ctx context.Context) error {
	w.log.clear()
	if err := w.t.fresh(ctx); err != nil {
		return err
	}
	if err := w.twin.fresh(ctx); err != nil {
		return err
	}
	w.run.restarts.Add(1)
	p, err := newPlayer(w.t)
	if err != nil {
		return err
	}
	w.p = p
	return nil
}

// history is what a target has got since it was fresh.
type history struct{ seqs []gen.Sequence }

const historyKept = 256

func (h *history) add(seq gen.Sequence) {
	if len(h.seqs) == 2*historyKept {
		h.seqs = append(h.seqs[:0], h.seqs[historyKept:]...)
	}
	h.seqs = append(h.seqs, seq)
}

func (h *history) last(n int) []gen.Sequence {
	return append([]gen.Sequence(nil), h.seqs[max(0, len(h.seqs)-n):]...)
}

func (h *history) clear() { h.seqs = h.seqs[:0] }
