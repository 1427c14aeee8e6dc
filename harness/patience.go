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
type waste struct{ total atomic.Int64 }

// How long waits become when so much has been wasted.
const (
	patientFor     = 15 * time.Second // with full patience until then
	littleFor      = 15 * time.Second
	fullPatience   = 5 * time.Second
	littlePatience = 500 * time.Millisecond
	leastPatience  = 100 * time.Millisecond
)

// Patience is how long to wait for what comes from another goroutine of the target (closes, gossip, dials), and for
// what a healthy target sends at once on a loaded machine: 5 s and 20 round trips. When many waits have been in vain it
// is less.
func (t *Target) Patience() time.Duration { return t.patience(fullPatience) }

// patience is Patience with d instead of the full one.
func (t *Target) patience(d time.Duration) time.Duration {
	switch wasted := time.Duration(t.waste.total.Load()); {
	case wasted > patientFor+littleFor:
		d = leastPatience
	case wasted > patientFor:
		d = littlePatience
	}
	return d + 20*t.RTT()
}

// ShareImpatience makes the vain waits of both targets count for both: they are servers of one run.
func (t *Target) ShareImpatience(with *Target) { t.waste = with.waste }

// bounded ends a wait after the target's patience, so that no caller hangs on a target that says nothing. The function
// that it returns ends the wait, and counts it where it was in vain.
func (t *Target) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return context.WithTimeout(ctx, d)
	}
	began, patience := time.Now(), fullPatience
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
