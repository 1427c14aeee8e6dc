package fuzz

import (
	"bytes"
	"fmt"

	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// streamDialects are the dialects, and some whose limits a short input reaches.
var streamDialects = func() []wire.Dialect {
	open := wire.Latest()
	open.Name, open.ConnectFirst = "any first", false
	tiny := open
	tiny.Name, tiny.Limits = "tiny", wire.Limits{ControlLine: 16, SizeDigits: 3, Payload: 20, Buffered: 7}
	return append(wire.Dialects(), open, tiny, wire.Dialect{Name: "unlimited", Headers: true, Leaf: true})
}()

// StreamDialect is what the first byte of an input of Parse and Split chooses.
func StreamDialect(b byte) wire.Dialect { return streamDialects[int(b)%len(streamDialects)] }

// StreamChoice is the first byte that chooses the dialect of that name; false: there is none.
func StreamChoice(name string) (byte, bool) {
	for i, d := range streamDialects {
		if d.Name == name {
			return byte(i), true
		}
	}
	return 0, false
}

// CheckParse reads a stream whose first byte chooses the dialect. The parser reads it in two pieces, cut where the naive one's
// first operation ends or in the middle, and:
//
//   - nothing panics; an error is one of wire's three types, and sticks
//   - what is used and what is left make up the input
//   - what is kept stays within the limits and follows the bytes that came, not the sizes announced
//   - the naive parser reads the same operations, and the same error at the same offset
func CheckParse(data []byte) error {
	if len(data) < 1 {
		return nil
	}
	d, in := StreamDialect(data[0]), data[1:]
	want := naive.Parse(d, in, naive.Announced)
	cut := len(in) / 2
	if len(want.Ops) == 1 && want.Offset > 0 {
		cut = int(want.Offset)
	}
	if err := readsAs(d, in, []int{cut}, &want); err != nil {
		return fmt.Errorf("%s, parser against naive parser: %w", d.Name, err)
	}
	if err := checkRest(d, in[:cut]); err != nil {
		return fmt.Errorf("%s, rest: %w", d.Name, err)
	}
	return checkRest(d, in)
}

// checkRest lets a parser read one operation and then takes from it what it has not read: that is what stands behind the operation. If
// there is none, it is all of the input, as long as that may be the beginning of a name.
func checkRest(d wire.Dialect, in []byte) error {
	p := wire.NewParser(d)
	lent := append(make([]byte, 0, len(in)), in...)
	half := len(lent) / 2
	p.Feed(lent[:half])
	var op wire.Op
	err := p.Next(&op)
	if err == wire.ErrNeedMore {
		clear(lent[:half])
		p.Feed(lent[half:])
		half = len(lent)
		err = p.Next(&op)
	}
	from := p.Offset()
	switch {
	case err != nil && err != wire.ErrNeedMore:
		return nil
	case err == wire.ErrNeedMore && !naive.BeginsName(d, in):
		return nil // inside the operation: its bytes are the parser's
	}
	if rest := p.Rest(); !bytes.Equal(rest, in[from:half]) {
		return fmt.Errorf("%q is left behind byte %d of %q", rest, from, in[:half])
	}
	return nil
}

// readsAs holds the parser, reading in with these cuts, against what was read before.
func readsAs(d wire.Dialect, in []byte, cuts []int, want *naive.Result) error {
	i := 0
	var end naive.Result
	err := naive.Walk(d, in, cuts, naive.Announced, func(op *wire.Op) error {
		if i >= len(want.Ops) {
			return fmt.Errorf("one operation more, %s", op)
		}
		if err := naive.Identical(op, &want.Ops[i]); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
		i++
		return nil
	}, &end)
	switch {
	case err != nil:
		return err
	case i < len(want.Ops):
		return fmt.Errorf("%d operations instead of %d, then %v", i, len(want.Ops), end.Err)
	}
	return naive.SameEnd(end, *want)
}

// bytewiseLimit is the longest stream that is also read byte by byte.
const bytewiseLimit = 1024

// CheckSplit reads a stream whole and in three cuts: bytes one by one, at each CR and LF, and at places the input gives. The first byte
// chooses the dialect, the second how many places, the next ones where: each byte is the distance from the place before. Every
// cut has to give the operations, the error and the offset of the whole.
func CheckSplit(data []byte) error {
	if len(data) < 2 {
		return nil
	}
	d, places, in := StreamDialect(data[0]), int(data[1]%8), data[2:]
	places = min(places, len(in))
	distances := in[:places]
	in = in[places:]

	whole, err := naive.Read(d, in, nil, naive.Announced)
	if err != nil {
		return fmt.Errorf("%s, whole: %w", d.Name, err)
	}
	var cuts [bytewiseLimit]int
	for _, cut := range []struct {
		name string
		at   []int
	}{
		{"at given places", givenCuts(cuts[:0], distances, len(in))},
		{"at line ends", lineEndCuts(nil, in)},
		{"byte by byte", bytewiseCuts(len(in))},
	} {
		if err := readsAs(d, in, cut.at, &whole); err != nil {
			return fmt.Errorf("%s, cut %s against whole: %w", d.Name, cut.name, err)
		}
	}
	return nil
}

func givenCuts(cuts []int, distances []byte, length int) []int {
	at := 0
	for _, distance := range distances {
		at = min(at+int(distance), length)
		cuts = append(cuts, at)
	}
	return cuts
}

// lineEndCuts are in front of and behind each CR and LF, up to the first hundred.
func lineEndCuts(cuts []int, in []byte) []int {
	for at := 0; at < len(in) && len(cuts) < 200; at++ {
		next := bytes.IndexAny(in[at:], "\r\n")
		if next < 0 {
			break
		}
		at += next
		cuts = append(cuts, at, at+1)
	}
	return cuts
}

func bytewiseCuts(length int) []int {
	if length > bytewiseLimit {
		return nil
	}
	cuts := make([]int, max(0, length-1))
	for i := range cuts {
		cuts[i] = i + 1
	}
	return cuts
}
