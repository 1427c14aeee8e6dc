package parser

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// Case is one stream to a parser: what it is told before, the messages, and where the stream is cut.
type Case struct {
	Setting pipe.Setting
	Stream  gen.Sequence // of one connection
	Cuts    []int        // offsets in the stream, in order; nil: the stream as a whole
}

// bytes is the stream.
func (c *Case) bytes() []byte {
	env := gen.FixedEnv()
	return c.Stream.Append(nil, 0, &env)
}

// The text form of a case is that of a sequence below a line of what is beside it. Files that hold nothing but sequences read too: the rest is that of
// the setting given, and connection 0 is the stream.
//
//	# stream    srv-2.15 connect_first pinned lnocu cut 3 17
//	natsroute sequence 1
//	0 send "PING" end "\r\n"
const (
	streamMark = "# stream "
	seqTitle   = "natsroute sequence 1"
)

func (c *Case) appendText(b []byte) []byte {
	words := []string{c.Setting.Dialect}
	if c.Setting.ConnectFirst {
		words = append(words, "connect_first")
	}
	words = append(words, c.Setting.Modes()...)
	if len(c.Cuts) > 0 {
		words = append(words, "cut")
		for _, cut := range c.Cuts {
			words = append(words, strconv.Itoa(cut))
		}
	}
	b = fmt.Appendf(b, "%s   %s\n", streamMark, strings.Join(words, " "))
	text, _ := c.Stream.MarshalText()
	return append(append(b, text...), '\n')
}

func appendCases(b []byte, cases []Case) []byte {
	for i := range cases {
		b = cases[i].appendText(b)
	}
	return b
}

// parseHead reads the line above a sequence.
func parseHead(line string) (Case, error) {
	words := strings.Fields(strings.TrimPrefix(line, streamMark))
	var c Case
	if len(words) == 0 {
		return c, errors.New("a line about a stream names no dialect")
	}
	for i, word := range words {
		switch {
		case i == 0:
			c.Setting.Dialect = word
			if _, err := wire.DialectByName(word); err != nil {
				return c, err
			}
		case word == "connect_first":
			c.Setting.ConnectFirst = true
		case word == "pinned":
			c.Setting.Pinned = true
		case word == "lnocu":
			c.Setting.LNOCU = true
		case word == "cut":
			for _, text := range words[i+1:] {
				cut, err := strconv.Atoi(text)
				if err != nil || cut < 0 || len(c.Cuts) > 0 && cut < c.Cuts[len(c.Cuts)-1] {
					return c, fmt.Errorf("%q is no place to cut behind %v", text, c.Cuts)
				}
				c.Cuts = append(c.Cuts, cut)
			}
			return c, nil
		default:
			return c, fmt.Errorf("%q says nothing about a stream", word)
		}
	}
	return c, nil
}

// parseCases reads what appendCases has written, with lines of comment anywhere.
func parseCases(text string, otherwise pipe.Setting) ([]Case, error) {
	var cases []Case
	var part []string // lines of the sequence that is being read
	next := Case{Setting: otherwise}
	flush := func() error {
		if part == nil {
			return nil
		}
		if err := next.Stream.UnmarshalText([]byte(strings.Join(part, "\n"))); err != nil {
			return err
		}
		cases, part, next = append(cases, next.alone()), nil, Case{Setting: otherwise}
		return nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		head := strings.HasPrefix(line, streamMark)
		if head || line == seqTitle {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		switch t := strings.TrimSpace(line); {
		case head:
			var err error
			if next, err = parseHead(line); err != nil {
				return nil, err
			}
		case line == seqTitle:
			part = []string{line}
		case part != nil:
			part = append(part, line)
		case t != "" && t[0] != '#':
			return nil, fmt.Errorf("%.60q stands before %q", t, seqTitle)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, errors.New("there is no sequence in it")
	}
	return cases, nil
}

// alone is the case with the stream of connection 0 alone, and cuts that lie in it.
func (c Case) alone() Case {
	steps := slices.Clone(c.Stream.Steps)
	c.Stream.Steps = slices.DeleteFunc(steps, func(st gen.Step) bool { return st.Conn != 0 || st.End })
	c.Cuts = inside(c.Cuts, len(c.bytes()))
	return c
}

// inside are the cuts that divide a stream of that length.
func inside(cuts []int, length int) []int {
	return slices.DeleteFunc(slices.Clone(cuts), func(cut int) bool { return cut <= 0 || cut >= length })
}

// lineEnds are the places in front of and behind each CR and LF, up to the first hundred.
func lineEnds(stream []byte) []int {
	var cuts []int
	for at := 0; at < len(stream) && len(cuts) < 200; at++ {
		next := bytes.IndexAny(stream[at:], "\r\n")
		if next < 0 {
			break
		}
		if at += next; at > 0 && (len(cuts) == 0 || cuts[len(cuts)-1] != at) {
			cuts = append(cuts, at)
		}
		cuts = append(cuts, at+1)
	}
	return inside(cuts, len(stream))
}

// everyByte are all places of a stream, of a long one those near its ends.
func everyByte(length int) []int {
	const near = 300
	var cuts []int
	for at := 1; at < length; at++ {
		if at < near || at > length-near {
			cuts = append(cuts, at)
		}
	}
	return cuts
}
