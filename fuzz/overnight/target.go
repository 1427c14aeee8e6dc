package overnight

import (
	"context"
	"time"
)

// Target is one thing to fuzz. Its methods are called one at a time.
type Target interface {
	// Name is unique among the targets of a run, and good for a file.
	Name() string
	// Run fuzzes for about d, or until ctx ends. tell may be called with how far the turn is, from another goroutine. The error is
	// a failure of the engine, not a finding.
	Run(ctx context.Context, d time.Duration, tell func(Progress)) (Progress, error)
	// Collect returns every finding that the target has on disk, also of turns that were cut. A finding that is collected once stays.
	Collect() ([]Finding, error)
	// Prune makes the corpus smaller and tells by how many entries.
	Prune() (int, error)
}

// Progress is how far a turn is.
type Progress struct {
	Execs    uint64 // in this turn: inputs, or sequences
	Coverage int    // in all: inputs that reach something that no other does, or edges
	Classes  int    // in all: classes of answers; 0 where a target has none
}

// Finding is one bucket of a target.
type Finding struct {
	Bucket string // good for a file
	Title  string // one line for people; hostile text
	File   string // what replays it, below the run's folder
	Bytes  int    // of the smallest input that shows it
}
