package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/harness"
)

func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestMeansOfAddresses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		c      certifyCommand
		env    map[string]string
		route  string
		client string
		user   string
		pass   string
	}{
		{name: "host and port", c: certifyCommand{Server: "a:7000"}, route: "a:7000"},
		{name: "default ports", c: certifyCommand{Server: "a", Client: "a"}, route: "a:6222", client: "nats://a:4222"},
		{name: "IPv6", c: certifyCommand{Server: "::1", Client: "::1"}, route: "[::1]:6222", client: "nats://[::1]:4222"},
		{name: "IPv6 and port", c: certifyCommand{Server: "[::1]:7000", Client: "[::1]:7001"}, route: "[::1]:7000", client: "nats://[::1]:7001"},
		{name: "URLs", c: certifyCommand{Server: "nats-route://u:p@a:7000", Client: "nats://x:y@a"}, route: "a:7000", client: "nats://x:y@a:4222", user: "u", pass: "p"},
		{name: "flags before the URL", c: certifyCommand{Server: "nats-route://u:p@a", User: "v", Password: "q"}, route: "a:6222", user: "v", pass: "q"},
		{name: "the password from the environment", c: certifyCommand{Server: "a", User: "v"}, env: map[string]string{"NATSROUTE_PASSWORD": "e"}, route: "a:6222", user: "v", pass: "e"},
		{name: "no user, no password from the environment", c: certifyCommand{Server: "a"}, env: map[string]string{"NATSROUTE_PASSWORD": "e"}, route: "a:6222"},
		{name: "addresses from the environment", env: map[string]string{"NATSROUTE_SERVER": "a", "NATS_URL": "b"}, route: "a:6222", client: "nats://b:4222"},
		{name: "the client's alone is for others", env: map[string]string{"NATS_URL": "b"}},
		{name: "a launched server has its own", c: certifyCommand{Launch: "x"}, env: map[string]string{"NATSROUTE_SERVER": "a", "NATS_URL": "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Timeout = time.Minute
			m, err := tt.c.means(environment(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			got := []string{m.Route, m.Client, m.User, m.Password}
			want := []string{tt.route, tt.client, tt.user, tt.pass}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("got route, client, user, password %q, want %q", got, want)
			}
		})
	}
}

func TestAccounts(t *testing.T) {
	got, err := accounts([]string{"A=ua:p:with:colons", "B=ub:", "C=u=c:p"})
	want := map[string]harness.Credentials{"A": {User: "ua", Password: "p:with:colons"}, "B": {User: "ub"}, "C": {User: "u=c", Password: "p"}}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, wrong := range []string{"", "A", "A=", "A=u", "=u:p", "A=:secret"} {
		if _, err := accounts([]string{wrong}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error without the password", wrong, err)
		}
	}
}

func TestReproCanBePasted(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    certifyCommand
		want string
	}{
		{"the reference", certifyCommand{}, "natsroute certify"},
		{"a dialect", certifyCommand{Dialect: "srv-2.1", Disruptive: true}, "natsroute certify --dialect srv-2.1 --disruptive"},
		{"a profile", certifyCommand{Profile: "doc-2.0"}, "natsroute certify --profile doc-2.0"},
		{"a server", certifyCommand{Server: "[::1]:6222", Client: "[::1]"}, "natsroute certify -s '[::1]:6222' --client 'nats://[::1]:4222'"},
		{
			"credentials",
			certifyCommand{Server: "nats-route://u:s3cret@a", Client: "nats://c:s3cret@a", Account: []string{"my-acc=x:s3cret"}},
			`natsroute certify -s a:6222 --client nats://c:"$NATS_PASSWORD"@a:4222 --user u --password "$NATSROUTE_PASSWORD" --account my-acc=x:"$NATSROUTE_PASSWORD_MY_ACC"`,
		},
		{"a token", certifyCommand{Server: "a", Client: "nats://s3cret@a"}, `natsroute certify -s a:6222 --client nats://"$NATS_TOKEN"@a:4222`},
		{"a launched command", certifyCommand{Launch: "./srv -c {{.ClientPort}} 'it'"}, `natsroute certify --launch './srv -c {{.ClientPort}} '\''it'\'''`},
		{"a path of this machine", certifyCommand{Launch: "/home/me/bin/srv {{.RoutePort}}"}, `natsroute certify --launch '…/srv {{.RoutePort}}'`},
		{
			"settings",
			certifyCommand{Server: "a", PingInterval: time.Second, PingMax: 2, AuthTimeout: 1500 * time.Millisecond},
			"natsroute certify -s a:6222 --ping-interval 1s --ping-max 2 --auth-timeout 1.5s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Timeout = time.Minute
			if tt.c.Profile == "" {
				tt.c.Profile = "auto"
			}
			m, err := tt.c.means(environment(nil))
			if err != nil {
				t.Fatal(err)
			}
			got := tt.c.repro(m, 42)("RT-HS-001/word")
			if want := tt.want + " --only RT-HS-001/word --seed 42 --trace"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if strings.Contains(got, "s3cret") {
				t.Error("it tells a password")
			}
		})
	}
}

func TestNonceIsSixCharactersOfItsOwn(t *testing.T) {
	a, b := newNonce(), newNonce()
	if len(a) != 6 || a == b || strings.Trim(a, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		t.Errorf("got %q and %q, want two different words of six letters or digits", a, b)
	}
	if c, d := newSeed(), newSeed(); c == d {
		t.Errorf("two runs got the seed %d", c)
	}
}
