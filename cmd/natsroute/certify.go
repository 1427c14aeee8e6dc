package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec"
	"github.com/natsroute/natsroute/spec/report"
)

// Run certifies: flags first, then the output directory, then the target, so that nothing is started for a mistake.
func (c *certifyCommand) Run(p *process) error {
	limitMemory(p.getenv)
	register, err := corpus.Load()
	if err != nil {
		return err
	}
	means, err := c.means(p.getenv)
	if err != nil {
		return err
	}
	if err := c.vocabulary(register); err != nil {
		return err
	}
	if err := c.rerun(); err != nil {
		return err
	}
	seeds, err := c.seedStore()
	if err != nil {
		return err
	}
	out, err := c.output()
	if err != nil {
		return err
	}
	signalled, stop := untilSignal(p.ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(signalled, c.Timeout, fmt.Errorf("the run took longer than --timeout %v", c.Timeout))
	defer cancel()
	target, err := c.open(ctx, means, func(line string) { fmt.Fprintln(p.stderr, report.Printable(line)) })
	if err != nil {
		return errors.Join(out.abandon(), refused(ctx, err))
	}
	defer func() { _ = target.Close() }() // the verdict is out: what cannot be ended is not the target's fault
	r := &certification{c: c, p: p, register: register, target: target, out: out, seeds: seeds, text: c.text(p, register)}
	return r.run(ctx, means)
}

// memoryLimit makes the collector work harder long before a flood of a target can take the machine's memory. GOMEMLIMIT says
// otherwise.
const memoryLimit = 192 << 20

func limitMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// certification is one run on an open target.
type certification struct {
	c        *certifyCommand
	p        *process
	register *corpus.Corpus
	target   *harness.Target
	out      *output
	seeds    *seedStore
	text     *report.Text // writes nowhere with --json
}

func (r *certification) run(ctx context.Context, means harness.Means) error {
	seed := r.c.Seed
	if seed == 0 {
		seed = newSeed()
	}
	nonce := newNonce()
	r.target.SetNonce(nonce)
	r.seeds.begin(nonce)
	rep, err := spec.Run(ctx, spec.Options{
		Target: r.target, Launch: r.c.launchShown(), Corpus: r.register, Profile: r.c.Profile,
		Select: r.c.selection(),
		Setups: r.c.setups(),
		Open: func(ctx context.Context, s harness.Setup) (*harness.Target, error) {
			return r.c.start(ctx, s, means, nil)
		},
		Disruptive: r.c.Disruptive && r.c.Server != "", // others are started for the rows that can kill one
		Seed:       seed, Nonce: nonce, Version: version(),
		Repro: r.c.repro(means, seed),
		Begin: func(rep *report.Report, specs int) {
			r.text.Begin(rep, specs)
		},
		Each: func(res report.Result) {
			r.out.append(res)
			r.text.Each(res)
		},
		Sent: r.seeds.sent(),
	})
	if err != nil {
		return errors.Join(r.out.abandon(), refused(ctx, err))
	}
	if ctx.Err() != nil {
		rep.Warnings = append(rep.Warnings, context.Cause(ctx).Error())
	}
	return r.finish(rep)
}

// finish judges, writes and tells.
func (r *certification) finish(rep *report.Report) error {
	profile, err := r.register.Profile(rep.Profile.Name)
	if err != nil {
		return err
	}
	judgement := report.Judge(rep, profile.Requirements, report.Judging{
		Require: r.c.Require, Narrowed: r.c.selection().Narrowed(), AllowIncomplete: r.c.AllowIncomplete,
	})
	r.diagnose(rep)
	where, err := r.out.finish(rep)
	err = errors.Join(err, r.seeds.err)
	r.text.End(rep, judgement, where)
	if r.c.JSON {
		err = errors.Join(err, report.WriteReport(r.p.stdout, rep))
	}
	if err != nil {
		return &failure{Code: report.ExitHarness, Err: fmt.Errorf("the report is not whole: %w", err)}
	}
	if judgement.Exit == report.ExitOK {
		return nil
	}
	return &failure{Code: judgement.Exit}
}

// embedded tells whether the target is the reference in this process.
func (c *certifyCommand) embedded() bool { return c.Server == "" && c.Launch == "" }

func (c *certifyCommand) selection() spec.Selection {
	return spec.Selection{Only: c.Only, Skip: c.Skip, Chapters: c.Chapter, Levels: c.Level}
}

// text is where the run is told: standard output, or nowhere if that carries the JSON report.
func (c *certifyCommand) text(p *process, register *corpus.Corpus) *report.Text {
	if c.JSON {
		return report.NewText(io.Discard, report.TextOptions{Quiet: true})
	}
	o := report.TextOptions{Quiet: c.Quiet, Trace: c.Trace, Chapters: register.Chapters(), Rule: func(id string) string {
		row, _ := register.Requirement(id)
		return row.Title
	}}
	if screen, ok := screenOf(p.stdout, p.getenv); ok {
		o.Live, o.Width, o.Height = true, screen.width, screen.height
		o.Color = !c.NoColor && p.getenv("NO_COLOR") == ""
	}
	return report.NewText(p.stdout, o)
}

// refused gives an error that ended a run before its first spec the exit code it means.
func refused(ctx context.Context, err error) error {
	var coded *failure
	var nothing *spec.NoMatch
	var other *harness.NotARoute
	switch {
	case errors.As(err, &coded) && ctx.Err() == nil:
		return err
	case errors.As(err, &nothing):
		return &failure{Code: report.ExitIncomplete, Err: err}
	case ctx.Err() != nil:
		return &failure{Code: report.ExitIncomplete, Err: fmt.Errorf("nothing was tested: %w", context.Cause(ctx))}
	case errors.As(err, &other):
		return &failure{Code: report.ExitUnreachable, Err: err}
	}
	return &failure{Code: report.ExitHarness, Err: err}
}

// newSeed is a seed that is easy to type: below 10^9.
func newSeed() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.NativeEndian.Uint64(b[:])%999_999_999) + 1
}

// newNonce is six characters, like the word in vectors that it replaces. It never depends on the seed: ids and subjects
// of two runs must differ.
func newNonce() string { return strings.ToLower(rand.Text()[:6]) }
