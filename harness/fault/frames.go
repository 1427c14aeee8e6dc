package fault

import (
	"bytes"
	"errors"

	"github.com/natsroute/natsroute/reference/wire"
)

// lineBound is the most that is kept of a control line that has not ended, in bytes, and payloadBound of a payload: what is
// longer passes as it comes. No server with a limit accepts a longer line.
const (
	lineBound    = 64 << 10
	payloadBound = 16 << 20
)

// streamStart is the first byte of an S2 stream: no operation begins with it.
const streamStart = 0xff

// framer cuts a stream into frames. After bytes that do not parse everything passes as it is.
type framer struct {
	parser *wire.Parser
	mode   wire.Mode
	held   []byte // bytes of the frame that has not ended
	reads  int    // in how many reads they came
	broken error  // why held is no frame, as long as mend waits for more
	opaque bool
	s2     bool                                 // both ends know S2: a stream may begin
	out    []Frame                              // memory of the last split
	mend   func(Broken) (instead []byte, n int) // Fault.Mend of the link; nil: nothing is mended
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
// it stops: rest is the stream so far, and what is split next is what stands inside. The slice of frames lives until the next
// call; what is in them stays.
func (f *framer) split(b []byte) (out []Frame, rest []byte, switched bool) {
	if f.opaque || len(b) == 0 {
		return []Frame{{Raw: b}}, nil, false
	}
	f.reads++
	f.held = append(f.held, b...)
	if f.broken != nil {
		return f.mended(f.out[:0])
	}
	f.parser.Feed(b)
	return f.next(f.out[:0])
}

// next takes frames off what is held.
func (f *framer) next(out []Frame) (_ []Frame, rest []byte, switched bool) {
	defer func() { f.out = out }()
	for {
		var op wire.Op
		before := f.parser.Offset()
		err := f.parser.Next(&op)
		switch {
		case err == nil:
			if len(out) == 0 {
				f.held = bytes.Clone(f.held) // the frames share it
			}
			n := f.parser.Offset() - before
			out = append(out, Frame{Op: op.Clone(), Raw: f.held[:n:n], Reads: f.reads})
			f.held, f.reads = f.held[n:], 1
		case errors.Is(err, wire.ErrNeedMore):
			if len(f.held) == 0 {
				f.reads = 0
			}
			return out, nil, false
		case f.s2 && len(f.held) > 0 && f.held[0] == streamStart:
			f.restart()
			return out, f.take(), true
		default:
			f.broken = err
			return f.mended(out)
		}
	}
}

// mended asks the fault what passes in place of held bytes that are no frame. What it leaves is read anew; where it mends
// nothing, everything passes from here on.
func (f *framer) mended(out []Frame) (_ []Frame, rest []byte, switched bool) {
	n := 0
	var instead []byte
	if f.mend != nil {
		instead, n = f.mend(Broken{Raw: f.held, Err: f.broken})
	}
	switch {
	case n < 0:
		return out, nil, false
	case n == 0:
		f.opaque = true
		return append(out, Frame{Raw: f.take()}), nil, false
	}
	if len(instead) > 0 {
		out = append(out, Frame{Raw: instead})
	}
	f.held, f.broken, f.reads = f.held[n:], nil, 1
	f.restart()
	f.parser.Feed(f.held)
	return f.next(out)
}

// restart makes the parser read anew: the inside of a stream, or what follows mended bytes.
func (f *framer) restart() {
	f.parser = newFramer().parser
	f.parser.SetMode(f.mode)
}
