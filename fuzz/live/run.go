package live

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// run is one run of the fuzzer: what its workers share.
type run struct {
	cfg   *Config
	store *store
	masks *masks
	seen  *seen
	began time.Time

	sequences, masked, guarded, restarts, known, unproven, quirks, compared atomic.Uint64
	pursuing                                                                atomic.Int64

	mu      sync.Mutex
	corpus  []gen.Sequence
	buckets []string          // new ones
	keys    map[string]string // key of a symptom -> bucket
	quirked map[string]uint64 // times that a quirk kept answers from being judged
}

// Run fuzzes until ctx ends, the duration has passed or the number of sequences is reached. The error is a *ConfigError, an
// *UnreachableError, or one of the file system; findings are no error.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.check(); err != nil {
		return Result{}, err
	}
	store, err := openStore(cfg.Dir)
	if err != nil {
		return Result{}, err
	}
	r := &run{cfg: &cfg, store: store, seen: newSeen(), began: time.Now(), keys: map[string]string{}, quirked: map[string]uint64{}}
	r.masks, err = openMasks(cfg.Dir, cfg.Masks)
	if err == nil {
		err = r.recall()
	}
	if err == nil {
		err = r.fuzz(ctx)
	}
	final := r.status("ended")
	return Result{Status: final, Buckets: r.buckets, Quirked: r.quirked, Compared: r.compared.Load()}, errors.Join(err, store.Report(&final), store.Close())
}

// overtime is how long after the end of a run a finding may still be made smaller.
const overtime = 20 * time.Second

// recall reads what the folder knows: the buckets always, the corpus for --resume.
func (r *run) recall() error {
	err := r.store.Each(folder.Findings, func(_ string, text []byte) error {
		f, err := parseFinding(string(text))
		if err == nil && f.Bucket != "" {
			r.keys[f.Symptom.key()] = f.Bucket
		}
		return err
	})
	if err != nil || !r.cfg.Resume {
		return err
	}
	r.corpus, err = r.store.sequences()
	if err != nil {
		r.cfg.log("%v", err)
	}
	return nil
}

// fuzz starts the workers and tells how they do.
func (r *run) fuzz(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if r.cfg.Duration > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, r.cfg.Duration+overtime)
		defer end()
	}
	leftovers, err := r.leftovers()
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for n := range r.cfg.workers() {
		w, err := r.newWorker(ctx, n)
		if err != nil {
			cancel(err)
			break
		}
		running.Go(func() {
			if err := w.live(ctx, leftovers); err != nil && ctx.Err() == nil {
				cancel(err)
			}
			if err := w.close(); err != nil {
				cancel(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	folder.Tell(r.store.Folder, done, r.current, r.cfg.Progress)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// live is the whole life of a worker. A panic is a fault of the fuzzer, never of the target.
func (w *worker) live(ctx context.Context, leftovers []leftover) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("the fuzzer itself failed: %v\n%s", caught, debug.Stack())
		}
	}()
	if w.number == 0 {
		if err := w.takeUp(ctx, leftovers); err != nil {
			return err
		}
	}
	return w.work(ctx)
}

// current is how far the run has come while it goes on.
func (r *run) current() Status {
	if r.pursuing.Load() > 0 {
		return r.status("minimising")
	}
	return r.status("fuzzing")
}

func (r *run) status(phase string) Status {
	st := Status{
		At: time.Now().UTC(), Elapsed: time.Since(r.began).Seconds(), Sequences: r.sequences.Load(), Known: r.known.Load(), Unproven: r.unproven.Load(),
		Masked: r.masked.Load(), Guarded: r.guarded.Load(), Restarts: r.restarts.Load(), Quirks: r.quirks.Load(), Phase: phase,
	}
	var last time.Time
	st.Classes, st.Edges, last = r.seen.counts()
	st.LastClass = time.Since(last).Seconds()
	st.Findings, st.New, st.Corpus = r.store.Counts()
	if st.Elapsed > 0 {
		st.Rate = float64(st.Sequences) / st.Elapsed
	}
	return st
}

// more tells whether another sequence is due.
func (r *run) more(ctx context.Context) bool {
	return ctx.Err() == nil && (r.cfg.Duration == 0 || time.Since(r.began) < r.cfg.Duration) &&
		(r.cfg.Sequences == 0 || r.sequences.Load() < r.cfg.Sequences)
}

func (r *run) played(o *outcome) {
	r.sequences.Add(1)
	if o.guarded {
		r.guarded.Add(1)
	}
	if o.quirk != nil {
		r.quirks.Add(1)
		r.mu.Lock()
		r.quirked[o.quirk.name]++
		r.mu.Unlock()
	}
}

func (r *run) busy(n int64) { r.pursuing.Add(n) }

// pick is a sequence of the corpus to change, and some to take steps from.
func (r *run) pick(src *gen.Source) (gen.Sequence, []gen.Sequence, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.corpus)
	if n == 0 {
		return gen.Sequence{}, nil, false
	}
	at := src.Intn(n)
	if src.Bool() { // the newest half of the time
		at = n - 1 - src.Intn(min(n, 64))
	}
	from := src.Intn(n)
	return r.corpus[at], r.corpus[from:min(n, from+4):min(n, from+4)], true
}

func (r *run) remember(seq *gen.Sequence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.corpus = append(r.corpus, *seq)
}

// met tells whether a symptom of this kind and class has been stored already. Where a target has ended and nobody knows at which place, only the
// smallest case tells.
func (r *run) met(s *Symptom) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.keys[s.key()]
	return known && (s.placed() || !s.fatal())
}

func (r *run) bucketOf(s *Symptom) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[s.key()]
}

func (r *run) found(s *Symptom, bucket string, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[s.key()] = bucket
	if fresh {
		r.buckets = append(r.buckets, bucket)
		r.cfg.log("FOUND %s: %s", bucket, folder.Plain(s.Detail))
	}
}

// leftover is what a run that was killed had not settled.
type leftover struct {
	name string // of the suspect
	seqs []gen.Sequence
}

// leftovers are the suspects of a former run that was killed, and what stood in its ledgers, which becomes a suspect before
// this run's ledgers take their place. Without --resume they stay where they are.
func (r *run) leftovers() ([]leftover, error) {
	if err := r.store.Strand(inFlight); err != nil || !r.cfg.Resume {
		return nil, err
	}
	var all []leftover
	err := r.store.Each(folder.Suspects, func(name string, text []byte) error {
		seqs, err := parseSequences(string(text))
		all = append(all, leftover{name, seqs})
		return err
	})
	return all, err
}

// inFlight is how many sequences of a ledger are sent again by --resume: the one in flight, and those before it.
const inFlight = 8

// takeUp sends again what a killed run had not settled: suspects to the end of their matter, the sequences that were in
// flight as if they were new, and the corpus, for its edges.
func (w *worker) takeUp(ctx context.Context, all []leftover) error {
	for _, l := range all {
		for i := range l.seqs {
			if err := w.retake(ctx, &l.seqs[i]); err != nil || ctx.Err() != nil {
				return err
			}
		}
		w.run.store.Settled(l.name)
	}
	w.run.mu.Lock()
	corpus := append([]gen.Sequence(nil), w.run.corpus...)
	w.run.mu.Unlock()
	for i := range corpus {
		if !w.run.more(ctx) {
			return nil
		}
		if err := w.retake(ctx, &corpus[i]); err != nil {
			return err
		}
	}
	return nil
}

// retake plays a sequence of a former run, and pursues what is wrong.
func (w *worker) retake(ctx context.Context, seq *gen.Sequence) error {
	for _, opts := range []playOptions{{stepwise: true}, {}} {
		if err := w.ledger.enter(seq); err != nil {
			return err
		}
		w.log.add(*seq)
		o := w.p.play(seq, opts)
		w.run.played(&o)
		s, err := w.look(ctx, seq, &o, opts)
		if err != nil {
			return err
		}
		if err := w.conclude(ctx, seq, &o, s); err != nil || s != nil {
			return err
		}
	}
	return nil
}
