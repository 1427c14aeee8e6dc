package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/natsroute/natsroute/fuzz/parser"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

// parserConfig reads the flags of a parser that is spoken to over a pipe. What belongs to a server goes with none.
func (t *liveTarget) parserConfig(p *process) (parser.Config, error) {
	cfg := parser.Config{Command: t.Parser, Dialect: t.Dialect}
	for _, other := range []struct{ name, value string }{
		{"-s", t.Server}, {"--client", t.Client}, {"--launch", t.Launch}, {"--beside", t.Beside}, {"--user", t.User}, {"--password", t.Password},
	} {
		if other.value != "" {
			return cfg, usage("--parser starts a parser, and %s belongs to a server: give one of them", other.name)
		}
	}
	if t.TLS || len(t.files()) > 0 {
		return cfg, usage("--parser starts a parser, and TLS belongs to a server: give one of them")
	}
	return cfg, checkDialect(t.Dialect)
}

// fuzzParser is `natsroute fuzz --parser`.
func (c *fuzzCommand) fuzzParser(p *process) error {
	if c.Overnight {
		return usage("--overnight rotates servers and targets of its own: fuzz a parser without it, with --duration")
	}
	cfg, err := c.parserConfig(p)
	if err != nil {
		return err
	}
	cfg.Dir, cfg.Resume, cfg.Duration, cfg.Sequences, cfg.Workers, cfg.Masks = c.Out, c.Resume, c.Duration, c.Sequences, c.Workers, c.Mask
	cfg.Seed = cmp.Or(c.Seed, uint64(newSeed()))
	ctx, stop := untilSignal(p.ctx)
	defer stop()
	screen := newFuzzScreen(p, c.Quiet)
	cfg.Log = screen.line
	cfg.Progress = func(s parser.Status) {
		screen.progress(s.Elapsed, s.Sequences, func(rate float64) string { return parserLine(&s, rate) })
	}
	screen.line(fmt.Sprintf("fuzzing %s, seed %d, findings in %s", cfg.Command, cfg.Seed, cfg.Dir))
	result, err := parser.Run(ctx, cfg)
	if result.Sequences > 0 || err == nil {
		screen.end(parserEnd(&result, ctx.Err() != nil), result.Buckets, fuzzOutcome(result.Findings, result.New, result.Known, result.Unproven))
	}
	switch {
	case err != nil && result.New > 0:
		return &failure{Code: report.ExitFails, Err: err}
	case err != nil:
		return parserFailure(err)
	}
	return c.outcome(result.New, ctx.Err() != nil)
}

// parserFailure gives an error of the fuzzer of parsers the exit code it means.
func parserFailure(err error) error {
	var wrong *parser.ConfigError
	var away *parser.UnreachableError
	var command *harness.CommandError
	switch {
	case errors.As(err, &wrong), errors.As(err, &command):
		return usage("%w", err)
	case errors.As(err, &away):
		return &failure{Code: report.ExitUnreachable, Err: err}
	}
	return &failure{Code: report.ExitHarness, Err: err}
}

// parserLine is a status in one line.
func parserLine(s *parser.Status, rate float64) string {
	return fmt.Sprintf("%s  %.0f/s  %d sequences  %d requests  %d classes  %d findings (%d new)  %d restarts  last new class %s ago  %s",
		seconds(s.Elapsed), rate, s.Sequences, s.Requests, s.Classes, s.Findings, s.New, s.Restarts, seconds(s.LastClass), s.Phase)
}

// parserEnd is what came of a run.
func parserEnd(r *parser.Result, interrupted bool) string {
	return fmt.Sprintf("%d sequences in %s (%.0f/s)%s: %d requests, %d classes, %d masked, %d restarts",
		r.Sequences, seconds(r.Elapsed), r.Rate, whetherInterrupted(interrupted), r.Requests, r.Classes, r.Masked, r.Restarts)
}

// replayParser is `natsroute replay FILE --parser`.
func (c *replayCommand) replayParser(ctx context.Context, p *process) error {
	cfg, err := c.parserConfig(p)
	if err != nil {
		return err
	}
	f, err := parser.ReadFinding(c.File, c.Dialect)
	if err != nil {
		return usage("%s: %w", c.File, err)
	}
	return c.several(p, f.Bucket, func() (played, error) {
		r, err := parser.Replay(ctx, cfg, f, c.Minimise)
		if err != nil {
			return played{}, parserFailure(err)
		}
		return playedOf(string(r.Verdict), r.Same, r.Symptom, r.Smaller), nil
	})
}
