package spec

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
)

// parsed is what a parser made of an input, in the words of the vectors.
type parsed struct {
	Ops    []corpus.Op
	Error  string
	Token  string
	Offset int64
}

// TestVectorsOnTheParser plays every vector on the reference parser, in every dialect it is for: whole, byte by byte and
// at every single split. The same operations and the same error must come each time.
func TestVectorsOnTheParser(t *testing.T) {
	c, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for _, v := range c.Vectors {
		reached[v.Want.Token] = true
		for _, name := range corpus.ProfileNames() {
			if !v.InDialect(name) {
				continue
			}
			t.Run(v.ID+"/"+name, func(t *testing.T) { playOnParser(t, v, name) })
		}
	}
	for _, token := range wire.Tokens() {
		if !reached[string(token)] {
			t.Errorf("no vector reaches the token %s", token)
		}
	}
}

func playOnParser(t *testing.T, v corpus.Vector, dialect string) {
	in := v.Bytes()
	whole := parse(t, v, dialect, in)
	want := parsed{Ops: v.Want.Ops, Error: v.Want.Error, Token: v.Want.Token, Offset: whole.Offset}
	if diff := cmp.Diff(normal(want), normal(whole)); diff != "" {
		t.Fatalf("%q (-want +got):\n%s", in, diff)
	}
	single := make([][]byte, len(in))
	for i := range in {
		single[i] = in[i : i+1]
	}
	if diff := cmp.Diff(whole, parse(t, v, dialect, single...)); diff != "" {
		t.Errorf("byte by byte (-whole +cut):\n%s", diff)
	}
	for _, cut := range cuts(len(in)) {
		if diff := cmp.Diff(whole, parse(t, v, dialect, in[:cut], in[cut:])); diff != "" {
			t.Errorf("cut at %d (-whole +cut):\n%s", cut, diff)
		}
	}
}

// cuts are all places to cut n bytes, or of a long input those near its ends: between them nothing but a run of one
// character is cut.
func cuts(n int) []int {
	const near = 300
	var all []int
	for i := 1; i < n; i++ {
		if i < near || i > n-near {
			all = append(all, i)
		}
	}
	return all
}

// parse feeds the pieces and returns copies of what came out.
func parse(t *testing.T, v corpus.Vector, dialect string, pieces ...[]byte) parsed {
	t.Helper()
	d, err := wire.DialectByName(dialect)
	if err != nil {
		t.Fatal(err)
	}
	d.ConnectFirst = d.ConnectFirst && v.Stage == corpus.Greeted
	p := wire.NewParser(d)
	p.SetMode(wire.Mode{Pinned: slices.Contains(v.Mode, corpus.ModePinned), LeafUnsubOrigin: slices.Contains(v.Mode, corpus.ModeLNOCU)})
	var out parsed
	for _, piece := range pieces {
		p.Feed(piece)
		for {
			var op wire.Op
			if err = p.Next(&op); err != nil {
				break
			}
			out.Ops = append(out.Ops, inWords(&op))
		}
		if !errors.Is(err, wire.ErrNeedMore) {
			return refused(t, out, err)
		}
	}
	if p.Finish() != nil {
		out.Error = "eof"
	}
	return out
}

func refused(t *testing.T, out parsed, err error) parsed {
	t.Helper()
	var syntax *wire.SyntaxError
	var limit *wire.LimitError
	var state *wire.StateError
	switch {
	case errors.As(err, &syntax):
		out.Error, out.Token, out.Offset = syntax.Layer(), string(syntax.Token), syntax.Offset
	case errors.As(err, &limit):
		out.Error, out.Token, out.Offset = limit.Layer(), string(limit.Token), limit.Offset
	case errors.As(err, &state):
		out.Error, out.Token, out.Offset = state.Layer(), string(state.Token), state.Offset
	default:
		t.Fatalf("an error of no type: %v", err)
	}
	return out
}

// inWords writes an operation as vectors do.
func inWords(op *wire.Op) corpus.Op {
	w := corpus.Op{
		Op: op.Kind.String(), Origin: string(op.Origin), Account: string(op.Account), Subject: string(op.Subject),
		Reply: string(op.Reply), Queue: string(op.Queue), Weight: op.Weight, HeaderSize: op.HeaderSize,
		PayloadHex: fmt.Sprintf("%x", op.Payload), Body: string(op.Body),
	}
	for _, q := range op.Queues {
		w.Queues = append(w.Queues, string(q))
	}
	return w
}

// normal writes payloads in one way, and an empty list like none.
func normal(p parsed) parsed {
	ops := make([]corpus.Op, len(p.Ops))
	for i, op := range p.Ops {
		op.PayloadHex, op.Payload = fmt.Sprintf("%x", op.PayloadBytes()), ""
		ops[i] = op
	}
	p.Ops = ops
	return p
}
