package harness

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The settings of a launched nats-server: keep-alive as short as its configuration allows in every version, so that a
// run can see a stale close.
const (
	launchPingInterval = time.Second
	launchPingMax      = 2
	launchAuthTimeout  = 2 * time.Second
	launchTLSTimeout   = 2 * time.Second
	launchCluster      = "natsroute-target"
)

// serverConfig is what a configuration file in nats-server's form is written from.
type serverConfig struct {
	fields   commandFields
	setup    Setup
	client   Credentials            // of clients of the global account
	accounts map[string]Credentials // named accounts, with one user each
	spare    Credentials            // of SetupSpare, whether the setup has it or not
	release  [3]int                 // of nats-server, whose configuration has changed over time; zero: unknown, the newest
	tls      string                 // the tls block of the route port; empty: none
	leafPort int
	quiet    bool // no log
}

// before tells whether the file is for a release before the one given.
func (c *serverConfig) before(major, minor int) bool {
	r := c.release
	return r != [3]int{} && (r[0] < major || r[0] == major && r[1] < minor)
}

// write makes the file.
func (c *serverConfig) write() error {
	var b strings.Builder
	f := &c.fields
	fmt.Fprintf(&b, "listen: %q\nhttp: %q\n", address(f.Host, f.ClientPort), address(f.Host, f.MonitorPort))
	if c.before(2, 2) { // durations are numbers of seconds
		fmt.Fprintf(&b, "ping_interval: %d\n", launchPingInterval/time.Second)
	} else {
		fmt.Fprintf(&b, "ping_interval: %q\n", launchPingInterval)
	}
	fmt.Fprintf(&b, "ping_max: %d\n", launchPingMax)
	if c.quiet {
		fmt.Fprintf(&b, "log_file: %q\n", os.DevNull)
	}
	if d := c.setup.WriteDeadline; d != 0 {
		fmt.Fprintf(&b, "write_deadline: %q\n", d)
	}
	if c.setup.LameDuck {
		b.WriteString(c.lameDuck())
	}
	fmt.Fprintf(&b, "authorization { users: [ %s ] }\n", user(c.client))
	c.writeAccounts(&b)
	if c.setup.Leafnode {
		fmt.Fprintf(&b, "leafnodes { listen: %q }\n", address(f.Host, c.leafPort))
	}
	c.writeCluster(&b)
	return os.WriteFile(f.ConfigFile, []byte(b.String()), 0o600)
}

// lameDuck is the shortest lame duck mode that releases accept.
func (c *serverConfig) lameDuck() string {
	text := "lame_duck_duration: \"30s\"\n"
	if !c.before(2, 2) {
		text += "lame_duck_grace_period: \"1s\"\n"
	}
	return text
}

func (c *serverConfig) writeAccounts(b *strings.Builder) {
	b.WriteString("accounts {\n")
	accounts := maps.Clone(c.accounts)
	if c.setup.Spare {
		accounts[SetupSpare] = c.spare
	}
	for name, credentials := range accounts {
		fmt.Fprintf(b, "  %s { users: [ %s ]%s }\n", name, user(credentials), c.shares(name))
	}
	b.WriteString("}\n")
}

// shares is what an account exports or imports.
func (c *serverConfig) shares(account string) string {
	i := SetupImports
	var lines []string
	switch {
	case !c.setup.Imports:
		return ""
	case account == i.From:
		lines = append(lines, fmt.Sprintf("{ stream: %q }", i.Stream))
		for _, service := range i.Services {
			lines = append(lines, fmt.Sprintf("{ service: %q }", service))
		}
		return ", exports: [ " + strings.Join(lines, ", ") + " ]"
	case account == i.To:
		lines = append(lines, fmt.Sprintf("{ stream: { account: %s, subject: %q }, prefix: %q }", i.From, i.Stream, i.Prefix))
		for _, service := range i.Services { // 2.1.2 wants to, even where it is the same
			lines = append(lines, fmt.Sprintf("{ service: { account: %s, subject: %q }, to: %q }", i.From, service, service))
		}
		return ", imports: [ " + strings.Join(lines, ", ") + " ]"
	}
	return ""
}

func (c *serverConfig) writeCluster(b *strings.Builder) {
	f := &c.fields
	fmt.Fprintf(b, "cluster {\n  listen: %q\n", address(f.Host, f.RoutePort))
	if !c.before(2, 2) && !c.setup.DynamicName {
		fmt.Fprintf(b, "  name: %q\n", launchCluster)
	}
	if f.User != "" {
		fmt.Fprintf(b, "  authorization { user: %q, password: %q, timeout: %d }\n", f.User, f.Password, launchAuthTimeout/time.Second)
	}
	b.WriteString(c.tls)
	if c.setup.NoPool {
		b.WriteString("  pool_size: -1\n  compression: off\n")
	}
	if c.setup.Compression != "" {
		fmt.Fprintf(b, "  compression: %q\n", c.setup.Compression)
	}
	if c.setup.Pinned {
		fmt.Fprintf(b, "  accounts: [ %q ]\n", SetupPinned)
	}
	if c.setup.Permissions {
		p := SetupPermissions
		fmt.Fprintf(b, "  permissions { import: { allow: %q, deny: %q }, export: { allow: %q, deny: %q } }\n", p.Import, p.DeniedImport, p.Export, p.DeniedExport)
	}
	if c.setup.Advertise {
		key := "advertise"
		if c.before(2, 2) {
			key = "cluster_advertise"
		}
		fmt.Fprintf(b, "  %s: %q\n", key, setupAdvertised(f.RoutePort))
	}
	fmt.Fprintf(b, "  routes: [")
	for _, r := range slices.Concat(strings.Split(f.Routes, ","), c.setup.MoreRoutes) {
		if r != "" {
			fmt.Fprintf(b, " %q", r)
		}
	}
	b.WriteString(" ]\n}\n")
}

// rewrite writes the file for a changed setup.
func (c *serverConfig) rewrite(edit func(*Setup)) error {
	c.setup.change(edit, &c.fields.User, &c.fields.Password)
	return c.write()
}

func user(c Credentials) string {
	return fmt.Sprintf("{ user: %q, password: %q }", c.User, c.Password)
}

func address(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}
