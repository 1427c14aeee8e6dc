package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/server"
)

// rawClient is a client connection under our hand. INFO has been read.
type rawClient struct {
	tb    testing.TB
	conn  net.Conn
	in    *bufio.Reader
	hello clientHello
}

// clientHello is what the tests look at in a client's INFO.
type clientHello struct {
	ServerID     string   `json:"server_id"`
	ClientID     uint64   `json:"client_id"`
	AuthRequired bool     `json:"auth_required"`
	ConnectURLs  []string `json:"connect_urls"`
	LeafNodeURLs []string `json:"leafnode_urls"`
}

func dialClient(tb testing.TB, address string) *rawClient {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	c := &rawClient{tb: tb, conn: conn, in: bufio.NewReader(conn)}
	c.hello = c.expectInfo()
	return c
}

func (c *rawClient) send(text string) {
	c.tb.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.tb.Fatal(err)
	}
}

// expect reads exactly want.
func (c *rawClient) expect(want string) {
	c.tb.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.in, got)
	if string(got[:n]) != want {
		c.tb.Fatalf("got %q, want %q (%v)", got[:n], want, err)
	}
}

func (c *rawClient) expectInfo() clientHello {
	c.tb.Helper()
	line, err := c.in.ReadBytes('\n')
	body, isInfo := bytes.CutPrefix(line, []byte("INFO "))
	var hello clientHello
	if err != nil || !isInfo || json.Unmarshal(body, &hello) != nil {
		c.tb.Fatalf("got %q (%v), want INFO", line, err)
	}
	return hello
}

// expectClosed wants the connection's end and nothing before it. A reset is an end too.
func (c *rawClient) expectClosed() {
	c.tb.Helper()
	rest, err := io.ReadAll(c.in)
	if len(rest) > 0 {
		c.tb.Fatalf("got %q before the end", rest)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.tb.Fatal("the connection is open")
	}
}

// TestClientConversations holds the client port to what nats-server 2.15.2 answers to the same bytes.
func TestClientConversations(t *testing.T) {
	const (
		quiet = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n"
		loud  = "CONNECT {\"verbose\":true,\"pedantic\":true,\"headers\":true}\r\n"
	)
	free := start(t, server.Config{})
	guarded := start(t, server.Config{Accounts: map[string]server.User{"$G": {Name: "g", Password: "gp"}}})
	for _, test := range []struct {
		name     string
		server   *server.Server
		in, want string
		open     bool
	}{
		{"ping", free, quiet + "PING\r\n", "PONG\r\n", true},
		{"without connect", free, "SUB f 1\r\nPUB f 1\r\nx\r\n", "+OK\r\n+OK\r\nMSG f 1 1\r\nx\r\n", true},
		{"verbose", free, loud + "SUB f 1\r\nPUB f 2\r\nhi\r\nUNSUB 1\r\nPING\r\n", "+OK\r\n+OK\r\n+OK\r\nMSG f 1 2\r\nhi\r\n+OK\r\nPONG\r\n", true},
		{"no echo", free, "CONNECT {\"echo\":false}\r\nSUB f 1\r\nPUB f 1\r\nx\r\nPING\r\n", "+OK\r\n+OK\r\n+OK\r\nPONG\r\n", true},
		{
			"pedantic", free, loud + "PUB f..a 1\r\na\r\nPUB f.* 1\r\na\r\nSUB a..b 1\r\nPING\r\n",
			"+OK\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n-ERR 'Invalid Subject'\r\nPONG\r\n", true,
		},
		{"not pedantic", free, quiet + "PUB f..a 1\r\na\r\nSUB a..b 1\r\nPING\r\n", "-ERR 'Invalid Subject'\r\nPONG\r\n", true},
		{"second use of a sid", free, quiet + "SUB f 1\r\nSUB b 1\r\nPUB f 1\r\nx\r\nPUB b 1\r\ny\r\nPING\r\n", "MSG f 1 1\r\nx\r\nPONG\r\n", true},
		{"unsub unknown", free, quiet + "UNSUB 9\r\nPING\r\n", "PONG\r\n", true},
		{"no responders", free, quiet + "SUB rep 1\r\nPUB nob rep 0\r\n\r\nPING\r\n", "HMSG rep 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: nob\r\n\r\n\r\nPONG\r\n", true},
		{"no responders, reply unheard", free, quiet + "PUB nob rep 0\r\n\r\nPING\r\n", "PONG\r\n", true},
		{"no responders without headers", free, "CONNECT {\"no_responders\":true}\r\n", "-ERR 'no responders requires headers support'\r\n", false},
		{"header size 0", free, quiet + "SUB f 1\r\nHPUB f 0 2\r\nxx\r\nPING\r\n", "MSG f 1 2\r\nxx\r\nPONG\r\n", true},
		{"headers not announced", free, "CONNECT {\"verbose\":false}\r\nHPUB f 12 12\r\nNATS/1.0\r\n\r\n\r\n", "", false},
		{"second connect", free, quiet + quiet + "PING\r\n", "PONG\r\n", true},
		{"unknown operation", free, quiet + "FOO\r\n", "-ERR 'Unknown Protocol Operation'\r\n", false},
		{"argument count", free, quiet + "SUB f\r\n", "", false},
		{"payload end", free, quiet + "PUB f 1\r\nab\r\n", "-ERR 'Unknown Protocol Operation'\r\n", false},
		{"payload too large", free, quiet + "PUB f 1048577\r\n", "-ERR 'Maximum Payload Violation'\r\n", false},
		{"line too long", free, quiet + "SUB " + strings.Repeat("a", 5000), "-ERR 'maximum control line exceeded'\r\n", false},
		{"bad json", free, "CONNECT {bad\r\n", "", false},
		{"wrong type in json", free, "CONNECT {\"user\":1}\r\n", "", false},
		{"error from the client", free, quiet + "-ERR 'x'\r\n", "", false},
		{"read over", free, quiet + "+OK\r\nINFO {}\r\nPONG\r\nPING\r\n", "PONG\r\n", true},
		{"stranger pings", guarded, "PING\r\n", "-ERR 'Authorization Violation'\r\n", false},
		{"stranger talks nonsense", guarded, "FOO\r\n", "-ERR 'Authorization Violation'\r\n", false},
		{"stranger connects", guarded, quiet, "-ERR 'Authorization Violation'\r\n", false},
		{"known, then wrong", guarded, "CONNECT {\"user\":\"g\",\"pass\":\"gp\"}\r\nCONNECT {\"user\":\"g\",\"pass\":\"x\"}\r\n", "+OK\r\n-ERR 'Authorization Violation'\r\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := dialClient(t, test.server.ClientAddr())
			if c.hello.AuthRequired != (test.server == guarded) {
				t.Errorf("auth_required is %v", c.hello.AuthRequired)
			}
			c.send(test.in)
			c.expect(test.want)
			if !test.open {
				c.expectClosed()
				return
			}
			c.send("PING\r\n")
			c.expect("PONG\r\n")
		})
	}
}
