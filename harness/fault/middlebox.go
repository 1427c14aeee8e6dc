package fault

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// bound is the most that is kept of a frame that has not ended, in bytes: what is longer passes as it comes.
const bound = 16 << 20

// Middlebox stands between peers and one server.
type Middlebox struct {
	fault    Fault
	server   string
	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex
	links  map[*Link]bool
	closed bool
}

// Start listens on a free loopback port and passes connections on to the route port at server (host:port). The zero
// Fault changes nothing.
func Start(server string, f Fault) (*Middlebox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault: no port to listen on: %w", err)
	}
	m := &Middlebox{fault: f, server: server, listener: l, links: map[*Link]bool{}}
	m.wait.Add(1)
	go m.accept()
	return m, nil
}

// Addr is where peers connect, host:port.
func (m *Middlebox) Addr() string { return m.listener.Addr().String() }

// Close ends every connection and waits for its goroutines.
func (m *Middlebox) Close() error {
	m.mu.Lock()
	m.closed = true
	for l := range m.links {
		l.close()
	}
	m.mu.Unlock()
	err := m.listener.Close()
	m.wait.Wait()
	return err
}

func (m *Middlebox) accept() {
	defer m.wait.Done()
	for {
		peer, err := m.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.DialTimeout("tcp", m.server, time.Second)
		if err != nil {
			peer.Close()
			continue
		}
		l := &Link{box: m, peer: peer, server: server}
		if !m.add(l) {
			l.close()
			return
		}
		m.wait.Add(2)
		go m.pump(l, peer, server, m.fault.FromPeer)
		go m.pump(l, server, peer, m.fault.FromServer)
	}
}

func (m *Middlebox) add(l *Link) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.links[l] = true
	return true
}

// pump passes one direction until either side ends, then ends both.
func (m *Middlebox) pump(l *Link, from, to net.Conn, rewrite func(*Link, Frame) []Frame) {
	defer m.wait.Done()
	defer func() {
		l.close()
		m.mu.Lock()
		delete(m.links, l)
		m.mu.Unlock()
	}()
	if rewrite == nil {
		_, _ = io.Copy(&link{l, to}, from)
		return
	}
	frames := newFramer()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		for _, f := range frames.split(buf[:n]) {
			out := []Frame{f}
			if f.Op.Kind != wire.None {
				out = rewrite(l, f)
			}
			for _, g := range out {
				if l.write(to, g.Raw) != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// Link is one peer's connection and the one behind it.
type Link struct {
	box          *Middlebox
	peer, server net.Conn
	mu           sync.Mutex // writes to either side: a frame stays whole
	once         sync.Once
}

// Refuse says -ERR to the peer and closes.
func (l *Link) Refuse(text string) {
	_ = l.write(l.peer, []byte("-ERR '"+text+"'\r\n"))
	l.close()
}

// ToOtherPeers sends a frame to every other peer.
func (l *Link) ToOtherPeers(f Frame) {
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	for other := range l.box.links {
		if other != l {
			_ = other.write(other.peer, f.Raw)
		}
	}
}

func (l *Link) write(to net.Conn, b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := to.Write(b)
	return err
}

func (l *Link) close() {
	l.once.Do(func() {
		l.peer.Close()
		l.server.Close()
	})
}

// link is a Link's locked write side for io.Copy.
type link struct {
	*Link
	to net.Conn
}

func (w *link) Write(b []byte) (int, error) { return len(b), w.write(w.to, b) }

// framer cuts a stream into frames. After bytes that do not parse everything passes as it is.
type framer struct {
	parser *wire.Parser
	held   []byte // bytes of the frame that has not ended
	opaque bool
}

func newFramer() *framer {
	d := wire.Latest()
	d.ConnectFirst = false
	d.Limits.ControlLine = bound
	return &framer{parser: wire.NewParser(d)}
}

// split returns the frames that b completes. Bytes that are no frame come as frames of Kind None.
func (f *framer) split(b []byte) []Frame {
	if f.opaque || len(b) == 0 {
		return []Frame{{Raw: b}}
	}
	f.held = append(f.held, b...)
	var out []Frame
	f.parser.Feed(b)
	base := f.parser.Offset()
	for {
		var op wire.Op
		err := f.parser.Next(&op)
		switch {
		case err == nil:
			n := f.parser.Offset() - base
			base = f.parser.Offset()
			out = append(out, Frame{Op: op.Clone(), Raw: append([]byte(nil), f.held[:n]...)})
			f.held = f.held[n:]
		case errors.Is(err, wire.ErrNeedMore) && len(f.held) <= bound:
			return out
		default:
			f.opaque = true
			out = append(out, Frame{Raw: f.held})
			f.held = nil
			return out
		}
	}
}
