package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// means reads the flags that describe the target. Server and Client come from the environment only where no flag names
// another target: a NATS_URL in the shell must not be taken for the client port of what we start.
func (c *certifyCommand) means(getenv func(string) string) (harness.Means, error) {
	if c.Server == "" && c.Launch == "" && c.Dialect == "" {
		c.Server = getenv("NATSROUTE_SERVER")
	}
	if c.Server != "" && c.Client == "" {
		c.Client = getenv("NATS_URL")
	}
	if err := c.combinations(); err != nil {
		return harness.Means{}, err
	}
	var m harness.Means
	var err error
	if c.Server != "" {
		if m, err = harness.ParseRoute(c.Server); err != nil {
			return m, usage("-s: %w", err)
		}
	}
	if c.User != "" {
		m.User, m.Password = c.User, c.Password
	}
	if m.User != "" && m.Password == "" {
		m.Password = getenv("NATSROUTE_PASSWORD")
	}
	if m.Client, err = clientURL(c.Client); err != nil {
		return m, err
	}
	if m.Accounts, err = accounts(c.Account); err != nil {
		return m, err
	}
	if m.TLS, err = c.tls(m.TLS); err != nil {
		return m, err
	}
	if m.Monitor, err = monitorURL(c.Monitor); err != nil {
		return m, err
	}
	m.Listen, m.Advertise = c.Listen, c.Advertise
	m.Settings = harness.Settings{PingInterval: c.PingInterval, PingMax: c.PingMax, AuthTimeout: c.AuthTimeout}
	return m, c.Set.grant(&m)
}

// grant adds what the operator says of the setup of a running server.
func (f *setFlags) grant(m *harness.Means) error {
	m.Settings.WriteDeadline, m.Settings.TLSTimeout = f.WriteDeadline, f.TLSTimeout
	for _, address := range []struct{ flag, value string }{{"--leafnode", f.Leafnode}, {"--route-to", f.RouteTo}} {
		if _, _, err := net.SplitHostPort(address.value); address.value != "" && err != nil {
			return usage("%s: %q is not HOST:PORT", address.flag, address.value)
		}
	}
	m.Leafnode, m.RouteTo = f.Leafnode, f.RouteTo
	known := func(flag, account string) error {
		if _, ok := m.Accounts[account]; !ok {
			return usage("%s: no client of account %q is known: give one with --account", flag, account)
		}
		return nil
	}
	if m.Pinned = f.Pinned; f.Pinned != "" {
		if err := known("--pinned", f.Pinned); err != nil {
			return err
		}
	}
	if f.Permissions {
		m.Permissions = &harness.SetupPermissions
	}
	if f.Imports == "" {
		return nil
	}
	shares := harness.SetupImports
	var both bool
	if shares.From, shares.To, both = strings.Cut(f.Imports, ":"); !both {
		return usage("--imports: %q is not FROM:TO, two accounts of --account", f.Imports)
	}
	m.Imports = &shares
	return errors.Join(known("--imports", shares.From), known("--imports", shares.To))
}

// combinations refuses flags that contradict each other.
func (c *certifyCommand) combinations() error {
	running, launched := c.Server != "", c.Launch != ""
	embedded := !running && !launched
	for _, wrong := range []struct {
		when bool
		say  string
	}{
		{running && launched, "-s names a running server and --launch starts one: give one of them"},
		{!running && c.Client != "", "--client belongs to a running server: give its route port with -s"},
		{!running && c.Monitor != "", "--monitor belongs to a running server: give its route port with -s"},
		{!embedded && c.Dialect != "", "--dialect is for the embedded reference: leave out -s and --launch"},
		{embedded && (c.User != "" || c.TLSCA != "" || c.TLSCert != "" || len(c.Account) > 0), "credentials, TLS and accounts are settings of your own target: give -s or --launch"},
		{embedded && (c.PingInterval != 0 || c.PingMax != 0 || c.AuthTimeout != 0), "the settings of the embedded reference are known: leave out --ping-interval, --ping-max and --auth-timeout"},
		{!running && c.Set != setFlags{}, "--pinned, --imports, --permissions, --leafnode, --route-to, --write-deadline and --tls-timeout tell of a running server: natsroute sets up itself what it starts"},
		{running && c.Delay != 0, "--delay is for servers that natsroute starts: leave out -s"},
		{c.Delay < 0, "--delay cannot be negative"},
		{c.Patience != 0 && c.Patience < 100*time.Millisecond, "--patience is 100ms at least"},
		{c.User == "" && c.Password != "", "--password without --user: give both"},
		{c.PingMax < 0 || c.PingInterval < 0 || c.AuthTimeout < 0, "--ping-interval, --ping-max and --auth-timeout cannot be negative"},
		{c.PingMax != 0 && c.PingInterval == 0, "--ping-max is judged together with --ping-interval: give both"},
		{c.Advertise != "" && c.Listen == "", "--advertise without --listen: say where to listen too"},
		{c.Disruptive && running && !c.OwnTarget, "--disruptive can kill or rename the server at -s: add --i-own-this-target if you may do that to it"},
		{c.Timeout <= 0, "--timeout must be longer than nothing"},
		{c.RerunFailed != "" && len(c.Only) > 0, "--rerun-failed and --only both say what to run: give one of them"},
		{c.Trace && c.Quiet, "--trace tells everything and --quiet next to nothing: give one of them"},
	} {
		if wrong.when {
			return usage("%s", wrong.say)
		}
	}
	return nil
}

var versionForm = regexp.MustCompile(`^v?2\.[0-9]+\.[0-9]+(-\S+)?$`)

// checkVersion refuses a flag's command that names nats-server by what is no version.
func checkVersion(flag, command string) error {
	if version, named := strings.CutPrefix(command, "nats-server@"); named && !versionForm.MatchString(version) {
		return usage("%s %s: that is no version: write one like nats-server@v2.15.2", flag, command)
	}
	return nil
}

// vocabulary refuses names that nothing answers to.
func (c *certifyCommand) vocabulary(register *corpus.Corpus) error {
	profiles := corpus.ProfileNames()
	if c.Profile != "auto" && !slices.Contains(profiles, c.Profile) {
		return usage("there is no profile %q: give auto or one of %s", c.Profile, strings.Join(profiles, ", "))
	}
	if c.Dialect != "" {
		if _, err := wire.DialectByName(c.Dialect); err != nil {
			return usage("there is no dialect %q: give one of %s", c.Dialect, strings.Join(profiles, ", "))
		}
	}
	if err := checkVersion("--launch", c.Launch); err != nil {
		return err
	}
	if _, ok := fault.ByName(c.Fault); c.Fault != "" && !ok {
		return usage("there is no fault %q: see natsroute faults", c.Fault)
	}
	for _, name := range c.Require {
		if name != report.RequireAll && !slices.Contains(corpus.Capabilities(), name) {
			return usage("there is no capability %q: give all or some of %s", name, strings.Join(corpus.Capabilities(), ", "))
		}
	}
	return nil
}

// withScheme parses what people write for a port: a host, host:port, or a URL. What names no scheme gets the one given.
func withScheme(s, scheme string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		if ip := net.ParseIP(s); ip != nil && strings.Contains(s, ":") {
			s = "[" + s + "]"
		}
		s = scheme + "://" + s
	}
	return url.Parse(s)
}

// clientURL completes what people write for a client port: a host, host:port, or a URL.
func clientURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := withScheme(s, "nats")
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return "", usage("--client: %s is no client URL: write nats://HOST:PORT or nats://USER:PASSWORD@HOST:PORT", maskURL(s))
	}
	if u.Scheme != "nats" && u.Scheme != "tls" {
		return "", usage("--client: %s: the scheme of a client URL is nats or tls", maskURL(s))
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "4222")
	}
	return u.String(), nil
}

// maskURL is an address without what may be a secret in it.
func maskURL(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = "***" + s[at:]
	}
	return fmt.Sprintf("%q", s)
}

// accounts reads --account NAME=USER:PASSWORD.
func accounts(flags []string) (map[string]harness.Credentials, error) {
	if len(flags) == 0 {
		return nil, nil
	}
	all := make(map[string]harness.Credentials)
	for i, f := range flags {
		name, login, named := strings.Cut(f, "=")
		user, password, both := strings.Cut(login, ":")
		if !named || !both || name == "" || user == "" {
			return nil, usage("--account number %d is not NAME=USER:PASSWORD", i+1) // its text may hold a password
		}
		if _, twice := all[name]; twice {
			return nil, usage("--account names %q twice: give one client for each account", name)
		}
		all[name] = harness.Credentials{User: user, Password: password}
	}
	return all, nil
}

// prepare sets the patience of a new target and puts the fault of --fault in front of it.
func (c *certifyCommand) prepare(t *harness.Target) {
	if c.Patience > 0 {
		t.SetPatience(c.Patience)
	}
	if f, ok := fault.ByName(c.Fault); ok && c.Fault != "" {
		box := fault.NewBox(f)
		box.Authority = t.Authority
		t.Interpose(box)
	}
}

// open makes the target: an address, a launched process, or the reference in this process.
func (c *certifyCommand) open(ctx context.Context, m harness.Means, progress func(string)) (*harness.Target, error) {
	switch {
	case c.Server != "":
		t, err := harness.External(m)
		if err != nil {
			return nil, usage("%w", err)
		}
		if err := t.HoldRoute(ctx); err != nil {
			return nil, usage("--route-to: %w", errors.Join(err, t.Close()))
		}
		c.prepare(t)
		return t, nil
	case c.Launch != "":
		t, err := c.start(ctx, harness.Setup{}, m, progress)
		var wrong *harness.CommandError
		switch {
		case errors.As(err, &wrong):
			return nil, usage("%w", err)
		case err != nil:
			return nil, &failure{Code: report.ExitUnreachable, Err: err}
		}
		return t, nil
	}
	return c.start(ctx, harness.Setup{}, m, progress)
}

// start starts the command of --launch, or the reference, set up in one way.
func (c *certifyCommand) start(ctx context.Context, s harness.Setup, m harness.Means, progress func(string)) (*harness.Target, error) {
	var t *harness.Target
	var err error
	if c.Launch != "" {
		t, err = harness.Launch(ctx, harness.LaunchConfig{Command: c.Launch, Setup: s, Means: m, Progress: progress})
	} else {
		t, err = harness.Embed(ctx, harness.EmbedConfig{Dialect: c.Dialect, Setup: s, Means: m})
	}
	if err != nil {
		return nil, err
	}
	c.prepare(t)
	if c.Delay == 0 {
		return t, nil
	}
	if err := t.Delay(c.Delay); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// setups are the ways in which the run may start further servers. Those that a row may kill are among them on request,
// and always where the server is the embedded reference, which nobody else uses.
func (c *certifyCommand) setups() []harness.Setup {
	if c.Server != "" {
		return nil
	}
	kill := c.embedded() || c.Disruptive || slices.Contains(c.Require, report.RequireAll)
	return slices.DeleteFunc(harness.Setups(), func(s harness.Setup) bool {
		return s.Disruptive() && !kill || c.Launch != "" && !harness.CanSetUp(c.Launch, s)
	})
}
