package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/live"
	"github.com/natsroute/natsroute/fuzz/parser"
	"github.com/natsroute/natsroute/spec/report"
)

// replayCommand is `natsroute replay`.
type replayCommand struct {
	File       string        `arg:"" type:"existingfile" placeholder:"FILE" help:"A finding of natsroute fuzz, or a file of sequences."`
	Minimise   bool          `help:"Make the case smaller, and print what is left."`
	Times      int           `default:"1" placeholder:"N" help:"Play it so often, each time on a fresh target where --launch starts it; all have to agree."`
	Timeout    time.Duration `default:"2m" help:"Bound of the whole."`
	liveTarget `embed:""`
}

// Help is the end of `natsroute replay --help`.
func (replayCommand) Help() string {
	return `The first word of the last line is the verdict: PASS, FAIL (an oracle objects and the server lives), CRASH (it has ended, or a server at -s
answers no more) or HANG (it runs and answers no new connection; of a parser: no stream). Exit 0 for PASS, 1 for the others, 3 if the target cannot be reached.`
}

// Run replays.
func (c *replayCommand) Run(p *process) error {
	ctx, stop := untilSignal(p.ctx)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if c.Parser != "" {
		return c.replayParser(ctx, p)
	}
	if err := noParserFinding(c.File, "replay it with --parser COMMAND"); err != nil {
		return err
	}
	f, err := live.ReadFinding(c.File)
	if err != nil {
		return usage("%s: %w", c.File, err)
	}
	if c.Server == "" && c.Launch == "" && strings.HasPrefix(f.Target, "nats-server@") {
		c.Launch = f.Target
	}
	if c.Beside == "" && strings.HasPrefix(f.Beside, "nats-server@") {
		c.Beside = f.Beside
	}
	if f.Symptom.Kind == live.Versions && c.Beside == "" {
		return usage("%s is a difference between two servers: name the second one with --beside, as it was then: %s", c.File, f.Beside)
	}
	cfg, err := c.config(p)
	if err != nil {
		return err
	}
	if code, done, err := isolated(ctx, &cfg, p); done || err != nil {
		return firstOf(err, exit(code))
	}
	cfg.Log = func(line string) { fmt.Fprintln(p.stderr, report.Printable(line)) }
	verdicts := map[live.Verdict]int{}
	var last live.Replayed
	for range max(c.Times, 1) {
		if last, err = live.Replay(ctx, cfg, f, c.Minimise); err != nil {
			return liveFailure(err)
		}
		verdicts[last.Verdict]++
	}
	c.tell(p, f, &last)
	if c.Times > 1 {
		fmt.Fprintf(p.stdout, "%d times: %v\n", c.Times, verdicts)
	}
	if verdicts[live.VerdictPass] == max(c.Times, 1) {
		return nil
	}
	return exit(report.ExitFails)
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (c *replayCommand) tell(p *process, f *live.Finding, r *live.Replayed) {
	if r.Smaller != nil {
		fmt.Fprintf(p.stdout, "%s\n", r.Smaller.Text())
	}
	if r.Symptom == nil {
		fmt.Fprintln(p.stdout, "PASS nothing is wrong")
		return
	}
	fmt.Fprintf(p.stdout, "%s %s%s\n", r.Verdict, report.Printable(r.Symptom.Line()), whichBucket(f.Bucket, r.Same))
}

// whichBucket says whether a symptom is the finding's own, of a file that is a finding.
func whichBucket(bucket string, same bool) string {
	switch {
	case bucket == "":
		return ""
	case same:
		return " (the finding's own bucket)"
	}
	return " (another bucket than the finding's)"
}

// noParserFinding refuses a finding in a parser where one in a server is wanted.
func noParserFinding(path, instead string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return usage("%w", err)
	}
	if parser.IsFinding(text) {
		return usage("%s is a finding in a parser: %s", path, instead)
	}
	return nil
}
