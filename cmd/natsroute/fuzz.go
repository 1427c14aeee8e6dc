package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/fuzz/live"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// liveTarget are the flags of the verbs that send sequences to a live route port.
type liveTarget struct {
	Server    string `short:"s" group:"target" placeholder:"ADDRESS" help:"Route port of a running server on this machine: HOST:PORT, or nats-route://USER:PASSWORD@HOST:PORT (NATSROUTE_SERVER). When it dies something has to start it again."`
	Client    string `group:"target" placeholder:"URL" help:"Client port of that server, nats://USER:PASSWORD@HOST:PORT: a client there sees what is delivered (NATS_URL)."`
	Launch    string `group:"target" placeholder:"COMMAND" help:"Start the target, one for each worker: nats-server@VERSION, or a command with {{.RoutePort}} and {{.ClientPort}}, or {{.ConfigFile}}. It has a network of its own where the system allows it."`
	Beside    string `group:"target" placeholder:"COMMAND" help:"A second server that gets the same messages, started like that of --launch: what the two answer otherwise where the reference has no say is a finding too."`
	Parser    string `group:"target" placeholder:"COMMAND" help:"A parser instead of a server: the command is started without a shell, one for each worker, and spoken to as corpus/README.md says under 'Playing the vectors on your parser'."`
	Dialect   string `group:"target" placeholder:"NAME" help:"The server generation the target belongs to, a name of 'natsroute list profiles' (default: what its INFO points to; a parser: the latest); with the embedded reference: the one it plays."`
	User      string `group:"means" placeholder:"NAME" help:"User for the route port."`
	Password  string `group:"means" placeholder:"TEXT" help:"Password for the route port (NATSROUTE_PASSWORD)."`
	TLS       bool   `group:"means" name:"tls" help:"What --launch and --beside start speaks TLS on its route port, with certificates made for the run."`
	tlsFlags  `embed:""`
	OwnTarget bool `group:"means" name:"i-own-this-target" help:"Allow a target that is not on this machine."`
}

// config reads the flags. Without a target it is the reference, started as a process of its own, so that it may die.
func (t *liveTarget) config(p *process) (live.Config, error) {
	cfg := live.Config{User: t.User, Password: t.Password, Dialect: t.Dialect, OwnTarget: t.OwnTarget, Version: version()}
	if t.Server == "" && t.Launch == "" && t.Dialect == "" {
		t.Server = p.getenv("NATSROUTE_SERVER")
	}
	if t.Server != "" && t.Client == "" {
		t.Client = p.getenv("NATS_URL")
	}
	if err := t.combinations(); err != nil {
		return cfg, err
	}
	if t.User != "" && t.Password == "" {
		cfg.Password = p.getenv("NATSROUTE_PASSWORD")
	}
	err := checkDialect(t.Dialect)
	if err != nil {
		return cfg, err
	}
	if cfg.TLS, err = t.tls(nil); err != nil {
		return cfg, err
	}
	cfg.Server, cfg.Launch, cfg.Beside, cfg.LaunchTLS, cfg.Flags = t.Server, t.Launch, t.Beside, t.TLS, t.words()
	if cfg.Client, err = clientURL(t.Client); err != nil {
		return cfg, err
	}
	if t.Server == "" && t.Launch == "" {
		cfg.Launch, err = referenceCommand(t)
	}
	return cfg, err
}

// combinations refuses flags that contradict each other.
func (t *liveTarget) combinations() error {
	files := len(t.files()) > 0
	switch {
	case t.Server != "" && t.Launch != "":
		return usage("-s names a running server and --launch starts one: give one of them")
	case t.Server == "" && t.Client != "":
		return usage("--client belongs to a running server: give its route port with -s")
	case t.User == "" && t.Password != "":
		return usage("--password without --user: give both")
	case t.TLS && t.Launch == "":
		return usage("--tls is for what --launch starts: a running server's certificates are --tlsca, --tlscert and --tlskey")
	case t.TLS && files:
		return usage("--tls makes certificates, and --tlsca, --tlscert and --tlskey name some: leave one of them out")
	case files && t.Server == "" && t.Launch == "":
		return usage("the embedded reference has no TLS here: start it with --launch 'natsroute serve …'")
	}
	return nil
}

// words are the flags that say more of the target than where it is, for the command that shows a finding again.
func (t *liveTarget) words() string {
	var words []string
	if t.User != "" {
		words = append(words, "--user", harness.ShellWord(t.User))
	}
	if t.TLS {
		words = append(words, "--tls")
	}
	for _, word := range t.files() {
		words = append(words, harness.ShellWord(word))
	}
	return strings.Join(words, " ")
}

// checkDialect knows the names there are; none is one too.
func checkDialect(name string) error {
	if name == "" {
		return nil
	}
	if _, err := wire.DialectByName(name); err != nil {
		return usage("there is no dialect %q: give one of %s", name, strings.Join(corpus.ProfileNames(), ", "))
	}
	return nil
}

// referenceCommand starts the reference that is built into this program.
func referenceCommand(t *liveTarget) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	command := fmt.Sprintf("%q serve --port {{.ClientPort}} --cluster-port {{.RoutePort}} --cluster-name natsroute-target", self)
	if t.Dialect != "" {
		command += " --dialect " + t.Dialect
	}
	if t.User != "" {
		command += " --user {{.User}} --password {{.Password}}"
	}
	return command, nil
}

// fuzzCommand is `natsroute fuzz`.
type fuzzCommand struct {
	liveTarget     `embed:""`
	overnightFlags `embed:""`

	Duration  time.Duration `group:"select" default:"0" placeholder:"DURATION" help:"End after this time (default: when interrupted)."`
	Sequences uint64        `group:"select" placeholder:"N" help:"End after this many sequences."`
	Seed      uint64        `group:"select" placeholder:"N" help:"Where the generator begins (default: a new one)."`
	Workers   int           `group:"select" placeholder:"N" help:"Targets that are fuzzed at once, each started by --launch or --parser (default 2; a running server: 1)."`
	Mask      []string      `group:"select" type:"path" placeholder:"FILE" help:"Leave out what this masks.json of another run names; repeatable."`
	Resume    bool          `group:"select" help:"Go on with what the folder holds: its corpus, and what a killed run had in flight."`

	Out     string `group:"output" short:"o" required:"" placeholder:"DIR" help:"Findings, corpus and state live here."`
	Quiet   bool   `group:"output" help:"Findings only."`
	NoColor bool   `group:"output" help:"No colours (NO_COLOR)."`
}

// Help is the end of `natsroute fuzz --help`.
func (fuzzCommand) Help() string {
	return `Sequences of route messages go to a live port until something is wrong: the server dies or hangs, takes malformed bytes, answers
otherwise than the reference (or, where that has no say, than a server beside it), delivers otherwise, speaks before CONNECT, needs
memory out of proportion. Each finding is confirmed on a fresh target, made as small as it goes, and written to DIR/findings, with the
command that shows it again.

No message makes a server dial another machine: every address is checked before it is sent, and a server that natsroute
starts has a network with nothing but loopback where the system allows it.

With --parser streams of one connection go to a parser, whole and in pieces, and what it answers is held against the reference's parser, as strictly as vectors.

Exit 1: a finding that DIR did not hold before. What crashes a released server belongs to its maintainers first (nats-server:
security@nats.io).`
}

// Run fuzzes.
func (c *fuzzCommand) Run(p *process) error {
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a fuzzer holds little and throws much away
	}
	switch {
	case c.Parser != "":
		return c.fuzzParser(p)
	case c.Overnight:
		return c.overnight(p)
	}
	cfg, err := c.config(p)
	if err != nil {
		return err
	}
	cfg.Dir, cfg.Resume, cfg.Duration, cfg.Sequences, cfg.Workers, cfg.Masks = c.Out, c.Resume, c.Duration, c.Sequences, c.Workers, c.Mask
	cfg.Seed = cmp.Or(c.Seed, uint64(newSeed()))
	ctx, stop := untilSignal(p.ctx)
	defer stop()
	if code, done, err := isolated(ctx, &cfg, p); done || err != nil {
		return errors.Join(err, exit(code))
	}
	screen := newFuzzScreen(p, c.Quiet)
	cfg.Log = screen.line
	cfg.Progress = func(s live.Status) {
		screen.progress(s.Elapsed, s.Sequences, func(rate float64) string { return fuzzLine(&s, rate) })
	}
	screen.line(fmt.Sprintf("fuzzing %s, seed %d, findings in %s", shownTarget(&cfg), cfg.Seed, cfg.Dir))
	result, err := live.Run(ctx, cfg)
	screen.end(fuzzEnd(&result, ctx.Err() != nil), result.Buckets, fuzzOutcome(result.Findings, result.New, result.Known, result.Unproven))
	if err != nil {
		return liveFailure(err)
	}
	return c.outcome(result.New, ctx.Err() != nil)
}

// outcome is the exit code of a run that has not failed: with so many new findings, or cut off before its end.
func (c *fuzzCommand) outcome(fresh int, interrupted bool) error {
	switch {
	case fresh > 0:
		return exit(report.ExitFails)
	case interrupted && (c.Duration > 0 || c.Sequences > 0):
		return exit(report.ExitIncomplete)
	}
	return nil
}

// exit is an exit code without a word.
func exit(code int) error {
	if code == report.ExitOK {
		return nil
	}
	return &failure{Code: code}
}

func shownTarget(cfg *live.Config) string {
	if cfg.Launch != "" {
		return cfg.Launch
	}
	return maskURL(cfg.Server)
}

// liveFailure gives an error of the live fuzzer the exit code it means.
func liveFailure(err error) error {
	var wrong *live.ConfigError
	var away *live.UnreachableError
	var command *harness.CommandError
	var build *harness.BuildError
	var launch *harness.LaunchError
	switch {
	case errors.As(err, &wrong), errors.As(err, &command):
		return usage("%w", err)
	case errors.As(err, &away), errors.As(err, &build), errors.As(err, &launch):
		return &failure{Code: report.ExitUnreachable, Err: err}
	}
	return &failure{Code: report.ExitHarness, Err: err}
}

// isolated runs the whole command again in a network namespace that has nothing but loopback, where the target is one that we start and the system allows
// it; done: it has run there, and code is how it ended. What has to be built is built before, for that may need the network.
func isolated(ctx context.Context, cfg *live.Config, p *process) (code int, done bool, err error) {
	if cfg.Server != "" || live.Isolated() {
		return 0, false, nil
	}
	for _, server := range []struct{ flag, command string }{{"--launch", cfg.Launch}, {"--beside", cfg.Beside}} {
		if err := build(ctx, server.flag, server.command, p); err != nil {
			return 0, false, err
		}
	}
	return live.Isolate(ctx)
}

// build makes the released server that a flag's command names; another command needs nothing.
func build(ctx context.Context, flag, command string, p *process) error {
	v, ok := strings.CutPrefix(command, "nats-server@")
	if !ok {
		return nil
	}
	if err := checkVersion(flag, command); err != nil {
		return err
	}
	if _, err := harness.BuildNatsServer(ctx, v, func(line string) { fmt.Fprintln(p.stderr, report.Printable(line)) }); err != nil {
		return liveFailure(err)
	}
	return nil
}
