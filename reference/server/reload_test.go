package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
)

// TestReloadPermissions checks that interest follows permissions that change beside a real server, both ways.
func TestReloadPermissions(t *testing.T) {
	for _, version := range threeVersions {
		t.Run(version.name, func(t *testing.T) {
			real := version.launch(t)
			cfg := version.config(t, routeTo(real.Route))
			cfg.Permissions = &server.Permissions{
				Import: server.SubjectRules{Deny: []string{"b"}}, Export: server.SubjectRules{Deny: []string{"b"}},
			}
			ours := start(t, cfg)
			here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
			fence(t, here, there)
			fence(t, there, here)
			type pair struct{ here, there *nats.Subscription }
			subs := map[string]pair{}
			for _, subject := range []string{"a", "b", "c"} {
				subs[subject] = pair{subscribe(t, here, subject, ""), subscribe(t, there, subject, "")}
			}
			check := func(when string, crosses map[string]bool) {
				t.Helper()
				fence(t, here, there)
				fence(t, there, here)
				for subject := range subs {
					publish(t, here, subject, "x")
					publish(t, there, subject, "x")
				}
				fence(t, here, there)
				fence(t, there, here)
				for subject, sub := range subs {
					// Each has had its own server's message.
					want := map[bool]int{true: 2, false: 1}[crosses[subject]]
					if pending(t, sub.here) != want || pending(t, sub.there) != want {
						t.Errorf("%s: %s reached us %d times and the real server's client %d times, want %d",
							when, subject, pending(t, sub.here), pending(t, sub.there), want)
					}
					for range want {
						next(t, sub.here)
						next(t, sub.there)
					}
				}
			}
			check("before", map[string]bool{"a": true, "b": false, "c": true})
			cfg.Permissions = &server.Permissions{
				Import: server.SubjectRules{Deny: []string{"c"}}, Export: server.SubjectRules{Deny: []string{"c"}},
			}
			if err := ours.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			check("after", map[string]bool{"a": true, "b": true, "c": false})
		})
	}
}

// TestReloadCredentials checks that a peer whose credentials hold no longer is told so and closed.
func TestReloadCredentials(t *testing.T) {
	cfg := server.Config{Cluster: "C", RouteUser: "u", RoutePassword: "p1"}
	s := start(t, cfg)
	hello := "CONNECT {\"name\":\"P\",\"cluster\":\"C\",\"user\":\"u\",\"pass\":\"p1\"}\r\nINFO {\"server_id\":\"P\",\"cluster\":\"C\"}\r\nPING\r\n"
	peer := dialClient(t, s.RouteAddr())
	peer.send(hello)
	peer.expect("PONG\r\n")
	cfg.RoutePassword = "p2"
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	peer.expect("-ERR 'Authorization Violation'\r\n")
	peer.expectClosed()
	again := dialClient(t, s.RouteAddr())
	again.send(strings.Replace(hello, "p1", "p2", 1))
	again.expect("PONG\r\n")
	cfg.RouteUser, cfg.RoutePassword = "", ""
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if s.Info().AuthRequired || dialClient(t, s.RouteAddr()).hello.AuthRequired {
		t.Error("credentials are wanted, but none are configured")
	}
	again.send("PING\r\n")
	again.expect("PONG\r\n")
}

// TestReloadAccounts checks which clients are closed when accounts change, and that their interest ends.
func TestReloadAccounts(t *testing.T) {
	cfg := server.Config{Cluster: "C", Accounts: map[string]server.User{"A": {Name: "a", Password: "p"}, "B": {Name: "b", Password: "p"}}}
	s := start(t, cfg)
	client := func(user, subject string) *rawClient {
		c := dialClient(t, s.ClientAddr())
		c.send("CONNECT {\"verbose\":false,\"user\":\"" + user + "\",\"pass\":\"p\"}\r\nSUB " + subject + " 1\r\nPING\r\n")
		c.expect("PONG\r\n")
		return c
	}
	peer := dialClient(t, s.RouteAddr())
	peer.send("CONNECT {\"name\":\"P\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"P\",\"cluster\":\"C\"}\r\nPING\r\n")
	peer.expect("PONG\r\n")
	a := client("a", "x")
	peer.expect("RS+ A x\r\n")
	b := client("b", "y")
	peer.expect("RS+ B y\r\n")

	cfg.Accounts = map[string]server.User{"A": {Name: "a", Password: "p"}, "C": {Name: "c", Password: "p"}}
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	b.expectClosed()
	peer.expect("RS- B y\r\n")
	c := client("c", "z")
	peer.expect("RS+ C z\r\n")

	cfg.Accounts = map[string]server.User{"A": {Name: "a", Password: "new"}, "C": {Name: "c", Password: "p"}}
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	a.expect("-ERR 'Authorization Violation'\r\n")
	a.expectClosed()
	peer.expect("RS- A x\r\n")
	c.send("PING\r\n")
	c.expect("PONG\r\n")
}

// TestReloadPinned checks that two servers give an account connections of its own, and take them away, without losing its interest.
func TestReloadPinned(t *testing.T) {
	cfg := server.Config{
		Cluster: "C", ReconnectDelay: 20 * time.Millisecond, Accounts: map[string]server.User{"A": {Name: "a", Password: "p"}},
	}
	far := cfg
	s := start(t, cfg)
	far.Routes = []string{routeTo(s.RouteAddr())}
	other := start(t, far)
	here, there := connect(t, s.ClientURL(), nats.UserInfo("a", "p")), connect(t, other.ClientURL(), nats.UserInfo("a", "p"))
	subscribe(t, here, "held", "")
	fence(t, there, here)
	for _, pinned := range [][]string{{"A"}, nil} {
		cfg.PinnedAccounts, far.PinnedAccounts = pinned, pinned
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if err := other.Reload(far); err != nil {
			t.Fatal(err)
		}
		fence(t, there, here)
		fence(t, here, there)
		// The subscription of before has come along.
		if _, err := there.Request("held", nil, 50*time.Millisecond); err == nats.ErrNoResponders {
			t.Errorf("with pinned accounts %v the old interest is lost", pinned)
		}
	}
}

// TestReloadPinnedBesideRealServers checks that a real server makes room for the connection of an account that the reference has pinned
// by a reload, and that the account's interest and messages go over it, both ways.
func TestReloadPinnedBesideRealServers(t *testing.T) {
	for _, version := range []realVersion{{name: "v2.10.27", dialect: "srv-2.10"}, {name: "v2.15.2", dialect: "srv-2.15"}} {
		t.Run(version.name, func(t *testing.T) {
			real := version.launch(t)
			lines := make(chan string, 10_000)
			cfg := version.config(t, routeTo(real.Route))
			cfg.Accounts = map[string]server.User{launchedAccount: ourUser}
			cfg.Trace = true
			cfg.Log = func(line string) {
				select {
				case lines <- line:
				default: // nobody looks any more
				}
			}
			ours := start(t, cfg)
			here, there := connect(t, ours.ClientURL(), nats.UserInfo(ourUser.Name, ourUser.Password)), inAccount(t, real)
			before := subscribe(t, there, "before", "")
			fence(t, here, there)
			fence(t, there, here)
			cfg.PinnedAccounts = []string{launchedAccount}
			if err := ours.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			// Without an account it is a line of the connection that has one only.
			await(t, lines, func(line string) bool { return hasSuffix(line, "<<- [RS+ before]") })
			fence(t, here, there)
			fence(t, there, here)
			publish(t, here, "before", "x")
			await(t, lines, func(line string) bool { return hasSuffix(line, "->> [RMSG before 1]") })
			fence(t, here, there)
			if n := pending(t, before); n != 1 {
				t.Errorf("the subscription of before got %d messages, want 1", n)
			}
		})
	}
}

// TestReloadCompression checks that two servers go on together whatever mode one of them changes to.
func TestReloadCompression(t *testing.T) {
	cfg := server.Config{Cluster: "C", Compression: "s2_fast", ReconnectDelay: 20 * time.Millisecond}
	s := start(t, cfg)
	far := cfg
	far.Routes = []string{routeTo(s.RouteAddr())}
	other := start(t, far)
	here, there := connect(t, s.ClientURL()), connect(t, other.ClientURL())
	for _, mode := range []string{"s2_fast", "s2_best", "off", "s2_better", "accept"} {
		cfg.Compression = mode
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if got := s.Info().Compression; got != mode {
			t.Errorf("INFO says %s, want %s", got, mode)
		}
		fence(t, here, there)
		fence(t, there, here)
	}
}

// TestReloadRefuses checks that what may not change does not, and that the error names it.
func TestReloadRefuses(t *testing.T) {
	cfg := server.Config{Accounts: map[string]server.User{"A": {Name: "a", Password: "p"}}, PinnedAccounts: []string{"A"}}
	s := start(t, cfg)
	if err := s.Reload(cfg); err != nil {
		t.Errorf("the same configuration: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*server.Config)
		says   string
	}{
		{"a port", func(c *server.Config) { c.RoutePort = 1 }, "RoutePort"},
		{"a route that is none", func(c *server.Config) { c.Routes = []string{"http://127.0.0.1:1"} }, "http"},
		{"the cluster", func(c *server.Config) { c.Cluster = "other" }, "Cluster"},
		{"the pool", func(c *server.Config) { c.PoolSize = 5 }, "PoolSize"},
		{"bad permissions", func(c *server.Config) {
			c.Permissions = &server.Permissions{Import: server.SubjectRules{Allow: []string{"a..b"}}}
		}, "a..b"},
		{"a pinned account that is none", func(c *server.Config) { c.PinnedAccounts = []string{"NOPE"} }, "NOPE"},
	} {
		changed := cfg
		c.change(&changed)
		if err := s.Reload(changed); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.says)
		}
	}
	s.Close()
	if s.Reload(cfg) == nil {
		t.Error("a closed server took a configuration")
	}
	unused, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if unused.Reload(cfg) == nil {
		t.Error("a server that never started took a configuration")
	}
}
