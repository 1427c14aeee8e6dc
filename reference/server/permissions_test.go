package server_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// threeVersions are those beside which leaf interest, permissions and lame duck mode are checked: before names, before pools, latest.
var threeVersions = []realVersion{
	{name: "v2.1.2", dialect: "srv-2.1"},
	{name: "v2.9.25", dialect: "srv-2.5", headers: true},
	{name: "v2.15.2", dialect: "srv-2.15", headers: true},
}

// config is that of a reference server in the cluster that real servers are launched in.
func (v realVersion) config(t *testing.T, routes ...string) server.Config {
	t.Helper()
	dialect, err := wire.DialectByName(v.dialect)
	if err != nil {
		t.Fatal(err)
	}
	return server.Config{Cluster: launchedCluster, Dialect: dialect, Routes: routes}
}

// TestPermissions checks what cluster permissions let through between the reference, which has some, and a real server.
func TestPermissions(t *testing.T) {
	for _, version := range threeVersions {
		t.Run(version.name, func(t *testing.T) {
			real := version.launch(t)
			cfg := version.config(t, routeTo(real.Route))
			cfg.Permissions = &server.Permissions{
				Import: server.SubjectRules{Allow: []string{"imp.>", "_INBOX.>"}, Deny: []string{"imp.no"}},
				Export: server.SubjectRules{Allow: []string{"exp.>", "_INBOX.>"}, Deny: []string{"exp.no"}},
			}
			ours := start(t, cfg)
			here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
			fence(t, here, there)
			fence(t, there, here)
			checkCrossing(t, here, there, map[string]bool{"exp.a": true, "exp.no": false, "imp.a": false, "x": false})
			checkCrossing(t, there, here, map[string]bool{"imp.a": true, "imp.no": false, "exp.a": false, "x": false})
		})
	}
}

// checkCrossing checks which subjects reach a subscriber at another server.
func checkCrossing(t *testing.T, from, at *nats.Conn, crosses map[string]bool) {
	t.Helper()
	subs := map[string]*nats.Subscription{}
	for subject := range crosses {
		subs[subject] = subscribe(t, at, subject, "")
	}
	fence(t, from, at)
	for subject := range crosses {
		publish(t, from, subject, "x")
	}
	fence(t, from, at)
	for subject, sub := range subs {
		if got := pending(t, sub) == 1; got != crosses[subject] {
			t.Errorf("%s crossed the route: %v, want %v", subject, got, crosses[subject])
		}
		sub.Unsubscribe()
	}
}

// TestPermissionsAreChecked checks that a server with a subject that is none does not come to be.
func TestPermissionsAreChecked(t *testing.T) {
	cfg := server.Config{Permissions: &server.Permissions{Export: server.SubjectRules{Deny: []string{"a..b"}}}}
	if _, err := server.New(cfg); err == nil {
		t.Error("a..b passed for a subject")
	}
}
