package live

import (
	"net"
	"testing"
	"time"
)

// A server that accepts connections and says nothing is given up when its time is up: that is how a hang shows.
func TestSilentServerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type dialled struct {
		c   *wireConn
		err error
	}
	done := make(chan dialled, 1)
	go func() {
		c, err := dialRoute(l.Addr().String(), nil, make([]byte, 64))
		done <- dialled{c, err}
	}()
	select {
	case d := <-done:
		if d.err != nil || d.c.info != nil || d.c.infoIn < infoLimit {
			t.Errorf("%v, INFO %v after %v", d.err, d.c.info, d.c.infoIn)
		}
		d.c.close()
	case <-time.After(10 * infoLimit):
		t.Fatal("it waits for ever")
	}
}
