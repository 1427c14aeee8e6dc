package harness

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// LaunchConfig tells how to start a target.
type LaunchConfig struct {
	// Command is a template, or nats-server@VERSION. Fields: .Host .ClientPort .RoutePort .MonitorPort .Routes .User .Password .ConfigFile.
	// It is split into words as a shell does, but no shell runs it.
	Command string
	Routes  []string // route URLs for .Routes
	Quiet   bool     // nats-server@VERSION writes no log: what it says when it dies is all it says
	Log     string   // file that gets the process's output; empty: kept in memory (head and tail)

	// Setup is how the server is set up; the zero value is the plain way. What the command cannot hand over is refused with a
	// *CommandError: a command with .ConfigFile takes every setup, others see CanSetUp.
	Setup Setup

	// Means is what else the operator knows: credentials for the route port, which .User, .Password and the
	// configuration file hand on, accounts, settings, where we listen. Route, Client and Monitor are filled in.
	Means Means
	// Progress, if set, is told what takes its time, one line a call.
	Progress func(string)
}

// LaunchError says why a server that was started is not up.
type LaunchError struct {
	Command string
	Reason  string
	Tail    string // last bytes of its output, as written
}

func (e *LaunchError) Error() string {
	text := "--launch " + Printable(e.Command) + ": " + e.Reason
	if e.Tail != "" {
		text += "; its output ends with:"
		for line := range strings.Lines(lastLines(e.Tail, 5)) {
			text += "\n  " + Printable(strings.TrimRight(line, "\r\n"))
		}
	}
	return text
}

func lastLines(s string, n int) string {
	s = strings.TrimRight(s, "\r\n")
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '\n' {
			if n--; n == 0 {
				return s[i+1:]
			}
		}
	}
	return s
}

const (
	readyLimit     = time.Minute
	readyPace      = 10 * time.Millisecond
	launchAttempts = 3 // a free port may be taken between our look and the server's
	launchHost     = "127.0.0.1"
)

// Launch starts a server and waits for the INFO on its route port, at most 10 s, and for its client port where the
// command names one. Accounts and settings are known when the server got our configuration file. The error is a
// *CommandError, *BuildError or *LaunchError, or ctx's.
func Launch(ctx context.Context, cfg LaunchConfig) (*Target, error) {
	plan, err := planLaunch(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		t, err := plan.start(ctx)
		var early *LaunchError
		if err == nil || attempt == launchAttempts || ctx.Err() != nil || !errors.As(err, &early) || !plan.exitedEarly {
			return t, err
		}
	}
}

// launchPlan is a launch command, read.
type launchPlan struct {
	cfg         LaunchConfig
	words       []string // of the command, before expansion
	config      serverConfig
	configured  bool // the server gets our configuration file
	exitedEarly bool // the last start failed since the process ended
}

func planLaunch(ctx context.Context, cfg LaunchConfig) (*launchPlan, error) {
	plan := &launchPlan{cfg: cfg}
	if version, ok := strings.CutPrefix(strings.TrimSpace(cfg.Command), "nats-server@"); ok {
		if cfg.Means.TLS != nil {
			return nil, plan.fault("it gets certificates made for the run; to use your own write a configuration and launch 'nats-server -c FILE'")
		}
		path, err := BuildNatsServer(ctx, version, cfg.Progress)
		if err != nil {
			return nil, err
		}
		plan.words = []string{path, "-c", "{{.ConfigFile}}"}
		plan.config.release = releaseOf(version)
	} else {
		words, err := splitWords(cfg.Command)
		if err != nil {
			return nil, plan.fault(err.Error())
		}
		plan.words = words
	}
	return plan, plan.check()
}

// check refuses a command that cannot work, and fields that do not exist.
func (plan *launchPlan) check() error {
	if len(plan.words) == 0 {
		return plan.fault("it is empty")
	}
	plan.configured = names(plan.words, "ConfigFile")
	if !plan.configured && !names(plan.words, "RoutePort") {
		return plan.fault("it hands over neither {{.RoutePort}} nor {{.ConfigFile}}, so the server cannot know where to listen for routes")
	}
	if _, err := expand(plan.words, commandFields{}); err != nil {
		return plan.fault(err.Error())
	}
	if !canSetUp(plan.words, &plan.cfg.Setup) {
		return plan.fault("it cannot hand over the setup " + plan.cfg.Setup.Name)
	}
	return nil
}

// CanSetUp tells whether a launch command can hand a setup to the server that it starts: with {{.ConfigFile}} it can hand
// over every one, with {{.User}} and {{.Password}} credentials, with {{.Routes}} a configured route.
func CanSetUp(command string, s Setup) bool {
	if strings.HasPrefix(strings.TrimSpace(command), "nats-server@") {
		return true
	}
	words, err := splitWords(command)
	return err == nil && canSetUp(words, &s)
}

func canSetUp(words []string, s *Setup) bool {
	if names(words, "ConfigFile") {
		return true
	}
	bare := *s
	bare.Name, bare.Meets = "", nil
	if names(words, "User") && names(words, "Password") {
		bare.Auth = false
	}
	if names(words, "Routes") {
		bare.Route = false
	}
	reloads := slices.Contains(s.Meets, "reload") // takes a file that is written anew
	return !reloads && reflect.DeepEqual(bare, Setup{})
}

func (plan *launchPlan) fault(reason string) error {
	return &CommandError{Command: plan.cfg.Command, Reason: reason}
}

// start starts the command once, on fresh ports.
func (plan *launchPlan) start(ctx context.Context) (*Target, error) {
	plan.exitedEarly = false
	fields, err := plan.freePorts()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "natsroute-launch-")
	if err != nil {
		return nil, err
	}
	fields.ConfigFile = filepath.Join(dir, "target.conf")
	routed, err := plan.setup(&fields)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	m := plan.means(fields)
	argv, err := plan.prepare(fields, &m)
	if err != nil {
		closeAll(routed)
		_ = os.RemoveAll(dir)
		return nil, err
	}
	p := &process{command: plan.cfg.Command, argv: argv, dir: dir, log: plan.cfg.Log}
	if plan.configured {
		p.rewrite = plan.config.rewrite
	}
	t := newTarget(m, p)
	err = t.heldRoute(routed)
	if err == nil {
		err = p.start()
	}
	if err == nil {
		err = t.ready(ctx)
		plan.exitedEarly = p.exited() != nil
	}
	if err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// setup invents what the setup needs and the operator has not given: credentials for the route port, and a socket for the
// configured route, which is open before the server looks for it.
func (plan *launchPlan) setup(fields *commandFields) (routed net.Listener, err error) {
	if plan.cfg.Setup.Auth && fields.User == "" {
		c := plan.cfg.Setup.credentials()
		fields.User, fields.Password = c.User, c.Password
	}
	if !plan.cfg.Setup.Route {
		return nil, nil
	}
	if routed, err = net.Listen("tcp", net.JoinHostPort(launchHost, "0")); err != nil {
		return nil, fmt.Errorf("harness: no free port for a configured route: %w", err)
	}
	fields.Routes = strings.Join(append(slices.Clone(plan.cfg.Routes), routeURL(routed.Addr())), ",")
	return routed, nil
}

// routeURL is how a configured route to us is written, with credentials of its own.
func routeURL(at net.Addr) string {
	u := url.URL{Scheme: "nats-route", Host: at.String(), User: url.UserPassword(SetupRoute.User, SetupRoute.Password)}
	return u.String()
}

func closeAll(l net.Listener) {
	if l != nil {
		_ = l.Close()
	}
}

// freePorts finds three ports that nobody listens on.
func (plan *launchPlan) freePorts() (commandFields, error) {
	fields := commandFields{
		Host: launchHost, Routes: strings.Join(plan.cfg.Routes, ","),
		User: plan.cfg.Means.User, Password: plan.cfg.Means.Password,
	}
	for _, port := range []*int{&fields.ClientPort, &fields.RoutePort, &fields.MonitorPort} {
		l, err := listenLasting(launchHost)
		if err != nil {
			return fields, fmt.Errorf("harness: no free port to launch a server on: %w", err)
		}
		defer func() { _ = l.Close() }() // all three are held until all are known
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return fields, nil
}

// means is what is known of the target by its command.
func (plan *launchPlan) means(fields commandFields) Means {
	m := plan.cfg.Means
	m.User, m.Password = fields.User, fields.Password
	m.Route = address(fields.Host, fields.RoutePort)
	if names(plan.words, "ClientPort") {
		m.Client = "nats://" + address(fields.Host, fields.ClientPort)
	}
	if plan.configured || names(plan.words, "MonitorPort") {
		m.Monitor = "http://" + address(fields.Host, fields.MonitorPort)
	}
	return m
}

// prepare writes the configuration file where one is wanted, completes m by what stands in it, and returns the command.
func (plan *launchPlan) prepare(fields commandFields, m *Means) ([]string, error) {
	if !plan.configured {
		return expand(plan.words, fields)
	}
	c := &plan.config
	c.fields, c.setup, c.quiet = fields, plan.cfg.Setup, plan.cfg.Quiet
	c.client = Credentials{User: "natsroute", Password: rand.Text()}
	c.accounts, c.spare = launchAccounts(), spareAccount()
	m.Spare = c.spare
	if err := c.complete(m); err != nil {
		return nil, err
	}
	if err := c.write(); err != nil {
		return nil, fmt.Errorf("harness: cannot write the target's configuration: %w", err)
	}
	client := url.URL{Scheme: "nats", User: url.UserPassword(c.client.User, c.client.Password), Host: address(fields.Host, fields.ClientPort)}
	m.Client = client.String()
	accounts := maps.Clone(c.accounts)
	maps.Copy(accounts, m.Accounts)
	m.Accounts = accounts
	return expand(plan.words, fields)
}

// ready waits until a server that we run sends its INFO to a route, and accepts clients where it has a port for them.
func (t *Target) ready(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	pace := time.NewTicker(readyPace)
	defer pace.Stop()
	var last error // what its ports showed before time was up
	for {
		err := t.up(waiting)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case waiting.Err() != nil:
			return t.engine.failure(cmp.Or(last, err))
		case t.Exited() != nil || !mayComeUp(err):
			return t.engine.failure(err)
		}
		last = err
		select {
		case <-pace.C:
		case <-waiting.Done():
		}
	}
}

func (t *Target) up(ctx context.Context) error {
	info, remote, err := t.greeting(ctx, silenceLimit)
	if err != nil {
		return err
	}
	t.learn(info, remote)
	if t.Client == "" {
		return nil
	}
	u, err := url.Parse(t.Client)
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return &notUp{fmt.Errorf("its route port is up, but its client port is not: %w", err)}
	}
	return conn.Close()
}

// notUp is a state that a starting server may be in for a while.
type notUp struct{ error }

// mayComeUp tells whether err is what a server shows while it starts.
func mayComeUp(err error) bool {
	var mute *silence
	var starting *notUp
	return isUnopened(err) || errors.As(err, &mute) || errors.As(err, &starting)
}
