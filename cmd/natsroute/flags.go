package main

import (
	"time"

	"github.com/alecthomas/kong"
)

var groups = []kong.Group{
	{Key: "target", Title: "The target (none of these: the embedded reference server)"},
	{Key: "means", Title: "What is known of the target: rows without it are not tested, never failed"},
	{Key: "select", Title: "What is tested, and what counts"},
	{Key: "overnight", Title: "For hours, unattended"},
	{Key: "output", Title: "What is told"},
}

// certifyCommand is `natsroute certify`.
type certifyCommand struct {
	Server  string `short:"s" group:"target" placeholder:"ADDRESS" help:"Route port of a running server: HOST, HOST:PORT, nats-route://USER:PASSWORD@HOST:PORT, or tls://… (default port 6222; NATSROUTE_SERVER)."`
	Client  string `group:"target" placeholder:"URL" help:"Client port of that server, nats://USER:PASSWORD@HOST:PORT (default port 4222; NATS_URL). Most of core needs it."`
	Monitor string `group:"target" placeholder:"URL" help:"Monitoring URL of that server, http://HOST:PORT (default port 8222): what it says is a remark in a report or on a failure, never part of a verdict."`
	Launch  string `group:"target" placeholder:"COMMAND" help:"Start the target and stop it afterwards: nats-server@VERSION, or a command with any of {{.Host}} {{.ClientPort}} {{.RoutePort}} {{.MonitorPort}} {{.Routes}} {{.User}} {{.Password}} {{.ConfigFile}}. No shell runs it. It is ready when its route port says INFO."`
	Dialect string `group:"target" placeholder:"NAME" help:"With the embedded reference: the server generation it plays, a name of 'natsroute list profiles'."`

	User         string `group:"means" placeholder:"NAME" help:"User for the route port."`
	Password     string `group:"means" placeholder:"TEXT" help:"Password for the route port (NATSROUTE_PASSWORD)."`
	tlsFlags     `embed:""`
	Account      []string      `group:"means" sep:"none" placeholder:"NAME=USER:PASSWORD" help:"A client of a named account; give two or more for the accounts capability."`
	PingInterval time.Duration `group:"means" placeholder:"DURATION" help:"The target's ping interval on routes: keep-alive is judged only where it is known."`
	PingMax      int           `group:"means" placeholder:"N" help:"The target's limit of unanswered PINGs (with --ping-interval)."`
	AuthTimeout  time.Duration `group:"means" placeholder:"DURATION" help:"The target's time to authenticate a route."`
	Set          setFlags      `embed:"" group:"means"`
	Listen       string        `group:"means" placeholder:"HOST:PORT" help:"Where we listen for the target's dials (default: a free loopback port, if the target is on loopback)."`
	Advertise    string        `group:"means" placeholder:"HOST:PORT" help:"What the target is told to dial, if not the --listen address."`
	Delay        time.Duration `group:"means" placeholder:"DURATION" help:"Put that much delay, each way, between natsroute and the servers that it starts."`
	Patience     time.Duration `group:"means" placeholder:"DURATION" help:"How long to wait for what a healthy server does at once: more on a slow machine, less to see soon what fails (default 5s)."`
	Fault        string        `group:"means" placeholder:"NAME" help:"Plant this fault, one of 'natsroute faults', in front of the target: the run must catch it."`
	Disruptive   bool          `group:"means" help:"Also run what can kill or rename a target. For launched and embedded targets."`
	OwnTarget    bool          `group:"means" name:"i-own-this-target" help:"Allow --disruptive on a running server (-s)."`

	Profile         string   `group:"select" default:"auto" placeholder:"NAME" help:"The set of rows to hold the target against: auto, or a name of 'natsroute list profiles'."`
	Require         []string `group:"select" placeholder:"CAPABILITY" help:"Capabilities that must be tested and conform, or 'all'."`
	Only            []string `group:"select" placeholder:"ID" help:"Only these: a requirement, or one result as REQUIREMENT/word."`
	Skip            []string `group:"select" placeholder:"ID" help:"Not these."`
	Chapter         []string `group:"select" placeholder:"NAME" help:"Only these chapters."`
	Level           []string `group:"select" enum:"must,should,may" help:"Only these levels: must, should, may."`
	RerunFailed     string   `group:"select" placeholder:"REPORT" help:"Only what failed, warned or could not be judged by an error in this report.json or results.jsonl."`
	AllowIncomplete bool     `group:"select" help:"Exit 0 although core rows could not be tested for want of means."`

	Out     string        `group:"output" short:"o" placeholder:"DIR" help:"Write results.jsonl (as specs end), report.json and junit.xml."`
	Seeds   string        `group:"output" name:"save-seeds" placeholder:"DIR" help:"Write what was sent to the target as seeds for the fuzzers, DIR/TARGET/HASH, each once."`
	JSON    bool          `group:"output" short:"j" name:"json" help:"The report as JSON on standard output instead of text."`
	Timeout time.Duration `group:"output" default:"5m" help:"Bound of the whole run; what it cuts off is not tested (exit 5)."`
	Seed    int64         `group:"output" placeholder:"N" help:"Order, data and splits of a former run (default: a new one)."`
	Trace   bool          `group:"output" help:"Every result with its whole wire log, also those that pass."`
	Quiet   bool          `group:"output" help:"Failures and the verdict only."`
	NoColor bool          `group:"output" help:"No colours (NO_COLOR)."`
}

// setFlags tell how a running server is set up beyond the plain way, as README says under "Setups". What natsroute starts
// itself is set up by it.
type setFlags struct {
	Pinned        string        `group:"means" placeholder:"ACCOUNT" help:"An account, one of --account, that has route connections of its own."`
	Imports       string        `group:"means" placeholder:"FROM:TO" help:"Two accounts, of --account, of which one exports to the other what README says."`
	Permissions   bool          `group:"means" help:"The cluster's permissions are those that README says."`
	Leafnode      string        `group:"means" placeholder:"HOST:PORT" help:"The target's leafnode port."`
	RouteTo       string        `group:"means" placeholder:"HOST:PORT" help:"Where the target has a configured route to, on this machine: we listen there."`
	WriteDeadline time.Duration `group:"means" placeholder:"DURATION" help:"The target's write deadline: peers that read nothing are judged only where it is short (5s at most)."`
	TLSTimeout    time.Duration `group:"means" name:"tls-timeout" placeholder:"DURATION" help:"The target's time for a TLS handshake on the route port."`
}

// Help is the end of `natsroute certify --help`.
func (certifyCommand) Help() string {
	return `A server with only a route port can be certified in part: natsroute certify -s HOST:6222 ends as incomplete (exit 5), because
most rules of core show only at a client. With --client the whole of core is tested.

Verdicts: CONFORMS, every MUST of core was tested and kept, and no capability that was tested fails. FAILS, a MUST was not kept.
INCOMPLETE, something that had to be tested could not be; the last lines say what, and which flag would help. ERROR, natsroute failed
or lost the target.

Passwords are shown nowhere: not in reports, not in the commands that reports give to run one result again.`
}
