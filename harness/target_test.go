package harness

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseRoute(t *testing.T) {
	for _, tc := range []struct {
		in, route, user, password string
		tls                       bool
	}{
		{in: "127.0.0.1:6222", route: "127.0.0.1:6222"},
		{in: "a.example.com", route: "a.example.com:6222"},
		{in: "::1", route: "[::1]:6222"},
		{in: "[::1]:7222", route: "[::1]:7222"},
		{in: "nats-route://u:p%40ss@host:1/", route: "host:1", user: "u", password: "p@ss"},
		{in: "u:p@host:1", route: "host:1", user: "u", password: "p"},
		{in: "nats://host", route: "host:6222"},
		{in: "tls://host:1", route: "host:1", tls: true},
	} {
		m, err := ParseRoute(tc.in)
		if err != nil || m.Route != tc.route || m.User != tc.user || m.Password != tc.password || (m.TLS != nil) != tc.tls {
			t.Errorf("ParseRoute(%q) = %+v, %v", tc.in, m, err)
		}
	}
	for _, in := range []string{"", ":6222", "host:0", "host:65536", "host:x", "http://host:1", "host:1/path", "nats-route://u:hunter22@host:x", "u:hunter22@ho st", "u:hunter22@host:1?x"} {
		_, err := ParseRoute(in)
		if err == nil {
			t.Errorf("ParseRoute(%q) succeeded", in)
		} else if strings.Contains(err.Error(), "hunter22") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestExternalChecksItsMeans(t *testing.T) {
	for _, m := range []Means{
		{},
		{Route: "host"},
		{Route: "::1:6222"},
		{Route: "h:1", Client: "nats://"},
		{Route: "h:1", Client: "nats://u:hunter22@h:x y"},
		{Route: "h:1", Advertise: "h"},
	} {
		if _, err := External(m); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("External(%+v): %v", m, err)
		}
	}
}

func TestIdentities(t *testing.T) {
	var a, b identities
	a.setNonce("k3f9")
	b.setNonce("k3f9")
	seen := make(map[string]bool)
	for range 1000 {
		id := a.next()
		if id != b.next() {
			t.Fatal("the same nonce gives other ids")
		}
		if seen[id] || len(id) != idLength || !strings.HasPrefix(id, "NK3F9X") || strings.ContainsAny(id, " \"") {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	a.setNonce("")
	b.setNonce("")
	if a.next() == b.next() {
		t.Error("two runs without a nonce share ids")
	}
}

func TestReservedPortRefuses(t *testing.T) {
	var r reservation
	defer r.close()
	for _, host := range []string{"127.0.0.1", "::1"} {
		port, err := r.port(host)
		if err != nil {
			t.Logf("not run for %s: %v", host, err)
			continue
		}
		address := net.JoinHostPort(host, strconv.Itoa(port))
		if again, _ := r.port(host); again != port {
			t.Errorf("%s: %d, then %d", host, port, again)
		}
		if _, err := net.Dial("tcp", address); !wasRefused(err) {
			t.Errorf("dialling it: %v", err)
		}
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			t.Error("somebody else could take it")
		}
	}
}

func TestPeerAnnouncesTheFamilyOfTheTarget(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("not run: no IPv6 loopback: %v", err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		if c, err := l.Accept(); err == nil {
			defer func() { _ = c.Close() }()
			answersPings(c)
		}
	}()
	tg := value[*Target](t)(External(Means{Route: l.Addr().String()}))
	defer func() { must(t, tg.Close()) }()
	p := value[*Peer](t)(tg.Dial(deadline(t), "A"))
	if info := p.OwnInfo().InfoBody; info.Host != "::1" || info.Port == 0 {
		t.Errorf("announces %s:%d", info.Host, info.Port)
	}
	lis := value[*Listener](t)(tg.NewListener(deadline(t)))
	if host, _ := lis.Address(); host != "::1" || !strings.HasPrefix(lis.URL(), "nats-route://[::1]:") {
		t.Errorf("listens on %s, %s", host, lis.URL())
	}
}

func TestRestartOfSomebodyElsesServer(t *testing.T) {
	tg := value[*Target](t)(External(Means{Route: "h:1"}))
	if err := tg.Restart(t.Context()); !errors.Is(err, ErrNoRestart) || tg.Launched() || tg.Exited() != nil {
		t.Errorf("%v", err)
	}
}

// slow is a proxy that delivers all bytes 50 ms late, each way.
func slow(t *testing.T, address string, late time.Duration) string {
	t.Helper()
	f := startFake(t, func(c net.Conn) {
		up, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		var both sync.WaitGroup
		both.Go(func() { deliverLate(up, c, late) })
		both.Go(func() { deliverLate(c, up, late) })
		both.Wait()
	})
	return f.address()
}

func deliverLate(to, from net.Conn, late time.Duration) {
	type chunk struct {
		at time.Time
		b  []byte
	}
	chunks := make(chan chunk, 1024)
	go func() {
		defer close(chunks)
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			chunks <- chunk{time.Now().Add(late), append([]byte(nil), buf[:n]...)}
			if err != nil {
				return
			}
		}
	}()
	defer func() { _ = to.Close() }()
	for c := range chunks {
		<-time.After(time.Until(c.at))
		if _, err := to.Write(c.b); err != nil {
			_, _ = io.Copy(io.Discard, from)
		}
	}
}

func TestRoundTripThroughASlowNetwork(t *testing.T) {
	const late = 50 * time.Millisecond
	f := startFake(t, answersPings)
	tg := value[*Target](t)(External(Means{Route: slow(t, f.address(), late)}))
	defer func() { must(t, tg.Close()) }()
	if tg.RTT() != 0 || tg.Patience() != fullPatience {
		t.Errorf("before anything was measured: RTT %v, patience %v", tg.RTT(), tg.Patience())
	}
	_, err := tg.Look(deadline(t))
	must(t, err)
	if rtt := tg.RTT(); rtt < late || rtt > 20*late {
		t.Errorf("from the greeting: %v", rtt)
	}
	p := value[*Peer](t)(tg.Join(deadline(t), "A"))
	for range 3 {
		must(t, p.Fence(deadline(t)))
	}
	if rtt := tg.RTT(); rtt < 2*late || rtt > 20*late || tg.Patience() != fullPatience+20*rtt {
		t.Errorf("from fences: %v, patience %v", rtt, tg.Patience())
	}
}

func TestListenerHoldsDialsUntilAccepted(t *testing.T) {
	tg := startFake(t, greets(fakeINFO)).target(t)
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	host, port := l.Address()
	first := value[net.Conn](t)(net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port))))
	defer func() { _ = first.Close() }()
	_, err := first.Write([]byte(`CONNECT {"name":"D"}` + "\r\n" + `INFO {"server_id":"D","route_account":"ACC"}` + "\r\nRS+ a\r\n"))
	must(t, err)
	p := value[*Peer](t)(l.Accept(deadline(t), "L"))
	_, err = p.Await(deadline(t), func(s Seen) bool { return s.Op.String() == "RS+ a" })
	must(t, err)
	if p.Info() == nil || p.Info().ServerID != "D" || l.Dials() != 1 || len(l.DialTimes()) != 1 {
		t.Errorf("INFO %+v, %d dials", p.Info(), l.Dials())
	}
	must(t, p.Send(p.OwnInfo()))
	buf := make([]byte, 5)
	if _, err := io.ReadFull(first, buf); err != nil || string(buf) != "INFO " {
		t.Errorf("the dialler got %q, %v", buf, err)
	}
	if _, err := l.Accept(brief(t), "M"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody dialled: %v", err)
	}

	held := value[net.Conn](t)(net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port))))
	defer func() { _ = held.Close() }()
	_ = held.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := held.Read(buf); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("a dial that is not accepted was not held open: %v", err)
	}
	must(t, l.Close())
	must(t, l.Close())
	_ = held.SetReadDeadline(time.Now().Add(patience))
	if _, err := held.Read(buf); !errors.Is(err, io.EOF) && !wasReset(err) {
		t.Errorf("Close left it open: %v", err)
	}
	if _, err := l.Accept(deadline(t), "M"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	must(t, p.Send(p.OwnInfo())) // a peer outlives its listener
}

func TestListenerAddresses(t *testing.T) {
	remote := value[*Target](t)(External(Means{Route: "192.0.2.1:6222"}))
	if _, err := remote.NewListener(t.Context()); !errors.Is(err, ErrNoListener) {
		t.Errorf("for a target elsewhere: %v", err)
	}
	unspecified := value[*Target](t)(External(Means{Route: "192.0.2.1:6222", Listen: "0.0.0.0:0"}))
	if _, err := unspecified.NewListener(t.Context()); err == nil || !strings.Contains(err.Error(), "--advertise") {
		t.Errorf("on every address: %v", err)
	}
	told := value[*Target](t)(External(Means{Route: "192.0.2.1:6222", Listen: "127.0.0.1:0", Advertise: "198.51.100.7:7000"}))
	l := value[*Listener](t)(told.NewListener(t.Context()))
	if host, port := l.Address(); host != "198.51.100.7" || port != 7000 {
		t.Errorf("advertises %s:%d", host, port)
	}
	must(t, told.Close())
}

// More dials than are held wait in the system's queue: none is refused, none is lost.
func TestListenerBoundsWhatItHolds(t *testing.T) {
	tg := startFake(t, greets(fakeINFO)).target(t)
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	host, port := l.Address()
	const dials = maxHeld + 20
	for range dials {
		c := value[net.Conn](t)(net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port))))
		defer func() { _ = c.Close() }()
	}
	if n := l.Dials(); n > maxHeld+1 {
		t.Errorf("%d connections were taken, %d may be held", n, maxHeld)
	}
	for range dials {
		value[*Peer](t)(l.Accept(deadline(t), "L")).Leave()
	}
	if n := l.Dials(); n != dials {
		t.Errorf("%d of %d dials were accepted", n, dials)
	}
}
