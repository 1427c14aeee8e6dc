package parser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// run is one run of the fuzzer: what its workers share.
type run struct {
	cfg     *Config
	dialect wire.Dialect
	folder  *folder.Folder
	masks   *bucket.Masks
	began   time.Time

	sequences, requests, masked, restarts, known, unproven atomic.Uint64
	pursuing                                               atomic.Int64

	mu      sync.Mutex
	corpus  []Case
	classes map[string]bool
	newest  time.Time         // when the last new class came
	buckets []string          // new ones
	keys    map[string]string // key of a symptom -> bucket
	times   map[string]int    // key of a symptom -> how often it was pursued again
	claimed map[string]bool   // key of a symptom that a worker goes after
}

// Run fuzzes until ctx ends, the duration has passed or the number of sequences is reached. The error is a *ConfigError, a *harness.CommandError, an
// *UnreachableError, or one of the file system; findings are no error, and are in the result beside one.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.check(); err != nil {
		return Result{}, err
	}
	r, err := newRun(&cfg)
	if err != nil {
		return Result{}, err
	}
	if err = r.recall(); err == nil {
		err = r.fuzz(ctx)
	}
	final := r.status("ended")
	return Result{Status: final, Buckets: r.buckets}, errors.Join(err, r.folder.Report(&final), r.folder.Close())
}

func newRun(cfg *Config) (*run, error) {
	f, err := folder.Open(cfg.Dir)
	if err != nil {
		return nil, &ConfigError{"the folder of -o: " + err.Error()}
	}
	now := time.Now()
	r := &run{cfg: cfg, folder: f, began: now, newest: now, classes: map[string]bool{}, keys: map[string]string{}, times: map[string]int{}, claimed: map[string]bool{}}
	r.dialect, err = wire.DialectByName(cfg.Dialect)
	if err == nil {
		r.masks, err = openMasks(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// recall reads what the folder knows: the buckets always, the corpus for --resume.
func (r *run) recall() error {
	err := r.folder.Each(folder.Findings, func(_ string, text []byte) error {
		f, err := parseFinding(string(text), r.setting())
		if err == nil {
			r.keys[f.Symptom.key()] = f.Bucket
		}
		return err
	})
	if err != nil || !r.cfg.Resume {
		return err
	}
	if err := r.folder.Each(folder.Corpus, func(_ string, text []byte) error {
		cases, err := parseCases(string(text), r.setting())
		for i := range cases {
			want, err := pipe.Read(cases[i].Setting, cases[i].bytes())
			if err != nil {
				return err
			}
			r.classes[class(&cases[i], &want)] = true // it is there because its answer was the reference's
		}
		r.corpus = append(r.corpus, cases...)
		return err
	}); err != nil {
		r.cfg.log("%v", err)
	}
	return nil
}

// setting is that of files which hold nothing but sequences.
func (r *run) setting() pipe.Setting { return pipe.Setting{Dialect: r.cfg.Dialect} }

// fuzz starts the workers and tells how they do.
func (r *run) fuzz(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failure error
	var once sync.Once
	fail := func(err error) { once.Do(func() { failure = err; cancel() }) }
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
	for n := range r.cfg.Workers {
		w, err := r.newWorker(n)
		if err != nil {
			fail(err)
			break
		}
		running.Go(func() {
			if err := w.live(ctx, leftovers); err != nil {
				fail(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	folder.Tell(r.folder, done, r.current, r.cfg.Progress)
	return failure
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
		At: time.Now().UTC(), Elapsed: time.Since(r.began).Seconds(), Sequences: r.sequences.Load(), Requests: r.requests.Load(), Known: r.known.Load(),
		Unproven: r.unproven.Load(), Masked: r.masked.Load(), Restarts: r.restarts.Load(), Phase: phase,
	}
	r.mu.Lock()
	st.Classes, st.LastClass = len(r.classes), time.Since(r.newest).Seconds()
	r.mu.Unlock()
	st.Findings, st.New, st.Corpus = r.folder.Counts()
	if st.Elapsed > 0 {
		st.Rate = float64(st.Sequences) / st.Elapsed
	}
	return st
}

// more tells whether another case is due.
func (r *run) more(ctx context.Context) bool {
	return ctx.Err() == nil && (r.cfg.Duration == 0 || time.Since(r.began) < r.cfg.Duration) &&
		(r.cfg.Sequences == 0 || r.sequences.Load() < r.cfg.Sequences)
}

// learn takes in an answer; true: it is of a new class, and the case is kept.
func (r *run) learn(c *Case, a *pipe.Answer) bool {
	what := class(c, a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.classes[what] {
		return false
	}
	r.classes[what], r.newest = true, time.Now()
	r.corpus = append(r.corpus, *c)
	return true
}

// pick is a case of the corpus to change, and streams to take messages from.
func (r *run) pick(src *gen.Source) (Case, []gen.Sequence, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.corpus)
	if n == 0 {
		return Case{}, nil, false
	}
	from := src.Intn(n)
	return r.corpus[src.Intn(n)], streams(r.corpus[from:min(n, from+4)]), true
}

// recalled is the corpus of a former run.
func (r *run) recalled() []Case {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Case(nil), r.corpus...)
}

// leftover is what a run that was killed had not settled.
type leftover struct {
	name  string // of the suspect
	cases []Case
}

// inFlight is how many cases of a ledger, or before a suspect, are sent again by --resume: the one in flight, and those before it.
const inFlight = 8

// leftovers are the suspects of a former run that was killed, and what stood in its ledgers, which becomes a suspect before
// this run's ledgers take their place. Without --resume they stay where they are.
func (r *run) leftovers() ([]leftover, error) {
	if err := r.folder.Strand(inFlight); err != nil || !r.cfg.Resume {
		return nil, err
	}
	var all []leftover
	err := r.folder.Each(folder.Suspects, func(name string, text []byte) error {
		cases, err := parseCases(string(text), r.setting())
		if err != nil {
			return fmt.Errorf("it does not read: %w", err)
		}
		all = append(all, leftover{name, cases})
		return nil
	})
	return all, err
}
