package server_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// realVersions are the ends of the range of servers that the reference has to be a full member with.
var realVersions = []realVersion{
	{name: "v2.1.2", dialect: "srv-2.1"}, // knows neither headers nor cluster names: later servers refuse its CONNECT
	{name: "v2.15.2", dialect: "srv-2.15", headers: true},
}

type realVersion struct {
	name    string
	dialect string // of a reference server that stands beside it
	headers bool
}

// What the harness gives every server that it launches: the cluster's name, and an account beside the global one.
const (
	launchedCluster = "natsroute-target"
	launchedAccount = "NRA"
)

// ourUser is the user of that account on the reference servers of these tests.
var ourUser = server.User{Name: "a", Password: "ap"}

// launch starts a real server. Where the program cannot be built, the test has not been run, and says so.
func (v realVersion) launch(t *testing.T, routes ...string) *harness.Target {
	t.Helper()
	real, err := harness.Launch(withTimeout(t), harness.LaunchConfig{
		Command: "nats-server@" + v.name,
		Routes:  routes,
	})
	var unbuilt *harness.BuildError
	if errors.As(err, &unbuilt) {
		t.Skipf("not run: %v", unbuilt)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	return real
}

// member returns a reference server of the cluster that real servers are launched in.
func (v realVersion) member(t *testing.T, routes ...string) *server.Server {
	t.Helper()
	dialect, err := wire.DialectByName(v.dialect)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, server.Config{
		Cluster: launchedCluster, Dialect: dialect, Routes: routes, Accounts: map[string]server.User{launchedAccount: ourUser},
	})
}

func routeTo(address string) string { return "nats-route://" + address }

// inAccount connects as the user of the named account.
func inAccount(t *testing.T, real *harness.Target) *nats.Conn {
	t.Helper()
	user := real.Accounts[launchedAccount]
	// Credentials in a URL go before those of an option.
	return connect(t, "nats://"+addressOf(t, real.Client), nats.UserInfo(user.User, user.Password))
}

// TestWithRealServer checks a cluster of the reference and one real server, whoever dials.
func TestWithRealServer(t *testing.T) {
	for _, version := range realVersions {
		t.Run(version.name, func(t *testing.T) {
			t.Run("we dial", func(t *testing.T) {
				real := version.launch(t)
				checkPair(t, version.member(t, routeTo(real.Route)), real, version)
			})
			t.Run("it dials", func(t *testing.T) {
				ours := version.member(t)
				checkPair(t, ours, version.launch(t, routeTo(ours.RouteAddr())), version)
			})
		})
	}
}

// checkPair checks everything that two members can do for each other.
func checkPair(t *testing.T, ours *server.Server, real *harness.Target, version realVersion) {
	here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
	fence(t, here, there)
	fence(t, there, here)
	t.Run("from us", func(t *testing.T) { checkTraffic(t, here, there, version.headers) })
	t.Run("to us", func(t *testing.T) { checkTraffic(t, there, here, version.headers) })
	t.Run("accounts", func(t *testing.T) {
		namedHere, namedThere := connect(t, ours.ClientURL(), nats.UserInfo(ourUser.Name, ourUser.Password)), inAccount(t, real)
		fence(t, namedHere, namedThere)
		checkIsolation(t, namedHere, namedThere, here, there)
		checkIsolation(t, namedThere, namedHere, there, here)
	})
	t.Run("client URLs", func(t *testing.T) {
		// The list came with the registration: with INFO to a client that was there before, in the first INFO to a later one.
		if urls, want := connect(t, ours.ClientURL()).Servers(), addressOf(t, real.Client); !slices.Contains(urls, "nats://"+want) {
			t.Errorf("our client knows %v, not %s", urls, want)
		}
		if urls := connect(t, real.Client).Servers(); !slices.Contains(urls, ours.ClientURL()) {
			t.Errorf("the real server's client knows %v, not %s", urls, ours.ClientURL())
		}
	})
}

// checkIsolation checks that a message in the named account reaches that account on the other server and not its global account.
func checkIsolation(t *testing.T, namedFrom, namedAt, globalFrom, globalAt *nats.Conn) {
	t.Helper()
	subject := nats.NewInbox()
	in, out := subscribe(t, namedAt, subject, ""), subscribe(t, globalAt, subject, "")
	fence(t, namedFrom, namedAt)
	fence(t, globalFrom, globalAt)
	publish(t, namedFrom, subject, "x")
	fence(t, namedFrom, namedAt)
	fence(t, globalFrom, globalAt)
	if pending(t, in) != 1 || pending(t, out) != 0 {
		t.Errorf("the named account got %d messages, want 1; $G got %d, want 0", pending(t, in), pending(t, out))
	}
}

// TestWithTwoRealServers checks that three servers of which one is known to the others become a mesh by gossip, whichever it is, and
// how a real server and the reference share messages out over queue groups of different size.
func TestWithTwoRealServers(t *testing.T) {
	for _, version := range realVersions {
		t.Run(version.name, func(t *testing.T) {
			t.Run("a real server in the middle", func(t *testing.T) {
				hub := version.launch(t)
				second := version.launch(t, routeTo(hub.Route))
				ours := version.member(t, routeTo(hub.Route))
				clients := []*nats.Conn{connect(t, hub.Client), connect(t, second.Client), connect(t, ours.ClientURL())}
				checkMesh(t, clients)
				checkShares(t, clients[2], clients[0], clients[1])
			})
			t.Run("the reference in the middle", func(t *testing.T) {
				hub := version.member(t)
				first, second := version.launch(t, routeTo(hub.RouteAddr())), version.launch(t, routeTo(hub.RouteAddr()))
				checkMesh(t, []*nats.Conn{connect(t, hub.ClientURL()), connect(t, first.Client), connect(t, second.Client)})
			})
			t.Run("two references and a real server", func(t *testing.T) {
				hub := version.launch(t)
				first, second := version.member(t, routeTo(hub.Route)), version.member(t, routeTo(hub.Route))
				clients := []*nats.Conn{connect(t, hub.Client), connect(t, first.ClientURL()), connect(t, second.ClientURL())}
				checkMesh(t, clients)
				checkShares(t, clients[0], clients[1], clients[2])
			})
		})
	}
}

// checkShares checks that from gives few and many their share of a queue group with one and three members there.
func checkShares(t *testing.T, from, few, many *nats.Conn) {
	t.Helper()
	const messages = 1000
	subject := nats.NewInbox()
	single := subscribe(t, few, subject, "g")
	for range 3 {
		subscribe(t, many, subject, "g")
	}
	fence(t, from, few)
	fence(t, from, many)
	for range messages {
		publish(t, from, subject, "x")
	}
	fence(t, from, few)
	// A quarter is expected; the bound is six standard deviations.
	if n := pending(t, single); n < 168 || n > 332 {
		t.Errorf("one member of four got %d of %d messages", n, messages)
	}
}

// addressOf returns the host:port of a URL.
func addressOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
