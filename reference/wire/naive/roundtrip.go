package naive

import (
	"bytes"
	"fmt"

	"github.com/natsroute/natsroute/reference/wire"
)

// One parses exactly one operation, on a connection of that mode and without limits.
func One(line []byte, mode wire.Mode) (wire.Op, error) {
	p := wire.NewParser(wire.Dialect{Headers: true, Leaf: true})
	p.SetMode(mode)
	p.Feed(line)
	var op wire.Op
	if err := p.Next(&op); err != nil {
		return op, err
	}
	if p.Offset() != int64(len(line)) {
		return op, fmt.Errorf("ends at %d of %d", p.Offset(), len(line))
	}
	return op.Clone(), nil
}

// RoundTrip appends op and parses it again, on a connection of that mode: it has to mean the same, and what is appended of it to be
// the same bytes. The members of a body alone have to mean what its text meant.
func RoundTrip(op *wire.Op, mode wire.Mode) error {
	line := op.AppendTo(nil)
	again, err := One(line, mode)
	if err != nil {
		return fmt.Errorf("%q, appended by us: %w", line, err)
	}
	if !op.Equal(&again) {
		return fmt.Errorf("%q means %s, it was %s", line, &again, op)
	}
	if twice := again.AppendTo(nil); !bytes.Equal(line, twice) {
		return fmt.Errorf("%q is not canonical: %q", line, twice)
	}
	if op.Body == nil || op.Kind == wire.Err {
		return nil
	}
	bare := op.Clone()
	bare.Body = nil
	return RoundTrip(&bare, mode)
}
