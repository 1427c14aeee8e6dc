package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/server"
)

// brokenInputs is what peers may send that are not what they should be.
var brokenInputs = map[string]string{
	"nothing":          "",
	"an empty line":    "\r\n",
	"HTTP":             "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"a TLS hello":      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"half a CONNECT":   "CONNECT {\"name\":\"X\",",
	"half a line":      "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nRS+ $G fo",
	"half a payload":   "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nRMSG $G foo 1000\r\nabc",
	"a huge size":      "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nRMSG $G foo 999999999\r\nabc",
	"an endless line":  "CONNECT " + strings.Repeat("x", 1<<21),
	"bad JSON":         "CONNECT {{{{\r\n",
	"deep JSON":        "CONNECT " + strings.Repeat("[", 60000) + "\r\n",
	"weights":          "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nRS+ $G foo q 0\r\nRS+ $G foo q -1\r\nRS+ $G foo q 999999999\r\nPING\r\n",
	"an error":         "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\n-ERR 'x'\r\n",
	"many PINGs":       "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\n" + strings.Repeat("PING\r\n", 100000),
	"a client's words": "CONNECT {\"lang\":\"go\"}\r\nSUB bar 1\r\nPUB bar 1\r\nx\r\n",
	"a gossip loop":    "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nINFO {\"server_id\":\"Y\",\"ip\":\"nats-route://127.0.0.1:1/\"}\r\n",
}

// TestBrokenPeers sends what is broken to both ports, each ending in each way, while two clients go on talking.
func TestBrokenPeers(t *testing.T) {
	s := start(t, server.Config{Cluster: "C"})
	nc := connect(t, s.ClientURL())
	sub := subscribe(t, nc, "foo", "")
	endings := map[string]func(*net.TCPConn){
		"close":      func(c *net.TCPConn) { c.Close() },
		"reset":      func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"half close": func(c *net.TCPConn) { c.CloseWrite(); io.Copy(io.Discard, c); c.Close() },
	}
	for name, in := range brokenInputs {
		for how, end := range endings {
			for _, address := range []string{s.RouteAddr(), s.ClientAddr()} {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatalf("%s, %s: %v", name, how, err)
				}
				conn.SetDeadline(time.Now().Add(patience))
				io.WriteString(conn, in) // fails where the server has closed in the middle of it
				end(conn.(*net.TCPConn))
			}
		}
		publish(t, nc, "foo", name)
		if m := next(t, sub); string(m.Data) != name {
			t.Fatalf("after %s the client got %q", name, m.Data)
		}
	}
}

// TestRandomPeers sends random pieces of valid conversations to both ports at once.
func TestRandomPeers(t *testing.T) {
	s := start(t, server.Config{Cluster: "C"})
	nc := connect(t, s.ClientURL())
	sub := subscribe(t, nc, "alive", "")
	pieces := []string{
		"CONNECT {\"name\":\"ID\",\"cluster\":\"C\",\"verbose\":true}\r\n", "INFO {\"server_id\":\"ID\",\"headers\":true}\r\n",
		"RS+ $G foo\r\n", "RS+ $G foo q 3\r\n", "RS- $G foo\r\n", "RS- $G foo q\r\n", "RMSG $G foo 1\r\nx\r\n", "RMSG $G foo + r q 1\r\nx\r\n",
		"HMSG $G foo 2 3\r\nabx\r\n", "LS+ L $G foo\r\n", "LS- $G foo\r\n", "LMSG L $G foo 0 1\r\nx\r\n", "PING\r\n", "PONG\r\n", "+OK\r\n", "A+ x\r\n", "A- x\r\n",
		"SUB foo 1\r\n", "SUB foo q 2\r\n", "UNSUB 1 1\r\n", "UNSUB 2\r\n", "PUB foo 1\r\nx\r\n", "PUB foo r 0\r\n\r\n", "HPUB foo 2 3\r\nabx\r\n", "\r\n", " ", "x", "RMSG ",
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		address := s.RouteAddr()
		if worker%2 == 1 {
			address = s.ClientAddr()
		}
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 1))
			for round := range 100 {
				var b strings.Builder
				b.WriteString(pieces[0])
				for range rng.IntN(30) {
					// The rarely valid pieces stand at the end of the list.
					b.WriteString(pieces[min(rng.IntN(len(pieces)), rng.IntN(len(pieces)))])
				}
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				conn.SetDeadline(time.Now().Add(patience))
				io.WriteString(conn, strings.ReplaceAll(b.String(), "ID", fmt.Sprintf("W%dR%d", worker, round)))
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
				conn.Close()
			}
		})
	}
	wg.Wait()
	publish(t, nc, "alive", "yes")
	next(t, sub)
}

// TestSlowConsumer checks that a client that does not read is dropped when MaxPending bytes wait for it, and that nobody else is
// held up.
func TestSlowConsumer(t *testing.T) {
	const payload, messages = 64 << 10, 400 // 25 MiB: more than the kernel's buffers and MaxPending together
	lines := make(chan string, 10000)
	s := start(t, server.Config{MaxPending: 4 << 20, Log: func(line string) { lines <- line }})
	nc := connect(t, s.ClientURL())
	sub := subscribe(t, nc, "flood", "")
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	slow := dialClient(t, s.ClientAddr())
	slow.send("CONNECT {\"verbose\":false}\r\nSUB flood 1\r\nPING\r\n")
	slow.expect("PONG\r\n")
	for i := range messages {
		publish(t, nc, "flood", string(make([]byte, payload)))
		if i%16 == 0 {
			flush(t, nc) // the fast client reads as fast as it writes
		}
	}
	for range messages {
		next(t, sub)
	}
	await(t, lines, func(line string) bool { return strings.Contains(line, "Slow Consumer Detected") })
	slow.expectEnd()
}

// TestPeerThatNeverReads checks the write deadline, on both ports.
func TestPeerThatNeverReads(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Cluster: "C", WriteDeadline: 100 * time.Millisecond})
	nc := connect(t, s.ClientURL())
	client := dialClient(t, s.ClientAddr())
	client.send("CONNECT {\"verbose\":false}\r\nSUB flood 1\r\nPING\r\n")
	client.expect("PONG\r\n")
	peer := dialClient(t, s.RouteAddr())
	peer.send("CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"X\"}\r\nRS+ $G flood\r\nPING\r\n")
	peer.expectEventually("PONG\r\n")
	for range 300 {
		publish(t, nc, "flood", string(make([]byte, 64<<10)))
	}
	flush(t, nc)
	client.expectEnd()
	peer.expectEnd()
	flush(t, nc)
}

// expectEventually reads up to want.
func (c *rawClient) expectEventually(want string) {
	c.tb.Helper()
	var got []byte
	for !bytes.HasSuffix(got, []byte(want)) {
		b, err := c.in.ReadByte()
		if err != nil {
			c.tb.Fatalf("got %q, then %v; want %q", got, err, want)
		}
		got = append(got, b)
	}
}

// expectEnd waits until the server has closed the connection, without reading what it has sent before that: writing fails then.
func (c *rawClient) expectEnd() {
	c.tb.Helper()
	c.conn.SetDeadline(time.Now().Add(patience))
	for {
		if _, err := c.conn.Write([]byte("PING\r\n")); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.tb.Fatal("the server has not closed the connection")
			}
			return
		}
	}
}
