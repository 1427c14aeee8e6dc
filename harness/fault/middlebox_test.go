package fault

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
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
			for _, frame := range f.split(bytes.Clone(in[:n])) {
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
		if seen[f.Name] || f.Title == "" || f.Breaks == "" || f.FromPeer == nil && f.FromServer == nil {
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

// TestMiddlebox passes a conversation through each fault's middlebox and looks at what arrives on the other side.
func TestMiddlebox(t *testing.T) {
	for _, c := range []struct{ fault, fromPeer, toServer, toPeer string }{
		{"", "ping\r\nRS+\t$G a\r\n", "ping\r\nRS+\t$G a\r\n", ""},
		{"op-lower-case-refused", "PING\r\nping\r\n", "PING\r\n", "-ERR 'Unknown Protocol Operation'\r\n"},
		{"tab-refused", "PING\r\nRS+\t$G a\r\n", "PING\r\n", "-ERR 'Unknown Protocol Operation'\r\n"},
	} {
		f, _ := ByName(c.fault)
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		box, err := Start(server.Addr().String(), f)
		if err != nil {
			t.Fatal(err)
		}
		peer, err := net.Dial("tcp", box.Addr())
		if err != nil {
			t.Fatal(err)
		}
		behind, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
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
		_, _, _ = peer.Close(), behind.Close(), server.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}
}
