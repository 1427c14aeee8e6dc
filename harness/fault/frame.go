package fault

import (
	"bytes"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// Frame is one operation with the bytes it came in.
type Frame struct {
	Op    wire.Op
	Raw   []byte // control line, payload and line ends
	Reads int    // in how many reads the bytes came; those of a read are often several frames'
}

// Broken is what is no operation: the bytes from where one had to begin, as far as they have come, and what is wrong.
type Broken struct {
	Raw []byte
	Err error // *wire.SyntaxError or *wire.LimitError
}

// frame makes one from an operation.
func frame(op wire.Op) Frame { return Frame{Op: op, Raw: op.AppendTo(nil)} }

// line is the control line of a frame without its payload.
func (f Frame) line() []byte { return firstLine(f.Raw) }

// name is the operation as it was spelled.
func (f Frame) name() string { return string(f.Raw[:len(f.Op.Kind.String())]) }

// body is the JSON text of INFO and CONNECT; nil for others.
func (f Frame) body() []byte {
	if f.Op.Kind != wire.Info && f.Op.Kind != wire.Connect {
		return nil
	}
	return f.Op.Body
}

// lower, mixed tell how the name is spelled. A name without letters is upper case.
func (f Frame) lower() bool {
	n := f.name()
	return n == strings.ToLower(n) && n != strings.ToUpper(n)
}

func (f Frame) mixed() bool {
	n := f.name()
	return n != strings.ToLower(n) && n != strings.ToUpper(n)
}

// arguments are the fields behind the name.
func (f Frame) arguments() [][]byte { return bytes.Fields(f.line()[len(f.Op.Kind.String()):]) }

// firstLine is the bytes up to the first LF, which is one of them.
func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return b
}
