package server_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/server"
)

// leafHello is the CONNECT of a leaf of cluster LC.
const leafHello = `CONNECT {"name":"L","cluster":"LC","headers":true}` + "\r\n"

// dialLeaf returns a leaf that has got both INFOs.
func dialLeaf(t *testing.T, s *server.Server, hello string) *rawClient {
	t.Helper()
	leaf := dialClient(t, s.LeafAddr())
	leaf.send(hello)
	leaf.expectInfo()
	return leaf
}

// skipTo reads up to and with want.
func (c *rawClient) skipTo(want string) {
	c.tb.Helper()
	c.readTo(want)
}

// readTo reads up to and with end.
func (c *rawClient) readTo(end string) (got []byte) {
	c.tb.Helper()
	for !bytes.HasSuffix(got, []byte(end)) {
		b, err := c.in.ReadByte()
		if err != nil {
			c.tb.Fatalf("got %q, want %q at its end (%v)", got, end, err)
		}
		got = append(got, b)
	}
	return got
}

// TestLeafPort checks what a leaf and a client of one server say to each other, byte by byte.
func TestLeafPort(t *testing.T) {
	s := start(t, server.Config{Cluster: "C", LeafPort: -1})
	c := dialClient(t, s.ClientAddr())
	c.send("CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB up 1\r\nSUB upq g 2\r\nPING\r\n")
	c.expect("PONG\r\n")
	if urls := dialClient(t, s.RouteAddr()).hello.LeafNodeURLs; len(urls) != 1 || urls[0] != s.LeafAddr() {
		t.Errorf("INFO on the route port names the leafnode ports %v, want %s", urls, s.LeafAddr())
	}
	leaf := dialLeaf(t, s, leafHello)
	leaf.expect("LS+ up\r\nLS+ upq g 1\r\n")
	leaf.send("LS+ down\r\nLS+ downq g 2\r\nls+\tdown \r\nPING\r\n")
	leaf.expect("PONG\r\n")

	leaf.send("LMSG up 2\r\nhi\r\nLMSG up r 0\r\n\r\nHMSG up 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG upq 1\r\n-\r\nLMSG upq + r x g 1\r\nq\r\nLMSG upq | g 1\r\nQ\r\nLMSG down 4\r\nmine\r\nPING\r\n")
	leaf.expect("PONG\r\n")
	c.expect("MSG up 1 2\r\nhi\r\nMSG up 1 r 0\r\n\r\nHMSG up 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG upq 2 r 1\r\nq\r\nMSG upq 2 1\r\nQ\r\n")

	c.send("PUB down 2\r\nhi\r\nHPUB down r 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPUB downq r 0\r\n\r\nUNSUB 1\r\nUNSUB 2\r\nSUB new 3\r\nPING\r\n")
	c.expect("PONG\r\n")
	leaf.expect("LMSG down 2\r\nhi\r\nHMSG down r 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG downq + r g 0\r\n\r\nLS- up\r\nLS- upq g\r\nLS+ new\r\n")

	leaf.send("LS- down\r\nLS- downq g\r\nLS- unknown\r\nPING\r\n")
	leaf.expect("PONG\r\n")
	c.send("PUB down 2\r\nhi\r\nPING\r\n")
	c.expect("PONG\r\n")
	leaf.send("PING\r\n")
	leaf.expect("PONG\r\n")
}

// TestLeafPortRefuses checks what ends a leaf, and the text it hears.
func TestLeafPortRefuses(t *testing.T) {
	s := start(t, server.Config{Cluster: "C", LeafPort: -1})
	for _, c := range []struct{ name, send, answer string }{
		{"nothing but CONNECT comes first", "LS+ a\r\n", "-ERR 'Authorization Violation'\r\n"},
		{"a client", "CONNECT {\"lang\":\"go\"}\r\n", "-ERR 'attempted to connect to leaf node port'\r\n"},
		{"our own cluster", "CONNECT {\"cluster\":\"C\"}\r\n", "-ERR 'remote leafnode has same cluster name'\r\n"},
		{"bad JSON", "CONNECT {\r\n", ""},
		{"an operation of routes", leafHello + "RS+ $G a\r\n", "-ERR 'Unknown Protocol Operation'\r\n"},
		{"a queue without weight", leafHello + "LS+ a q\r\n", ""},
		{"LS- with a weight", leafHello + "LS- a q 1\r\n", ""},
		{"a bad indicator", leafHello + "LMSG a x r q 1\r\n", ""},
		{"no size", leafHello + "LMSG a\r\n", ""},
		{"a header larger than the message", leafHello + "HMSG a 3 2\r\n", ""},
		{"its own error", leafHello + "-ERR 'x'\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaf := dialClient(t, s.LeafAddr())
			leaf.send(c.send)
			if strings.HasPrefix(c.send, leafHello) {
				leaf.expectInfo()
			}
			leaf.expect(c.answer)
			leaf.expectClosed()
		})
	}
	bad := dialLeaf(t, s, leafHello)
	bad.send("LS+ a..b\r\nPING\r\n")
	bad.expect("-ERR 'Invalid Subscription'\r\nPONG\r\n")
	if _, err := server.New(server.Config{LeafPort: 65536}); err == nil {
		t.Error("65536 passed for a port")
	}
}

// TestLeafBesideRealServers checks that interest and messages of a leaf at the reference cross the route to a real server and back.
func TestLeafBesideRealServers(t *testing.T) {
	for _, version := range threeVersions {
		t.Run(version.name, func(t *testing.T) {
			real := version.launch(t)
			cfg := version.config(t, routeTo(real.Route))
			cfg.LeafPort = -1
			ours := start(t, cfg)
			here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
			fence(t, here, there)
			fence(t, there, here)
			up, group := subscribe(t, there, "up", ""), subscribe(t, there, "upq", "g")
			fence(t, here, there)

			leaf := dialLeaf(t, ours, leafHello)
			leaf.send("LS+ down.>\r\nLS+ downq g 2\r\nPING\r\n")
			leaf.skipTo("PONG\r\n")
			fence(t, there, here)
			publish(t, there, "down.x", "plain")
			publish(t, there, "downq", "queue")
			leaf.skipTo("LMSG down.x 5\r\nplain\r\n")
			leaf.skipTo("LMSG downq | g 5\r\nqueue\r\n")

			leaf.send("LMSG up r 2\r\nhi\r\nLMSG upq | g 1\r\nq\r\nLMSG upq 1\r\nn\r\nPING\r\n")
			leaf.skipTo("PONG\r\n")
			fence(t, here, there)
			if m := next(t, up); string(m.Data) != "hi" || m.Reply != "r" {
				t.Errorf("the real server's client got %q, reply %q", m.Data, m.Reply)
			}
			if m := next(t, group); string(m.Data) != "q" || pending(t, group) != 0 {
				t.Errorf("the real server's group got %q and %d more", m.Data, pending(t, group))
			}

			leaf.send("LS- down.>\r\nPING\r\n")
			leaf.skipTo("PONG\r\n")
			fence(t, there, here)
			if !version.headers {
				return // nobody says that there is no responder
			}
			if _, err := there.Request("down.x", nil, patience); err != nats.ErrNoResponders {
				t.Errorf("interest has ended, but a request got %v", err)
			}
		})
	}
}

// TestLeafsOfOneCluster checks that what a leaf sends does not reach a leaf of its own cluster at a real server, nor the other way
// round, while clients and a leaf of another cluster get it.
func TestLeafsOfOneCluster(t *testing.T) {
	for _, version := range threeVersions[1:] {
		t.Run(version.name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "leaf.conf")
			if err := os.WriteFile(conf, []byte("leafnodes { listen: \"127.0.0.1:-1\" }\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			real, err := harness.Launch(withTimeout(t), harness.LaunchConfig{
				Command: realProgram(t, version.name) + " -c " + conf +
					" -a {{.Host}} -p {{.ClientPort}} --cluster nats://{{.Host}}:{{.RoutePort}} --cluster_name " + launchedCluster,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { real.Close() })
			cfg := version.config(t, routeTo(real.Route))
			cfg.LeafPort = -1
			ours := start(t, cfg)
			here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
			fence(t, here, there)
			fence(t, there, here)
			near := dialLeaf(t, ours, leafHello)
			far := dialClient(t, leafAddressOf(t, real))
			far.send(leafHello)
			far.expectInfo()
			other := dialLeaf(t, ours, strings.Replace(leafHello, "LC", "OTHER", 1))
			for _, leaf := range []*rawClient{near, far, other} {
				leaf.send("LS+ news\r\nPING\r\n")
				leaf.skipTo("PONG\r\n")
			}
			heard := subscribe(t, here, "news", "")
			fence(t, here, there)
			fence(t, there, here)
			near.send("LMSG news 4\r\nnear\r\nPING\r\n")
			near.skipTo("PONG\r\n")
			fence(t, here, there)
			far.send("LMSG news 3\r\nfar\r\nPING\r\n")
			far.expectNone("LMSG news", "PONG\r\n")
			fence(t, there, here)
			near.send("PING\r\n")
			near.expectNone("LMSG news", "PONG\r\n")
			other.skipTo("LMSG news 4\r\nnear\r\n")
			other.skipTo("LMSG news 3\r\nfar\r\n")
			if a, b := next(t, heard), next(t, heard); string(a.Data) != "near" || string(b.Data) != "far" {
				t.Errorf("our client got %q and %q", a.Data, b.Data)
			}
		})
	}
}

// leafAddressOf asks a real server where its leafnode port is: INFO on its route port says so.
func leafAddressOf(t *testing.T, real *harness.Target) string {
	t.Helper()
	conn := dialClient(t, real.Route)
	if len(conn.hello.LeafNodeURLs) != 1 {
		t.Fatalf("INFO names the leafnode ports %v", conn.hello.LeafNodeURLs)
	}
	return conn.hello.LeafNodeURLs[0]
}

// expectNone reads up to end and wants nothing of unwanted in it.
func (c *rawClient) expectNone(unwanted, end string) {
	c.tb.Helper()
	if got := c.readTo(end); bytes.Contains(got, []byte(unwanted)) {
		c.tb.Errorf("got %q", got)
	}
}

// realProgram is the program of a real server.
func realProgram(t *testing.T, version string) string {
	t.Helper()
	program, err := harness.BuildNatsServer(withTimeout(t), version, nil)
	if err != nil {
		t.Skipf("not run: %v", err)
	}
	return program
}

// TestRealLeaf checks that a real server is a leaf of ours.
func TestRealLeaf(t *testing.T) {
	ours := start(t, server.Config{Cluster: "C", LeafPort: -1})
	conf := filepath.Join(t.TempDir(), "leaf.conf")
	remote := fmt.Sprintf("leafnodes { remotes: [ { url: \"nats-leaf://%s\" } ], reconnect: \"50ms\" }\nserver_name: L\n", ours.LeafAddr())
	if err := os.WriteFile(conf, []byte(remote), 0o600); err != nil {
		t.Fatal(err)
	}
	real, err := harness.Launch(withTimeout(t), harness.LaunchConfig{
		Command: realProgram(t, "v2.15.2") + " -c " + conf + " -a {{.Host}} -p {{.ClientPort}} --cluster nats://{{.Host}}:{{.RoutePort}} --cluster_name LC",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	here, there := connect(t, ours.ClientURL()), connect(t, real.Client)
	fence(t, here, there)
	fence(t, there, here)
	checkTraffic(t, here, there, true)
	checkTraffic(t, there, here, true)
}
