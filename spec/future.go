package spec

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
)

// Late is the decorator of specs that join a future: they run last, when what they wait for has mostly happened.
var Late = SpecPriority(-1000)

// Future is something that takes long and is started before the first spec, so that long waits overlap. Its function gets
// the site of the specs that judge it, returns values and asserts nothing.
type Future[T any] struct {
	id    string
	run   func(context.Context, *Site) T
	done  chan struct{}
	value T
}

// future is what the suite starts.
type future interface {
	requirement() string
	start(context.Context, *Site)
}

// Prepare announces a future for the requirement: it is started before the first spec, if that row will be tested.
func Prepare[T any](s *Suite, requirement string, run func(context.Context, *Site) T) *Future[T] {
	f := &Future[T]{id: requirement, run: run, done: make(chan struct{})}
	s.futures = append(s.futures, f)
	return f
}

func (f *Future[T]) requirement() string { return f.id }

// start runs it on the site of the specs that judge it. It returns at the end.
func (f *Future[T]) start(ctx context.Context, site *Site) {
	defer close(f.done)
	if site.open(ctx) == nil {
		f.value = f.run(ctx, site)
	}
}

// Await waits for the value. The wait ends with the context, then ok is false.
func (f *Future[T]) Await(ctx context.Context) (value T, ok bool) {
	select {
	case <-f.done:
		return f.value, true
	case <-ctx.Done():
		return value, false
	}
}
