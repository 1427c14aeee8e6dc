package parser

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// worker fuzzes one process.
type worker struct {
	run    *run
	number int
	sub    *subject
	src    *gen.Source
	ledger *folder.Ledger
	log    []Case // what the process has got since it was fresh, the last of it
}

const (
	freshEvery  = 20_000 // cases to one process
	historyKept = 256
)

func (r *run) newWorker(number int) (*worker, error) {
	w := &worker{run: r, number: number, src: gen.FromSeed(r.cfg.Seed + uint64(number)<<48), sub: &subject{cfg: r.cfg, patience: r.cfg.Patience}}
	if err := w.sub.start(); err != nil {
		return nil, err
	}
	var err error
	if w.ledger, err = r.folder.Ledger(number); err != nil {
		w.sub.stop()
		return nil, err
	}
	return w, nil
}

func (w *worker) close() error {
	w.sub.stop()
	return w.ledger.Close()
}

// live is the whole life of a worker. A panic is a fault of the fuzzer, never of the parser.
func (w *worker) live(ctx context.Context, leftovers []leftover) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("the fuzzer itself failed: %v\n%s", caught, debug.Stack())
		}
		err = errors.Join(err, w.close())
	}()
	if w.number == 0 {
		if err := w.takeUp(ctx, leftovers); err != nil {
			return err
		}
	}
	for n := 1; w.run.more(ctx); n++ {
		if n%freshEvery == 0 {
			if err := w.fresh(); err != nil {
				return err
			}
		}
		c := w.run.make(w.src)
		if err := w.send(ctx, &c); err != nil {
			return err
		}
	}
	return nil
}

// takeUp sends again what a killed run had not settled, and the corpus, for its classes.
func (w *worker) takeUp(ctx context.Context, all []leftover) error {
	for _, l := range all {
		for i := range l.cases {
			if err := w.send(ctx, &l.cases[i]); err != nil || ctx.Err() != nil {
				return err
			}
		}
		w.run.folder.Settled(l.name)
	}
	for _, c := range w.run.recalled() {
		if !w.run.more(ctx) {
			return nil
		}
		if err := w.send(ctx, &c); err != nil {
			return err
		}
	}
	return nil
}

// send plays a case, pursues what is wrong, or learns of what is new.
func (w *worker) send(ctx context.Context, c *Case) error {
	text := c.appendText(nil)
	if err := w.ledger.Enter(text); err != nil {
		return err
	}
	w.note(c)
	before := w.sub.requests
	p := w.sub.play(c, ways(c))
	w.run.sequences.Add(1)
	w.run.requests.Add(w.sub.requests - before)
	if p.symptom != nil {
		return w.pursue(ctx, &p)
	}
	if !w.run.learn(c, &p.answer) {
		return nil
	}
	return w.run.folder.Keep(text)
}

// ways are how a case is cut: byte by byte, at line ends, and at places of its own.
func ways(c *Case) [][]int {
	stream := c.bytes()
	all := [][]int{lineEnds(stream), inside(c.Cuts, len(stream))}
	if len(stream) <= bytewiseLimit {
		all = append(all, everyByte(len(stream)))
	}
	return all
}

// bytewiseLimit is the longest stream that is always sent byte by byte, and cut once at every place where a case is made smaller.
const bytewiseLimit = 512

func (w *worker) note(c *Case) {
	if len(w.log) == 2*historyKept {
		w.log = append(w.log[:0], w.log[historyKept:]...)
	}
	w.log = append(w.log, *c)
}

func (w *worker) fresh() error {
	w.log = w.log[:0]
	w.run.restarts.Add(1)
	return w.sub.start()
}
