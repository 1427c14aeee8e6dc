package live

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/harness"
)

func TestMain(m *testing.M) {
	if os.Getenv(killedDir) != "" {
		os.Exit(killedFuzzer())
	}
	if fault := os.Getenv(launchedFault); fault != "" {
		os.Exit(launched(fault))
	}
	_ = flag.Set("test.parallel", "8") // most of the time they wait; what the command line says counts more
	goleak.VerifyTestMain(m)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// middle stands in front of one port of a healthy server and makes it misbehave. Each connection has its own hooks.
type middle struct {
	t      *testing.T
	to     string
	socket net.Listener
	hooks  func(m *middle) (toServer, toPeer func([]byte) []byte)
	down   atomic.Bool // new connections get nothing
	wg     sync.WaitGroup
	mu     sync.Mutex
	open   map[net.Conn]bool
}

// startMiddle listens. hooks make the functions that a connection's bytes go through; nil: as they are.
func startMiddle(t *testing.T, to string, hooks func(m *middle) (toServer, toPeer func([]byte) []byte)) *middle {
	t.Helper()
	m := &middle{t: t, to: to, hooks: hooks, socket: must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0")), open: map[net.Conn]bool{}}
	m.wg.Go(m.serve)
	t.Cleanup(func() {
		_ = m.socket.Close()
		m.hangUp()
		m.wg.Wait()
	})
	return m
}

func (m *middle) address() string { return m.socket.Addr().String() }

func (m *middle) serve() {
	for {
		near, err := m.socket.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", m.to)
		if err != nil || m.down.Load() {
			if far != nil {
				_ = far.Close()
			}
			_ = near.Close()
			continue
		}
		m.keep(near)
		m.keep(far)
		toServer, toPeer := m.hooks(m)
		m.wg.Go(func() { m.pass(near, far, toServer) })
		m.wg.Go(func() { m.pass(far, near, toPeer) })
	}
}

func (m *middle) keep(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[c] = true
}

// hangUp ends every connection.
func (m *middle) hangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.open {
		_ = c.Close()
	}
	clear(m.open)
}

func (m *middle) pass(from, to net.Conn, change func([]byte) []byte) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		b := buf[:n]
		if change != nil && n > 0 {
			b = change(append([]byte(nil), b...))
		}
		if len(b) > 0 {
			if _, err := to.Write(b); err != nil {
				return
			}
		}
		if err != nil {
			if err == io.EOF {
				if half, ok := to.(*net.TCPConn); ok {
					_ = half.CloseWrite()
				}
				if _, err := io.Copy(io.Discard, from); err != nil {
					return
				}
			}
			return
		}
	}
}

// reference is a healthy server.
func reference(t *testing.T) *harness.Target {
	t.Helper()
	target := must[*harness.Target](t)(harness.InProcess(""))
	t.Cleanup(func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	})
	return target
}

// released makes sure that the server which command names can be started. Where it cannot be built, the test has not been run, and says so.
func released(t *testing.T, command string) {
	t.Helper()
	version, _ := strings.CutPrefix(command, "nats-server@")
	_, err := harness.NatsServer(t.Context(), version)
	var unbuilt *harness.BuildError
	if errors.As(err, &unbuilt) {
		t.Skipf("not run: %v", unbuilt)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// clientThrough is a client URL that leads through a middle.
func clientThrough(t *testing.T, client string, m *middle) string {
	u := must[*url.URL](t)(url.Parse(client))
	u.Host = m.address()
	return u.String()
}

func hostOf(t *testing.T, client string) string {
	return must[*url.URL](t)(url.Parse(client)).Host
}

// fuzzUntil fuzzes until a finding of that kind is there, or so many sequences were played, and returns all findings.
func fuzzUntil(t *testing.T, cfg Config, kind Kind) map[Kind]*Finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Seed == 0 {
		cfg.Seed = 1
	}
	cfg.Log = func(line string) {
		t.Log(line)
		if kind != "" && len(line) > 6+len(kind) && line[:6+len(kind)] == "FOUND "+string(kind) {
			cancel()
		}
	}
	result, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result.Status)
	found := map[Kind]*Finding{}
	s := must[*store](t)(openStore(cfg.Dir))
	defer func() { _ = s.Close() }()
	for _, name := range must[[]string](t)(s.Names("findings")) {
		f := must[*Finding](t)(ReadFinding(s.Path("findings", name)))
		found[f.Symptom.Kind] = f
	}
	return found
}
