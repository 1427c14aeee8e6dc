package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
)

// connect returns a stock client, which the end of the test closes.
func connect(tb testing.TB, url string, options ...nats.Option) *nats.Conn {
	tb.Helper()
	nc, err := nats.Connect(url, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	return nc
}

// subscribe makes a subscription that the server knows of when it returns.
func subscribe(tb testing.TB, nc *nats.Conn, subject, queue string) *nats.Subscription {
	tb.Helper()
	sub, err := nc.QueueSubscribeSync(subject, queue)
	if err != nil {
		tb.Fatal(err)
	}
	flush(tb, nc)
	return sub
}

// flush is the fence of a client: what it sent has been handled, what was sent to it has been read.
func flush(tb testing.TB, nc *nats.Conn) {
	tb.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		tb.Fatal(err)
	}
}

func publish(tb testing.TB, nc *nats.Conn, subject, data string) {
	tb.Helper()
	if err := nc.Publish(subject, []byte(data)); err != nil {
		tb.Fatal(err)
	}
}

// next returns the next message of sub.
func next(tb testing.TB, sub *nats.Subscription) *nats.Msg {
	tb.Helper()
	m, err := sub.NextMsg(patience)
	if err != nil {
		tb.Fatalf("no message on %s: %v", sub.Subject, err)
	}
	return m
}

// pending is the number of messages that sub has and that nobody has read.
func pending(tb testing.TB, sub *nats.Subscription) int {
	tb.Helper()
	n, _, err := sub.Pending()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestPublishSubscribe(t *testing.T) {
	s := start(t, server.Config{})
	nc := connect(t, s.ClientURL())
	exact := subscribe(t, nc, "orders.new", "")
	wildcard := subscribe(t, nc, "orders.*", "")
	other := subscribe(t, nc, "orders.old", "")
	if err := nc.PublishRequest("orders.new", "answers", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []*nats.Subscription{exact, wildcard} {
		if m := next(t, sub); m.Subject != "orders.new" || m.Reply != "answers" || string(m.Data) != "1" {
			t.Errorf("%s got subject %q, reply %q, data %q", sub.Subject, m.Subject, m.Reply, m.Data)
		}
	}
	flush(t, nc)
	if n := pending(t, other); n != 0 {
		t.Errorf("orders.old has %d messages", n)
	}
}

func TestEchoOff(t *testing.T) {
	s := start(t, server.Config{})
	quiet, other := connect(t, s.ClientURL(), nats.NoEcho()), connect(t, s.ClientURL())
	own, foreign := subscribe(t, quiet, "a", ""), subscribe(t, other, "a", "")
	publish(t, quiet, "a", "x")
	next(t, foreign)
	flush(t, quiet)
	if n := pending(t, own); n != 0 {
		t.Errorf("the publisher got %d of its own messages", n)
	}
}

func TestQueueGroup(t *testing.T) {
	const messages = 300
	s := start(t, server.Config{Seed: 1})
	nc := connect(t, s.ClientURL())
	var members []*nats.Subscription
	for range 3 {
		members = append(members, subscribe(t, nc, "work", "workers"))
	}
	everything := subscribe(t, nc, "work", "")
	for range messages {
		publish(t, nc, "work", "x")
	}
	flush(t, nc)
	total := 0
	for i, m := range members {
		n := pending(t, m)
		total += n
		// 100 expected; the bound is six standard deviations.
		if n < 51 || n > 149 {
			t.Errorf("member %d got %d of %d messages", i, n, messages)
		}
	}
	if total != messages || pending(t, everything) != messages {
		t.Errorf("the group got %d, the plain subscriber %d of %d messages", total, pending(t, everything), messages)
	}
}

func TestRequestReply(t *testing.T) {
	s := start(t, server.Config{})
	service, user := connect(t, s.ClientURL()), connect(t, s.ClientURL())
	if _, err := service.Subscribe("double", func(m *nats.Msg) { m.Respond(append(m.Data, m.Data...)) }); err != nil {
		t.Fatal(err)
	}
	flush(t, service)
	m, err := user.Request("double", []byte("ab"), patience)
	if err != nil || string(m.Data) != "abab" {
		t.Fatalf("answer %v, error %v", m, err)
	}
	if _, err := user.Request("nobody", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("request to nobody: %v, want no responders", err)
	}
}

func TestHeaders(t *testing.T) {
	s := start(t, server.Config{})
	nc := connect(t, s.ClientURL())
	sub := subscribe(t, nc, "h", "")
	plain := dialClient(t, s.ClientAddr())
	plain.send("CONNECT {\"verbose\":false}\r\nSUB h 1\r\nPING\r\n")
	plain.expect("PONG\r\n")
	m := nats.NewMsg("h")
	m.Header.Set("Color", "green")
	m.Data = []byte("data")
	if err := nc.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	got := next(t, sub)
	if got.Header.Get("Color") != "green" || string(got.Data) != "data" {
		t.Errorf("header %v, data %q", got.Header, got.Data)
	}
	plain.expect("MSG h 1 4\r\ndata\r\n")
}

func TestUnsubscribe(t *testing.T) {
	s := start(t, server.Config{})
	nc := connect(t, s.ClientURL())
	sub := subscribe(t, nc, "a", "")
	publish(t, nc, "a", "1")
	next(t, sub)
	raw := dialClient(t, s.ClientAddr())
	raw.send("CONNECT {\"verbose\":false}\r\nSUB a 7\r\nSUB a 8\r\nUNSUB 7 2\r\nUNSUB 8\r\nPING\r\n")
	raw.expect("PONG\r\n")
	for i := range 3 {
		publish(t, nc, "a", fmt.Sprint(i))
	}
	flush(t, nc)
	raw.send("PING\r\n")
	raw.expect("MSG a 7 1\r\n0\r\nMSG a 7 1\r\n1\r\nPONG\r\n")
	// A maximum that has been passed already ends the subscription at once; the sid is free for a new one.
	raw.send("SUB a 9\r\nPUB a 1\r\nx\r\nUNSUB 9 1\r\nPUB a 1\r\ny\r\nSUB b 9\r\nPUB b 1\r\nz\r\nPING\r\n")
	raw.expect("MSG a 9 1\r\nx\r\nMSG b 9 1\r\nz\r\nPONG\r\n")
}

func TestAccounts(t *testing.T) {
	s := start(t, server.Config{Accounts: map[string]server.User{
		"ACME":  {Name: "a", Password: "ap"},
		"OTHER": {Name: "o", Password: "op"},
	}})
	subs := map[string]*nats.Subscription{}
	conns := map[string]*nats.Conn{}
	for account, option := range map[string]nats.Option{
		"ACME": nats.UserInfo("a", "ap"), "OTHER": nats.UserInfo("o", "op"), "$G": func(*nats.Options) error { return nil },
	} {
		conns[account] = connect(t, s.ClientURL(), option)
		subs[account] = subscribe(t, conns[account], "x", "")
	}
	for account, nc := range conns {
		publish(t, nc, "x", account)
		flush(t, nc)
	}
	for account, sub := range subs {
		flush(t, conns[account])
		if n := pending(t, sub); n != 1 {
			t.Errorf("%s has %d messages, want 1", account, n)
			continue
		}
		if m := next(t, sub); string(m.Data) != account {
			t.Errorf("%s got the message of %s", account, m.Data)
		}
	}
}

func TestAuthorization(t *testing.T) {
	open := start(t, server.Config{Accounts: map[string]server.User{"ACME": {Name: "a", Password: "ap"}}})
	closed := start(t, server.Config{Accounts: map[string]server.User{"$G": {Name: "g", Password: "gp"}}})
	none := start(t, server.Config{})
	for _, test := range []struct {
		name     string
		server   *server.Server
		option   nats.Option
		admitted bool
	}{
		{"right", open, nats.UserInfo("a", "ap"), true},
		{"wrong password", open, nats.UserInfo("a", "xx"), false},
		{"no password", open, nats.UserInfo("a", ""), false},
		{"unknown user", open, nats.UserInfo("b", "ap"), false},
		{"password alone", open, nats.UserInfo("", "ap"), false},
		{"nobody, global account open", open, nats.Name("n"), true},
		{"nobody, global account with a user", closed, nats.Name("n"), false},
		{"global account's user", closed, nats.UserInfo("g", "gp"), true},
		{"credentials that no server has asked for", none, nats.UserInfo("x", "y"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			nc, err := nats.Connect(test.server.ClientURL(), test.option)
			if err == nil {
				nc.Close()
			}
			if test.admitted && err != nil || !test.admitted && !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("connect: %v, want admitted %v", err, test.admitted)
			}
		})
	}
}

func TestMaxPayload(t *testing.T) {
	s := start(t, server.Config{MaxPayload: 100})
	closed := make(chan struct{})
	nc := connect(t, s.ClientURL(), nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if got := nc.MaxPayload(); got != 100 {
		t.Errorf("INFO says max_payload %d, want 100", got)
	}
	sub := subscribe(t, nc, "a", "")
	publish(t, nc, "a", string(make([]byte, 100)))
	if m := next(t, sub); len(m.Data) != 100 {
		t.Errorf("got %d bytes, want 100", len(m.Data))
	}
	if err := nc.Publish("a", make([]byte, 101)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("101 bytes: %v", err)
	}
}

// TestConnectURLs checks that clients hear of another server, and of its end.
func TestConnectURLs(t *testing.T) {
	s := start(t, server.Config{Cluster: "C"})
	changed := make(chan []string, 10)
	nc := connect(t, s.ClientURL(), nats.DiscoveredServersHandler(func(nc *nats.Conn) { changed <- nc.Servers() }))
	second := start(t, server.Config{Cluster: "C", Routes: []string{"nats-route://" + s.RouteAddr()}})
	await(t, changed, func(urls []string) bool { return slices.Contains(urls, second.ClientURL()) })

	raw := dialClient(t, s.ClientAddr())
	raw.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n")
	raw.expect("PONG\r\n")
	old := dialClient(t, s.ClientAddr())
	old.send("CONNECT {\"verbose\":false}\r\nPING\r\n")
	old.expect("PONG\r\n")
	second.Close()
	if urls := raw.expectInfo().ConnectURLs; !slices.Equal(urls, []string{s.ClientAddr()}) {
		t.Errorf("after the other server's end connect_urls is %v", urls)
	}
	old.send("PING\r\n")
	old.expect("PONG\r\n") // and no INFO: it does not announce protocol 1
	flush(t, nc)
}

// TestConnectURLsAfterFirstPong checks that a client that was connecting while the list changed hears of it with its first PONG,
// not before.
func TestConnectURLsAfterFirstPong(t *testing.T) {
	s := start(t, server.Config{Cluster: "C"})
	watcher := make(chan []string, 10)
	connect(t, s.ClientURL(), nats.DiscoveredServersHandler(func(nc *nats.Conn) { watcher <- nc.Servers() }))
	raw := dialClient(t, s.ClientAddr())
	raw.send("CONNECT {\"verbose\":true,\"protocol\":1}\r\n")
	raw.expect("+OK\r\n")
	second := start(t, server.Config{Cluster: "C", Routes: []string{"nats-route://" + s.RouteAddr()}})
	await(t, watcher, func(urls []string) bool { return slices.Contains(urls, second.ClientURL()) })
	raw.send("PING\r\n")
	raw.expect("PONG\r\n")
	if urls := raw.expectInfo().ConnectURLs; !slices.Contains(urls, second.ClientAddr()) {
		t.Errorf("connect_urls is %v, want %s in it", urls, second.ClientAddr())
	}
}

// await reads values until match accepts one.
func await[T any](tb testing.TB, values <-chan T, match func(T) bool) T {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		select {
		case v := <-values:
			if match(v) {
				return v
			}
		case <-ctx.Done():
			tb.Fatal("what was awaited did not come")
		}
	}
}

// TestClientKeepAlive checks both ends of it: a client that answers stays, one that does not is told and closed.
func TestClientKeepAlive(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{PingInterval: 50 * time.Millisecond, PingMax: 2})
	live := connect(t, s.ClientURL(), nats.NoReconnect())
	dead := dialClient(t, s.ClientAddr())
	dead.send("CONNECT {\"verbose\":false}\r\n")
	dead.expect("PING\r\nPING\r\n-ERR 'Stale Connection'\r\n")
	dead.expectClosed()
	flush(t, live)
}

func TestAuthTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{
		Accounts: map[string]server.User{"$G": {Name: "g", Password: "gp"}}, AuthTimeout: 50 * time.Millisecond, PingInterval: time.Minute,
	})
	silent, known := dialClient(t, s.ClientAddr()), dialClient(t, s.ClientAddr())
	known.send("CONNECT {\"user\":\"g\",\"pass\":\"gp\"}\r\n")
	known.expect("+OK\r\n")
	silent.expect("-ERR 'Authentication Timeout'\r\n")
	silent.expectClosed()
	known.expect("PING\r\n") // the time for CONNECT was also the time for the first PING
	known.send("PING\r\n")
	known.expect("PONG\r\n")
}
