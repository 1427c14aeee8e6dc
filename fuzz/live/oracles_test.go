package live

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natsroute/natsroute/harness"
)

// A healthy server: nothing is found.
func TestHealthyServer(t *testing.T) {
	target := reference(t)
	found := fuzzUntil(t, Config{Server: target.Route, Client: target.Client, Sequences: 600}, "")
	for kind, f := range found {
		t.Errorf("%s: %s\n%s", kind, f.Symptom.Detail, f.Text())
	}
}

// The same behind TLS.
func TestHealthyServerWithTLS(t *testing.T) {
	setup, _ := harness.SetupNamed("tls")
	target := must[*harness.Target](t)(harness.Embed(t.Context(), harness.EmbedConfig{Setup: setup}))
	t.Cleanup(func() { _ = target.Close() })
	cfg := Config{Server: target.Route, Client: target.Client, TLS: target.TLS, Sequences: 300}
	for kind, f := range fuzzUntil(t, cfg, "") {
		t.Errorf("%s: %s\n%s", kind, f.Symptom.Detail, f.Text())
	}
	cfg.TLS = nil
	if _, err := openTarget(t.Context(), &cfg); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("a port that waits for a handshake, without: %v", err)
	}
}

// Each oracle finds the server that it is for, confirms it and makes the case small.
func TestOracles(t *testing.T) {
	asItIs := func(*middle) (func([]byte) []byte, func([]byte) []byte) { return nil, nil }
	for _, c := range []struct {
		kind   Kind
		route  func(m *middle) (toServer, toPeer func([]byte) []byte)
		client func(m *middle) (toServer, toPeer func([]byte) []byte)
		within int // messages of the minimal case
	}{
		{kind: Unresponsive, within: 2, route: func(m *middle) (func([]byte) []byte, func([]byte) []byte) {
			return func(b []byte) []byte {
				if bytes.Contains(b, []byte("LMSG ")) {
					m.down.Store(true)
					m.hangUp()
					time.AfterFunc(100*time.Millisecond, func() { m.down.Store(false) }) // somebody starts it again
				}
				return b
			}, nil
		}},
		{kind: Mute, within: 2, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			mute := make(chan struct{}, 1)
			return func(b []byte) []byte {
					if bytes.Contains(b, []byte("LS+ ")) {
						select {
						case mute <- struct{}{}:
						default:
						}
					}
					return b
				}, func(b []byte) []byte {
					if len(mute) > 0 {
						return bytes.ReplaceAll(b, []byte("PONG\r\n"), nil)
					}
					return b
				}
		}},
		{kind: Gate, within: 2, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			var info atomic.Bool
			return func(b []byte) []byte {
					info.Store(info.Load() || bytes.HasPrefix(b, []byte("INFO")))
					return b
				}, func(b []byte) []byte {
					if info.Load() {
						return bytes.ReplaceAll(b, []byte("-ERR 'Authorization Violation'\r\n"), []byte("PONG\r\n-ERR 'Authorization Violation'\r\n"))
					}
					return b
				}
		}},
		{kind: Accepted, within: 2, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("RS- $G\r\n"), nil) }, nil
		}},
		{kind: Difference, within: 3, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			return nil, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("PONG\r\n"), []byte("PONG\r\nPONG\r\n")) }
		}},
		{kind: Babble, within: 2, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			return nil, func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte("-ERR 'Invalid Subscription'"), []byte("ERR 'Invalid Subscription'"))
			}
		}},
		{kind: Delivery, within: 2, client: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			return nil, func(b []byte) []byte {
				if bytes.HasPrefix(b, []byte("MSG foo ")) && bytes.Count(b, []byte("MSG ")) == 1 && bytes.HasSuffix(b, []byte("\r\n")) && !bytes.Contains(b, []byte("PONG")) {
					return append(b, b...)
				}
				return b
			}
		}},
		{kind: Split, within: 3, route: func(*middle) (func([]byte) []byte, func([]byte) []byte) {
			reads := 0
			return func(b []byte) []byte {
				if reads++; reads > 30 && len(b) < 10 { // only who writes in pieces comes here
					return nil
				}
				return b
			}, nil
		}},
		{kind: Slow, within: 12, route: func(m *middle) (func([]byte) []byte, func([]byte) []byte) {
			first := true
			return nil, func(b []byte) []byte {
				if first {
					first = false
					<-time.After(1100 * time.Millisecond)
				}
				return b
			}
		}},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			target := reference(t)
			if c.route == nil {
				c.route = asItIs
			}
			if c.client == nil {
				c.client = asItIs
			}
			route, client := startMiddle(t, target.Route, c.route), startMiddle(t, hostOf(t, target.Client), c.client)
			found := fuzzUntil(t, Config{Server: route.address(), Client: clientThrough(t, target.Client, client), Dialect: "srv-2.15", Sequences: 20_000}, c.kind)
			f := found[c.kind]
			if f == nil {
				t.Fatalf("not found; but %v", found)
			}
			if f.Messages > c.within {
				t.Errorf("%d messages are left, at most %d are needed:\n%s", f.Messages, c.within, f.Text())
			}
			if c.kind == Split || c.kind == Slow { // whether they show is a matter of time
				return
			}
			replayed, err := Replay(t.Context(), Config{Server: route.address(), Client: clientThrough(t, target.Client, client), Dialect: "srv-2.15"}, f, false)
			if err != nil || replayed.Verdict == VerdictPass {
				t.Errorf("replay says %v, %v", replayed.Verdict, err)
			}
		})
	}
}

func TestReplayOfHealthyServerPasses(t *testing.T) {
	target := reference(t)
	f := must[*Finding](t)(parseFinding("natsroute sequence 1\n0 send \"PING\" end \"\\r\\n\"\n"))
	replayed, err := Replay(t.Context(), Config{Server: target.Route, Client: target.Client}, f, true)
	if err != nil || replayed.Verdict != VerdictPass {
		t.Fatalf("%+v, %v", replayed, err)
	}
}

func TestRefusedConfigs(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no target":         {Dir: "x"},
		"two targets":       {Dir: "x", Server: "127.0.0.1:1", Launch: "y"},
		"no folder":         {Server: "127.0.0.1:1"},
		"many on one":       {Dir: "x", Server: "127.0.0.1:1", Workers: 2},
		"not on loopback":   {Dir: t.TempDir(), Server: "192.0.2.1:6222"},
		"bad route address": {Dir: t.TempDir(), Server: "http://127.0.0.1"},
	} {
		_, err := Run(context.Background(), cfg)
		if _, ok := err.(*ConfigError); !ok && (err == nil || !strings.Contains(err.Error(), "machine") && !strings.Contains(err.Error(), "scheme")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A port that accepts and says nothing is seen as such in time.
func TestSilentPort(t *testing.T) {
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer func() { _ = l.Close() }()
	began := time.Now()
	c, err := dialRoute(l.Addr().String(), nil, make([]byte, 1<<10))
	if err != nil || c.info != nil || c.over {
		t.Fatalf("%+v, %v", c, err)
	}
	c.close()
	if took := time.Since(began); took < infoLimit || took > 5*infoLimit {
		t.Errorf("it took %v", took)
	}
}
