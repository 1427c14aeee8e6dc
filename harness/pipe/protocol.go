package pipe

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
)

// Setting is what a parser is told before the first byte.
type Setting struct {
	Dialect      string
	ConnectFirst bool // the first byte has to be that of CONNECT
	Pinned       bool
	LNOCU        bool
}

// Modes are the words of the protocol for it.
func (s Setting) Modes() []string {
	modes := []string{}
	if s.Pinned {
		modes = append(modes, corpus.ModePinned)
	}
	if s.LNOCU {
		modes = append(modes, corpus.ModeLNOCU)
	}
	return modes
}

// Request is one line to a parser: what a new parser is fed with, piece by piece, until the stream ends.
type Request struct {
	ID           string   `json:"id"`
	Dialect      string   `json:"dialect"`
	ConnectFirst bool     `json:"connect_first"`
	Mode         []string `json:"mode"`
	Chunks       []string `json:"chunks"` // hexadecimal
}

// NewRequest is the request to read in, cut at the offsets of cuts, which are in order.
func NewRequest(id string, s Setting, in []byte, cuts []int) *Request {
	r := &Request{ID: id, Dialect: s.Dialect, ConnectFirst: s.ConnectFirst, Mode: s.Modes(), Chunks: make([]string, 0, len(cuts)+1)}
	from := 0
	for _, cut := range cuts {
		r.Chunks = append(r.Chunks, hex.EncodeToString(in[from:cut]))
		from = cut
	}
	r.Chunks = append(r.Chunks, hex.EncodeToString(in[from:]))
	return r
}

// setting reads what a request says of the parser; the error names what there is not.
func (r *Request) setting() (Setting, error) {
	for _, mode := range r.Mode {
		if mode != corpus.ModePinned && mode != corpus.ModeLNOCU {
			return Setting{}, fmt.Errorf("there is no mode %q", mode)
		}
	}
	return Setting{r.Dialect, r.ConnectFirst, slices.Contains(r.Mode, corpus.ModePinned), slices.Contains(r.Mode, corpus.ModeLNOCU)}, nil
}

// Answer is a parser's answer: the operations released, and how it ends.
type Answer struct {
	Ops   []corpus.Op `json:"ops"`
	Error string      `json:"error"` // layer: empty, syntax, limit, state, eof
	Token string      `json:"token"`
}

// ParseAnswer reads the line of a parser.
func ParseAnswer(line []byte) (Answer, error) {
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	for i := range a.Ops {
		if _, err := payload(&a.Ops[i]); err != nil {
			return a, fmt.Errorf("payload_hex of operation %d: %w", i, err)
		}
	}
	return a, nil
}

func payload(op *corpus.Op) ([]byte, error) {
	if op.PayloadHex == "" {
		return []byte(op.Payload), nil
	}
	return op.HexPayload()
}

// dialect is the reference's, as the setting narrows it.
func (s Setting) dialect() (wire.Dialect, error) {
	d, err := wire.DialectByName(s.Dialect)
	d.ConnectFirst = s.ConnectFirst
	d.Limits.Buffered = 0 // a payload is one operation
	return d, err
}
