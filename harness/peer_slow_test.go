package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

func TestStopReadingFillsTheWindow(t *testing.T) {
	const line = "RS+ $G a\r\n"
	stuck := make(chan int, 1)
	f := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		_ = c.(*net.TCPConn).SetWriteBuffer(smallReceive)
		_, _ = io.ReadFull(c, make([]byte, 2)) // unread bytes would make the close a reset
		all := []byte(strings.Repeat(line, 2<<20))
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := c.Write(all)
		if err == nil {
			n = -1
		}
		stuck <- n
		_ = c.SetWriteDeadline(time.Time{})
		_, _ = c.Write(all[n : n+len(line)*1000-n%len(line)])
	})
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A", SmallReceiveBuffer()))
	mark := p.Mark()
	p.StopReading()
	must(t, p.SendRaw([]byte("go"), 0))
	n := <-stuck
	if n < 0 || n > 4<<20 || p.Mark() > mark+(32<<10)/len(line) {
		t.Errorf("%d bytes were sent to a peer that does not read, it saw %d operations", n, p.Mark()-mark)
	}
	p.ResumeReading()
	p.ResumeReading()
	value[Closing](t)(p.Closed(deadline(t)))
	if want := n/len(line) + 1000; p.Mark()-mark != want || p.Malformed() != nil {
		t.Errorf("%d operations came, want %d (%v)", p.Mark()-mark, want, p.Malformed())
	}
	p.StopReading()
}

func TestStoppedPeersEnd(t *testing.T) {
	tg := startFake(t, answersPings).target(t)
	a := value[*Peer](t)(tg.Dial(deadline(t), "A"))
	a.StopReading()
	a.StopReading()
	a.Leave()
	_, _ = a.Closed(deadline(t))
	value[*Peer](t)(tg.Dial(deadline(t), "B")).StopReading()
	must(t, tg.Close())
}

func TestSendSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t)
		got := make(chan string)
		go func() {
			all := ""
			for range len("PING\r\n") {
				all += sent(t, theirs)
			}
			got <- all
		}()
		began := time.Now()
		must(t, p.SendSlowly(t.Context(), []byte("PING\r\n"), time.Second, 1))
		if took := time.Since(began); took != 5*time.Second || <-got != "PING\r\n" {
			t.Errorf("took %v", took)
		}
		fenced := make(chan error, 1)
		go func() { fenced <- p.Fence(t.Context()) }()
		sent(t, theirs)
		says(t, theirs, "PONG\r\n")
		select {
		case err := <-fenced:
			t.Errorf("the fence did not wait for its own PONG (%v)", err)
		default:
		}
		says(t, theirs, "PONG\r\n")
		must(t, <-fenced)

		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		go func() { sent(t, theirs); sent(t, theirs) }()
		if err := p.SendSlowly(ctx, []byte("+OK\r\n"), time.Second, 0); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 of 5") {
			t.Errorf("%v", err)
		}
	})
}

// A real server gives a peer up that reads nothing for its write deadline.
func TestRealServersDropPeersThatDoNotRead(t *testing.T) {
	for _, version := range realVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			tg := launchWith(t, version, "write_deadline: \"300ms\"\nmax_payload: 1048576", Means{})
			p := value[*Peer](t)(tg.Join(deadline(t), "A", SmallReceiveBuffer()))
			c := value[*Client](t)(tg.ConnectClient(deadline(t), ""))
			must(t, p.Send(wire.NewSub("$G", "flood")))
			must(t, p.Fence(deadline(t)))
			p.StopReading()
			for range 30 {
				must(t, c.Publish("flood", make([]byte, 1<<20)))
			}
			must(t, c.Fence(WithPatience(deadline(t), patience)))
			// What we send shows us that the connection is gone.
			err := p.SendSlowly(deadline(t), bytes.Repeat([]byte("+OK\r\n"), 1000), 2*time.Millisecond, 0)
			var closed *ClosedError
			if !errors.As(err, &closed) || closed.Closing.ErrText != "" {
				t.Errorf("%v", err)
			}
		})
	}
}

// What others than servers say on a route port.
func TestKnocksOnRealServers(t *testing.T) {
	knocks := map[string]string{
		"HTTP":       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"TLS hello":  "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
		"no letters": "\r\n\r\n",
	}
	onAll(t, func(t *testing.T, tg *Target) {
		for what, b := range knocks {
			p := value[*Peer](t)(tg.Knock(deadline(t), "A", []byte(b)))
			closing, err := p.Closed(deadline(t))
			if err != nil || !strings.HasPrefix(string(p.Received()), "INFO {") {
				t.Errorf("%s: %s", what, fmt.Sprint(closing, err, string(p.Received())))
			}
		}
		must(t, tg.Alive(deadline(t)))
	})
}
