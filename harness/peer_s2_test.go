package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

const s2INFO = `INFO {"server_id":"T","server_name":"T","version":"0","host":"127.0.0.1","port":1,"max_payload":1048576,"cluster":"C","compression":"s2_fast"} ` + "\r\n"

func TestChosenMode(t *testing.T) {
	for _, tc := range [][3]string{
		{"s2_fast", "accept", "s2_fast"},
		{"accept", "s2_best", "s2_best"},
		{"s2_better", "s2_auto", "s2_better"},
		{"accept", "accept", ""},
		{"off", "s2_fast", ""},
		{"s2_fast", "off", ""},
		{"s2_fast", "", ""},
		{"", "s2_fast", ""},
		{"s2_fast", "not supported", ""},
		{"gzip", "accept", ""},
	} {
		if got := chosenMode(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q and %q give %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

// asStream is b in S2 as a server sends it.
func asStream(b string) []byte {
	var out bytes.Buffer
	w := s2.NewWriter(&out)
	_, _ = w.Write([]byte(b))
	_ = w.Close()
	return out.Bytes()
}

// goesOver is a script of a server that speaks plain up to the INFO that it reads, and S2 from then on. It begins the
// stream in one write with plain bytes, and hands on what it reads after that.
func goesOver(first string, got chan<- string) func(c net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write([]byte(first))
		plain := ""
		for one := make([]byte, 1); !strings.HasSuffix(plain, "\r\n") || !strings.Contains(plain, "INFO "); {
			if _, err := c.Read(one); err != nil {
				return
			}
			plain += string(one)
		}
		got <- plain
		_, _ = c.Write(append([]byte("+OK\r\n"), asStream(s2INFO+"RS+ $G a")...))
		_, _ = c.Write(asStream("\r\n"))
		inside := s2.NewReader(c)
		read := ""
		for one := make([]byte, 1); ; {
			if _, err := inside.Read(one); err != nil {
				return
			}
			if read += string(one); strings.HasSuffix(read, "PING\r\n") {
				got <- read
				read = ""
				_, _ = c.Write(asStream("PONG\r\n"))
			}
		}
	}
}

func TestRegisterGoesOverToS2(t *testing.T) {
	got := make(chan string, 8)
	tg := startFake(t, goesOver(s2INFO, got)).target(t)
	p := value[*Peer](t)(tg.Dial(deadline(t), "A", WithCompression("s2_better")))
	must(t, p.Register(deadline(t)))
	if plain := <-got; strings.Contains(plain, "PING") || !strings.Contains(plain, `"compression":"s2_better"`) {
		t.Errorf("in plain bytes: %q", plain)
	}
	if inside := <-got; !strings.HasPrefix(inside, "INFO {") || !strings.HasSuffix(inside, "}\r\nPING\r\n") {
		t.Errorf("inside S2: %q", inside)
	}
	var seen []string
	off := int64(0)
	for _, s := range p.Seen() {
		seen = append(seen, fmt.Sprint(s.S2, " ", s.Op.Kind))
		if s.Off != off {
			t.Errorf("%q is at %d, want %d", s.Raw, s.Off, off)
		}
		off += int64(len(s.Raw))
	}
	if diff := cmp.Diff([]string{"false INFO", "false +OK", "true INFO", "true RS+", "true PONG"}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if want := s2INFO + "+OK\r\n" + s2INFO + "RS+ $G a\r\nPONG\r\n"; string(p.Received()) != want {
		t.Errorf("received %q", p.Received())
	}
	sentS2, receivedS2 := p.S2()
	wantWire := len(asStream(s2INFO+"RS+ $G a")) + len(asStream("\r\n")) + len(asStream("PONG\r\n"))
	if receivedS2.Wire != int64(wantWire) || receivedS2.Plain != off-int64(len(s2INFO+"+OK\r\n")) || sentS2.Wire == 0 || sentS2.Plain == 0 {
		t.Errorf("sent %+v, received %+v, want %d on the wire", sentS2, receivedS2, wantWire)
	}
	checkS2Transcript(t, p, int(receivedS2.Wire), int(sentS2.Wire))
}

// checkS2Transcript wants what stood inside S2 in the transcript as plain operations, said to be so.
func checkS2Transcript(t *testing.T, p *Peer, received, sent int) {
	t.Helper()
	var notes []string
	for _, e := range p.Transcript().Entries() {
		switch {
		case e.Dir == '#':
			notes = append(notes, string(e.Data))
		case bytes.Contains(e.Data, []byte("sTwO")):
			t.Errorf("%c %q", e.Dir, e.Data)
		case !e.S2 && e.Wire != 0:
			t.Errorf("%d bytes on the wire of what is not S2: %q", e.Wire, e.Data)
		case e.Dir == '<':
			received -= e.Wire
		case e.Dir == '>':
			sent -= e.Wire
		}
	}
	if received != 0 || sent != 0 {
		t.Errorf("%d received and %d sent bytes of S2 are missing", received, sent)
	}
	if all := strings.Join(notes, "; "); !strings.Contains(all, "the target goes over to S2; we go over to S2") {
		t.Errorf("notes: %s", all)
	}
}

func TestWithoutAgreementNothingIsCompressed(t *testing.T) {
	for _, tc := range []struct{ theirs, ours string }{{`,"compression":"off"`, "s2_fast"}, {"", "s2_fast"}, {`,"compression":"accept"`, "accept"}} {
		f := startFake(t, func(c net.Conn) {
			_, _ = c.Write([]byte(strings.Replace(fakeINFO, `,"cluster"`, tc.theirs+`,"cluster"`, 1)))
			lines(c, func(line string) {
				if line == "PING" {
					_, _ = c.Write([]byte("PONG\r\n"))
				}
			})
		})
		p := value[*Peer](t)(f.target(t).Join(deadline(t), "A", WithCompression(tc.ours)))
		if sent, received := p.S2(); sent != (S2Count{}) || received != (S2Count{}) || p.Compression() != "" {
			t.Errorf("%+v: sent %+v, received %+v, mode %q", tc, sent, received, p.Compression())
		}
	}
}

func TestBrokenS2(t *testing.T) {
	stream := asStream("PING\r\n")
	damaged := bytes.Clone(stream)
	damaged[len(damaged)-1] ^= 1
	for _, tc := range []struct {
		name   string
		sends  []byte
		broken bool
		cut    bool
	}{
		{"damaged", damaged, true, false},
		{"plain again", append(bytes.Clone(stream), "PING\r\n"...), true, false},
		{"cut inside a block", stream[:len(stream)-2], false, true},
		{"cut inside an operation", asStream("PIN"), false, true},
		{"whole", stream, false, false},
	} {
		f := startFake(t, func(c net.Conn) {
			_, _ = c.Write(append([]byte(fakeINFO), tc.sends...))
		})
		p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A", WithCompression("s2_fast"), NoPong()))
		closing, err := p.Closed(deadline(t))
		var broken *MalformedError
		if errors.As(err, &broken) != tc.broken || closing.Cut != tc.cut || closing.Reset {
			t.Errorf("%s: %+v, %v", tc.name, closing, err)
		}
	}
	f := startFake(t, greets(fakeINFO+string(stream)))
	p := value[*Peer](t)(f.target(t).Dial(deadline(t), "A"))
	if err := p.wait(deadline(t), "nothing", func() bool { return false }); p.Malformed() == nil {
		t.Errorf("S2 to a peer that announced none: %v", err)
	}
}

// onReal runs a test on the real servers that know S2.
func onReal(t *testing.T, test func(t *testing.T, tg *Target)) {
	for _, version := range pooledVersions {
		t.Run(version, func(t *testing.T) { test(t, launchReal(t, version, LaunchConfig{})) })
	}
}

func TestRealServersCompress(t *testing.T) {
	onReal(t, func(t *testing.T, tg *Target) {
		for _, mode := range []string{"s2_fast", "s2_better", "s2_best", "s2_auto", "s2_uncompressed"} {
			p := value[*Peer](t)(tg.Join(deadline(t), "A", WithCompression(mode)))
			routesMessages(t, tg, p, "from."+mode, "to."+mode)
		}
		for i := range 3 {
			opts := []PeerOption{WithID("NPOOLED"), Pooled(3, i), WithCompression("s2_fast")}
			p := value[*Peer](t)(tg.Join(deadline(t), fmt.Sprint("P", i), opts...))
			must(t, p.Fence(deadline(t)))
		}
	})
}

func TestRealServersThatAskForCompression(t *testing.T) {
	for _, version := range pooledVersions {
		t.Run(version, func(t *testing.T) {
			tg := launchWith(t, version, "cluster { name: C, compression: s2_best }", Means{})
			p := value[*Peer](t)(tg.Join(deadline(t), "A", WithCompression("accept")))
			if p.Compression() != "s2_best" {
				t.Errorf("mode %q", p.Compression())
			}
			routesMessages(t, tg, p, "from", "to")
			p = value[*Peer](t)(tg.Join(deadline(t), "B", WithCompression("off")))
			if _, received := p.S2(); received != (S2Count{}) {
				t.Errorf("compressed for a peer that wants none: %+v", received)
			}
		})
	}
}

// routesMessages sends a message each way between a peer and a client, both inside S2.
func routesMessages(t *testing.T, tg *Target, p *Peer, from, to string) {
	t.Helper()
	c := value[*Client](t)(tg.ConnectClient(deadline(t), ""))
	defer c.Close()
	sub := value[*Subscription](t)(c.Subscribe(from))
	must(t, c.Fence(deadline(t)))
	payload := bytes.Repeat([]byte("compressible "), 10_000)
	must(t, p.Send(wire.NewSub("$G", to), wire.NewMsg("$G", from, "", payload)))
	must(t, p.Fence(deadline(t)))
	must(t, c.Fence(deadline(t)))
	if got := sub.Messages(); len(got) != 1 || !bytes.Equal(got[0].Data, payload) {
		t.Errorf("the client got %d messages", len(got))
	}
	must(t, c.Publish(to, payload))
	must(t, c.Fence(deadline(t)))
	must(t, p.Fence(deadline(t)))
	s, err := p.Await(deadline(t), func(s Seen) bool { return s.Op.Kind == wire.Msg && string(s.Op.Subject) == to })
	if err != nil || !s.S2 || !bytes.Equal(s.Op.Payload, payload) {
		t.Errorf("the peer saw %s, in S2 %v, %v", s.Op.String(), s.S2, err)
	}
	sent, received := p.S2()
	if sent.Plain < int64(len(payload)) || received.Plain < int64(len(payload)) {
		t.Errorf("sent %+v, received %+v", sent, received)
	}
	if p.Compression() != "s2_uncompressed" && sent.Wire > sent.Plain/2 {
		t.Errorf("sent %+v", sent)
	}
}

func TestRealServersCompressWhatTheyDial(t *testing.T) {
	onReal(t, func(t *testing.T, tg *Target) {
		p := value[*Peer](t)(tg.Join(deadline(t), "A"))
		l := value[*Listener](t)(tg.NewListener(deadline(t)))
		host, port := l.Address()
		news := p.OwnInfo().InfoBody.Clone()
		news.ServerID, news.ServerName, news.Host, news.Port, news.IP = "NPOOL", "NPOOL", host, port, l.URL()
		news.RoutePoolSize = 3
		must(t, p.Send(wire.NewInfo(news)))
		pool := value[[]*Peer](t)(l.AcceptPool(deadline(t), "L", 4, WithID("NPOOL"), Pooled(3, 0), WithCompression("s2_better")))
		if diff := cmp.Diff([]string{"0", "1", "2", "0$SYS"}, places(pool)); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		routesMessages(t, tg, pool[1], "from", "to")
	})
}

// What is wrong inside an S2 stream, and plain bytes where one has to be, end the connection.
func TestRealServersRefuseBrokenS2(t *testing.T) {
	onReal(t, func(t *testing.T, tg *Target) {
		p := value[*Peer](t)(tg.Dial(deadline(t), "A", WithCompression("s2_fast")))
		must(t, p.Send(p.Connect(), p.OwnInfo()))
		_, err := p.Await(deadline(t), func(s Seen) bool { return s.S2 && s.Op.Kind == wire.Info })
		must(t, err)
		must(t, p.SendRaw([]byte("PING\r\n"), 1))
		value[Closing](t)(p.Closed(deadline(t)))

		p = value[*Peer](t)(tg.Join(deadline(t), "B", WithCompression("s2_fast")))
		damaged := asStream("PING\r\n")
		damaged[len(damaged)-1] ^= 1
		must(t, p.SendWire(damaged, 0))
		value[Closing](t)(p.Closed(deadline(t)))

		must(t, tg.Alive(deadline(t)))
	})
}
