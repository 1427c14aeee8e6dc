package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/wire"
)

func payloads(msgs []*nats.Msg) []string {
	var all []string
	for _, m := range msgs {
		all = append(all, string(m.Data))
	}
	return all
}

// The barriers of the package comment, in both directions.
func TestFencesOrderClientAndRoute(t *testing.T) {
	onAll(t, func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		a := value[*Peer](t)(tg.Join(ctx, "A"))
		c := value[*Client](t)(tg.ConnectClient(ctx, ""))
		s := value[*Subscription](t)(c.Subscribe("t.*"))
		must(t, c.Fence(ctx))
		must(t, a.Fence(ctx))
		if !slices.Contains(opsOf(a.Seen()), "RS+ $G t.*") {
			t.Fatalf("interest did not come before the fences ended: %q", opsOf(a.Seen()))
		}
		const n = 500
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint(i))
			must(t, a.Send(wire.NewMsg("$G", "t.x", "", []byte(want[i]))))
		}
		must(t, a.Fence(ctx))
		must(t, c.Fence(ctx))
		if diff := cmp.Diff(want, payloads(s.Messages())); diff != "" {
			t.Errorf("messages after the fences (-want +got):\n%s", diff)
		}
		must(t, a.Send(wire.NewSub("$G", "back")))
		must(t, a.Fence(ctx))
		mark := a.Mark()
		must(t, c.PublishRequest("back", "reply.to", []byte("hello")))
		must(t, c.Fence(ctx))
		must(t, a.Fence(ctx))
		if diff := cmp.Diff([]string{"RMSG $G back reply.to 5", "PONG"}, opsOf(a.Since(mark))); diff != "" {
			t.Error(diff)
		}
		if s.Delivered() != n || len(c.Errors()) != 0 || c.Closed() {
			t.Errorf("%d delivered, errors %v", s.Delivered(), c.Errors())
		}
	})
}

func TestClientAccounts(t *testing.T) {
	onAll(t, func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		a := value[*Peer](t)(tg.Join(ctx, "A"))
		for _, account := range []string{"NRA", "NRB"} {
			c := value[*Client](t)(tg.ConnectClient(ctx, account))
			_, err := c.Subscribe("x")
			must(t, err)
			must(t, c.Fence(ctx))
		}
		must(t, a.Fence(ctx))
		for _, want := range []string{"RS+ NRA x", "RS+ NRB x"} {
			if !slices.Contains(opsOf(a.Seen()), want) {
				t.Errorf("no %s", want)
			}
		}
		var unknown *NoAccountError
		if _, err := tg.ConnectClient(ctx, "NOPE"); !errors.As(err, &unknown) {
			t.Errorf("an account without credentials: %v", err)
		}
	})
}

func TestAwaitServersSeesPeersComeAndGo(t *testing.T) {
	onAll(t, func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		c := value[*Client](t)(tg.ConnectClient(ctx, ""))
		must(t, c.Fence(ctx)) // servers send news only to clients that have got a PONG
		const url = "127.0.0.1:65000"
		has := func(urls []string) bool { return slices.Contains(urls, url) }
		a := value[*Peer](t)(tg.Join(ctx, "A", WithInfo(func(i *wire.InfoBody) { i.ConnectURLs = []string{url} })))
		_, err := c.AwaitServers(ctx, has)
		must(t, err)
		a.Leave()
		_, err = c.AwaitServers(ctx, func(urls []string) bool { return !has(urls) })
		must(t, err)
		if n := len(c.Infos()); n < 3 {
			t.Errorf("%d INFOs were seen", n)
		}
		if _, err := c.AwaitServers(brief(t), has); err == nil {
			t.Error("a URL came back")
		}
	})
}

func TestClientWithoutHeaderSupport(t *testing.T) {
	tg := launchReal(t, "v2.15.2", LaunchConfig{})
	ctx := deadline(t)
	a := value[*Peer](t)(tg.Join(ctx, "A"))
	with := value[*Client](t)(tg.ConnectClient(ctx, ""))
	without := value[*Client](t)(tg.ConnectClient(ctx, "", WithoutHeaderSupport(), ClientName("plain")))
	sw := value[*Subscription](t)(with.Subscribe("h"))
	so := value[*Subscription](t)(without.Subscribe("h"))
	must(t, with.Fence(ctx))
	must(t, without.Fence(ctx))
	must(t, a.SendRaw([]byte("HMSG $G h 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nok\r\n"), 0))
	must(t, a.Fence(ctx))
	for _, tc := range []struct {
		s      *Subscription
		header string
	}{{sw, "b"}, {so, ""}} {
		must(t, tc.s.client.Fence(ctx))
		if m := tc.s.Messages(); len(m) != 1 || m[0].Header.Get("A") != tc.header || string(m[0].Data) != "ok" {
			t.Errorf("got %v", m)
		}
	}
	if err := without.PublishMsg(&nats.Msg{Subject: "x", Header: nats.Header{"A": {"b"}}}); !errors.Is(err, nats.ErrHeadersNotSupported) {
		t.Errorf("%v", err)
	}
	if e := without.Transcript().Entries(); e[0].Conn != "plain" || !bytes.Contains(join(e, '>'), []byte(`"headers":false,"no_responders":false`)) {
		t.Errorf("the transcript does not show the CONNECT that was sent: %s", join(e, '>'))
	}
}

// join returns the bytes of one direction.
func join(entries []Entry, dir byte) []byte {
	var all []byte
	for _, e := range entries {
		if e.Dir == dir {
			all = append(all, e.Data...)
		}
	}
	return all
}

// fakeClientPort answers a stock client's handshake and its PINGs, and says something more at each PUB.
func fakeClientPort(t *testing.T, atPub func(c net.Conn)) *Target {
	f := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(`INFO {"server_id":"T","client_id":1,"proto":1,"headers":true,"max_payload":1048576}` + "\r\n"))
		lines(c, func(line string) {
			switch {
			case line == "PING":
				_, _ = c.Write([]byte("PONG\r\n"))
			case strings.HasPrefix(line, "PUB"):
				atPub(c)
			}
		})
	})
	tg := value[*Target](t)(External(Means{Route: "127.0.0.1:1", Client: "nats://u:hunter22@" + f.address()}))
	t.Cleanup(func() { must(t, tg.Close()) })
	return tg
}

// A target that goes on delivering after the limit of UNSUB is seen, though nats.go drops what it sends.
func TestDeliveredCountsWhatNatsDrops(t *testing.T) {
	tg := fakeClientPort(t, func(c net.Conn) {
		_, _ = c.Write([]byte("MSG s 1 3\r\nMSG\r\nMSG s 1 r 0\r\n\r\nHMSG s 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG other 2 1\r\nx\r\n"))
	})
	ctx := deadline(t)
	c := value[*Client](t)(tg.ConnectClient(ctx, ""))
	s := value[*Subscription](t)(c.Subscribe("s"))
	must(t, s.AutoUnsubscribe(1))
	must(t, c.Publish("x", nil))
	must(t, c.Fence(ctx))
	if len(s.Messages()) != 1 || s.Delivered() != 3 {
		t.Errorf("%d messages, %d delivered; want 1 and 3", len(s.Messages()), s.Delivered())
	}
	if got := join(c.Transcript().Entries(), '>'); bytes.Contains(got, []byte("hunter22")) || !bytes.Contains(got, []byte(`"pass":"***"`)) {
		t.Errorf("the transcript shows the password: %s", got)
	}
}

func TestFenceReportsLostMessages(t *testing.T) {
	tg := fakeClientPort(t, func(c net.Conn) {
		_, _ = c.Write(bytes.Repeat([]byte("MSG s 1 0\r\n\r\n"), subscriptionQueue+1))
	})
	ctx := deadline(t)
	c := value[*Client](t)(tg.ConnectClient(ctx, ""))
	s := value[*Subscription](t)(c.Subscribe("s"))
	must(t, c.Publish("x", nil))
	if err := c.Fence(ctx); err == nil || !strings.Contains(err.Error(), "lost 1 messages") {
		t.Errorf("%v", err)
	}
	if n := len(s.Messages()); n != subscriptionQueue {
		t.Errorf("%d kept", n)
	}
}

func TestClientLosesItsTarget(t *testing.T) {
	tg := fakeClientPort(t, func(c net.Conn) {
		_, _ = c.Write([]byte("-ERR 'Slow Consumer'\r\n"))
		_ = c.Close()
	})
	ctx := deadline(t)
	c := value[*Client](t)(tg.ConnectClient(ctx, ""))
	s := value[*Subscription](t)(c.Subscribe("s"))
	must(t, c.Publish("x", nil))
	if _, err := s.Await(ctx, 1); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Await: %v", err)
	}
	if _, err := c.AwaitServers(ctx, func([]string) bool { return false }); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("AwaitServers: %v", err)
	}
	if err := c.Fence(ctx); err == nil || !c.Closed() {
		t.Error("a fence succeeded on a dead connection")
	}
}

func TestConnectClientFailures(t *testing.T) {
	none := value[*Target](t)(External(Means{Route: "h:1"}))
	if _, err := none.ConnectClient(t.Context(), ""); !errors.Is(err, ErrNoClient) {
		t.Errorf("%v", err)
	}
	gone := value[*Target](t)(External(Means{Route: "h:1", Client: "nats://u:hunter22@127.0.0.1:1"}))
	if _, err := gone.ConnectClient(deadline(t), ""); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("%v", err)
	}
}

func TestUnsubscribeAndCloseEndInterest(t *testing.T) {
	onAll(t, func(t *testing.T, tg *Target) {
		ctx := deadline(t)
		tg.SetNonce("un5ub")
		a := value[*Peer](t)(tg.Join(ctx, "A"))
		if !strings.HasPrefix(a.ID(), "NUN5UBX1X") || a.Name() != "A" {
			t.Errorf("%s is called %s", a.Name(), a.ID())
		}
		c := value[*Client](t)(tg.ConnectClient(ctx, ""))
		one := value[*Subscription](t)(c.Subscribe("one"))
		two := value[*Subscription](t)(c.QueueSubscribe("two", "q"))
		must(t, c.Publish("two", []byte("x")))
		msgs, err := two.Await(ctx, 1)
		if err != nil || len(msgs) != 1 || len(one.Messages()) != 0 {
			t.Errorf("%v, %v", msgs, err)
		}
		if msgs, err := two.Await(brief(t), 2); err == nil || len(msgs) != 1 {
			t.Errorf("a second message: %v, %v", msgs, err)
		}
		must(t, one.Unsubscribe())
		must(t, c.Fence(t.Context())) // a context without a deadline will do
		must(t, a.Fence(ctx))
		c.Close()
		_, err = a.Await(ctx, func(s Seen) bool { return s.Op.String() == "RS- $G two q" })
		must(t, err)
		if !c.Closed() || !slices.Contains(opsOf(a.Seen()), "RS- $G one") {
			t.Errorf("closed %v, seen %q", c.Closed(), opsOf(a.Seen()))
		}
	})
}
