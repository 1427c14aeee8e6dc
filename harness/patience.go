package harness

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

type patienceKey struct{}

// WithPatience makes every wait under the context last up to d instead of Target.Patience: for what a target is known
// to do late, a stale close for one.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

type crowdKey struct{}

// WithCrowd makes every wait under the context last up to d, for what a healthy target does at once, but for so many that a
// loaded machine takes long. Unlike those of WithPatience these waits count when they are in vain, and become shorter.
func WithCrowd(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, crowdKey{}, d)
}

// waste is the time that waits have lasted for nothing, shared by the targets of one run. A healthy target causes next to none of
// it: what it does comes. Of one that fails most rows the first waits say as much as the last, so that they become
// shorter: else a run would last as long as all of them together.
type waste struct {
	total atomic.Int64
	full  time.Duration // patience while little has been wasted
}

// fullPatience is the patience of a run that is not told otherwise.
const fullPatience = 5 * time.Second

// When patientFor times the full patience has been wasted, waits become shorter, and when littleFor times more has been, as short
// as makes sense.
const (
	patientFor   = 3
	littleFor    = 3
	littlePart   = 10 // of which the full patience is the part of a wait then
	leastPart    = 50
	leastSetting = 100 * time.Millisecond
)

// Patience is how long to wait for what comes from another goroutine of the target (closes, gossip, dials), and for
// what a healthy target sends at once on a loaded machine: 5 s unless SetPatience says otherwise, and 20 round trips. When many waits have been in vain it
// is less.
func (t *Target) Patience() time.Duration { return t.patience(t.waste.full) }

// patience is Patience with d instead of the full one.
func (t *Target) patience(d time.Duration) time.Duration {
	full := t.waste.full
	switch wasted := time.Duration(t.waste.total.Load()); {
	case wasted > (patientFor+littleFor)*full:
		d = full / leastPart
	case wasted > patientFor*full:
		d = full / littlePart
	}
	return d + 20*t.RTT()
}

// SetPatience sets the full patience, a tenth of a second at least: more where machine or network are slow, less to see soon what
// fails. It is called before the target is used; targets that share impatience share this too.
func (t *Target) SetPatience(d time.Duration) { t.waste.full = max(d, leastSetting) }

// ShareImpatience makes the vain waits of both targets count for both: they are servers of one run.
func (t *Target) ShareImpatience(with *Target) { t.waste = with.waste }

// bounded ends a wait after the target's patience, so that no caller hangs on a target that says nothing. The function
// that it returns ends the wait, and counts it where it was in vain.
func (t *Target) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return context.WithTimeout(ctx, d)
	}
	began, patience := time.Now(), t.waste.full
	if d, ok := ctx.Value(crowdKey{}).(time.Duration); ok {
		patience = d
	}
	limited, cancel := context.WithTimeout(ctx, t.patience(patience))
	return limited, func() {
		if errors.Is(limited.Err(), context.DeadlineExceeded) {
			t.waste.total.Add(int64(time.Since(began)))
		}
		cancel()
	}
}
