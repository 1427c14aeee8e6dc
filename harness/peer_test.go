package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/reference/wire"
)

// pipe returns a peer that has read fakeINFO, and the target's end of its connection.
func pipe(t *testing.T, opts ...PeerOption) (*Peer, net.Conn) {
	t.Helper()
	return greetedPipe(t, fakeINFO, opts...)
}

// greetedPipe is pipe with another INFO.
func greetedPipe(t *testing.T, info string, opts ...PeerOption) (*Peer, net.Conn) {
	t.Helper()
	tg := newTarget(Means{Route: "127.0.0.1:6222", Password: "secret!", Nonce: "pipe"}, nil)
	ours, theirs := net.Pipe()
	p := value[*Peer](t)(startPeer(tg, "A", ours, true, configured(opts)))
	t.Cleanup(func() { _ = theirs.Close(); must(t, tg.Close()) })
	_, err := theirs.Write([]byte(info))
	must(t, err)
	_, err = p.Await(t.Context(), func(s Seen) bool { return s.Op.Kind == wire.Info })
	must(t, err)
	return p, theirs
}

// says makes the target say something, and waits until it was taken in. For tests under synctest's clock.
func says(t *testing.T, theirs net.Conn, format string, args ...any) {
	t.Helper()
	_, err := fmt.Fprintf(theirs, format, args...)
	must(t, err)
	synctest.Wait()
}

// sent reads what the target gets next: one write, as net.Pipe hands it over.
func sent(t *testing.T, theirs net.Conn) string {
	t.Helper()
	buf := make([]byte, 4096)
	n, err := theirs.Read(buf)
	must(t, err)
	return string(buf[:n])
}

func opsOf(seen []Seen) []string {
	var ops []string
	for _, s := range seen {
		ops = append(ops, s.Op.String())
	}
	return ops
}

func TestSeenKeepsOpsAndBytesForAnyChunks(t *testing.T) {
	stream := "ping extra\r\nRS+  $G\tfoo\nRMSG $G foo | q 5\r\nhe\r\no\r\n-ERR 'Bad'\r\n"
	wantRaw := []string{"ping extra\r\n", "RS+  $G\tfoo\n", "RMSG $G foo | q 5\r\nhe\r\no\r\n", "-ERR 'Bad'\r\n"}
	for _, size := range []int{1, 2, 3, 7, len(stream)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, theirs := pipe(t, NoPong())
				for rest := stream; rest != ""; {
					n := min(size, len(rest))
					says(t, theirs, "%s", rest[:n])
					rest = rest[n:]
				}
				seen := p.Since(1)
				var raw []string
				off := int64(len(fakeINFO))
				for _, s := range seen {
					raw = append(raw, string(s.Raw))
					if s.Off != off {
						t.Errorf("%q is at %d, want %d", s.Raw, s.Off, off)
					}
					off += int64(len(s.Raw))
				}
				if diff := cmp.Diff(wantRaw, raw); diff != "" {
					t.Errorf("raw bytes (-want +got):\n%s", diff)
				}
				if got := string(seen[2].Op.Payload); got != "he\r\no" {
					t.Errorf("payload %q", got)
				}
				if p.Malformed() != nil || p.Mark() != 5 || len(p.Since(9)) != 0 {
					t.Errorf("malformed %v, mark %d, %d beyond the end", p.Malformed(), p.Mark(), len(p.Since(9)))
				}
			})
		})
	}
}

func TestRegisterSendsOneWriteThatRealServersAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t)
		done := make(chan error, 1)
		go func() { done <- p.Register(t.Context()) }()
		got := sent(t, theirs)
		id := p.ID()
		want := `CONNECT {"echo":true,"verbose":false,"pedantic":false,"pass":"secret!","tls_required":false,"headers":true,"name":"` + id + `","cluster":"C"}` + "\r\n" +
			`INFO {"server_id":"` + id + `","server_name":"` + id + `","version":"2.0.0","proto":2,"host":"127.0.0.1","port":PORT,"headers":true,"max_payload":1048576,"cluster":"C"}` + "\r\nPING\r\n"
		_, port := p.target.announce(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if diff := cmp.Diff(strings.Replace(want, "PORT", fmt.Sprint(port), 1), got); diff != "" {
			t.Errorf("registration (-want +got):\n%s", diff)
		}
		says(t, theirs, "RS+ $G a\r\nPONG\r\n")
		must(t, <-done)
		if diff := cmp.Diff([]string{"RS+ $G a", "PONG"}, opsOf(p.Since(1))); diff != "" {
			t.Error(diff)
		}
		for _, e := range p.Transcript().Entries() {
			if bytes.Contains(e.Data, []byte("secret!")) {
				t.Errorf("the transcript holds the password: %s", e.Data)
			}
		}
	})
}

func TestPeerOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pipe(t, WithID("me"), WithoutHeaders(),
			WithInfo(func(i *wire.InfoBody) { i.LNOC = true }), WithInfo(func(i *wire.InfoBody) { i.IP = "x" }),
			WithConnect(func(c *wire.ConnectBody) { c.Lang = "go" }))
		info, connect := p.OwnInfo().InfoBody, p.Connect().ConnectBody
		if info.ServerID != "me" || info.Headers || !info.LNOC || info.IP != "x" {
			t.Errorf("INFO %+v", info)
		}
		if connect.Name != "me" || connect.Headers || connect.Lang != "go" {
			t.Errorf("CONNECT %+v", connect)
		}
	})
}

func TestFenceWaitsForItsOwnPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t)
		says(t, theirs, "PONG\r\nPONG\r\n") // surplus: no fence may take these for its own
		go func() {
			_ = p.SendRaw([]byte("PING\r\nPING\r\n"), 2)
			_ = p.Send(wire.NewPing(), wire.NewSub("$G", "x"))
		}()
		sent(t, theirs)
		sent(t, theirs)
		done := make(chan error, 1)
		go func() { done <- p.Fence(t.Context()) }()
		sent(t, theirs)
		for range 3 {
			says(t, theirs, "PONG\r\n")
			select {
			case err := <-done:
				t.Fatalf("the fence was satisfied by another PING's PONG (%v)", err)
			default:
			}
		}
		says(t, theirs, "PONG\r\n")
		must(t, <-done)
	})
}

func TestFenceEndsWithReason(t *testing.T) {
	for _, tc := range []struct {
		name  string
		says  string
		close bool
		check func(t *testing.T, err error)
	}{
		{"closed", "-ERR 'Authorization Violation'\r\n", true, func(t *testing.T, err error) {
			var closed *ClosedError
			if !errors.As(err, &closed) || closed.Closing.ErrText != "Authorization Violation" || closed.Conn != "A" || closed.Closing.Cut {
				t.Errorf("%v", err)
			}
		}},
		{"closed inside an operation", "RMSG $G a 5\r\nab", true, func(t *testing.T, err error) {
			var closed *ClosedError
			if !errors.As(err, &closed) || !closed.Closing.Cut {
				t.Errorf("%v", err)
			}
		}},
		{"malformed", "RMSG $G a x\r\n\x1b[0mmore", false, func(t *testing.T, err error) {
			var bad *MalformedError
			var syntax *wire.SyntaxError
			if !errors.As(err, &bad) || !errors.As(err, &syntax) || syntax.Token != wire.BadSize || !strings.HasPrefix(string(bad.Near), "RMSG $G a x") {
				t.Errorf("%v", err)
			}
			if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%q is not escaped", err)
			}
		}},
		{"silence", "RS+ $G a\r\n", false, func(t *testing.T, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, theirs := pipe(t)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- p.Fence(ctx) }()
				sent(t, theirs)
				says(t, theirs, "%s", tc.says)
				if tc.close {
					_ = theirs.Close()
				}
				tc.check(t, <-done)
			})
		})
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t)
		isSub := func(s Seen) bool { return s.Op.Kind == wire.Sub }
		says(t, theirs, "RS+ $G a\r\n")
		got, err := p.Await(t.Context(), isSub)
		must(t, err)
		mark := p.Mark()
		later := make(chan Seen, 1)
		go func() {
			s, _ := p.AwaitSince(t.Context(), mark, isSub)
			later <- s
		}()
		synctest.Wait()
		says(t, theirs, "+OK\r\nRS+ $G b\r\n")
		if s := <-later; string(got.Op.Subject) != "a" || string(s.Op.Subject) != "b" {
			t.Errorf("got %s, then %s", got.Op.Subject, s.Op.Subject)
		}
	})
}

func TestPingsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t)
		says(t, theirs, "PING\r\nPING\r\n")
		if got := sent(t, theirs); got != "PONG\r\nPONG\r\n" {
			t.Errorf("answered %q", got)
		}
		p.HoldPongs(true)
		says(t, theirs, "PING\r\n")
		written := make(chan error, 1)
		go func() { written <- p.SendPieces([][]byte{[]byte("RMSG $G a 2\r\n"), []byte("ok\r\n")}, 0) }()
		got := sent(t, theirs) + sent(t, theirs)
		must(t, <-written)
		p.HoldPongs(false)
		if got += sent(t, theirs); got != "RMSG $G a 2\r\nok\r\nPONG\r\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestNoPongStaysSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t, NoPong())
		says(t, theirs, "PING\r\n")
		go func() { _ = p.SendRaw([]byte("+OK\r\n"), 0) }()
		if got := sent(t, theirs); got != "+OK\r\n" {
			t.Errorf("sent %q", got)
		}
	})
}

// Nothing is written between the pieces of one operation, above all no PONG.
func TestPiecesStayTogether(t *testing.T) {
	p, theirs := pipe(t)
	written := make(chan error, 1)
	go func() { written <- p.SendPieces([][]byte{[]byte("RS+ $"), []byte("G a"), []byte("\r\n")}, 0) }()
	got := sent(t, theirs)
	_, err := theirs.Write([]byte("PING\r\n"))
	must(t, err)
	for range 3 {
		got += sent(t, theirs)
	}
	must(t, <-written)
	if got != "RS+ $G a\r\nPONG\r\n" {
		t.Errorf("sent %q", got)
	}
}

// The target's bytes are read while a write, and the answer to its PING behind it, wait for the target.
func TestReadsWhileWriting(t *testing.T) {
	p, theirs := pipe(t)
	go func() { _ = p.SendRaw(make([]byte, 1<<20), 0) }()
	sent(t, theirs) // the first part of it
	_, err := theirs.Write([]byte("PING\r\nRS+ $G a\r\n"))
	must(t, err)
	_, err = p.Await(deadline(t), func(s Seen) bool { return s.Op.Kind == wire.Sub })
	must(t, err)
	_ = theirs.Close()
}

func TestTargetThatTakesNoBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pipe(t)
		if err := p.SendRaw([]byte("x"), 0); err == nil || !strings.Contains(err.Error(), "took no bytes for 10s") {
			t.Errorf("%v", err)
		}
	})
}

// How LS- and pinned routes are read follows what both ends announce.
func TestModeFollowsWhatIsAnnounced(t *testing.T) {
	isUnsub := func(s Seen) bool { return s.Op.Kind == wire.LeafUnsub }
	synctest.Test(t, func(t *testing.T) {
		p, theirs := greetedPipe(t, "INFO {\"lnocu\":true}\r\n", WithInfo(func(i *wire.InfoBody) { i.LNOCU = true }))
		says(t, theirs, "LS- $G a\r\n")
		go func() {
			_ = p.Send(p.OwnInfo())
			_ = p.Send(wire.NewInfo(&wire.InfoBody{ServerID: "third"}))
		}()
		sent(t, theirs)
		sent(t, theirs)
		says(t, theirs, "LS- ORIGIN $G a\r\n")
		first, err := p.Await(t.Context(), isUnsub)
		must(t, err)
		last := p.Seen()[p.Mark()-1]
		if string(first.Op.Account) != "$G" || string(last.Op.Origin) != "ORIGIN" || string(last.Op.Account) != "$G" {
			t.Errorf("read %s, then %s", first.Op.String(), last.Op.String())
		}
	})
	synctest.Test(t, func(t *testing.T) { // 2.5 to 2.10.7 know no lnocu
		p, theirs := pipe(t, WithInfo(func(i *wire.InfoBody) { i.LNOCU = true }))
		go func() { _ = p.Send(p.OwnInfo()) }()
		sent(t, theirs)
		says(t, theirs, "LS-  $G a\r\n")
		if last := p.Seen()[p.Mark()-1].Op; string(last.Account) != "$G" || len(last.Origin) > 0 {
			t.Errorf("read %s", last.String())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t, WithInfo(func(i *wire.InfoBody) { i.RouteAccount = "ACC" }))
		go func() { _ = p.Send(p.OwnInfo()) }()
		sent(t, theirs)
		says(t, theirs, "RMSG a 2\r\nok\r\n")
		if got := p.Seen()[1].Op; string(got.Subject) != "a" || len(got.Account) != 0 {
			t.Errorf("read %s", got.String())
		}
		p.SetMode(wire.Mode{})
		says(t, theirs, "RMSG $G a 2\r\nok\r\n")
		if got := p.Seen()[2].Op; string(got.Account) != "$G" {
			t.Errorf("read %s", got.String())
		}
	})
}

func TestFloodIsSaid(t *testing.T) {
	in := newIncoming("A", true)
	in.bytes = keepBytes - 1000
	in.take([]byte("RS+ $G a\r\nPONG\r\n"+strings.Repeat("RS+ $G a\r\n", 10)+"PONG\r\n"), 0)
	var flood *FloodError
	if !errors.As(in.flood, &flood) || in.pongs != 2 || flood.Ops != len(in.seen) {
		t.Errorf("flood %v, %d PONGs, %d kept", in.flood, in.pongs, len(in.seen))
	}
}

// A bystander counts PONGs and keeps what is not interest.
func TestBystanderKeepsNoInterest(t *testing.T) {
	in := newIncoming("A", true)
	in.bystander = true
	in.take([]byte("RS+ $G a\r\nRS- $G a\r\nRMSG $G a 2\r\nok\r\nPONG\r\nLS+ o $G a\r\nPING\r\n"), 0)
	var kept []wire.Kind
	for _, seen := range in.seen {
		kept = append(kept, seen.Op.Kind)
	}
	if !slices.Equal(kept, []wire.Kind{wire.Msg, wire.Pong, wire.Ping}) || in.pongs != 1 {
		t.Errorf("kept %v, %d PONGs", kept, in.pongs)
	}
}

// A reset with unread input: what the target said before is read, the close is a close, and the next Send says so.
func TestResetAfterText(t *testing.T) {
	f := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		_, _ = io.ReadFull(c, make([]byte, 3)) // "bad", the rest stays unread
		_, _ = c.Write([]byte("-ERR 'Unknown Protocol Operation'\r\n"))
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A"))
	must(t, p.SendRaw([]byte("bad and more that is never read"), 0))
	closing, err := p.Closed(deadline(t))
	must(t, err)
	if closing.ErrText != "Unknown Protocol Operation" && !closing.Reset {
		t.Errorf("closing %+v", closing)
	}
	var closed *ClosedError
	if err := p.Send(wire.NewPing()); !errors.As(err, &closed) {
		t.Errorf("Send after the close: %v", err)
	}
	if err := p.Fence(deadline(t)); !errors.As(err, &closed) {
		t.Errorf("Fence after the close: %v", err)
	}
}

func TestResetIsSeenAsOne(t *testing.T) {
	ended := make(chan error, 1)
	f := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		_, err := io.Copy(io.Discard, c)
		ended <- err
	})
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A"))
	p.Reset()
	if err := <-ended; !wasReset(err) {
		t.Errorf("the target read %v", err)
	}
	if _, err := p.Closed(deadline(t)); !errors.Is(err, ErrLeft) {
		t.Errorf("our end: %v", err)
	}
	p.Leave()
	p.Reset()
}

func TestClosedTellsOpen(t *testing.T) {
	f := startFake(t, answersPings)
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A"))
	if _, err := p.Closed(brief(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	must(t, p.CloseWrite())
	closing, err := p.Closed(deadline(t))
	if err != nil || closing.Reset || closing.ErrText != "" {
		t.Errorf("after our FIN: %+v, %v", closing, err)
	}
}

// Leaving hands over all that was sent before; a target that does not close its side cannot hold us.
func TestLeave(t *testing.T) {
	got := make(chan string, 1)
	f := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		all, _ := io.ReadAll(c)
		got <- string(all)
	})
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A"))
	must(t, p.Send(wire.NewSub("$G", "a")))
	p.Leave()
	p.Leave()
	if all := <-got; all != "RS+ $G a\r\n" {
		t.Errorf("the target got %q", all)
	}
	_, _ = p.Closed(deadline(t))
	if err := p.Send(wire.NewPing()); err == nil {
		t.Error("Send after Leave succeeded")
	}
}

func TestLeaveOfATargetThatDoesNotClose(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	stubborn := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		<-held
	})
	t.Cleanup(func() { close(held) })
	p := value[*Peer](t)(stubborn.target(t).Dial(deadline(t), "B"))
	p.Leave()
	if _, err := p.Closed(deadline(t)); !errors.Is(err, ErrLeft) {
		t.Errorf("left a target that does not close: %v", err)
	}
}

func TestDialFailures(t *testing.T) {
	f := startFake(t, greets("HTTP/1.1 400 Bad Request\r\n\r\n"))
	if _, err := f.target(t).Dial(deadline(t), "A"); err == nil {
		t.Error("an HTTP server was taken for a route port")
	}
	ping := startFake(t, greets("PING\r\n"))
	var other *NotARoute
	if _, err := ping.target(t).Dial(deadline(t), "A"); !errors.As(err, &other) || other.Address != ping.address() {
		t.Errorf("PING first: %v", err)
	}
	mute := startFake(t, drain)
	if _, err := mute.target(t).Join(brief(t), "A"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	refusing := startFake(t, func(c net.Conn) {
		_, _ = c.Write([]byte(fakeINFO))
		_, _ = c.Read(make([]byte, 1))
		_, _ = c.Write([]byte("-ERR 'no'\r\n"))
	})
	var closed *ClosedError
	if _, err := refusing.target(t).Join(deadline(t), "A"); !errors.As(err, &closed) {
		t.Errorf("refused: %v", err)
	}
	tg := startFake(t, answersPings).target(t)
	must(t, tg.Close())
	if _, err := tg.Dial(deadline(t), "A"); err == nil {
		t.Error("a closed target dials")
	}
}
