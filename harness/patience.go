package harness

import (
	"context"
	"time"
)

type patienceKey struct{}

// WithPatience makes every wait under the context last up to d instead of Target.Patience: for what a target is known
// to do late, a stale close for one.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

// bounded ends a wait after the target's patience, so that no caller hangs on a target that says nothing.
func (t *Target) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return context.WithTimeout(ctx, d)
	}
	return context.WithTimeout(ctx, t.Patience())
}
