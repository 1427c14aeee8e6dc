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
	ids   []string
	run   func(context.Context, *Site) T
	done  chan struct{}
	value T
}

// future is what the suite starts.
type future interface {
	requirements() []string
	start(context.Context, *Site)
}

// Prepare announces a future for the requirement: it is started before the first spec, if that row will be tested.
func Prepare[T any](s *Suite, requirement string, run func(context.Context, *Site) T) *Future[T] {
	f := &Future[T]{ids: []string{requirement}, run: run, done: make(chan struct{})}
	s.futures = append(s.futures, f)
	return f
}

// Also names further requirements whose specs judge the future.
func (f *Future[T]) Also(requirements ...string) *Future[T] {
	f.ids = append(f.ids, requirements...)
	return f
}

func (f *Future[T]) requirements() []string { return f.ids }

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
