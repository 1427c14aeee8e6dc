package spec

import (
	"context"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

// Options of one certification. One process runs one: Ginkgo allows no second.
type Options struct {
	Target *harness.Target
	// Setups are further ways in which a server like Target can be set up; Open starts one, and the run closes it. The rows
	// that need one run on it. Open is called from several goroutines.
	Setups  []harness.Setup
	Open    func(context.Context, harness.Setup) (*harness.Target, error)
	Launch  string         // what --launch said, for the report; empty: not launched
	Corpus  *corpus.Corpus // register and vectors
	Profile string         // "auto" or a profile's name
	Select  Selection
	// Disruptive also runs on Target what can kill or rename it.
	Disruptive bool
	Seed       int64  // order, data, splits
	Nonce      string // part of every server id and subject of the run
	Version    string // of the tool
	// Repro makes the command that runs one result again.
	Repro func(id string) string
	// Begin is called once the target is known and before the first spec; Report has no results yet.
	Begin func(r *report.Report, specs int)
	// Each is called as each spec ends, in the goroutine that runs the specs.
	Each func(report.Result)
	// Sent, if not nil, is called before Each with what each peer of the spec has sent; see harness.Transcript.Sent.
	Sent func(stream []byte)
}

// Selection narrows a run. Empty lists select everything.
type Selection struct {
	Only, Skip       []string // requirement ids or result ids
	Chapters, Levels []string
}

// Narrowed tells whether the operator has left anything out.
func (s Selection) Narrowed() bool {
	return len(s.Only)+len(s.Skip)+len(s.Chapters)+len(s.Levels) > 0
}

// Run certifies the target and returns the report with its results and without a verdict: report.Judge gives that.
// The error is the suite's own: a profile that does not exist, a selection that matches nothing (*NoMatch), a target that is no route port (*harness.NotARoute).
// When ctx ends, the spec in flight ends, the rest is not_tested: interrupted.
func Run(ctx context.Context, o Options) (*report.Report, error) { return run(ctx, o) }
