package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// idle returns a server whose loop does not run: the test is the loop. Its connections lead nowhere.
func idle(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s.clientPort, s.routePort = 1, 2
	if s.node, err = route.New(s.nodeConfig(&s.cfg)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.cancel()
		close(s.stopped) // what the connections still post is not taken
		for l := range s.links {
			l.abort()
		}
		s.wg.Wait()
	})
	return s
}

// nowhere is one end of a connection whose other end reads everything.
func nowhere(tb testing.TB) net.Conn {
	tb.Helper()
	near, far := net.Pipe()
	go func() {
		buf := make([]byte, 4096)
		for {
			if _, err := far.Read(buf); err != nil {
				return
			}
		}
	}()
	return near
}

// connected returns a registered route and a client.
func connected(s *Server, now time.Time, routeSocket, clientSocket net.Conn) (*routeConn, *client) {
	s.acceptRoute(now, routeSocket)
	s.acceptClient(now, clientSocket)
	var peer *routeConn
	for _, peer = range s.routes {
	}
	var subscriber *client
	for _, subscriber = range s.clients {
	}
	hello := fmt.Sprintf("CONNECT {\"name\":\"X\",\"cluster\":%q}\r\nINFO {\"server_id\":\"X\",\"headers\":true}\r\n", s.cfg.Cluster)
	peer.received(now, []byte(hello))
	return peer, subscriber
}

// TestSlowConsumerLosesItsInterest checks that the end of a client for which too much waits is announced at once, also when it is
// found out after the last step.
func TestSlowConsumerLosesItsInterest(t *testing.T) {
	s := idle(t, Config{MaxPayload: 100, MaxPending: 10_000})
	now := time.Now()
	routeNear, routeFar := net.Pipe()
	clientNear, clientFar := net.Pipe() // nobody reads from it
	defer clientFar.Close()
	peer, subscriber := connected(s, now, routeNear, clientNear)
	subscriber.received(now, []byte("CONNECT {\"verbose\":false}\r\nSUB foo 1\r\n"))
	peer.received(now, []byte("RMSG $G foo 20000\r\n"+strings.Repeat("x", 20000)+"\r\n"))
	if subscriber.link.closed {
		t.Fatal("the client is closed before anything was flushed")
	}
	s.flush(now)
	if !subscriber.link.closed || len(s.clients) != 0 || len(s.subs) != 0 {
		t.Errorf("closed %v, %d clients, %d subscriptions", subscriber.link.closed, len(s.clients), len(s.subs))
	}
	routeFar.SetReadDeadline(now.Add(10 * time.Second))
	for lines := bufio.NewScanner(routeFar); ; {
		if !lines.Scan() {
			t.Fatalf("no RS- until the end: %v", lines.Err())
		}
		if lines.Text() == "RS- $G foo" {
			return
		}
	}
}

// TestMessagePathAllocatesNothing feeds the loop with chunks, as readers do, and takes away what it produces, as writers do.
func TestMessagePathAllocatesNothing(t *testing.T) {
	s := idle(t, Config{})
	now := time.Now()
	peer, subscriber := connected(s, now, nowhere(t), nowhere(t))
	peer.received(now, []byte("RS+ $G away\r\n"))
	subscriber.received(now, []byte("CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB foo.* 1\r\n"))
	if len(s.routes) != 1 || len(s.subs) != 1 {
		t.Fatalf("%d routes, %d subscriptions: want one of each", len(s.routes), len(s.subs))
	}
	for _, test := range []struct {
		name  string
		from  owner
		chunk string
		to    *link
		lines string
	}{
		{"RMSG to a subscriber", peer, "RMSG $G foo.bar 3\r\nabc\r\n", subscriber.link, "MSG foo.bar 1 3\r\nabc\r\n"},
		{"HMSG to a subscriber", peer, "HMSG $G foo.bar r 2 3\r\nabc\r\n", subscriber.link, "HMSG foo.bar 1 r 2 3\r\nabc\r\n"},
		{"PUB to a subscriber", subscriber, "PUB foo.bar 3\r\nabc\r\n", subscriber.link, "MSG foo.bar 1 3\r\nabc\r\n"},
		{"PUB to a route", subscriber, "PUB away r 3\r\nabc\r\n", peer.link, "RMSG $G away r 3\r\nabc\r\n"},
		{"PUB to nobody", subscriber, "PUB nobody 3\r\nabc\r\n", subscriber.link, ""},
		{"RMSG to nobody", peer, "RMSG $G nobody 3\r\nabc\r\n", subscriber.link, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			chunk := []byte(strings.Repeat(test.chunk, 10))
			test.to.out = test.to.out[:0]
			test.from.received(now, chunk)
			if got, want := string(test.to.out), strings.Repeat(test.lines, 10); got != want {
				t.Fatalf("produced %q, want %q", got, want)
			}
			allocations := testing.AllocsPerRun(100, func() {
				test.to.out = test.to.out[:0]
				test.from.received(now, chunk)
			})
			if allocations != 0 {
				t.Errorf("%v allocations for 10 messages", allocations)
			}
		})
	}
}

// TestCompressedInputTakesTurns checks that a chunk which holds very much leaves the loop to others in between, that nothing is lost or read
// twice, and that the end of the link waits for it.
func TestCompressedInputTakesTurns(t *testing.T) {
	s := idle(t, Config{Compression: "s2_fast"})
	now := time.Now()
	s.acceptRoute(now, nowhere(t))
	var c *routeConn
	for _, c = range s.routes {
	}
	info := "INFO {\"server_id\":\"X\",\"compression\":\"s2_fast\"}\r\n"
	c.received(now, fmt.Appendf(nil, "CONNECT {\"name\":\"X\",\"cluster\":%q}\r\n%s", s.cfg.Cluster, info))
	if c.s2 == nil {
		t.Fatal("S2 has not begun")
	}
	s.acceptClient(now, nowhere(t))
	var subscriber *client
	for _, subscriber = range s.clients {
	}
	subscriber.received(now, []byte("CONNECT {\"verbose\":false}\r\nSUB foo 1\r\n"))

	const messages = 1000
	bomb := newDeflater("s2_best")
	chunk := bomb.append(nil, []byte(info))
	for range messages {
		chunk = bomb.append(chunk, []byte("RMSG $G foo 10000\r\n"+strings.Repeat("x", 10000)+"\r\n"))
	}
	got := func() int {
		for _, sub := range s.subs {
			return sub.delivered
		}
		return 0
	}
	s.handle(now, input{link: c.link, chunk: chunk})
	s.handle(now, input{link: c.link, chunk: bomb.append(nil, []byte("RMSG $G foo 1\r\nx\r\n"))})
	s.handle(now, input{link: c.link, err: io.EOF})
	if got() >= 20 {
		t.Fatalf("%d messages in one turn", got())
	}
	turns := 0
	for s.turns() != nil {
		before := got()
		s.nextTurn(now)
		if turns++; got() > before+20 {
			t.Fatalf("%d messages in one turn", got()-before)
		}
		if got() <= messages && s.routes[c.id] == nil {
			t.Fatal("the end has come before what was sent before it")
		}
	}
	if got() != messages+1 || s.routes[c.id] != nil {
		t.Errorf("%d messages of %d in %d turns; route %v", got(), messages+1, turns, s.routes[c.id])
	}
	if len(c.link.free) != 2 {
		t.Errorf("%d chunks were given back, not both", len(c.link.free))
	}
}
