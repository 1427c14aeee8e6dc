package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/reference/wire"
)

func TestSplitWords(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string // nil: an error
	}{
		{`./s -c {{.ClientPort}}  -r	{{ .RoutePort }}`, []string{"./s", "-c", "{{.ClientPort}}", "-r", "{{ .RoutePort }}"}},
		{`a 'b c' "d e"f ''`, []string{"a", "b c", "d ef", ""}},
		{`a\ b "c\"d\\e\f" 'g\h'`, []string{"a b", `c"d\e\f`, `g\h`}},
		{`x={{.Host}}:{{.RoutePort}} $HOME *`, []string{"x={{.Host}}:{{.RoutePort}}", "$HOME", "*"}},
		{`a 'b`, nil},
		{`a "b\"`, nil},
		{`a {{.Host`, nil},
	} {
		got, err := splitWords(tc.in)
		if (err == nil) != (tc.want != nil) || err == nil && !cmp.Equal(got, tc.want) {
			t.Errorf("splitWords(%q) = %q, %v", tc.in, got, err)
		}
	}
}

func TestLaunchCommandFaults(t *testing.T) {
	for _, tc := range []struct{ command, want string }{
		{"", "it is empty"},
		{"./server", "neither {{.RoutePort}} nor {{.ConfigFile}}"},
		{"./server {{.RoutePort}} {{.Prot}}", "there are .Host .ClientPort"},
		{"./server '{{.RoutePort}}", "never closed"},
		{"./server {{.RoutePort}} {{if}}", "is no template"},
		{"./no-such-program {{.RoutePort}}", "there is no such program"},
	} {
		_, err := Launch(deadline(t), LaunchConfig{Command: tc.command})
		var fault *CommandError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v", tc.command, err)
		}
	}
}

func TestLaunchOfNoRoutePort(t *testing.T) {
	began := time.Now()
	self := value[string](t)(os.Executable())
	t.Setenv(childVariable, "client-port")
	_, err := Launch(deadline(t), LaunchConfig{Command: self + " {{.RoutePort}}"})
	var failure *LaunchError
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "a client port (INFO has client_id)") || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// childVariable makes the test binary be a server in its own right.
const childVariable = "NATSROUTE_TEST_CHILD"

// child serves what the variable names on the port that is its first argument.
func child(what, port string) error {
	info := fakeINFO
	if what == "client-port" {
		info = `INFO {"server_id":"T","client_id":1}` + "\r\n"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(launchHost, port))
	if err != nil {
		return err
	}
	fmt.Println("listening, a child of", os.Getppid())
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go greets(info)(c)
	}
}

func TestLaunchedServersKnowTheirMeans(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, tg *Target) {
		t.Parallel()
		if tg.Settings.PingInterval != time.Second || tg.Settings.PingMax != 2 || tg.Settings.AuthTimeout != 0 || tg.Client == "" || len(tg.Accounts) != 2 {
			t.Errorf("means %+v", tg.Means)
		}
		ctx := deadline(t)
		began := time.Now()
		p := value[*Peer](t)(tg.Join(ctx, "A", NoPong()))
		closing, err := p.Closed(WithPatience(ctx, 5*time.Second))
		must(t, err)
		if took := time.Since(began); closing.ErrText != "Stale Connection" || took > 5*time.Second {
			t.Errorf("without PONGs it closed after %v: %+v", took, closing)
		}
		route := tg.Route
		must(t, tg.Restart(ctx))
		must(t, tg.Alive(ctx))
		if tg.Route != route {
			t.Errorf("restarted at %s, was at %s", tg.Route, route)
		}
		c := value[*Client](t)(tg.ConnectClient(ctx, "NRA"))
		must(t, c.Fence(ctx))
	})
}

// The credentials that the operator gives are what the launched server wants.
func TestLaunchWithCredentials(t *testing.T) {
	check := func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		p := value[*Peer](t)(tg.Join(ctx, "A"))
		if !p.Info().AuthRequired || tg.Settings.AuthTimeout != 2*time.Second {
			t.Errorf("INFO %+v, settings %+v", p.Info(), tg.Settings)
		}
		said := ""
		for i := 0; said == "" && i < 8; i++ { // the text may be lost in the close: seen 2.1.2, 10 of 300
			var closed *ClosedError
			_, err := tg.Join(ctx, fmt.Sprint("B", i), WithConnect(func(c *wire.ConnectBody) { c.Pass = "wrong" }))
			if !errors.As(err, &closed) {
				t.Fatalf("with a wrong password: %v", err)
			}
			said = closed.Closing.ErrText
		}
		if said != "Authorization Violation" {
			t.Errorf("with a wrong password it said %q", said)
		}
	}
	means := Means{User: "ru", Password: "route\"pass"}
	for _, v := range realVersions {
		t.Run(v, func(t *testing.T) { check(t, launchReal(t, v, LaunchConfig{Means: means})) })
	}
	t.Run("reference", func(t *testing.T) {
		tg := value[*Target](t)(Embed(t.Context(), EmbedConfig{Means: means}))
		t.Cleanup(func() { must(t, tg.Close()) })
		check(t, tg)
	})
}

// Gossip about a server that we are makes the target dial the listener, as a solicitor does: CONNECT first.
func TestTargetDialsListener(t *testing.T) {
	onAll(t, func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		l := value[*Listener](t)(tg.NewListener(ctx))
		a := value[*Peer](t)(tg.Join(ctx, "A"))
		host, port := l.Address()
		third := *a.OwnInfo().InfoBody
		third.ServerID, third.ServerName, third.Host, third.Port, third.IP = "THIRD"+a.ID(), "THIRD"+a.ID(), host, port, l.URL()
		must(t, a.Send(wire.NewInfo(&third)))
		for {
			b := value[*Peer](t)(l.Accept(ctx, "L", WithID(third.ServerID)))
			must(t, b.Send(b.OwnInfo()))
			first, err := b.Await(ctx, func(Seen) bool { return true })
			must(t, err)
			if first.Op.Kind != wire.Connect {
				t.Errorf("it began with %s", first.Raw)
			}
			info, err := b.Await(ctx, func(s Seen) bool { return s.Op.Kind == wire.Info })
			if err == nil {
				err = b.Fence(ctx)
			}
			var closed *ClosedError
			if errors.As(err, &closed) && strings.Contains(closed.Closing.ErrText, "dedicated route") {
				continue // servers with pinned accounts dial for $SYS as well, and take that back
			}
			must(t, err)
			if first.Op.ConnectBody.Name != info.Op.InfoBody.ServerID {
				t.Errorf("%s names another server than %s", first.Raw, info.Raw)
			}
			return
		}
	})
}
