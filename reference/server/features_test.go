package server_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// feature is a setting of routes that both members of a cluster get.
type feature struct {
	cluster string               // lines of a real server's cluster block
	config  func(*server.Config) // the same for the reference; nil: nothing
	plain   bool                 // no TLS

	// routes is how often a real server's monitoring lists its connections to the reference, by the account that they serve alone; nil:
	// not looked at.
	routes map[string]int
	// compression is how what it says of each of them begins.
	compression string
}

// globalUser is the user of the global account on the real servers of these tests.
var globalUser = server.User{Name: "g", Password: "gp"}

// testFeature checks a cluster of the reference and a real server of each version, whoever dials: a message each way, in the global
// account and in a named one.
func testFeature(t *testing.T, f feature, versions ...realVersion) {
	authority := newAuthority(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			t.Run("we dial", func(t *testing.T) {
				real := v.launchWith(t, f, authority)
				f.exchange(t, v.memberWith(t, f, authority, routeTo(real.Route)), real)
			})
			t.Run("it dials", func(t *testing.T) {
				ours := v.memberWith(t, f, authority)
				f.exchange(t, ours, v.launchWith(t, f, authority, routeTo(ours.RouteAddr())))
			})
		})
	}
}

// memberWith returns a reference server that has f.
func (v realVersion) memberWith(t *testing.T, f feature, a *authority, routes ...string) *server.Server {
	t.Helper()
	dialect, err := wire.DialectByName(v.dialect)
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{
		Cluster: launchedCluster, Dialect: dialect, Routes: routes, Accounts: map[string]server.User{launchedAccount: ourUser},
	}
	if !f.plain {
		cfg.RouteTLS = a.config(t)
	}
	if f.config != nil {
		f.config(&cfg)
	}
	return start(t, cfg)
}

// launchWith starts a real server that has f. Where the program cannot be built, the test has not been run, and says so.
func (v realVersion) launchWith(t *testing.T, f feature, a *authority, routes ...string) *harness.Target {
	t.Helper()
	ctx := withTimeout(t)
	program, err := harness.BuildNatsServer(ctx, v.name, nil)
	var unbuilt *harness.BuildError
	if errors.As(err, &unbuilt) {
		t.Skipf("not run: %v", unbuilt)
	}
	if err != nil {
		t.Fatal(err)
	}
	var secure *tls.Config
	cluster := f.cluster
	if v.dialect != "srv-2.1" {
		cluster += fmt.Sprintf("\n  name: %q", launchedCluster)
	}
	if !f.plain {
		secure = a.config(t)
		ca, cert, key := a.files(t, secure)
		cluster += fmt.Sprintf("\n  tls { ca_file: %q, cert_file: %q, key_file: %q, timeout: 5 }", ca, cert, key)
	}
	config := filepath.Join(t.TempDir(), "target.conf")
	text := fmt.Sprintf("authorization { users: [ { user: %q, password: %q } ] }\naccounts { %s { users: [ { user: %q, password: %q } ] } }\ncluster {\n  %s\n}\n",
		globalUser.Name, globalUser.Password, launchedAccount, ourUser.Name, ourUser.Password, cluster)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("%q -c %q -a {{.Host}} -p {{.ClientPort}} -m {{.MonitorPort}} --cluster nats://{{.Host}}:{{.RoutePort}}", program, config)
	if len(routes) > 0 {
		command += " --routes {{.Routes}}"
	}
	real, err := harness.Launch(ctx, harness.LaunchConfig{Command: command, Routes: routes, Means: harness.Means{TLS: secure}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	return real
}

// exchange checks a message each way, in both accounts, and that they are apart.
func (f feature) exchange(t *testing.T, ours *server.Server, real *harness.Target) {
	t.Helper()
	here, there := connect(t, ours.ClientURL()), connect(t, real.Client, nats.UserInfo(globalUser.Name, globalUser.Password))
	namedHere := connect(t, ours.ClientURL(), nats.UserInfo(ourUser.Name, ourUser.Password))
	namedThere := connect(t, real.Client, nats.UserInfo(ourUser.Name, ourUser.Password))
	for _, ends := range [][2]*nats.Conn{{here, there}, {there, here}, {namedHere, namedThere}, {namedThere, namedHere}} {
		from, at := ends[0], ends[1]
		subject := nats.NewInbox()
		sub := subscribe(t, at, subject, "")
		fence(t, from, at)
		publish(t, from, subject, "x")
		fence(t, from, at)
		if n := pending(t, sub); n != 1 {
			t.Errorf("%d messages from %s at %s, want 1", n, from.ConnectedUrl(), at.ConnectedUrl())
		}
	}
	checkIsolation(t, namedHere, namedThere, here, there)
	checkIsolation(t, namedThere, namedHere, there, here)
	if f.routes != nil {
		f.checkRoutes(t, real)
	}
}

// checkRoutes waits until the real server has all its connections, and looks at what it says of them.
func (f feature) checkRoutes(t *testing.T, real *harness.Target) {
	t.Helper()
	ctx, pace := withTimeout(t), time.NewTicker(20*time.Millisecond)
	defer pace.Stop()
	for {
		routes := monitored(t, real)
		byAccount := make(map[string]int)
		for _, r := range routes {
			byAccount[r.Account]++
		}
		if maps.Equal(byAccount, f.routes) {
			for _, r := range routes {
				if !strings.HasPrefix(r.Compression, f.compression) {
					t.Errorf("the route of account %q has compression %q, want %q", r.Account, r.Compression, f.compression)
				}
			}
			return
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			t.Fatalf("the real server has routes %v, want %v", byAccount, f.routes)
		}
	}
}

// monitored is what /routez lists.
func monitored(t *testing.T, real *harness.Target) []struct{ Account, Compression string } {
	t.Helper()
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	answer, err := client.Get(real.Monitor + "/routez")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Routes []struct{ Account, Compression string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Routes
}

// withPools are the versions that have pools, and so everything that came with them.
var withPools = []realVersion{
	{name: "v2.10.27", dialect: "srv-2.10"},
	{name: "v2.12.15", dialect: "srv-2.12.15"},
	{name: "v2.15.2", dialect: "srv-2.15"},
}

// TestPoolWithRealServer checks a pool and the connections of two accounts.
func TestPoolWithRealServer(t *testing.T) {
	testFeature(t, feature{
		plain:   true,
		cluster: fmt.Sprintf("pool_size: 4\n  accounts: [ %q ]", launchedAccount),
		config:  func(c *server.Config) { c.PoolSize, c.PinnedAccounts = 4, []string{launchedAccount} },
		routes:  map[string]int{"": 4, "$SYS": 1, launchedAccount: 1},
	}, withPools...)
}

// TestPoolsOfTwoSizesWithRealServer checks that the greater size counts (2.11.17, 2.12).
func TestPoolsOfTwoSizesWithRealServer(t *testing.T) {
	for _, sizes := range [][2]int{{2, 5}, {5, 2}} {
		testFeature(t, feature{
			plain:   true,
			cluster: fmt.Sprintf("pool_size: %d", sizes[0]),
			config:  func(c *server.Config) { c.PoolSize = sizes[1] },
			routes:  map[string]int{"": 5, "$SYS": 1},
		}, withPools[1:]...)
	}
}

// TestMutualRoutesWithRealServer lets both dial each other: who has opened which connection is a matter of chance, but in the
// end the pool is one.
func TestMutualRoutesWithRealServer(t *testing.T) {
	f := feature{plain: true, routes: map[string]int{"": 3, "$SYS": 1}}
	for _, v := range withPools {
		t.Run(v.name, func(t *testing.T) {
			first := v.memberWith(t, f, nil)
			f.config = func(c *server.Config) { c.RoutePort = portOf(t, first.RouteAddr()) }
			real := v.launchWith(t, f, nil, routeTo(first.RouteAddr()))
			first.Close()
			f.exchange(t, v.memberWith(t, f, nil, routeTo(real.Route)), real)
		})
	}
}

// TestNoPoolWithRealServer checks that one connection is enough where one side has no pool.
func TestNoPoolWithRealServer(t *testing.T) {
	for name, f := range map[string]feature{
		"here":  {plain: true, config: func(c *server.Config) { c.PoolSize = -1 }, routes: map[string]int{"": 1}},
		"there": {plain: true, cluster: "pool_size: -1", routes: map[string]int{"": 1}},
	} {
		t.Run(name, func(t *testing.T) { testFeature(t, f, withPools...) })
	}
}

// TestRouteTLSWithRealServer checks TLS alone.
func TestRouteTLSWithRealServer(t *testing.T) {
	testFeature(t, feature{},
		realVersion{name: "v2.1.2", dialect: "srv-2.1"},
		realVersion{name: "v2.8.4", dialect: "srv-2.5"},
		realVersion{name: "v2.10.27", dialect: "srv-2.10"},
		realVersion{name: "v2.12.15", dialect: "srv-2.12.15"},
		realVersion{name: "v2.15.2", dialect: "srv-2.15"},
	)
}
