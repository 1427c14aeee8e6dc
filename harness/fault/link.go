package fault

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
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

	Connected bool // our side has sent CONNECT

	Declared Interest // what our side has asked for and not taken back
	Told     Interest // what the server has

	peerEnded atomic.Bool // our side has ended its direction
	lingers   bool        // the end of the server's direction was hidden behind that
	listing   bool        // the server tells its first list of interest: our INFO has come, its PONG has not
	box       *Box
	toPeer    side
	toServer  side
	step      *sync.Mutex // held while a function of the fault runs: those of one box run one at a time
	end       sync.Once
	done      chan struct{}
	timers    sync.WaitGroup
}

// side is one direction.
type side struct {
	from, to net.Conn
	frames   *framer
	interest *Interest
	rewrite  func(*Link, Frame) []Frame
	bytes    func(*Link, []byte) []byte

	mu      sync.Mutex // a frame stays whole
	pending []byte     // what was added and not written yet
	deflate *s2.Writer // where what passes is written as S2
}

func newLink(b *Box, peer, server net.Conn, dialled bool) *Link {
	l := &Link{Dialled: dialled, box: b, step: &b.step, done: make(chan struct{})}
	l.toServer = side{from: peer, to: server, frames: newFramer(), rewrite: b.fault.FromPeer, bytes: b.fault.PeerBytes, interest: &l.Declared}
	l.toPeer = side{from: server, to: peer, frames: newFramer(), rewrite: b.fault.FromServer, bytes: b.fault.ServerBytes, interest: &l.Told}
	if mend := b.fault.Mend; mend != nil {
		l.toServer.frames.mend = func(broken Broken) ([]byte, int) { return mend(l, broken) }
	}
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
	if l.lingers {
		l.linger()
	}
	l.close()
	l.timers.Wait()
	l.box.forget(l)
}

// buffers are for reading: a run opens thousands of links.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// pump passes one direction until its source ends, and then the end: a FIN as a FIN, a reset as a reset.
func (l *Link) pump(s *side) {
	source := io.Reader(s.from)
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := source.Read(buf[:])
		if n > 0 {
			rest, switched := l.pass(s, buf[:n])
			if switched {
				s.startS2()
				source = s2.NewReader(l.chunked(s, io.MultiReader(bytes.NewReader(bytes.Clone(rest)), s.from)), s2.ReaderAllocBlock(64<<10))
			}
		}
		if err != nil {
			l.ended(s, err)
			return
		}
	}
}

// chunked shows the chunks of our side's stream to the fault.
func (l *Link) chunked(s *side, stream io.Reader) io.Reader {
	do := l.box.fault.Chunk
	if do == nil || s != &l.toServer {
		return stream
	}
	return &chunks{from: stream, take: func(c Chunk) bool {
		l.step.Lock()
		defer l.step.Unlock()
		return do(l, c)
	}}
}

// pass passes a chunk. Where an S2 stream begins it stops, and returns the rest. Nothing is locked while it writes: a side that
// takes nothing must not hold up the other.
func (l *Link) pass(s *side, chunk []byte) (rest []byte, switched bool) {
	frames, rest, switched := l.cut(s, chunk)
	for _, f := range frames {
		for _, g := range l.change(s, f) {
			s.add(g.Raw)
		}
	}
	s.flush()
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
	out := []Frame{f}
	if s.rewrite != nil {
		out = s.rewrite(l, f)
	}
	s.interest.note(&f.Op)
	if f.Op.Kind == wire.Pong && s == &l.toPeer {
		l.listing = false
	}
	return out
}

// learn follows what an INFO announces and what changes how further frames are read.
func (l *Link) learn(s *side, op *wire.Op) {
	info := op.InfoBody
	if op.Kind == wire.Connect && s == &l.toServer {
		l.Connected = true
	}
	if op.Kind != wire.Info || info == nil {
		return
	}
	fromPeer := s == &l.toServer
	switch {
	case fromPeer && (l.Peer == nil || l.Peer.ServerID == info.ServerID):
		l.listing = l.listing || l.Peer == nil // inside S2 there is another INFO
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
	both := l.Peer != nil && l.Peer.Compression != "" && l.Server != nil && l.Server.Compression != ""
	l.toPeer.frames.s2, l.toServer.frames.s2 = both, both
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
	held := s.frames.take()
	if s == &l.toServer {
		l.peerEnded.Store(true)
	}
	if do := l.box.fault.Ended; do != nil {
		l.step.Lock()
		instead, stays := do(l, s == &l.toServer, held)
		l.step.Unlock()
		if stays {
			l.lingers = s == &l.toPeer && l.peerEnded.Load()
			return
		}
		held = instead
	}
	s.write(held)
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

// lingerLimit is how long a side that has been kept from noticing the end of the other is left open when it has ended its own
// direction as well: longer than specs wait.
const lingerLimit = 30 * time.Second

// linger leaves what is open as it is for a while.
func (l *Link) linger() {
	wait := time.NewTimer(lingerLimit)
	defer wait.Stop()
	select {
	case <-l.done:
	case <-wait.C:
	}
}

func (l *Link) close() {
	l.end.Do(func() {
		close(l.done)
		l.toPeer.flushNow()
		l.toServer.flushNow()
		_ = l.toPeer.to.Close()
		_ = l.toServer.to.Close()
	})
}

// pendingBound is the most that is pending, in bytes.
const pendingBound = 64 << 10

// add takes what is written with the next write: frames of one read stay together, and one by one they would cost too much.
func (s *side) add(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, b...)
	if len(s.pending) >= pendingBound {
		s.writePending()
	}
}

func (s *side) write(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, b...)
	s.writePending()
}

func (s *side) flush() { s.write(nil) }

// flushNow is flush, but for a side that is being written to: it may take nothing any more.
func (s *side) flushNow() {
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		s.writePending()
	}
}

// writePending writes what is pending. An error is none here: the end of a side shows at its reader. mu is held.
func (s *side) writePending() {
	b := s.pending
	s.pending = nil
	if len(b) == 0 {
		return
	}
	if s.deflate != nil {
		var out bytes.Buffer
		s.deflate.Reset(&out)
		_, _ = s.deflate.Write(b) // a buffer takes everything
		_ = s.deflate.Close()
		b = out.Bytes()
	}
	_, _ = s.to.Write(b)
}

func (s *side) startS2() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deflate = s2.NewWriter(nil, s2.WriterConcurrency(1), s2.WriterBlockSize(64<<10))
}

// ToPeer sends frames to our side, as if the server had.
func (l *Link) ToPeer(frames ...Frame) {
	for _, f := range frames {
		l.toPeer.write(f.Raw)
	}
}

// ToServer sends frames to the server, as if our side had.
func (l *Link) ToServer(frames ...Frame) {
	for _, f := range frames {
		l.toServer.write(f.Raw)
	}
}

// Listing tells whether the server is telling a newly registered peer the interest it has.
func (l *Link) Listing() bool { return l.listing }

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
