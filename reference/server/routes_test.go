package server_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
)

// fence makes sure that the server of from knows what at has subscribed to before, and that what from has published before
// has been delivered to at: interest and messages each cross the routes in order. Until the interest in the question itself has
// arrived there is nobody to answer it, and it is asked again.
func fence(tb testing.TB, from, at *nats.Conn) {
	tb.Helper()
	question := nats.NewInbox()
	answers, err := at.Subscribe(question, func(m *nats.Msg) { m.Respond(nil) })
	if err != nil {
		tb.Fatal(err)
	}
	defer answers.Unsubscribe()
	flush(tb, at)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		try, cancelTry := context.WithTimeout(ctx, 100*time.Millisecond)
		_, err := from.RequestWithContext(try, question, nil)
		cancelTry()
		if err == nil {
			flush(tb, at)
			return
		}
		if ctx.Err() != nil {
			tb.Fatalf("no way from %s to %s: %v", from.ConnectedUrl(), at.ConnectedUrl(), err)
		}
	}
}

// join returns two reference servers, the second of which dials the first, and a client of each.
func join(tb testing.TB, cfg server.Config) (a, b *server.Server, ca, cb *nats.Conn) {
	tb.Helper()
	cfg.Cluster = "C"
	a = start(tb, cfg)
	cfg.Routes = []string{"nats-route://" + a.RouteAddr()}
	b = start(tb, cfg)
	ca, cb = connect(tb, a.ClientURL()), connect(tb, b.ClientURL())
	fence(tb, ca, cb)
	fence(tb, cb, ca)
	return a, b, ca, cb
}

// TestTwoServers checks the traffic between two reference servers, in both directions.
func TestTwoServers(t *testing.T) {
	_, _, ca, cb := join(t, server.Config{Seed: 1})
	for _, way := range []struct {
		name     string
		from, at *nats.Conn
	}{{"to the dialler", ca, cb}, {"to the dialled", cb, ca}} {
		t.Run(way.name, func(t *testing.T) { checkTraffic(t, way.from, way.at, true) })
	}
}

// checkTraffic checks what clients of two servers of one cluster can expect of each other, one way.
func checkTraffic(t *testing.T, from, at *nats.Conn, headers bool) {
	prefix := nats.NewInbox()[len(nats.InboxPrefix):]
	t.Run("messages", func(t *testing.T) {
		sub := subscribe(t, at, prefix+".m.>", "")
		fence(t, from, at)
		for i := range 100 {
			publish(t, from, prefix+".m.x", fmt.Sprint(i))
		}
		for i := range 100 {
			if m := next(t, sub); string(m.Data) != fmt.Sprint(i) || m.Subject != prefix+".m.x" {
				t.Fatalf("message %d is %q on %s", i, m.Data, m.Subject)
			}
		}
		fence(t, from, at)
		if n := pending(t, sub); n != 0 {
			t.Errorf("%d messages too many", n)
		}
	})
	t.Run("request", func(t *testing.T) {
		service, err := at.Subscribe(prefix+".echo", func(m *nats.Msg) { m.Respond(m.Data) })
		if err != nil {
			t.Fatal(err)
		}
		defer service.Unsubscribe()
		fence(t, from, at)
		if m, err := from.Request(prefix+".echo", []byte("hello"), patience); err != nil || string(m.Data) != "hello" {
			t.Errorf("answer %v, %v", m, err)
		}
	})
	t.Run("unsubscribe at a maximum", func(t *testing.T) {
		sub := subscribe(t, at, prefix+".max", "")
		if err := sub.AutoUnsubscribe(2); err != nil {
			t.Fatal(err)
		}
		fence(t, from, at)
		publish(t, from, prefix+".max", "1")
		publish(t, from, prefix+".max", "2")
		next(t, sub)
		next(t, sub)
		fence(t, from, at)
		fence(t, at, from) // the end of the interest is on its way before the answer
		publish(t, from, prefix+".max", "3")
		fence(t, from, at)
		if sub.IsValid() {
			t.Error("the subscription is still valid")
		}
	})
	t.Run("large payload", func(t *testing.T) {
		sub := subscribe(t, at, prefix+".large", "")
		fence(t, from, at)
		publish(t, from, prefix+".large", string(make([]byte, 1<<20)))
		publish(t, from, prefix+".large", "")
		if m := next(t, sub); len(m.Data) != 1<<20 {
			t.Errorf("got %d bytes", len(m.Data))
		}
		if m := next(t, sub); len(m.Data) != 0 {
			t.Errorf("got %d bytes, want none", len(m.Data))
		}
	})
	if headers {
		t.Run("headers", func(t *testing.T) { checkHeaders(t, from, at, prefix+".h") })
	}
	t.Run("queue groups", func(t *testing.T) { checkQueues(t, from, at, prefix+".q") })
}

func checkHeaders(t *testing.T, from, at *nats.Conn, subject string) {
	sub := subscribe(t, at, subject, "")
	fence(t, from, at)
	m := nats.NewMsg(subject)
	m.Header.Add("Color", "green")
	m.Header.Add("Color", "red")
	m.Data, m.Reply = []byte("data"), "answers"
	if err := from.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	got := next(t, sub)
	if colors := got.Header.Values("Color"); len(colors) != 2 || colors[1] != "red" || string(got.Data) != "data" || got.Reply != "answers" {
		t.Errorf("headers %v, data %q, reply %q", got.Header, got.Data, got.Reply)
	}
}

// checkQueues checks that a group spread over both servers gets each message once, and that the share of each server follows the
// number of its members.
func checkQueues(t *testing.T, from, at *nats.Conn, subject string) {
	const messages, near, far = 600, 1, 3
	var here, there []*nats.Subscription
	for range near {
		here = append(here, subscribe(t, from, subject, "g"))
	}
	for range far {
		there = append(there, subscribe(t, at, subject, "g"))
	}
	other := subscribe(t, at, subject, "h")
	fence(t, from, at)
	for range messages {
		publish(t, from, subject, "x")
	}
	flush(t, from)
	fence(t, from, at)
	sum := func(subs []*nats.Subscription) (n int) {
		for _, sub := range subs {
			n += pending(t, sub)
		}
		return n
	}
	nearShare, farShare := sum(here), sum(there)
	if nearShare+farShare != messages || pending(t, other) != messages {
		t.Errorf("group g got %d+%d, group h %d of %d messages", nearShare, farShare, pending(t, other), messages)
	}
	t.Logf("%d local member: %d messages, %d remote members: %d", near, nearShare, far, farShare)
	for _, sub := range append(here, there...) {
		sub.Unsubscribe()
	}
	other.Unsubscribe()
}

// TestQueueShareFollowsWeights checks the distribution over servers by the number of members of each.
func TestQueueShareFollowsWeights(t *testing.T) {
	const messages = 1000
	_, _, ca, cb := join(t, server.Config{Seed: 7})
	local := subscribe(t, ca, "w", "g")
	for range 3 {
		subscribe(t, cb, "w", "g")
	}
	fence(t, ca, cb)
	for range messages {
		publish(t, ca, "w", "x")
	}
	flush(t, ca)
	// A quarter is expected; the bound is six standard deviations.
	if n := pending(t, local); n < 168 || n > 332 {
		t.Errorf("the one local member of four got %d of %d messages", n, messages)
	}
}

// TestThreeServersByGossip checks that servers that know only one of the others become a mesh, and that a message crosses one
// route only.
func TestThreeServersByGossip(t *testing.T) {
	hub := start(t, server.Config{Cluster: "C"})
	cfg := server.Config{Cluster: "C", Routes: []string{"nats-route://" + hub.RouteAddr()}}
	a, b := start(t, cfg), start(t, cfg)
	clients := []*nats.Conn{connect(t, hub.ClientURL()), connect(t, a.ClientURL()), connect(t, b.ClientURL())}
	checkMesh(t, clients)
}

// checkMesh checks that a message from each client reaches each other client, and itself, once.
func checkMesh(t *testing.T, clients []*nats.Conn) {
	t.Helper()
	subject := nats.NewInbox()
	var subs []*nats.Subscription
	for _, c := range clients {
		subs = append(subs, subscribe(t, c, subject, ""))
	}
	for _, from := range clients {
		for _, at := range clients {
			fence(t, from, at)
		}
	}
	for _, from := range clients {
		publish(t, from, subject, "x")
		flush(t, from)
	}
	for _, from := range clients {
		for _, at := range clients {
			fence(t, from, at)
		}
	}
	for i, sub := range subs {
		if n := pending(t, sub); n != len(clients) {
			t.Errorf("client %d got %d messages, want %d", i, n, len(clients))
		}
	}
}

// TestReconnect checks that an explicit route comes back after the other server has.
func TestReconnect(t *testing.T) {
	a := start(t, server.Config{Cluster: "C"})
	port := portOf(t, a.RouteAddr())
	b := start(t, server.Config{Cluster: "C", Routes: []string{"nats-route://" + a.RouteAddr()}, ReconnectDelay: 20 * time.Millisecond})
	cb := connect(t, b.ClientURL())
	fence(t, cb, connect(t, a.ClientURL()))
	a.Close()
	again := start(t, server.Config{Cluster: "C", RoutePort: port})
	fence(t, cb, connect(t, again.ClientURL()))
}

// TestRouteAuthorization checks credentials from the route's URL.
func TestRouteAuthorization(t *testing.T) {
	a := start(t, server.Config{Cluster: "C", RouteUser: "ru", RoutePassword: "rp"})
	ca := connect(t, a.ClientURL())
	right := start(t, server.Config{Cluster: "C", Routes: []string{"nats-route://ru:rp@" + a.RouteAddr()}})
	fence(t, connect(t, right.ClientURL()), ca)

	lines := make(chan string, 1000)
	wrong := start(t, server.Config{
		Cluster: "C", Routes: []string{"nats-route://ru:xx@" + a.RouteAddr()}, Trace: true, ReconnectDelay: time.Minute,
		Log: func(line string) { lines <- line },
	})
	await(t, lines, func(line string) bool { return hasSuffix(line, "<<- [-ERR 'Authorization Violation']") })
	if _, err := connect(t, wrong.ClientURL()).Request("x", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("request: %v, want no responders", err)
	}
}

// TestIPv6 checks both ports on ::1.
func TestIPv6(t *testing.T) {
	a := start(t, server.Config{Host: "::1", Cluster: "C"})
	b := start(t, server.Config{Host: "::1", Cluster: "C", Routes: []string{"nats-route://" + a.RouteAddr()}})
	checkTraffic(t, connect(t, a.ClientURL()), connect(t, b.ClientURL()), true)
}

// TestGeneratedClusterName checks that servers without a configured name find one.
func TestGeneratedClusterName(t *testing.T) {
	a := start(t, server.Config{})
	b := start(t, server.Config{Routes: []string{"nats-route://" + a.RouteAddr()}, ReconnectDelay: 20 * time.Millisecond})
	fence(t, connect(t, a.ClientURL()), connect(t, b.ClientURL()))
}

// TestAccountsOverRoutes checks that accounts stay apart between servers.
func TestAccountsOverRoutes(t *testing.T) {
	cfg := server.Config{Accounts: map[string]server.User{"ACME": {Name: "a", Password: "ap"}}}
	a, b, ca, cb := join(t, cfg)
	acmeA, acmeB := connect(t, a.ClientURL(), nats.UserInfo("a", "ap")), connect(t, b.ClientURL(), nats.UserInfo("a", "ap"))
	fence(t, acmeA, acmeB)
	inAcme, inGlobal := subscribe(t, acmeB, "x", ""), subscribe(t, cb, "x", "")
	fence(t, acmeA, acmeB)
	fence(t, ca, cb)
	publish(t, acmeA, "x", "acme")
	fence(t, acmeA, acmeB)
	fence(t, ca, cb)
	if pending(t, inAcme) != 1 || pending(t, inGlobal) != 0 {
		t.Errorf("ACME got %d messages, want 1; $G got %d, want 0", pending(t, inAcme), pending(t, inGlobal))
	}
}
