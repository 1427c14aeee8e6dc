package live

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// Verdict is what came of a replay.
type Verdict string

// Verdicts.
const (
	VerdictPass  Verdict = "PASS"  // nothing is wrong
	VerdictFail  Verdict = "FAIL"  // an oracle objects, the target lives
	VerdictCrash Verdict = "CRASH" // the target has ended, or a server that is not ours answers no more
	VerdictHang  Verdict = "HANG"  // the target runs and answers no new connection
)

// Replayed is the outcome of Replay.
type Replayed struct {
	Verdict Verdict
	Symptom *Symptom // nil: PASS
	Bucket  string   // of the symptom
	Same    bool     // it is the finding's bucket
	Smaller *Finding // with minimise, and if something is wrong: the smallest case
}

// Replay plays a finding against a target: a fresh one where cfg starts it. Dir of cfg is not used.
func Replay(ctx context.Context, cfg Config, f *Finding, smaller bool) (Replayed, error) {
	dir, err := os.MkdirTemp("", "natsroute-replay-")
	if err != nil {
		return Replayed{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cfg.Dir, cfg.Workers = dir, 1
	if err := cfg.check(); err != nil {
		return Replayed{}, err
	}
	store, err := openStore(dir)
	if err != nil {
		return Replayed{}, err
	}
	defer func() { _ = store.Close() }()
	r := &run{cfg: &cfg, store: store, seen: newSeen(), masks: &masks{new(bucket.Masks)}, began: time.Now(), keys: map[string]string{}, quirked: map[string]uint64{}}
	w, err := r.newWorker(ctx, 0)
	if err != nil {
		return Replayed{}, err
	}
	defer func() { _ = w.close() }()
	return w.replay(ctx, f, smaller)
}

func (w *worker) replay(ctx context.Context, f *Finding, smaller bool) (Replayed, error) {
	proof := &proof{w: w, split: f.Symptom.Kind == Split, apart: !f.Symptom.fatal()}
	s, err := proof.run(ctx, f.Sequences)
	if err != nil || ctx.Err() != nil {
		return Replayed{}, firstError(err, ctx.Err())
	}
	if s == nil {
		return Replayed{Verdict: VerdictPass}, nil
	}
	out := Replayed{Verdict: verdictOf(s), Symptom: s, Bucket: s.bucket(shape(f.Sequences)), Same: s.same(&f.Symptom)}
	if !smaller {
		return out, nil
	}
	seqs, _ := w.smaller(ctx, proof, s, f.Sequences, minimiseTests, minimiseTime)
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	out.Smaller = w.newFinding(s, seqs)
	out.Bucket = out.Smaller.Bucket
	return out, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func verdictOf(s *Symptom) Verdict {
	switch s.Kind {
	case Crash, Unresponsive:
		return VerdictCrash
	case Hang:
		return VerdictHang
	}
	return VerdictFail
}

// newFinding describes a case that shows a symptom.
func (w *worker) newFinding(s *Symptom, seqs []gen.Sequence) *Finding {
	f := &Finding{
		Bucket: s.bucket(shape(seqs)), Symptom: *s, Target: w.t.name(), Beside: w.run.cfg.Beside, Server: w.t.info.Version, Dialect: w.t.dialect.Name,
		Found: time.Now(), After: time.Since(w.run.began), Seed: w.run.cfg.Seed, Sequences: seqs,
	}
	f.measure()
	f.Replay = w.run.replayCommand(f.Bucket)
	return f
}

// Text is the finding as a file.
func (f *Finding) Text() []byte { return f.text() }

// Line is the symptom for people.
func (s *Symptom) Line() string { return fmt.Sprintf("%s: %s", s.Kind, folder.Plain(s.Detail)) }
