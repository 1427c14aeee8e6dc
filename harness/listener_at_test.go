package harness

import (
	"net"
	"strconv"
	"testing"
)

// TestListenAt: where a listener was that is closed, dials are refused until there is another.
func TestListenAt(t *testing.T) {
	f := startFake(t, greets(fakeINFO))
	tg := value[*Target](t)(External(Means{Route: f.address()}))
	t.Cleanup(func() { must(t, tg.Close()) })
	first := value[*Listener](t)(tg.ListenAt(deadline(t), "127.0.0.1:0"))
	host, port := first.Address()
	at := net.JoinHostPort(host, strconv.Itoa(port))
	must(t, first.Close())
	if _, err := net.Dial("tcp", at); !wasRefused(err) {
		t.Errorf("a dial to a closed listener: %v", err)
	}
	again := value[*Listener](t)(tg.ListenAt(deadline(t), at))
	conn := value[net.Conn](t)(net.Dial("tcp", at))
	defer conn.Close()
	p := value[*Peer](t)(again.Accept(deadline(t), "L"))
	p.Leave()
	p.Leave() // once more does nothing
	if again.Dials() != 1 {
		t.Errorf("%d dials", again.Dials())
	}
	must(t, again.Close())
}

func TestOddCredentials(t *testing.T) {
	for _, tc := range []struct {
		c   Credentials
		odd bool
	}{
		{Credentials{}, false},
		{Credentials{"natsroute", "ABC-123"}, false},
		{Credentials{"a b", "x"}, true},
		{Credentials{"a", "é"}, true},
		{(&Setup{Auth: true}).credentials(), false},
		{(&Setup{Auth: true, OddAuth: true}).credentials(), true},
	} {
		if tc.c.Odd() != tc.odd {
			t.Errorf("%q: odd is %v", tc.c, !tc.odd)
		}
	}
	if c := (&Setup{OddAuth: true}).credentials(); len(c.Password) <= 72 {
		t.Errorf("a password of %d bytes: bcrypt would take it whole", len(c.Password))
	}
}
