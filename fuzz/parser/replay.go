package parser

import (
	"context"
	"os"
)

// Verdict is what came of a replay.
type Verdict string

// Verdicts.
const (
	VerdictPass  Verdict = "PASS"  // nothing is wrong
	VerdictFail  Verdict = "FAIL"  // an answer is wrong, or memory grows
	VerdictCrash Verdict = "CRASH" // the parser has ended
	VerdictHang  Verdict = "HANG"  // it has not answered in time
)

// Replayed is the outcome of Replay.
type Replayed struct {
	Verdict Verdict
	Symptom *Symptom // nil: PASS
	Same    bool     // it is the finding's bucket
	Smaller *Finding // with minimise, and if something is wrong: the smallest case
}

// Replay plays a finding to a fresh parser. Dir of cfg is not used.
func Replay(ctx context.Context, cfg Config, f *Finding, smaller bool) (Replayed, error) {
	dir, err := os.MkdirTemp("", "natsroute-replay-")
	if err != nil {
		return Replayed{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cfg.Dir = dir
	if err := cfg.check(); err != nil {
		return Replayed{}, err
	}
	r, err := newRun(&cfg)
	if err != nil {
		return Replayed{}, err
	}
	defer func() { _ = r.folder.Close() }()
	sub := &subject{cfg: &cfg, patience: cfg.Patience}
	defer sub.stop()
	proof := &proof{sub: sub, dirty: true, restarted: func() {}, entered: func([]byte) error { return nil }}
	s, shown, err := proof.run(ctx, f.Cases, false)
	switch {
	case err != nil:
		return Replayed{}, err
	case ctx.Err() != nil:
		return Replayed{}, ctx.Err()
	case s == nil:
		return Replayed{Verdict: VerdictPass}, nil
	}
	out := Replayed{Verdict: verdictOf(s), Symptom: s, Same: s.same(&f.Symptom)}
	if !smaller {
		return out, nil
	}
	small, err := proof.smaller(ctx, s, shown, minimiseTests)
	if err != nil || ctx.Err() != nil {
		return out, err
	}
	out.Smaller = r.newFinding(s, small)
	return out, nil
}

func verdictOf(s *Symptom) Verdict {
	switch s.Kind {
	case Crash:
		return VerdictCrash
	case Hang:
		return VerdictHang
	}
	return VerdictFail
}
