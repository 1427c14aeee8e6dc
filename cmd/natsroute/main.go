package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/natsroute/natsroute/fuzz/live"
	"github.com/natsroute/natsroute/spec/report"
)

// commandLine is the whole command, as kong reads it from the tags.
type commandLine struct {
	Certify certifyCommand `cmd:"" help:"Run the specs against a server's route port and judge it."`
	List    listCommand    `cmd:"" help:"List the requirements, the profiles or the capabilities."`
	Faults  faultsCommand  `cmd:"" help:"List the faults that certify can plant in front of a healthy server, to see them caught."`
	Show    showCommand    `cmd:"" help:"Show one requirement: its source, its specs, its vectors."`
	Serve   serveCommand   `cmd:"" help:"Run the reference server, alone or as a member of a cluster."`
	Fuzz    fuzzCommand    `cmd:"" help:"Fuzz a live route port, or a parser over a pipe: find what breaks it, as small as it goes."`
	Replay  replayCommand  `cmd:"" help:"Play a finding of the fuzzer against a server or a parser and say PASS, FAIL, CRASH or HANG."`
	Promote promoteCommand `cmd:"" help:"Make a vector, a row of the register and a spec skeleton of a finding."`
	Parser  parserCommand  `cmd:"" help:"Be the reference's parser over standard input and output, one JSON line a stream."`
	Decode  decodeCommand  `cmd:"" help:"Read bytes of a route and print one JSON line for each operation."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

const description = `Conformance tests for the NATS cluster (route) protocol, for any server that speaks it.

Without flags, 'natsroute certify' certifies the reference server that is built in.

Exit codes: 0 conforms (or done); 1 a MUST failed, or decode met malformed bytes; 2 usage or configuration; 3 target
unreachable or lost; 4 stale list of known failures; 5 incomplete, interrupted, or nothing matched; 6 natsroute itself
failed.`

// process is what a command knows of the world around it.
type process struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
}

func main() {
	live.Enter()
	p := &process{ctx: context.Background(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	os.Exit(run(os.Args[1:], p))
}

// failure is an error with the exit code it means. A nil Err says nothing more: the command has said it all.
type failure struct {
	Code int
	Err  error
}

func (f *failure) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("exit %d", f.Code)
	}
	return f.Err.Error()
}

func (f *failure) Unwrap() error { return f.Err }

// usage is a mistake of the caller: exit 2.
func usage(format string, args ...any) error {
	return &failure{Code: report.ExitUsage, Err: fmt.Errorf(format, args...)}
}

// leaving is how kong's --help and --version end the command from within the parser.
type leaving struct{ code int }

// run reads the arguments, runs the command and returns the exit code. A panic is our own failure, never the target's.
func run(args []string, p *process) (code int) {
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case leaving:
			code = caught.code
		default:
			fmt.Fprintf(p.stderr, "natsroute: failed itself, which says nothing about the target: %v\n%s", caught, debug.Stack())
			code = report.ExitHarness
		}
	}()
	var cli commandLine
	parser := kong.Must(&cli,
		kong.Name("natsroute"), kong.Description(description),
		kong.Vars{"version": "natsroute " + version()},
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { panic(leaving{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.ExplicitGroups(groups),
	)
	parsed, err := parser.Parse(args)
	if err != nil {
		var at *kong.ParseError
		hint := "natsroute --help"
		if errors.As(err, &at) && at.Context.Command() != "" {
			hint = "natsroute " + commandName(at.Context) + " --help"
		}
		p.complain(fmt.Sprintf("%v\nSee %s.", err, hint))
		return report.ExitUsage
	}
	return p.exitCode(parsed.Run(p))
}

// commandName is the verb alone, without its arguments.
func commandName(ctx *kong.Context) string {
	if node := ctx.Selected(); node != nil {
		return node.Name
	}
	return ""
}

// exitCode says an error and turns it into an exit code.
func (p *process) exitCode(err error) int {
	if err == nil {
		return report.ExitOK
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{Code: report.ExitHarness, Err: err}
	}
	if f.Err != nil {
		p.complain(f.Err.Error())
	}
	return f.Code
}

// complain writes an error. What a target sent may be in it, so that only its line ends come through as they are.
func (p *process) complain(text string) {
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i == 0 {
			line = "natsroute: " + line
		}
		fmt.Fprintln(p.stderr, report.Printable(line))
	}
}

// version is the module's version where the command was installed by one, else the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+modified"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + modified
}
