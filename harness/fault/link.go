package fault

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

// Link is one connection with the box in it. Its functions may be called from those of a Fault.
type Link struct {
	Dialled bool           // we opened the connection; else the server did
	Peer    *wire.InfoBody // the last INFO that we sent about ourselves; nil: none yet
	Server  *wire.InfoBody // the first INFO of the server; nil: none yet
	Kept    any            // what the fault remembers of this connection

	box      *Box
	toPeer   side
	toServer side
	step     sync.Mutex // held while a function of the fault runs: those of one link run one at a time
	end      sync.Once
	done     chan struct{}
	timers   sync.WaitGroup
}

// side is one direction.
type side struct {
	from, to net.Conn
	frames   *framer
	rewrite  func(*Link, Frame) []Frame
	bytes    func(*Link, []byte) []byte

	mu      sync.Mutex // a frame stays whole
	deflate *s2.Writer // where what passes is written as S2
}

func newLink(b *Box, peer, server net.Conn, dialled bool) *Link {
	l := &Link{Dialled: dialled, box: b, done: make(chan struct{})}
	l.toServer = side{from: peer, to: server, frames: newFramer(), rewrite: b.fault.FromPeer, bytes: b.fault.PeerBytes}
	l.toPeer = side{from: server, to: peer, frames: newFramer(), rewrite: b.fault.FromServer, bytes: b.fault.ServerBytes}
	return l
}

// run passes both directions until both have ended.
func (l *Link) run() {
	var both sync.WaitGroup
	if opened := l.box.fault.Opened; opened != nil {
		l.step.Lock()
		opened(l)
		l.step.Unlock()
	}
	both.Go(func() { l.pump(&l.toServer) })
	both.Go(func() { l.pump(&l.toPeer) })
	both.Wait()
	l.close()
	l.timers.Wait()
	l.box.forget(l)
}

// pump passes one direction until its source ends, and then the end: a FIN as a FIN, a reset as a reset.
func (l *Link) pump(s *side) {
	source := io.Reader(s.from)
	buf := make([]byte, 64<<10)
	for {
		n, err := source.Read(buf)
		if n > 0 {
			rest, switched := l.pass(s, buf[:n])
			if switched {
				s.startS2()
				source = s2.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(rest)), s.from), s2.ReaderAllocBlock(64<<10))
			}
		}
		if err != nil {
			l.ended(s, err)
			return
		}
	}
}

// pass passes a chunk. Where an S2 stream begins it stops, and returns the rest. Nothing is locked while it writes: a side that
// takes nothing must not hold up the other.
func (l *Link) pass(s *side, chunk []byte) (rest []byte, switched bool) {
	frames, rest, switched := l.cut(s, chunk)
	for _, f := range frames {
		for _, g := range l.change(s, f) {
			_ = s.write(g.Raw) // the end of a side shows at its reader
		}
	}
	return rest, switched
}

// cut makes frames of a chunk: one of what passes as it is, where there is no fault.
func (l *Link) cut(s *side, chunk []byte) (frames []Frame, rest []byte, switched bool) {
	l.step.Lock()
	defer l.step.Unlock()
	if s.bytes != nil {
		chunk = s.bytes(l, chunk)
	}
	if l.box.fault.Name == "" {
		return []Frame{{Raw: chunk}}, nil, false
	}
	return s.frames.split(chunk)
}

// change is what passes in place of a frame.
func (l *Link) change(s *side, f Frame) []Frame {
	if f.Op.Kind == wire.None {
		return []Frame{f}
	}
	l.step.Lock()
	defer l.step.Unlock()
	l.learn(s, &f.Op)
	if s.rewrite == nil {
		return []Frame{f}
	}
	return s.rewrite(l, f)
}

// learn follows what an INFO announces and what changes how further frames are read.
func (l *Link) learn(s *side, op *wire.Op) {
	info := op.InfoBody
	if op.Kind != wire.Info || info == nil {
		return
	}
	fromPeer := s == &l.toServer
	switch {
	case fromPeer && (l.Peer == nil || l.Peer.ServerID == info.ServerID):
		l.Peer = info
	case !fromPeer && l.Server == nil:
		l.Server = info
	default:
		return // news of another server
	}
	mode := wire.Mode{Pinned: l.pinned()}
	if l.Peer != nil && l.Server != nil {
		mode.LeafUnsubOrigin = (l.Peer.LNOCU || l.Peer.LN) && (l.Server.LNOCU || l.Server.LN)
	}
	l.toPeer.frames.setMode(mode)
	l.toServer.frames.setMode(mode)
}

// pinned tells whether the dialling side has dedicated the connection to one account.
func (l *Link) pinned() bool {
	if l.Dialled {
		return l.Peer != nil && l.Peer.RouteAccount != ""
	}
	return l.Server != nil && l.Server.RouteAccount != ""
}

// ended passes the end of a source on.
func (l *Link) ended(s *side, err error) {
	if held := s.frames.take(); len(held) > 0 {
		_ = s.write(held)
	}
	if errors.Is(err, io.EOF) {
		if half, ok := s.to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		return
	}
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		if tcp, ok := s.to.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	l.close()
}

func (l *Link) close() {
	l.end.Do(func() {
		close(l.done)
		_ = l.toPeer.to.Close()
		_ = l.toServer.to.Close()
	})
}

func (s *side) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deflate != nil {
		var out bytes.Buffer
		s.deflate.Reset(&out)
		_, _ = s.deflate.Write(b) // a buffer takes everything
		_ = s.deflate.Close()
		b = out.Bytes()
	}
	_, err := s.to.Write(b)
	return err
}

func (s *side) startS2() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deflate = s2.NewWriter(nil, s2.WriterConcurrency(1), s2.WriterBlockSize(64<<10))
}

// ToPeer sends frames to our side, as if the server had.
func (l *Link) ToPeer(frames ...Frame) {
	for _, f := range frames {
		_ = l.toPeer.write(f.Raw)
	}
}

// ToServer sends frames to the server, as if our side had.
func (l *Link) ToServer(frames ...Frame) {
	for _, f := range frames {
		_ = l.toServer.write(f.Raw)
	}
}

// Refuse says -ERR to our side and closes.
func (l *Link) Refuse(text string) {
	l.ToPeer(Frame{Raw: []byte("-ERR '" + text + "'\r\n")})
	l.Close()
}

// Close ends the connection on both sides, after what was sent.
func (l *Link) Close() { l.close() }

// After runs do when d has passed, unless the connection has ended by then. Nothing else of the link's fault runs meanwhile.
func (l *Link) After(d time.Duration, do func()) {
	l.timers.Go(func() {
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
			l.step.Lock()
			defer l.step.Unlock()
			do()
		case <-l.done:
		}
	})
}

// Others are the other connections that are open.
func (l *Link) Others() []*Link {
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	var others []*Link
	for other := range l.box.links {
		if other != l {
			others = append(others, other)
		}
	}
	return others
}

// Box is the link's box.
func (l *Link) Box() *Box { return l.box }
