package wire

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// parsed is all that a stream came to.
type parsed struct {
	ops    []Op
	inside bool
	err    error // *SyntaxError, *LimitError, *StateError
	offset int64
}

// follow sets the mode as INFO announces it.
func follow(op *Op, m Mode) Mode {
	if op.Kind == Info {
		m.LeafUnsubOrigin = op.InfoBody.LNOCU || op.InfoBody.LN
		m.Pinned = m.Pinned || op.InfoBody.RouteAccount != ""
	}
	return m
}

// parse reads in with a parser of dialect d, cut at the offsets of cuts. It returns an error of its own where the parser
// breaks a promise that needs no second opinion.
func parse(d Dialect, in []byte, cuts []int, after func(*Op, Mode) Mode) (parsed, error) {
	var (
		p    = NewParser(d)
		got  parsed
		mode Mode
		from int
	)
	for _, to := range append(slices.Clone(cuts), len(in)) {
		chunk := slices.Clone(in[from:to])
		from = to
		p.Feed(chunk)
		for {
			var op Op
			err := p.Next(&op)
			if err == ErrNeedMore {
				break
			}
			if err != nil {
				got.err = err
				break
			}
			got.ops = append(got.ops, op.Clone())
			mode = after(&op, mode)
			p.SetMode(mode)
		}
		if err := checkMemory(p, d.Limits, to); err != nil {
			return got, err
		}
		// The chunk goes back to its owner: whatever the parser still needs of it must have been copied.
		for i := range chunk {
			chunk[i] = '#'
		}
		if got.err != nil {
			break
		}
	}
	got.offset = p.Offset()
	finish := p.Finish()
	switch {
	case got.err != nil:
		if again := p.Next(new(Op)); again != got.err || finish != got.err {
			return got, fmt.Errorf("the error does not stick: %v, then %v, Finish %v", got.err, again, finish)
		}
	case finish == io.ErrUnexpectedEOF:
		got.inside = true
	case finish != nil:
		return got, fmt.Errorf("Finish: %v", finish)
	case got.offset != int64(len(in)):
		return got, fmt.Errorf("between operations at %d, but the input has %d bytes", got.offset, len(in))
	}
	if got.offset > int64(len(in)) {
		return got, fmt.Errorf("offset %d behind the input of %d bytes", got.offset, len(in))
	}
	return got, nil
}

// checkMemory holds the parser to what it may keep after so many bytes.
func checkMemory(p *Parser, l Limits, received int) error {
	if l.ControlLine > 0 && len(p.text) > l.ControlLine+1 {
		return fmt.Errorf("%d bytes of a line kept, the limit is %d", len(p.text), l.ControlLine)
	}
	if l.Buffered > 0 && len(p.part) > l.Buffered {
		return fmt.Errorf("%d bytes of a payload kept, the limit is %d", len(p.part), l.Buffered)
	}
	if set := max(cap(p.part), cap(p.text)); set > max(256, 2*received) {
		return fmt.Errorf("%d bytes set aside after %d came", set, received)
	}
	return nil
}

// same says where two results differ, nil if they do not.
func same(a, b parsed) error {
	if len(a.ops) != len(b.ops) {
		return fmt.Errorf("%d operations, then %v; against %d, then %v", len(a.ops), a.err, len(b.ops), b.err)
	}
	for i := range a.ops {
		if err := identical(&a.ops[i], &b.ops[i]); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
	}
	if err := sameError(a.err, b.err); err != nil {
		return err
	}
	if a.inside != b.inside {
		return fmt.Errorf("ends inside an operation: %v against %v", a.inside, b.inside)
	}
	return nil
}

// identical is stricter than Equal: each field, order and spelling of texts.
func identical(a, b *Op) error {
	x, y := a.Clone(), b.Clone()
	for _, op := range []*Op{&x, &y} {
		for _, f := range []*[]byte{&op.Origin, &op.Account, &op.Subject, &op.Reply, &op.Queue, &op.Payload, &op.Body} {
			if len(*f) == 0 {
				*f = nil
			}
		}
	}
	if !reflect.DeepEqual(x, y) {
		return fmt.Errorf("%+v against %+v", x, y)
	}
	if !a.Equal(b) {
		return fmt.Errorf("identical, but Equal denies it: %s", a)
	}
	return nil
}

// sameError compares what a caller may rely on: type, token, operation, offset, limit.
func sameError(a, b error) error {
	x, y := describe(a), describe(b)
	if x != y {
		return fmt.Errorf("%s against %s", x, y)
	}
	return nil
}

// describe puts an error in one line: layer token operation offset.
func describe(err error) string {
	var (
		syntax *SyntaxError
		limit  *LimitError
		state  *StateError
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

// everyCut calls f with the whole, with each byte alone, and with each single cut.
func everyCut(n int, f func(cuts []int)) {
	f(nil)
	var bytewise []int
	for i := 1; i < n; i++ {
		bytewise = append(bytewise, i)
		f([]int{i})
	}
	f(bytewise)
}

// randomCuts are k offsets within n bytes, in order; the same may come twice, which gives an empty chunk.
func randomCuts(r *rand.Rand, n, k int) []int {
	var cuts []int
	for range k {
		cuts = append(cuts, r.IntN(n+1))
	}
	slices.Sort(cuts)
	return cuts
}

// agree runs in through the parser in every cut and through the oracle, and fails where two of them differ.
func agree(t *testing.T, d Dialect, in []byte) parsed {
	t.Helper()
	var want parsed
	want.ops, want.inside, want.err = oracleParse(d, in, follow)
	everyCut(len(in), func(cuts []int) {
		got, err := parse(d, in, cuts, follow)
		if err == nil {
			err = same(got, want)
		}
		if err != nil {
			t.Fatalf("%s, %q cut at %v: %v", d.Name, in, cuts, err)
		}
	})
	return want
}

// seeded is a source of randomness that is the same in each run.
func seeded(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}
