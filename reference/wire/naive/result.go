package naive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// Result is all that a stream came to.
type Result struct {
	Ops    []wire.Op
	Inside bool  // the stream ends inside an operation
	Err    error // *wire.SyntaxError, *wire.LimitError, *wire.StateError
	Offset int64 // behind the last operation
}

// Read lets a wire.Parser read in, cut at the offsets of cuts, which are in order. It returns an error of its own where the
// parser breaks a promise that needs no second opinion: its errors stick, its offsets lie in the input, its memory follows
// the bytes that came, and it keeps nothing of what it was lent.
func Read(d wire.Dialect, in []byte, cuts []int, after Follow) (Result, error) {
	var got Result
	err := Walk(d, in, cuts, after, func(op *wire.Op) error {
		got.Ops = append(got.Ops, op.Clone())
		return nil
	}, &got)
	return got, err
}

// Walk is Read without a list of operations: see gets each, and what it points to is good until see returns. An error of see
// ends the walk and is returned.
func Walk(d wire.Dialect, in []byte, cuts []int, after Follow, see func(op *wire.Op) error, got *Result) error {
	var (
		p    = wire.NewParser(d)
		mode wire.Mode
		from int
		lent []byte
		op   wire.Op
	)
	for i := 0; i <= len(cuts) && got.Err == nil; i++ {
		to := len(in)
		if i < len(cuts) {
			to = cuts[i]
		}
		lent = append(lent[:0], in[from:to]...)
		from = to
		p.Feed(lent)
		for {
			op = wire.Op{}
			err := p.Next(&op)
			if err == wire.ErrNeedMore {
				break
			}
			if err != nil {
				got.Err = err
				break
			}
			if err := see(&op); err != nil {
				return err
			}
			mode = after(&op, mode)
			p.SetMode(mode)
		}
		if err := checkMemory(p, d.Limits, to); err != nil {
			return err
		}
		// The chunk goes back to its owner: whatever the parser still needs of it must have been copied.
		for i := range lent {
			lent[i] = '#'
		}
	}
	return got.finish(p, len(in))
}

// finish notes how the stream ended for p.
func (got *Result) finish(p *wire.Parser, length int) error {
	got.Offset = p.Offset()
	finish := p.Finish()
	switch {
	case got.Err != nil:
		if again := p.Next(new(wire.Op)); again != got.Err || finish != got.Err {
			return fmt.Errorf("the error does not stick: %v, then %v, Finish %v", got.Err, again, finish)
		}
	case finish == io.ErrUnexpectedEOF:
		got.Inside = true
	case finish != nil:
		return fmt.Errorf("at the end: %w", finish)
	case got.Offset != int64(length):
		return fmt.Errorf("between operations at %d, but the input has %d bytes", got.Offset, length)
	}
	if got.Offset > int64(length) {
		return fmt.Errorf("offset %d behind the input of %d bytes", got.Offset, length)
	}
	return nil
}

// checkMemory holds the parser to what it may keep after so many bytes.
func checkMemory(p *wire.Parser, l wire.Limits, received int) error {
	line, payload, reserved := p.Held()
	if l.ControlLine > 0 && line > l.ControlLine+1 {
		return fmt.Errorf("%d bytes of a line kept, the limit is %d", line, l.ControlLine)
	}
	if l.Buffered > 0 && payload > l.Buffered {
		return fmt.Errorf("%d bytes of a payload kept, the limit is %d", payload, l.Buffered)
	}
	if reserved > max(256, 2*received) {
		return fmt.Errorf("%d bytes set aside after %d came", reserved, received)
	}
	return nil
}

// Same says where two results differ, nil if they do not.
func Same(a, b Result) error {
	if len(a.Ops) != len(b.Ops) {
		return fmt.Errorf("%d operations, then %v; against %d, then %v", len(a.Ops), a.Err, len(b.Ops), b.Err)
	}
	for i := range a.Ops {
		if err := Identical(&a.Ops[i], &b.Ops[i]); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
	}
	return SameEnd(a, b)
}

// SameEnd says where two results end differently.
func SameEnd(a, b Result) error {
	if x, y := Describe(a.Err), Describe(b.Err); x != y {
		return fmt.Errorf("%s against %s", x, y)
	}
	if a.Inside != b.Inside {
		return fmt.Errorf("ends inside an operation: %v against %v", a.Inside, b.Inside)
	}
	return nil
}

// Identical is stricter than Equal: each field, order and spelling of texts.
func Identical(a, b *wire.Op) error {
	if a.Kind != b.Kind || !bytes.Equal(a.Origin, b.Origin) || !bytes.Equal(a.Account, b.Account) || !bytes.Equal(a.Subject, b.Subject) ||
		!bytes.Equal(a.Reply, b.Reply) || !bytes.Equal(a.Queue, b.Queue) || !slices.EqualFunc(a.Queues, b.Queues, bytes.Equal) ||
		a.Weight != b.Weight || a.HeaderSize != b.HeaderSize || a.Size != b.Size || !bytes.Equal(a.Payload, b.Payload) ||
		a.Offset != b.Offset || a.More != b.More || !bytes.Equal(a.Body, b.Body) ||
		!sameBody(a.InfoBody, b.InfoBody) || !sameBody(a.ConnectBody, b.ConnectBody) {
		return fmt.Errorf("%+v against %+v", a, b)
	}
	return nil
}

func sameBody[T any](a, b *T) bool {
	return a == nil && b == nil || reflect.DeepEqual(a, b)
}

// Describe puts what a caller may rely on of an error in one line: layer, token, operation, offset, limit. Of an error that
// is none of wire's types it says that it is untyped.
func Describe(err error) string {
	var (
		syntax *wire.SyntaxError
		limit  *wire.LimitError
		state  *wire.StateError
	)
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s %s %s @%d", syntax.Layer(), syntax.Token, syntax.Op, syntax.Offset)
	case errors.As(err, &limit):
		return fmt.Sprintf("%s %s %s @%d limit %d", limit.Layer(), limit.Token, limit.Op, limit.Offset, limit.Limit)
	case errors.As(err, &state):
		return fmt.Sprintf("%s %s @%d", state.Layer(), state.Token, state.Offset)
	}
	return "untyped: " + err.Error()
}
