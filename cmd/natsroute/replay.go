package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
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
	Times      int           `default:"1" placeholder:"N" help:"Play it so often, each time on a fresh target where --launch starts it."`
	Timeout    time.Duration `default:"2m" help:"Bound of the whole."`
	liveTarget `embed:""`
}

// Help is the end of `natsroute replay --help`.
func (replayCommand) Help() string {
	return `The first word of the last line is the verdict: PASS, FAIL (an oracle objects and the server lives), CRASH (it has ended, or a server at -s
answers no more) or HANG (it runs and answers no new connection; of a parser: no stream). Of several times it is that of the last one that was no PASS, and
a line before it has the count of each. Exit 0 if all were PASS, 1 for the others, 3 if the target cannot be reached.`
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
	return c.several(p, f.Bucket, func() (played, error) {
		r, err := live.Replay(ctx, cfg, f, c.Minimise)
		if err != nil {
			return played{}, liveFailure(err)
		}
		return playedOf(string(r.Verdict), r.Same, r.Symptom, r.Smaller), nil
	})
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// played is what came of one replay.
type played struct {
	verdict string
	line    string // the symptom; empty: PASS
	same    bool   // it is the finding's bucket
	smaller []byte // the smallest case, as a file; nil: none was looked for
}

// playedOf takes over what a replay of either kind says: symptom and smaller are nil where there is none.
func playedOf[S interface {
	comparable
	Line() string
}, F interface {
	comparable
	Text() []byte
}](verdict string, same bool, symptom S, smaller F) played {
	var noSymptom S
	var noCase F
	once := played{verdict: verdict, same: same}
	if symptom != noSymptom {
		once.line = symptom.Line()
	}
	if smaller != noCase {
		once.smaller = smaller.Text()
	}
	return once
}

const allWell = string(live.VerdictPass)

// several replays as often as the user wants, and tells what came of it.
func (c *replayCommand) several(p *process, bucket string, replay func() (played, error)) error {
	told := played{verdict: allWell}
	verdicts, same := map[string]int{}, 0
	for range max(c.Times, 1) {
		once, err := replay()
		if err != nil {
			return err
		}
		verdicts[once.verdict]++
		if once.same {
			same++
		}
		if once.verdict != allWell {
			told = once
		}
	}
	if len(told.smaller) > 0 {
		fmt.Fprintf(p.stdout, "%s\n", told.smaller)
	}
	if c.Times > 1 {
		fmt.Fprintln(p.stdout, tally(verdicts, bucket, same))
	}
	if told.verdict == allWell {
		fmt.Fprintln(p.stdout, "PASS nothing is wrong")
		return nil
	}
	fmt.Fprintf(p.stdout, "%s %s%s\n", told.verdict, report.Printable(told.line), whichBucket(bucket, told.same))
	return exit(report.ExitFails)
}

// tally says how often each verdict came, and the finding's own bucket.
func tally(verdicts map[string]int, bucket string, same int) string {
	n := 0
	var counts []string
	for _, verdict := range slices.Sorted(maps.Keys(verdicts)) {
		n += verdicts[verdict]
		counts = append(counts, fmt.Sprintf("%d %s", verdicts[verdict], verdict))
	}
	text := fmt.Sprintf("%d times: %s", n, strings.Join(counts, ", "))
	if bucket != "" {
		text += fmt.Sprintf("; the finding's own bucket %d of %d", same, n)
	}
	return text
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
