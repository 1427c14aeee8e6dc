package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/server"
)

// sharingConfig gives a real server what sharing gives the reference.
const sharingConfig = `
accounts: {
 ACME: {
  users: [ {user: a, password: p} ]
  exports: [
   {stream: "pub.>"}
   {service: "svc.echo"}
  ]
 }
 OTHER: {
  users: [ {user: o, password: p} ]
  imports: [
   {stream: {account: ACME, subject: "pub.>"}, prefix: imp}
   {service: {account: ACME, subject: "svc.echo"}, to: my.svc.echo}
  ]
 }
}
`

// sharing adds two accounts, a stream and a service to cfg.
func sharing(cfg server.Config) server.Config {
	cfg.Accounts = map[string]server.User{"ACME": {Name: "a", Password: "p"}, "OTHER": {Name: "o", Password: "p"}}
	cfg.Shares = []server.Share{
		{From: "ACME", To: "OTHER", Stream: "pub.>", Prefix: "imp"},
		{From: "ACME", To: "OTHER", Service: "svc.echo", Prefix: "my"},
	}
	return cfg
}

// launchSharing starts a real server with sharingConfig.
func (v realVersion) launchSharing(t *testing.T) *harness.Target {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "accounts.conf")
	if err := os.WriteFile(conf, []byte(sharingConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	command := realProgram(t, v.name) + " -c " + conf + " -a {{.Host}} -p {{.ClientPort}} --cluster nats://{{.Host}}:{{.RoutePort}}"
	if v.headers {
		command += " --cluster_name " + launchedCluster
	}
	real, err := harness.Launch(withTimeout(t), harness.LaunchConfig{Command: command})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	return real
}

// TestShares checks streams and services between two accounts, on one reference server and on two.
func TestShares(t *testing.T) {
	s := start(t, sharing(server.Config{Cluster: "C"}))
	t.Run("one", func(t *testing.T) { checkSharing(t, s.ClientURL(), s.ClientURL()) })
	far := start(t, sharing(server.Config{Cluster: "C", Routes: []string{routeTo(s.RouteAddr())}}))
	t.Run("two", func(t *testing.T) { checkSharing(t, s.ClientURL(), far.ClientURL()) })
}

// TestSharesBesideRealServers checks the same with the importer on one side of the route and the exporter on the other.
func TestSharesBesideRealServers(t *testing.T) {
	for _, version := range threeVersions {
		t.Run(version.name, func(t *testing.T) {
			real := version.launchSharing(t)
			ours := start(t, sharing(version.config(t, routeTo(real.Route))))
			t.Run("imported by us", func(t *testing.T) { checkSharing(t, "nats://"+addressOf(t, real.Client), ours.ClientURL()) })
			t.Run("imported by it", func(t *testing.T) { checkSharing(t, ours.ClientURL(), "nats://"+addressOf(t, real.Client)) })
		})
	}
}

// checkSharing checks that OTHER at one server gets the stream and the service of ACME at another.
func checkSharing(t *testing.T, exporter, importer string) {
	t.Helper()
	acme, other := connect(t, exporter, nats.UserInfo("a", "p")), connect(t, importer, nats.UserInfo("o", "p"))
	acmeThere := connect(t, importer, nats.UserInfo("a", "p"))
	otherThere := connect(t, exporter, nats.UserInfo("o", "p"))
	fence(t, acme, acmeThere)

	all, one := subscribe(t, other, "imp.>", ""), subscribe(t, other, "imp.pub.a", "g")
	own, unseen := subscribe(t, other, "pub.a", ""), subscribe(t, acmeThere, "imp.pub.a", "")
	fence(t, acme, acmeThere)
	fence(t, otherThere, other)
	publish(t, acme, "pub.a", "news")
	fence(t, acme, acmeThere)
	flush(t, other)
	for _, sub := range []*nats.Subscription{all, one} {
		if m := next(t, sub); m.Subject != "imp.pub.a" || string(m.Data) != "news" || pending(t, sub) != 0 {
			t.Errorf("the importer got %q on %s, and %d more", m.Data, m.Subject, pending(t, sub))
		}
	}
	if pending(t, own) != 0 || pending(t, unseen) != 0 {
		t.Error("a message of the stream has crossed where it should not")
	}

	service, err := acme.Subscribe("svc.echo", func(m *nats.Msg) { m.Respond(append([]byte("re: "), m.Data...)) })
	if err != nil {
		t.Fatal(err)
	}
	defer service.Unsubscribe()
	fence(t, acmeThere, acme)
	m, err := other.Request("my.svc.echo", []byte("hello"), patience)
	if err != nil || string(m.Data) != "re: hello" || strings.HasPrefix(m.Subject, "_R_") {
		t.Errorf("the service answered %v, %v", m, err)
	}
}

// TestSharesAreChecked checks that a share with an account that is not there does not come to be.
func TestSharesAreChecked(t *testing.T) {
	for _, share := range []server.Share{
		{From: "ACME", To: "NOPE", Stream: "a"}, {From: "ACME", To: "OTHER", Stream: "a", Service: "b"}, {From: "ACME", To: "OTHER"},
	} {
		cfg := sharing(server.Config{})
		cfg.Shares = append(cfg.Shares, share)
		if _, err := server.New(cfg); err == nil {
			t.Errorf("%+v passed", share)
		}
	}
}
