package server

import (
	"strings"
	"testing"

	"github.com/natsroute/natsroute/reference/route"
)

func TestConfigDefaults(t *testing.T) {
	s, err := Config{}.settle()
	if err != nil {
		t.Fatal(err)
	}
	if s.Host != DefaultHost || s.MaxPayload != DefaultMaxPayload || s.PingMax != DefaultPingMax || s.Dialect.Name == "" {
		t.Errorf("defaults are missing: %+v", s)
	}
	if len(s.ServerID) != 56 || s.ServerID[0] != 'N' || s.ServerName != s.ServerID || s.Seed == 0 {
		t.Errorf("identity: id %q, name %q, seed %d", s.ServerID, s.ServerName, s.Seed)
	}
	if s.Cluster == "" || !s.clusterDynamic {
		t.Errorf("cluster %q, generated %v", s.Cluster, s.clusterDynamic)
	}
	other, err := Config{Cluster: "C"}.settle()
	if err != nil {
		t.Fatal(err)
	}
	if other.ServerID == s.ServerID || other.clusterDynamic {
		t.Errorf("id %q again, or a generated name %v", other.ServerID, other.clusterDynamic)
	}
}

func TestConfigRoutes(t *testing.T) {
	s, err := Config{Routes: []string{"nats-route://u:p%40q@[::1]:6222", "nats://host:1", "nats-route://127.0.0.1:2/"}}.settle()
	if err != nil {
		t.Fatal(err)
	}
	want := []route.Dial{
		{Address: "[::1]:6222", User: "u", Password: "p@q", Explicit: true},
		{Address: "host:1", Explicit: true},
		{Address: "127.0.0.1:2", Explicit: true},
	}
	for i, w := range want {
		if s.routes[i] != w {
			t.Errorf("route %d is %+v, want %+v", i, s.routes[i], w)
		}
	}
}

// TestConfigErrors checks that what cannot work is refused before anything is opened, and named.
func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"negative port", Config{ClientPort: -1}, "ClientPort -1"},
		{"port too large", Config{RoutePort: 65536}, "RoutePort 65536"},
		{"payload above pending", Config{MaxPayload: 2000, MaxPending: 1000}, "MaxPayload 2000"},
		{"negative payload", Config{MaxPayload: -1}, "MaxPayload -1"},
		{"route without scheme", Config{Routes: []string{"127.0.0.1:6222"}}, "nats-route://"},
		{"route with another scheme", Config{Routes: []string{"http://u:secret@h:1"}}, "scheme"},
		{"route without port", Config{Routes: []string{"nats-route://u:secret@host"}}, "host:port"},
		{"route without host", Config{Routes: []string{"nats-route://:6222"}}, "no host"},
		{"route to port 0", Config{Routes: []string{"nats-route://host:0"}}, `port "0"`},
		{"route that is no URL", Config{Routes: []string{"nats-route://u:secret@host:port"}}, "not a URL"},
		{"advertise", Config{Advertise: "host"}, "Advertise"},
		{"client advertise", Config{ClientAdvertise: "host:99999"}, "ClientAdvertise"},
		{"password alone", Config{RoutePassword: "secret"}, "RouteUser"},
		{"account without user", Config{Accounts: map[string]User{"A": {}}}, `account "A"`},
		{"one user twice", Config{Accounts: map[string]User{"A": {Name: "u"}, "B": {Name: "u"}}}, `user "u"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q in it", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a password: %v", err)
			}
		})
	}
}

func TestRedactCredentials(t *testing.T) {
	for in, want := range map[string]string{
		`{"name":"n"}`:              `{"name":"n"}`,
		`{"user":"u","pass":"s"}`:   `{"pass":"[REDACTED]","user":"u"}`,
		`{"PASS":"s","jwt":"s"}`:    `{"PASS":"[REDACTED]","jwt":"[REDACTED]"}`,
		`{"auth_token":{"a":"s"}}`:  `{"auth_token":"[REDACTED]"}`,
		`{"pass":"s"`:               `[REDACTED]`,
		` {"sig":"s"} `:             `{"sig":"[REDACTED]"}`,
		`{"pass":"s","pass":"s2"} `: `{"pass":"[REDACTED]"}`,
	} {
		if got := string(redactCredentials([]byte(in))); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
