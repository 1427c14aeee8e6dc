package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

const captureDir = "../../corpus/captures"

// A capture is the bytes of real servers, one line a piece in the order they were seen.
type capture struct {
	name   string
	pieces []piece
}

type piece struct {
	line   int
	conn   string // connection number
	sender string // A, B, …
	bytes  []byte
}

var pieceLine = regexp.MustCompile(`^ *[0-9.]+ \[([^\]]+)\] ([A-Z])> (.*)$`)

func captures(tb testing.TB) []capture {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(captureDir, "*.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	if len(files) == 0 {
		tb.Fatalf("no captures in %s", captureDir)
	}
	var all []capture
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		c := capture{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
		for i, line := range strings.Split(string(text), "\n") {
			m := pieceLine.FindStringSubmatch(line)
			if m == nil {
				continue // a note
			}
			c.pieces = append(c.pieces, piece{i + 1, m[1], m[2], unescape(tb, m[3])})
		}
		all = append(all, c)
	}
	return all
}

// unescape undoes the escapes of a capture: \r \n \t \\ \xNN.
func unescape(tb testing.TB, s string) []byte {
	tb.Helper()
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return []byte(text)
}

// A side is what one server of a capture sent on one connection.
type side struct {
	parser *Parser
	raw    []byte // the plain bytes
	packed []byte // what came after the switch to S2, still compressed
	start  int64  // offset of the next operation
	ops    []Op
	modes  []Mode // for what follows operation i
	mode   Mode
}

// Every capture is naive.Result without loss: appending the operations again gives the bytes that were on the wire.
func TestCaptures(t *testing.T) {
	kinds := make(map[Kind]int)
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			for name, s := range readCapture(t, c) {
				for i := range s.ops {
					kinds[s.ops[i].Kind]++
				}
				checkOracle(t, name, s)
				checkLeafOrigins(t, c.name, s)
			}
		})
	}
	for _, kind := range []Kind{Info, Connect, Ping, Pong, Sub, Unsub, Msg, HMsg, LeafSub, LeafUnsub, LeafMsg} {
		if kinds[kind] == 0 {
			t.Errorf("no capture holds %s", kind)
		}
	}
	t.Logf("operations: %v", kinds)
}

// readCapture plays the pieces in their order, each to the parser of its side. Modes are set as the two ends agree on them.
func readCapture(t *testing.T, c capture) map[string]*side {
	t.Helper()
	sides := make(map[string]*side)
	pinned := make(map[string]bool)
	compressed := make(map[string]bool)
	for _, p := range c.pieces {
		name := p.conn + p.sender
		s := sides[name]
		if s == nil {
			s = &side{parser: NewParser(anyFirst())}
			sides[name] = s
		}
		if bytes.HasPrefix(p.bytes, []byte("\xff\x06\x00\x00S2sTwO")) {
			compressed[name] = true
		}
		if compressed[name] {
			s.packed = append(s.packed, p.bytes...)
			continue
		}
		s.read(t, p.line, p.bytes, p.conn, pinned)
	}
	for name, s := range sides {
		if len(s.packed) == 0 {
			continue
		}
		// The stream goes on compressed: the same parser reads on behind Rest.
		if rest := s.parser.Rest(); len(rest) != 0 {
			t.Fatalf("%s: %d bytes left at the switch to S2", name, len(rest))
		}
		s.read(t, 0, unpack(t, s.packed), name, pinned)
	}
	for name, s := range sides {
		if err := s.parser.Finish(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return sides
}

// unpack decompresses an S2 stream that a capture may cut off.
func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	plain, err := io.ReadAll(bufio.NewReader(s2.NewReader(bytes.NewReader(packed))))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return plain
}

// read feeds one piece and compares each operation with the bytes it came from.
func (s *side) read(t *testing.T, line int, in []byte, conn string, pinned map[string]bool) {
	t.Helper()
	s.raw = append(s.raw, in...)
	s.parser.Feed(in)
	for {
		var op Op
		s.mode.Pinned = s.mode.Pinned || pinned[conn]
		s.parser.SetMode(s.mode)
		err := s.parser.Next(&op)
		if err == ErrNeedMore {
			return
		}
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
		if n := len(s.modes); n > 0 {
			s.modes[n-1] = s.mode // the other side may have pinned the connection since
		}
		on := s.raw[s.start:s.parser.Offset()]
		s.start = s.parser.Offset()
		if again := op.AppendTo(nil); !bytes.Equal(again, canonical(op.Kind, on)) {
			t.Errorf("line %d: %q was %q", line, again, on)
		}
		s.mode = naive.Announced(&op, s.mode)
		if s.mode.Pinned {
			pinned[conn] = true
		}
		s.ops = append(s.ops, op.Clone())
		s.modes = append(s.modes, s.mode)
	}
}

// canonical undoes the two known habits of servers that are not canonical: the blank behind the JSON of a server's own INFO
// (seen 2.1.2 to 2.15.2), and the two blanks of LS- where 2.9.25 leaves out the origin.
func canonical(kind Kind, on []byte) []byte {
	switch kind {
	case Info:
		return bytes.Replace(on, []byte("} \r\n"), []byte("}\r\n"), 1)
	case LeafUnsub:
		return bytes.Replace(on, []byte("LS-  "), []byte("LS- "), 1)
	}
	return on
}

// checkOracle lets the second parser read the same bytes.
func checkOracle(t *testing.T, name string, s *side) {
	t.Helper()
	i := -1
	want := naive.Parse(anyFirst(), s.raw, func(*Op, Mode) Mode {
		i++
		return s.modes[i]
	})
	if err := naive.Same(naive.Result{Ops: s.ops}, want); err != nil {
		t.Errorf("%s: the oracle disagrees: %v", name, err)
	}
}

// checkLeafOrigins holds the meaning of LS-, which the bytes alone do not give: the origin is there from 2.10 on, where it was
// announced.
func checkLeafOrigins(t *testing.T, capture string, s *side) {
	t.Helper()
	announced := !strings.HasPrefix(capture, "v2.9.")
	for i := range s.ops {
		if op := &s.ops[i]; op.Kind == LeafUnsub && announced != (len(op.Origin) > 0) {
			t.Errorf("%s: origin %q", op, op.Origin)
		}
	}
}

// Whole captures, cut at random places, give the same operations.
func TestCapturesCut(t *testing.T) {
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			for name, s := range readCapture(t, c) {
				r := seeded(name)
				for range 3 {
					i := -1
					got, err := naive.Read(anyFirst(), s.raw, randomCuts(r, len(s.raw), 40), func(*Op, Mode) Mode {
						i++
						return s.modes[i]
					})
					if err == nil {
						err = naive.Same(got, naive.Result{Ops: s.ops})
					}
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
			}
		})
	}
}
