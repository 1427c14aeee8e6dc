package overnight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Config is one run.
type Config struct {
	Dir       string        // where state, corpora, findings and reports live
	Duration  time.Duration // of fuzzing; what a run that was cut had spent counts
	Heartbeat time.Duration // between two lines; 0: a minute, in a short run less
	Targets   []Target
	Log       func(line string) // is told what happens, hostile text escaped; may be nil
	Beat      func(*Heartbeat)  // is told each line of heartbeats.jsonl; may be nil
}

// Result is the outcome of a run.
type Result struct {
	New         []*Bucket // that the folder did not hold before, in the order in which they were found
	Known       int
	Interrupted bool     // ctx ended before the time was up: the same command goes on
	Reports     []string // files
	Spoilt      int      // turns that an engine has spoilt
	Turns       int
}

// Run fuzzes until the duration is spent or ctx ends, and writes the reports. Its error is a failure of the runner, or that no target
// can be fuzzed at all.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if len(cfg.Targets) == 0 || cfg.Duration <= 0 {
		return nil, errors.New("overnight: nothing to do: there is no target, or no time")
	}
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, min(max(cfg.Duration/20, minTurn), time.Minute))
	state, err := open(cfg.Dir, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	r := &runner{cfg: cfg, state: state}
	if state.Resumed > 0 {
		r.log("goes on after %.0f s of fuzzing", state.Spent)
	}
	r.lastBeat.elapsed = state.Spent
	for _, s := range state.Targets {
		r.lastBeat.execs += s.Execs
	}
	for _, t := range cfg.Targets { // of turns that were cut
		if _, err := r.collect(t); err != nil {
			return nil, err
		}
	}
	if err := r.loop(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// runner is a run. mu guards what the heartbeat reads while a turn goes on.
type runner struct {
	cfg Config

	mu       sync.Mutex
	state    *State
	turn     *turn
	lastBeat beat
}

// turn is the one that goes on.
type turn struct {
	target   string
	began    time.Time
	progress Progress
}

// beat is what the last heartbeat has said.
type beat struct {
	execs   uint64
	elapsed float64
	rate    float64
}

func (r *runner) log(format string, args ...any) {
	if r.cfg.Log != nil {
		r.cfg.Log(fmt.Sprintf(format, args...))
	}
}

// loop gives turns until the time is up.
func (r *runner) loop(ctx context.Context) error {
	stop := r.heartbeats()
	defer stop()
	length := turnLength(r.cfg.Duration, len(r.cfg.Targets))
	for ctx.Err() == nil {
		left := r.cfg.Duration - seconds(r.state.Spent)
		if left < time.Second {
			return nil
		}
		if err := r.give(ctx, choose(r.cfg.Targets, r.state), min(length, left)); err != nil {
			return err
		}
		if r.hopeless() {
			return fmt.Errorf("overnight: no target can be fuzzed: %s", r.errors())
		}
	}
	return nil
}

// give gives t a turn of length d and takes down what came of it.
func (r *runner) give(ctx context.Context, t Target, d time.Duration) error {
	began := time.Now()
	r.mu.Lock()
	r.turn = &turn{target: t.Name(), began: began}
	current := r.turn
	r.mu.Unlock()
	progress, failed := t.Run(ctx, d, func(p Progress) {
		r.mu.Lock()
		defer r.mu.Unlock()
		current.progress = p
	})
	r.settle(t, progress, time.Since(began), failed)
	found, err := r.collect(t)
	if err != nil {
		return err
	}
	pruned, err := t.Prune()
	if err != nil {
		return fmt.Errorf("overnight: %s: %w", t.Name(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.target(t.Name())
	s.Pruned += pruned
	s.noteYield(max(progress.Coverage-s.Coverage, 0)+max(progress.Classes-s.Classes, 0), found)
	s.Coverage, s.Classes = max(s.Coverage, progress.Coverage), max(s.Classes, progress.Classes)
	return r.state.save(r.cfg.Dir)
}

// settle adds a turn to the state. An engine that fails has wasted its turn, and is not given much of the time.
func (r *runner) settle(t Target, p Progress, took time.Duration, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn = nil
	r.state.Turns++
	r.state.Spent += took.Seconds()
	s := r.state.target(t.Name())
	s.Turns++
	s.LastTurn = r.state.Turns
	s.Seconds += took.Seconds()
	s.Execs += p.Execs
	s.Error = ""
	if failed != nil {
		s.Failed++
		s.Error = failed.Error()
		r.log("%s: the engine failed: %v", t.Name(), failed)
	}
}

// collect takes in a target's findings and tells how many were new.
func (r *runner) collect(t Target) (int, error) {
	found, err := t.Collect()
	if err != nil {
		return 0, fmt.Errorf("overnight: %s: %w", t.Name(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := r.state.take(t.Name(), found)
	for _, b := range fresh {
		r.log("%s: new: %s (%d bytes): %s", b.Target, b.Bucket, b.Bytes, printable(b.Title))
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	return len(fresh), r.state.save(r.cfg.Dir)
}

// hopeless tells whether no target has had a turn that its engine did not spoil, though each has had three.
func (r *runner) hopeless() bool {
	for _, t := range r.cfg.Targets {
		if s := r.state.Targets[t.Name()]; s == nil || s.Turns < 3 || s.Failed < s.Turns {
			return false
		}
	}
	return true
}

func (r *runner) errors() (text string) {
	for _, t := range r.cfg.Targets {
		text += t.Name() + ": " + r.state.Targets[t.Name()].Error + "\n"
	}
	return text
}

// heartbeats writes a line now and then until stop is called, and one more then.
func (r *runner) heartbeats() (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(r.cfg.Heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				r.beat()
			case <-done:
				r.beat()
				return
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}

// beat writes a line and the state. That it cannot is told, and no reason to stop.
func (r *runner) beat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.heartbeat(time.Now().UTC())
	saved := *r.state
	saved.Spent = h.Elapsed
	if err := errors.Join(appendHeartbeat(r.cfg.Dir, &h), saved.save(r.cfg.Dir)); err != nil {
		r.log("the heartbeat cannot be written: %v", err)
	}
	if r.cfg.Beat != nil {
		r.cfg.Beat(&h)
	}
}

// heartbeat sums up where the run is at now.
func (r *runner) heartbeat(now time.Time) Heartbeat {
	h := Heartbeat{
		At: now, Run: r.state.Run, Elapsed: r.state.Spent, Turns: r.state.Turns, Buckets: len(r.state.Buckets), New: len(r.state.fresh()),
	}
	for name, s := range r.state.Targets {
		coverage, classes := s.Coverage, s.Classes
		if r.turn != nil && r.turn.target == name {
			coverage, classes = max(coverage, r.turn.progress.Coverage), max(classes, r.turn.progress.Classes)
		}
		h.Execs += s.Execs
		h.Coverage += coverage
		h.Classes += classes
		h.Errors += s.Failed
	}
	if r.turn != nil {
		h.Target = r.turn.target
		h.Elapsed += now.Sub(r.turn.began).Seconds()
		h.Execs += r.turn.progress.Execs
		if r.state.Targets[h.Target] == nil { // its first turn
			h.Coverage += r.turn.progress.Coverage
			h.Classes += r.turn.progress.Classes
		}
	}
	h.Left = max(r.cfg.Duration.Seconds()-h.Elapsed, 0)
	h.Rate = r.lastBeat.rate
	if passed := h.Elapsed - r.lastBeat.elapsed; passed >= 1 && h.Execs >= r.lastBeat.execs {
		h.Rate = float64(h.Execs-r.lastBeat.execs) / passed
	}
	r.lastBeat = beat{h.Execs, h.Elapsed, h.Rate}
	return h
}

// finish writes the reports.
func (r *runner) finish(ctx context.Context) (*Result, error) {
	r.state.Ended = ctx.Err() == nil
	if err := r.state.save(r.cfg.Dir); err != nil {
		return nil, err
	}
	beats, err := readHeartbeats(r.cfg.Dir, r.state.Run)
	if err != nil {
		return nil, err
	}
	res := &Result{New: r.state.fresh(), Interrupted: !r.state.Ended, Turns: r.state.Turns}
	res.Known = len(r.state.Buckets) - len(res.New)
	slices.SortFunc(res.New, byTime)
	for _, s := range r.state.Targets {
		res.Spoilt += s.Failed
	}
	rep := newReport(r.state, beats, r.cfg.Duration)
	for _, file := range []struct {
		name string
		make func() ([]byte, error)
	}{{markdownFile, rep.markdown}, {htmlFile, rep.html}} {
		path := filepath.Join(r.cfg.Dir, file.name)
		text, err := file.make()
		if err == nil {
			err = replace(path, text)
		}
		if err != nil {
			return nil, err
		}
		res.Reports = append(res.Reports, path)
	}
	return res, nil
}

func byTime(a, b *Bucket) int {
	return cmp.Or(cmp.Compare(a.FirstS, b.FirstS), cmp.Compare(a.Bucket, b.Bucket))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
