package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		fmt.Fprintln(os.Stderr, child(what, os.Args[1]))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of these tests; none ends by it unless the test fails.
const patience = 10 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// brief is a context for what must not happen within it.
func brief(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// value is must for calls that return something: value(t)(f()).
func value[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

const fakeINFO = `INFO {"server_id":"T","server_name":"T","version":"0","host":"127.0.0.1","port":1,"max_payload":1048576,"cluster":"C","headers":true} ` + "\r\n"

// fake is a server that runs a script on each connection, one after the other on one connection if it wants.
type fake struct {
	net.Listener
	running sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn
}

func startFake(t *testing.T, script func(net.Conn)) *fake {
	t.Helper()
	l := value[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	f := &fake{Listener: l}
	f.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			f.mu.Unlock()
			f.running.Go(func() {
				defer func() { _ = conn.Close() }()
				script(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
		f.running.Wait()
	})
	return f
}

func (f *fake) address() string { return f.Addr().String() }

// target is an External target at the fake.
func (f *fake) target(t *testing.T) *Target {
	t.Helper()
	tg := value[*Target](t)(External(Means{Route: f.address()}))
	t.Cleanup(func() { must(t, tg.Close()) })
	return tg
}

// greets is a script that sends the bytes and then keeps what comes until the connection ends.
func greets(first string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write([]byte(first))
		drain(c)
	}
}

func drain(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// lines calls f for each line that comes, without its line end.
func lines(c net.Conn, f func(line string)) {
	var have strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		for _, b := range buf[:n] {
			if b != '\n' {
				have.WriteByte(b)
				continue
			}
			f(strings.TrimSuffix(have.String(), "\r"))
			have.Reset()
		}
		if err != nil {
			return
		}
	}
}

// answersPings is a script of a server that knows INFO and PING only.
func answersPings(c net.Conn) {
	_, _ = c.Write([]byte(fakeINFO))
	lines(c, func(line string) {
		if line == "PING" {
			_, _ = c.Write([]byte("PONG\r\n"))
		}
	})
}

// realVersions are the oldest and the newest server that the tests run.
var realVersions = []string{"v2.1.2", "v2.15.2"}

// launchReal starts a real nats-server, or says by name why it has not run.
func launchReal(t *testing.T, version string, cfg LaunchConfig) *Target {
	t.Helper()
	cfg.Command = "nats-server@" + version
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	tg, err := Launch(ctx, cfg)
	var missing *BuildError
	if errors.As(err, &missing) {
		t.Skipf("not run: %v", err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, tg.Close()) })
	return tg
}

// onAll runs a test on real servers and on the reference.
func onAll(t *testing.T, test func(t *testing.T, tg *Target)) {
	for _, v := range realVersions {
		t.Run(v, func(t *testing.T) { test(t, launchReal(t, v, LaunchConfig{})) })
	}
	t.Run("reference", func(t *testing.T) {
		tg := value[*Target](t)(InProcess(""))
		t.Cleanup(func() { must(t, tg.Close()) })
		test(t, tg)
	})
}
