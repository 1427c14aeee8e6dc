package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// The settings of a launched nats-server: keep-alive as short as its configuration allows in every version, so that a
// run can see a stale close.
const (
	launchPingInterval = time.Second
	launchPingMax      = 2
	launchAuthTimeout  = time.Second
	launchCluster      = "natsroute-target"
)

// serverConfig is what a configuration file in nats-server's form is written from.
type serverConfig struct {
	fields   commandFields
	routes   []string
	client   Credentials            // of clients of the global account
	accounts map[string]Credentials // named accounts, with one user each
	old      bool                   // for 2.1: no cluster name, durations are numbers of seconds
}

// write makes the file.
func (c *serverConfig) write(path string) error {
	var b strings.Builder
	f := &c.fields
	fmt.Fprintf(&b, "listen: %q\nhttp: %q\n", address(f.Host, f.ClientPort), address(f.Host, f.MonitorPort))
	if c.old {
		fmt.Fprintf(&b, "ping_interval: %d\n", launchPingInterval/time.Second)
	} else {
		fmt.Fprintf(&b, "ping_interval: %q\n", launchPingInterval)
	}
	fmt.Fprintf(&b, "ping_max: %d\n", launchPingMax)
	fmt.Fprintf(&b, "authorization { users: [ %s ] }\n", user(c.client))
	b.WriteString("accounts {\n")
	for name, credentials := range c.accounts {
		fmt.Fprintf(&b, "  %s { users: [ %s ] }\n", name, user(credentials))
	}
	b.WriteString("}\ncluster {\n")
	fmt.Fprintf(&b, "  listen: %q\n", address(f.Host, f.RoutePort))
	if !c.old {
		fmt.Fprintf(&b, "  name: %q\n", launchCluster)
	}
	if f.User != "" {
		fmt.Fprintf(&b, "  authorization { user: %q, password: %q, timeout: %d }\n", f.User, f.Password, launchAuthTimeout/time.Second)
	}
	fmt.Fprintf(&b, "  routes: [")
	for _, r := range c.routes {
		fmt.Fprintf(&b, " %q", r)
	}
	b.WriteString(" ]\n}\n")
	return os.WriteFile(path, []byte(b.String()), 0o600)
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
