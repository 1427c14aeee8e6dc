package fault

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stream is what a peer may send: frames of every shape, then bytes that are none.
const stream = "CONNECT {\"name\":\"A\"}\r\nrs+\t$G  a.b \r\nRS+ $G jobs q 3\r\n" +
	"RMSG $G a.b r.1 5\r\nhello\r\nRMSG $G a + r q 0\r\n\r\nPING anything\r\nHMSG $G h 12 15\r\nNATS/1.0\r\n\r\nabc\r\n" +
	"PONG\r\nNOTHING LIKE IT\r\nPING\r\n"

// TestFramesAreTheBytes holds the frames of any chunking against the bytes that went in: the middlebox loses none.
func TestFramesAreTheBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		f, in, out := newFramer(), []byte(stream), []byte(nil)
		kinds := 0
		for len(in) > 0 {
			n := 1 + r.IntN(len(in))
			frames, _, _ := f.split(bytes.Clone(in[:n]))
			for _, frame := range frames {
				out = append(out, frame.Raw...)
				if frame.Op.Kind != wire.None {
					kinds++
				}
			}
			in = in[n:]
		}
		if string(out) != stream || kinds != 8 {
			t.Fatalf("%d frames: %q", kinds, out)
		}
	}
}

// TestNamesAndTargets wants every fault to be told apart and to say what it breaks.
func TestNamesAndTargets(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Catalog() {
		if seen[f.Name] || f.Title == "" || f.Breaks == "" || f.plants() == 0 {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
		if got, ok := ByName(f.Name); !ok || got.Title != f.Title {
			t.Errorf("ByName(%q) = %+v, %v", f.Name, got, ok)
		}
	}
	if _, ok := ByName("none such"); ok {
		t.Error("a fault that does not exist was found")
	}
}

// TestBox passes a conversation through the box of a fault and looks at what arrives on the other side.
func TestBox(t *testing.T) {
	for _, c := range []struct{ fault, fromPeer, toServer, toPeer string }{
		{"", "ping\r\nRS+\t$G a\r\n", "ping\r\nRS+\t$G a\r\n", ""},
		{"op-lower-case-refused", "PING\r\nping\r\n", "PING\r\n", "-ERR 'Unknown Protocol Operation'\r\n"},
		{"tab-refused", "PING\r\nRS+\t$G a\r\n", "PING\r\n", "-ERR 'Unknown Protocol Operation'\r\n"},
		{"unknown-operation-ignored", "PING\r\nXYZ\r\nPONG\r\nXYZ\r\nPING\r\n", "PING\r\nPONG\r\nPING\r\n", ""},
		{"empty-line-ignored", " \r\n\tPING\r\n", "PING\r\n", ""},
		{"rmsg-size-read-loosely", "RMSG $G a 2x\r\nok\r\nPING\r\n", "PING\r\n", ""},
		{"payload-end-unchecked", "RMSG $G a 2\r\nokxx\r\nPING\r\n", "RMSG $G a 2\r\nok\r\nPING\r\n", ""},
		{"payload-ends-with-segment", "PING\r\nRMSG $G a 9\r\nok", "PING\r\nRMSG $G a 2\r\nok\r\n", ""},
		{"read-on-behind-error", "RMSG $G a\r\nPING\r\n", "PING\r\nRMSG $G a\r\n", ""},
		{"interest-counted", "RS+ $G a\r\nRS+ $G a\r\nRS- $G a\r\nRS- $G a\r\n", "RS+ $G a\r\nRS+ $G a\r\nRS- $G a\r\n", ""},
		{"messages-of-peer-overtake", "RMSG $G a 1\r\n1\r\nRMSG $G b 1\r\n2\r\n", "RMSG $G b 1\r\n2\r\nRMSG $G a 1\r\n1\r\n", ""},
		{"plain-end-ends-groups", "RS+ $G a q 2\r\nRS- $G a\r\n", "RS+ $G a q 2\r\nRS- $G a\r\nRS- $G a q\r\n", ""},
		{"interest-echoed", "RS+ $G a\r\n", "RS+ $G a\r\n", "RS+ $G a\r\n"},
	} {
		f, _ := ByName(c.fault)
		ours, behind, err := pair()
		if err != nil {
			t.Fatal(err)
		}
		peer := NewBox(f).Inside(ours, true)
		_ = behind.SetDeadline(time.Now().Add(5 * time.Second))
		_ = peer.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(peer, c.fromPeer); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c.toServer))
		if _, err := io.ReadFull(behind, got); err != nil || string(got) != c.toServer {
			t.Errorf("%s: the server got %q, %v", c.fault, got, err)
		}
		said := make([]byte, len(c.toPeer))
		if _, err := io.ReadFull(peer, said); err != nil || string(said) != c.toPeer {
			t.Errorf("%s: the peer got %q, %v", c.fault, said, err)
		}
		_, _ = peer.Close(), behind.Close()
	}
}

// plants counts the places where the fault does something.
func (f *Fault) plants() int {
	n := 0
	for _, there := range []bool{
		f.FromPeer != nil, f.FromServer != nil, f.PeerBytes != nil, f.ServerBytes != nil, f.Mend != nil, f.Opened != nil, f.Ended != nil, f.Wire != nil,
		f.Chunk != nil, f.FromClient != nil, f.ToClient != nil, f.TLS != nil,
	} {
		if there {
			n++
		}
	}
	return n
}

// TestBoxPassesEnds: a FIN of one side, what the other still says, and its end.
func TestBoxPassesEnds(t *testing.T) {
	ours, behind, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	peer := NewBox(Fault{Name: "frames"}).Inside(ours, true).(*net.TCPConn)
	_, _ = io.WriteString(peer, "PING\r\nRS+ $G half")
	_ = peer.CloseWrite()
	if got, err := io.ReadAll(behind); err != nil || string(got) != "PING\r\nRS+ $G half" {
		t.Errorf("the server got %q, %v", got, err)
	}
	_, _ = io.WriteString(behind, "PONG\r\n")
	_ = behind.Close()
	if got, err := io.ReadAll(peer); err != nil || string(got) != "PONG\r\n" {
		t.Errorf("the peer got %q, %v", got, err)
	}
	_ = peer.Close()
}

// TestBoxHidesEnds: where a fault keeps one side from noticing that the other has ended, that side stays open.
func TestBoxHidesEnds(t *testing.T) {
	f, _ := ByName("error-without-close")
	ours, behind, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	peer := NewBox(f).Inside(ours, true)
	_, _ = io.WriteString(behind, "-ERR 'x'\r\n")
	_ = behind.Close()
	said := make([]byte, len("-ERR 'x'\r\n"))
	if _, err := io.ReadFull(peer, said); err != nil {
		t.Fatal(err)
	}
	_ = peer.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := peer.Read(said); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the peer's side is not open: %v", err)
	}
	_ = peer.Close()
}
