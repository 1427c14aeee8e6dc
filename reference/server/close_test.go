package server_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/reference/server"
)

func hasSuffix(line, suffix string) bool { return strings.HasSuffix(line, suffix) }

func portOf(tb testing.TB, address string) int {
	tb.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// TestCloseLeavesNothing checks that Close ends every goroutine and both ports, with clients, routes and a dial under way.
func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	a := start(t, server.Config{Cluster: "C"})
	b := start(t, server.Config{Cluster: "C", Routes: []string{
		"nats-route://" + a.RouteAddr(), "nats-route://127.0.0.1:1", "nats-route://192.0.2.1:6222",
	}})
	c := dialClient(t, b.ClientAddr())
	c.send("CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPING\r\n")
	c.expect("PONG\r\n")
	b.Close()
	a.Close()
	c.expectClosed()
	goleak.VerifyNone(t, before)
	for _, address := range []string{a.ClientAddr(), a.RouteAddr(), b.ClientAddr(), b.RouteAddr()} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still accepts connections", address)
		}
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := b.Start(context.Background()); err == nil {
		t.Error("a closed server started again")
	}
}

// TestRunEndsWithItsContext checks Run, and that a server that never started can be closed.
func TestRunEndsWithItsContext(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run did not end")
	}
	unused, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unused.Close(); err != nil {
		t.Errorf("Close of a server that never started: %v", err)
	}
}

// TestPortsInUse checks that a port that is taken is named, and that the other one is given back.
func TestPortsInUse(t *testing.T) {
	a := start(t, server.Config{})
	for _, cfg := range []server.Config{
		{ClientPort: portOf(t, a.ClientAddr())},
		{RoutePort: portOf(t, a.RouteAddr())},
	} {
		s, err := server.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		want := "route port"
		if cfg.ClientPort != 0 {
			want = "client port"
		}
		if err := s.Start(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want an error about the %s", err, want)
		}
		s.Close()
	}
}
