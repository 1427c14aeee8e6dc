package harness

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/natsroute/natsroute/reference/wire"
)

// keepBytes and keepOps bound what one peer keeps: operations with their copies. The connection of a target that
// sends more is given up, with its first operations kept.
const (
	keepBytes   = 64 << 20
	keepOps     = 60_000
	keepOfFlood = 1000
)

// keepFirst is how many bytes from the start of a connection are kept as they came.
const keepFirst = 64 << 10

// parser is a wire.Parser, or one that reads what is not a route's protocol.
type parser interface {
	Feed(b []byte)
	Next(op *wire.Op) error
	Offset() int64
	Finish() error
	SetMode(m wire.Mode)
}

// incoming is what the target has sent on one connection. Guarded by the peer's mu.
type incoming struct {
	name      string
	dialled   bool
	parser    parser
	mode      wire.Mode
	ourOrigin bool    // we have announced lnocu or ln
	op        wire.Op // filled by the parser

	start []byte // the first bytes of the connection, up to keepFirst

	raw      []byte // the bytes from rawOff on that no operation has used yet
	rawOff   int64
	before   int64 // offset at which parser began: 0, or where S2 begins
	mayS2    bool  // the target may go over to S2
	inside   bool  // it has
	inflated S2Count

	seen      []Seen
	bytes     int  // what seen takes
	bystander bool // interest is not kept
	info      *wire.InfoBody
	placed    *wire.InfoBody // the first INFO inside S2
	pongs     int
	pings     int // PINGs in the bytes taken last
	errText   string

	broken  error // *MalformedError
	flood   error // *FloodError
	closing *Closing
}

func newIncoming(name string, dialled bool) incoming {
	return incoming{name: name, dialled: dialled, parser: newParser()}
}

// newParser reads with every operation known, whatever the target's generation: what it must not send is a matter
// for specs. Its lines may be longer than it accepts itself, for a large cluster's INFO.
func newParser() *wire.Parser {
	d := wire.Latest()
	d.ConnectFirst = false
	d.Limits.ControlLine = 1 << 20
	return wire.NewParser(d)
}

// readBuffers are for reading: a run opens thousands of connections.
var readBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// read takes in what the target sends until the connection ends.
func (p *Peer) read() {
	defer p.target.running.Done()
	buf := readBuffers.Get().(*[32 << 10]byte)
	defer readBuffers.Put(buf)
	var source io.Reader = p.conn
	var inside *inflater // source, once the target has gone over to S2
	for {
		p.mayRead()
		n, err := source.Read(buf[:])
		if n > 0 {
			if begun := p.take(buf[:n], inside); begun != nil {
				inside = newInflater(begun, p.conn)
				source = inside
				continue // err, if any, sticks to the connection
			}
		}
		if err == nil && p.flooded() {
			err = net.ErrClosed
		}
		if err != nil {
			p.end(err)
			return
		}
	}
}

// flooded tells whether the target has sent more than a peer keeps.
func (p *Peer) flooded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.flood != nil
}

// take takes in b, read from inside if that is not nil. It returns the bytes with which the target begins an S2 stream;
// nil: it does not. They are not kept.
func (p *Peer) take(b []byte, inside *inflater) (begun []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begun = p.in.take(b, p.transcript.now())
	b = b[:len(b)-len(begun)]
	p.in.start = append(p.in.start, b[:min(len(b), keepFirst-len(p.in.start))]...)
	if inside != nil {
		wire := inside.lately()
		p.in.inflated.add(wire, len(b))
		p.transcript.inside('<', b, wire)
	} else if len(b) > 0 {
		p.transcript.read(b)
	}
	if begun != nil {
		p.transcript.note("the target goes over to S2")
	}
	if p.in.pings > 0 && !p.cfg.noPong {
		p.owed += p.in.pings
		p.wakeAnswer()
	}
	p.announceChange()
	return begun
}

// end records how the connection ended and lets go of it.
func (p *Peer) end(err error) {
	_ = p.conn.Close()
	p.mu.Lock()
	switch {
	case p.left && !errors.Is(err, io.EOF):
		p.transcript.note("left")
	case p.in.flood != nil:
		p.transcript.note("given up: %s", p.in.flood)
	case isUnreadable(err):
		p.transcript.note("given up: %s", Printable(err.Error()))
		p.in.broken = &MalformedError{Conn: p.name, Err: err}
	default:
		p.in.end(err, p.transcript.now())
		p.transcript.note("closed by the target%s", p.in.closing.how())
	}
	if in, out := p.in.inflated, p.deflated; in.Wire+out.Wire > 0 {
		p.transcript.note("S2: %d bytes on the wire for %d received, %d for %d sent", in.Wire, in.Plain, out.Wire, out.Plain)
	}
	p.announceChange()
	p.mu.Unlock()
	close(p.done)
	p.target.forget(p)
}

// end keeps how the target has closed the connection.
func (in *incoming) end(err error, at time.Duration) {
	alert := alertIn(err)
	_, cut := errors.AsType[*cutError](err)
	in.closing = &Closing{
		ErrText: in.errText, Alert: alert, At: at,
		Reset: alert == "" && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF), // the latter: TLS without its farewell
		Cut:   in.broken == nil && (cut || in.parser.Finish() != nil),
	}
}

// how says by what the connection was closed, where it was not a plain FIN.
func (c *Closing) how() string {
	switch {
	case c.Alert != "":
		return " with the TLS alert " + Printable(c.Alert)
	case c.Reset:
		return " with a reset"
	}
	return ""
}

// isUnreadable tells whether err says that the target's bytes are not what TLS or S2 carries.
func isUnreadable(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || isS2(err) {
		return true
	}
	ours, ok := errors.AsType[*net.OpError](err)
	return ok && ours.Op == "local error" // crypto/tls's word for what it answers with an alert
}

// take reads the operations in b, which it does not keep. It returns the rest of b when an S2 stream begins there.
func (in *incoming) take(b []byte, at time.Duration) []byte {
	in.pings = 0
	if in.broken != nil {
		return nil
	}
	in.raw = append(in.raw, b...)
	in.parser.Feed(b)
	used := 0
	for {
		err := in.parser.Next(&in.op)
		if errors.Is(err, wire.ErrNeedMore) {
			break
		}
		if err != nil && in.mayS2 && !in.inside && in.raw[used] == streamStart {
			return in.switchToS2(used)
		}
		if err != nil {
			near := in.raw[used:]
			in.broken = &MalformedError{Conn: in.name, Near: bytes.Clone(near[:min(len(near), 256)]), Err: err}
			in.raw = nil
			return nil
		}
		end := int(in.before + in.parser.Offset() - in.rawOff)
		in.keep(in.raw[used:end], in.rawOff+int64(used), at)
		used = end
	}
	in.raw = append(in.raw[:0], in.raw[used:]...)
	in.rawOff += int64(used)
	return nil
}

// switchToS2 begins anew behind the first used bytes of raw, and returns the others: the parser refuses an operation at
// its first byte, so they are all from the bytes taken last.
func (in *incoming) switchToS2(used int) []byte {
	begun := bytes.Clone(in.raw[used:])
	in.rawOff += int64(used)
	in.before, in.raw, in.inside = in.rawOff, nil, true
	in.parser = newParser()
	in.parser.SetMode(in.mode)
	return begun
}

// keep notes one operation.
func (in *incoming) keep(raw []byte, off int64, at time.Duration) {
	switch in.op.Kind {
	case wire.Ping:
		in.pings++
	case wire.Pong:
		in.pongs++
	case wire.Err:
		in.errText = in.op.ErrText()
	}
	if in.bystander && isInterest(in.op.Kind) {
		return
	}
	cost := int(unsafe.Sizeof(Seen{})) + 2*len(raw) - len(in.op.Payload)
	if in.flood == nil && (in.bytes+cost > keepBytes || len(in.seen) == keepOps) {
		in.seen = slices.Clone(in.seen[:min(len(in.seen), keepOfFlood)])
		in.flood = &FloodError{Conn: in.name, Ops: len(in.seen)}
	}
	if in.flood != nil {
		return
	}
	in.bytes += cost
	s := Seen{Raw: bytes.Clone(raw), At: at, Off: off, S2: in.inside}
	s.Op = in.cloneOp(s.Raw)
	in.seen = append(in.seen, s)
	if s.Op.Kind == wire.Info && in.info == nil {
		in.first(s.Op.InfoBody)
	}
	if s.Op.Kind == wire.Info && in.inside && in.placed == nil {
		in.placed = s.Op.InfoBody
	}
}

func isInterest(k wire.Kind) bool {
	switch k {
	case wire.Sub, wire.Unsub, wire.LeafSub, wire.LeafUnsub:
		return true
	}
	return false
}

// cloneOp is a copy of the operation just read, but for a payload: that is a part of raw.
func (in *incoming) cloneOp(raw []byte) wire.Op {
	op, size := in.op, len(in.op.Payload)
	if size == 0 {
		return op.Clone()
	}
	op.Payload = nil
	op = op.Clone()
	end := len(raw) - len("\r\n")
	op.Payload = raw[end-size : end : end]
	return op
}

// first takes in the target's first INFO. A target that dialled us may dedicate the connection to one account: its
// further operations carry none.
func (in *incoming) first(info *wire.InfoBody) {
	in.info = info
	in.mode.Pinned = in.mode.Pinned || !in.dialled && info.RouteAccount != ""
	in.agree()
}

// agree sets the mode that follows from what both ends have announced: LS- carries the origin when both know lnocu
// (2.5 to 2.10.7 leave it out whatever we announce).
func (in *incoming) agree() {
	in.mode.LeafUnsubOrigin = in.ourOrigin && in.info != nil && (in.info.LNOCU || in.info.LN)
	in.parser.SetMode(in.mode)
}

// applyMode follows what our own INFO announces and what changes how the target's further bytes are read. mu is held,
// and the INFO has not been written yet.
func (p *Peer) applyMode(ops []wire.Op) {
	for i := range ops {
		info := ops[i].InfoBody
		if ops[i].Kind != wire.Info || info == nil || p.announced != nil && info.ServerID != p.announced.ServerID {
			continue // news about another server
		}
		p.announced = info
		p.in.ourOrigin = info.LNOCU || info.LN
		p.in.mode.Pinned = p.in.mode.Pinned || p.in.dialled && info.RouteAccount != ""
		p.in.agree()
	}
}

// SetMode says how the target's further bytes are read, for a peer that announced it in raw bytes. Send and Register
// do it by themselves.
func (p *Peer) SetMode(m wire.Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in.mode = m
	p.in.parser.SetMode(m)
}

// Leave closes the connection: FIN after all that was sent. The target removes what it has of us, some time after. The
// connection is let go when the target closes its side too, two seconds later at the latest.
func (p *Peer) Leave() {
	p.mu.Lock()
	before := p.left
	p.left = true
	p.resumeReading()
	p.announceChange()
	p.mu.Unlock()
	if before {
		return
	}
	p.wakeAnswer()
	_ = p.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if p.CloseWrite() != nil {
		_ = p.conn.Close()
	}
}

// Reset ends the connection by RST, as a system does whose process or network has failed. What was sent and not read yet may
// be lost.
func (p *Peer) Reset() {
	p.transcript.note("we reset")
	conn := p.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	p.mu.Lock()
	p.left = true
	p.resumeReading()
	p.announceChange()
	p.mu.Unlock()
	p.wakeAnswer()
	_ = conn.Close()
}

// abandon closes the connection at once and waits for its goroutines.
func (p *Peer) abandon() {
	p.mu.Lock()
	p.left = true
	p.resumeReading()
	p.mu.Unlock()
	_ = p.conn.Close()
	<-p.done
}

// CloseWrite sends FIN and goes on reading.
func (p *Peer) CloseWrite() error {
	p.transcript.note("we send FIN")
	if c, ok := p.conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return net.ErrClosed
}
