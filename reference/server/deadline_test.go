package server

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// TestWriteDeadline checks when a route is given up whose peer takes a few bytes and then no more: with the first deadline that
// passes in srv-2.1, later with the first one in which nothing was written.
func TestWriteDeadline(t *testing.T) {
	for _, c := range []struct {
		dialect  string
		deadline time.Duration // of the configuration; 0: the default
		given    time.Duration // what the peer is given in the end
	}{
		{"srv-2.1", 0, OldWriteDeadline},
		{"srv-2.1", time.Second, time.Second},
		{"srv-2.5", 0, 2 * DefaultWriteDeadline},
		{"srv-2.15", time.Second, 2 * time.Second},
	} {
		t.Run(c.dialect, func(t *testing.T) {
			dialect, err := wire.DialectByName(c.dialect)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Config{Dialect: dialect, WriteDeadline: c.deadline})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				near, far := net.Pipe()
				defer far.Close()
				l := s.newLink(near, "rid", 1)
				l.strict = strictDeadline(dialect)
				start := time.Now()
				ended := make(chan error, 1)
				go func() { ended <- l.writeBatch([][]byte{make([]byte, 100)}) }()
				if _, err := io.ReadFull(far, make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				err = <-ended
				near.Close()
				if got := time.Since(start); !isTimeout(err) || got != c.given {
					t.Errorf("given up after %v with %v, want %v", got, err, c.given)
				}
			})
		})
	}
}
