package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/overnight"
	"github.com/natsroute/natsroute/spec/report"
)

// overnightFlags are the flags of `natsroute fuzz --overnight`.
type overnightFlags struct {
	Overnight bool     `group:"overnight" help:"Rotate the in-process targets and the live fuzzer by what they yield, for --duration (default 8h), with a heartbeat a minute and a report at the end. The same command goes on after a kill."`
	Native    string   `group:"overnight" type:"path" placeholder:"FILE" help:"The test binary with the in-process targets: go test -c -fuzz=. -o FILE ./fuzz. Without it only live targets are fuzzed."`
	Seeds     string   `group:"overnight" type:"path" placeholder:"DIR" help:"More seeds of the in-process targets, DIR/TARGET/HASH, as certify --save-seeds writes them."`
	Against   []string `group:"overnight" sep:"none" placeholder:"COMMAND" help:"A further server for the live fuzzer, as --launch starts it; repeatable. The embedded reference is always among them."`
}

// defaultNight is how long --overnight goes on.
const defaultNight = 8 * time.Hour

// overnight runs `natsroute fuzz --overnight`.
func (c *fuzzCommand) overnight(p *process) error {
	if _, err := c.config(p); err != nil { // a mistake is told now, and not by each turn
		return err
	}
	ctx, stop := untilSignal(p.ctx)
	defer stop()
	cfg := overnight.Config{
		Dir: c.Out, Duration: cmp.Or(c.Duration, defaultNight),
		Log:  func(line string) { fmt.Fprintln(p.stderr, report.Printable(line)) },
		Beat: func(h *overnight.Heartbeat) { p.beat(h, c.Quiet) },
	}
	var err error
	if c.Native != "" {
		if cfg.Targets, err = overnight.Natives(ctx, c.Native, c.Out, c.Seeds); err != nil {
			return usage("--native: %w", err)
		}
	}
	servers, err := c.liveTargets()
	if err != nil {
		return err
	}
	cfg.Targets = append(cfg.Targets, servers...)
	res, err := overnight.Run(ctx, cfg)
	if err != nil {
		return &failure{Code: report.ExitHarness, Err: err}
	}
	return p.tellNight(res)
}

// liveTargets are the live fuzzer's servers: the reference, the one that the flags name, and those of --against.
func (c *fuzzCommand) liveTargets() ([]overnight.Target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	seed := cmp.Or(c.Seed, uint64(newSeed()))
	env := []string{"NATSROUTE_SERVER=", "NATS_URL="} // a turn takes its server from its flags
	if c.Password != "" {
		env = append(env, "NATSROUTE_PASSWORD="+c.Password)
	}
	add := func(all []overnight.Target, label string, args ...string) []overnight.Target {
		if c.Workers > 0 {
			args = append(args, "--workers", fmt.Sprint(c.Workers))
		}
		return append(all, &overnight.Live{Label: label, Command: self, Args: append(args, "--quiet"), Env: env, Root: c.Out, Seed: seed})
	}
	all := add(nil, "reference")
	switch {
	case c.Server != "":
		all = add(all, "server", c.serverArgs()...)
	case c.Launch != "":
		all = add(all, "launched", append(c.launchArgs(c.Launch), c.files()...)...)
	}
	for i, command := range c.Against {
		all = add(all, fmt.Sprintf("against-%d-%s", i+1, label(command)), c.launchArgs(command)...)
	}
	return all, nil
}

// label is what is good for a file in a command: of nats-server@v2.15.2 all of it.
func label(command string) string {
	first, _, _ := strings.Cut(command, " ")
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, filepath.Base(first))
}

func (c *fuzzCommand) launchArgs(command string) []string {
	return append([]string{"--launch", command}, c.meansArgs()...)
}

func (c *fuzzCommand) serverArgs() []string {
	args := append(append([]string{"--server", c.Server}, c.meansArgs()...), c.files()...)
	if c.Client != "" {
		args = append(args, "--client", c.Client)
	}
	if c.OwnTarget {
		args = append(args, "--i-own-this-target")
	}
	return args
}

// meansArgs hands on what is known of the server. The password goes by the environment, where it is not seen by others.
func (c *fuzzCommand) meansArgs() (args []string) {
	if c.User != "" {
		args = append(args, "--user", c.User)
	}
	if c.TLS {
		args = append(args, "--tls")
	}
	if c.Dialect != "" {
		args = append(args, "--dialect", c.Dialect)
	}
	if c.Beside != "" {
		args = append(args, "--beside", c.Beside)
	}
	for _, file := range c.Mask {
		args = append(args, "--mask", file)
	}
	return args
}

// beat prints a heartbeat.
func (p *process) beat(h *overnight.Heartbeat, quiet bool) {
	if line, err := json.Marshal(h); err == nil && !quiet {
		fmt.Fprintln(p.stdout, string(line))
	}
}

// tellNight sums a run up.
func (p *process) tellNight(res *overnight.Result) error {
	for _, b := range res.New {
		fmt.Fprintf(p.stdout, "new: %s %s (%d bytes, %s)\n", report.Printable(b.Target), report.Printable(b.Bucket), b.Bytes, report.Printable(b.File))
	}
	fmt.Fprintf(p.stdout, "%d new and %d known buckets in %d turns; reports: %s\n", len(res.New), res.Known, res.Turns, strings.Join(res.Reports, ", "))
	switch {
	case len(res.New) > 0:
		return &failure{Code: report.ExitFails}
	case res.Interrupted:
		return &failure{Code: report.ExitIncomplete, Err: errors.New("interrupted: the same command goes on")}
	}
	return nil
}
