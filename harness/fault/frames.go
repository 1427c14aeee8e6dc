package fault

import (
	"errors"

	"github.com/natsroute/natsroute/reference/wire"
)

// lineBound is the most that is kept of a control line that has not ended, in bytes, and payloadBound of a payload: what is
// longer passes as it comes. A line of lineBound bytes is longer than any that servers with a limit accept.
const (
	lineBound    = 66 << 10
	payloadBound = 16 << 20
)

// streamStart is the first byte of an S2 stream: no operation begins with it.
const streamStart = 0xff

// framer cuts a stream into frames. After bytes that do not parse everything passes as it is.
type framer struct {
	parser *wire.Parser
	mode   wire.Mode
	held   []byte // bytes of the frame that has not ended
	opaque bool
}

func (f *framer) setMode(m wire.Mode) {
	f.mode = m
	f.parser.SetMode(m)
}

func newFramer() *framer {
	d := wire.Latest()
	d.ConnectFirst = false
	d.Limits.ControlLine = lineBound
	d.Limits.Payload = payloadBound
	return &framer{parser: wire.NewParser(d)}
}

// take returns what is held.
func (f *framer) take() []byte {
	held := f.held
	f.held = nil
	return held
}

// split returns the frames that b completes. Bytes that are no frame come as frames of Kind None. Where an S2 stream begins
// it stops: rest is the stream so far, and what is split next is what stands inside.
func (f *framer) split(b []byte) (out []Frame, rest []byte, switched bool) {
	if f.opaque || len(b) == 0 {
		return []Frame{{Raw: b}}, nil, false
	}
	f.held = append(f.held, b...)
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
		case errors.Is(err, wire.ErrNeedMore):
			return out, nil, false
		case len(f.held) > 0 && f.held[0] == streamStart:
			f.restart()
			return out, f.take(), true
		default:
			f.opaque = true
			return append(out, Frame{Raw: f.take()}), nil, false
		}
	}
}

// restart makes the parser read the inside of a stream.
func (f *framer) restart() {
	f.parser = newFramer().parser
	f.parser.SetMode(f.mode)
}
