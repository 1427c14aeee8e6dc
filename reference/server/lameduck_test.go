package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// shortLameDuck is a Config in which lame duck mode takes no longer than a test wants to wait.
func shortLameDuck(cfg server.Config) server.Config {
	cfg.LameDuckGrace, cfg.LameDuckDuration = 50*time.Millisecond, 20*time.Millisecond
	return cfg
}

// TestLameDuck checks the order of things that a peer, a client and a leaf see, and that the server is gone after that.
func TestLameDuck(t *testing.T) {
	for _, version := range []struct {
		dialect string
		tells   bool
	}{{"srv-2.1", false}, {"srv-2.5", true}, {"srv-2.15", true}} {
		t.Run(version.dialect, func(t *testing.T) {
			dialect, err := wire.DialectByName(version.dialect)
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, shortLameDuck(server.Config{Cluster: "C", Dialect: dialect, LeafPort: -1}))
			client := dialClient(t, s.ClientAddr())
			client.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nSUB a 1\r\nPING\r\n")
			client.expect("PONG\r\n")
			leaf := dialLeaf(t, s, leafHello)
			leaf.expect("LS+ a\r\n")
			peer := dialClient(t, s.RouteAddr())
			peer.send("CONNECT {\"name\":\"P\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"P\",\"cluster\":\"C\",\"connect_urls\":[\"p:1\"]}\r\nPING\r\n")
			peer.expect("RS+ $G a\r\nPONG\r\n")
			client.skipTo(`,"p:1"]} ` + "\r\n")

			if err := s.LameDuck(withTimeout(t)); err != nil {
				t.Fatal(err)
			}
			if version.tells {
				peer.expectLameDuck([]string{s.ClientAddr()})
				client.expectLameDuck([]string{"p:1"})
			}
			peer.expect("RS- $G a\r\n")
			peer.expectClosed()
			client.expectClosed()
			leaf.skipTo("LS- a\r\n")
			leaf.expectClosed()
		})
	}
}

// expectLameDuck wants an INFO with ldm and these connect_urls.
func (c *rawClient) expectLameDuck(urls []string) {
	c.tb.Helper()
	line, err := c.in.ReadString('\n')
	text, isInfo := strings.CutPrefix(line, "INFO ")
	var body wire.InfoBody
	if err != nil || !isInfo || json.Unmarshal([]byte(text), &body) != nil {
		c.tb.Fatalf("got %q (%v), want INFO", line, err)
	}
	if !body.LameDuck || !slices.Equal(body.ConnectURLs, urls) || body.Nonce != "" {
		c.tb.Fatalf("got %s, want ldm and connect_urls %v", line, urls)
	}
}

// TestLameDuckIsCutShort checks that the end of its context ends the server, however long the clients would have had, and that
// a server without clients waits for nothing.
func TestLameDuckIsCutShort(t *testing.T) {
	s := start(t, server.Config{LameDuckGrace: time.Hour})
	client := dialClient(t, s.ClientAddr())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.LameDuck(ctx) }()
	client.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n")
	client.expect("PONG\r\n")
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("LameDuck: %v", err)
	}
	alone := start(t, server.Config{LameDuckGrace: time.Hour})
	if err := alone.LameDuck(withTimeout(t)); err != nil {
		t.Errorf("without clients: %v", err)
	}
	if err := alone.LameDuck(withTimeout(t)); err != nil {
		t.Errorf("again: %v", err)
	}
	unused, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if unused.LameDuck(context.Background()) == nil {
		t.Error("a server that never started went into lame duck mode")
	}
}

// TestLameDuckBesideRealServers checks that the client of a real server is sent away from the reference as soon as that is in lame duck
// mode, and not only when it has gone.
func TestLameDuckBesideRealServers(t *testing.T) {
	for _, version := range threeVersions[1:] {
		t.Run(version.name, func(t *testing.T) {
			real := version.launch(t)
			cfg := version.config(t, routeTo(real.Route))
			cfg.LameDuckGrace = time.Hour
			ours := start(t, cfg)
			here := connect(t, ours.ClientURL(), nats.NoReconnect())
			there := connect(t, real.Client)
			fence(t, here, there)

			u, err := url.Parse(real.Client)
			if err != nil {
				t.Fatal(err)
			}
			password, _ := u.User.Password()
			watch := dialClient(t, u.Host)
			if !slices.Contains(watch.hello.ConnectURLs, ours.ClientAddr()) {
				t.Fatalf("the real server's client does not know of us: %v", watch.hello.ConnectURLs)
			}
			watch.send(fmt.Sprintf("CONNECT {\"verbose\":false,\"protocol\":1,\"user\":%q,\"pass\":%q}\r\nPING\r\n", u.User.Username(), password))
			watch.skipTo("PONG\r\n")

			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- ours.LameDuck(ctx) }()
			for urls := watch.hello.ConnectURLs; slices.Contains(urls, ours.ClientAddr()); {
				watch.skipTo("INFO ")
				line, err := watch.in.ReadBytes('\n')
				var hello clientHello
				if err != nil || json.Unmarshal(line, &hello) != nil {
					t.Fatalf("got %q (%v), want INFO", line, err)
				}
				urls = hello.ConnectURLs
			}
			fence(t, here, there) // the route is in use still
			cancel()
			<-done
		})
	}
}
