// Package naive is a second parser of the route protocol, written from the grammar in wire's doc.go for clarity alone, and the
// comparison of what it makes of bytes with what wire.Parser makes of them. It is the oracle of wire's tests and of the fuzz
// targets, and of no use to a server: it wants all of the input at once. It shares with the parser under test nothing but the
// result types and the decoding of JSON bodies.
package naive

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/natsroute/natsroute/reference/wire"
)

// Follow gives the mode for what comes behind an operation, as the caller of a Parser would set it.
type Follow func(op *wire.Op, m wire.Mode) wire.Mode

// Announced is the Follow of a connection whose modes are those that INFO announces.
func Announced(op *wire.Op, m wire.Mode) wire.Mode {
	if op.Kind == wire.Info {
		m.LeafUnsubOrigin = op.InfoBody.LNOCU || op.InfoBody.LN
		m.Pinned = m.Pinned || op.InfoBody.RouteAccount != ""
	}
	return m
}

// Parse reads all of in. What it returns points into in.
func Parse(d wire.Dialect, in []byte, after Follow) Result {
	r := reader{dialect: d, in: in}
	if d.ConnectFirst && len(in) > 0 && in[0] != 'c' && in[0] != 'C' {
		return Result{Err: &wire.StateError{Token: wire.ConnectRequired, Offset: 0}}
	}
	for r.pos < len(in) && !r.inside {
		before := len(r.ops)
		if err := r.operation(); err != nil {
			return Result{Ops: r.ops, Err: err, Offset: int64(r.pos)}
		}
		for i := before; i < len(r.ops); i++ {
			r.mode = after(&r.ops[i], r.mode)
		}
	}
	return Result{Ops: r.ops, Inside: r.inside, Offset: int64(r.pos)}
}

type reader struct {
	dialect wire.Dialect
	mode    wire.Mode
	in      []byte

	pos    int // of the next byte
	ops    []wire.Op
	inside bool // the input ends inside an operation
	args   []argument
}

// names are the operations of the wire, and what a dialect has to have for them.
var names = []struct {
	text          string
	kind          wire.Kind
	headers, leaf bool
}{
	{text: "INFO", kind: wire.Info},
	{text: "CONNECT", kind: wire.Connect},
	{text: "PING", kind: wire.Ping},
	{text: "PONG", kind: wire.Pong},
	{text: "+OK", kind: wire.OK},
	{text: "-ERR", kind: wire.Err},
	{text: "RS+", kind: wire.Sub},
	{text: "RS-", kind: wire.Unsub},
	{text: "RMSG", kind: wire.Msg},
	{text: "A+", kind: wire.AccountSub},
	{text: "A-", kind: wire.AccountUnsub},
	{text: "HMSG", kind: wire.HMsg, headers: true},
	{text: "LS+", kind: wire.LeafSub, leaf: true},
	{text: "LS-", kind: wire.LeafUnsub, leaf: true},
	{text: "LMSG", kind: wire.LeafMsg, leaf: true},
}

// operation reads one operation, or finds that the input ends inside it.
func (r *reader) operation() error {
	kind, length, err := r.name()
	if err != nil || r.inside {
		return err
	}
	rest := r.in[r.pos+length:]
	lf := bytes.IndexByte(rest, '\n')
	switch kind {
	case wire.Ping, wire.Pong, wire.OK:
		if r.inside = lf < 0; !r.inside {
			r.pos += length + lf + 1
			r.ops = append(r.ops, wire.Op{Kind: kind})
		}
		return nil
	case wire.Info, wire.Connect:
	default:
		if len(rest) == 0 {
			r.inside = true
			return nil
		}
		if rest[0] != ' ' && rest[0] != '\t' {
			return &wire.SyntaxError{Token: wire.MissingDelimiter, Op: kind, Offset: int64(r.pos + length)}
		}
	}
	start := r.pos + length + len(rest) - len(bytes.TrimLeft(rest, " \t"))
	text, end, limit := r.in[start:], -1, r.dialect.Limits.ControlLine
	if lf >= 0 {
		end = r.pos + length + lf
		text = bytes.TrimSuffix(r.in[start:end], []byte("\r"))
	} else if len(text) == limit+1 {
		text = bytes.TrimSuffix(text, []byte("\r")) // it may be the line end
	}
	if limit > 0 && len(text) > limit {
		return &wire.LimitError{Token: wire.LineTooLong, Op: kind, Offset: int64(start + limit), Limit: limit}
	}
	if lf < 0 {
		r.inside = true
		return nil
	}
	return r.line(kind, text, start, end)
}

// name finds the operation that the input goes on with, and how long its name is.
func (r *reader) name() (wire.Kind, int, error) {
	rest := r.in[r.pos:]
	fits := 0
	for _, name := range names {
		if name.headers && !r.dialect.Headers || name.leaf && !r.dialect.Leaf {
			continue
		}
		n := 0
		for n < len(name.text) && n < len(rest) && upper(rest[n]) == name.text[n] {
			n++
		}
		if n == len(name.text) {
			return name.kind, n, nil
		}
		fits = max(fits, n)
	}
	if fits == len(rest) {
		r.inside = true
		return wire.None, 0, nil
	}
	return wire.None, 0, &wire.SyntaxError{Token: wire.UnknownOp, Offset: int64(r.pos + fits)}
}

// BeginsName says whether text is the beginning of an operation's name, or empty.
func BeginsName(d wire.Dialect, text []byte) bool {
	r := reader{dialect: d, in: text}
	_, _, err := r.name()
	return err == nil && r.inside
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

type argument struct {
	text   []byte
	offset int64
}

// split notes the arguments of a line: runs of bytes that are no blank, tab or CR.
func (r *reader) split(text []byte, start int) {
	r.args = r.args[:0]
	for at := 0; at < len(text); {
		length := bytes.IndexAny(text[at:], " \t\r")
		if length < 0 {
			length = len(text) - at
		}
		if length > 0 {
			r.args = append(r.args, argument{text[at : at+length], int64(start + at)})
		}
		at += length + 1
	}
}

// take removes the first argument.
func (r *reader) take() []byte {
	first := r.args[0].text
	r.args = r.args[1:]
	return first
}

func (r *reader) line(kind wire.Kind, text []byte, start, end int) error {
	op := wire.Op{Kind: kind}
	syntax := func(t wire.Token, offset int64) error { return &wire.SyntaxError{Token: t, Op: kind, Offset: offset} }
	badCount := syntax(wire.ArgumentCount, int64(end))

	switch kind {
	case wire.Info, wire.Connect, wire.Err:
		return r.body(op, text, end)
	}
	r.split(text, start)
	if kind == wire.AccountSub || kind == wire.AccountUnsub {
		if len(r.args) > 0 {
			op.Account = r.take()
		}
		return r.done(op, end)
	}

	needs := 1
	hasOrigin := kind == wire.LeafSub || kind == wire.LeafMsg || kind == wire.LeafUnsub && r.mode.LeafUnsubOrigin
	if hasOrigin {
		needs++
	}
	if !r.mode.Pinned {
		needs++
	}
	if len(r.args) < needs {
		return badCount
	}
	if hasOrigin {
		op.Origin = r.take()
	}
	if !r.mode.Pinned {
		op.Account = r.take()
	}
	op.Subject = r.take()

	switch kind {
	case wire.Sub, wire.LeafSub:
		if len(r.args) != 0 && len(r.args) != 2 {
			return badCount
		}
		if len(r.args) == 2 {
			op.Queue, op.Weight = r.take(), -1
			if w := r.take(); isDigits(w) && len(w) <= 9 {
				op.Weight = value(w)
			}
		}
		return r.done(op, end)
	case wire.Unsub, wire.LeafUnsub:
		if len(r.args) > 1 {
			return badCount
		}
		if len(r.args) == 1 {
			op.Queue = r.take()
		}
		return r.done(op, end)
	}

	sizes := 1
	if kind != wire.Msg {
		sizes = 2
	}
	if len(r.args) < sizes {
		return badCount
	}
	switch middle := len(r.args) - sizes; {
	case middle == 1:
		op.Reply = r.take()
	case middle > 1:
		at := r.args[0].offset
		switch indicator := string(r.take()); indicator {
		case "+":
			op.Reply = r.take()
		case "|":
		default:
			return syntax(wire.BadIndicator, at)
		}
		for len(r.args) > sizes {
			op.Queues = append(op.Queues, r.take())
		}
	}
	return r.message(op, end)
}

// body reads INFO, CONNECT and -ERR.
func (r *reader) body(op wire.Op, text []byte, end int) error {
	op.Body = bytes.Trim(text, " \t\r")
	var err error
	switch op.Kind {
	case wire.Info:
		op.InfoBody = new(wire.InfoBody)
		err = json.Unmarshal(op.Body, op.InfoBody)
	case wire.Connect:
		op.ConnectBody = new(wire.ConnectBody)
		err = json.Unmarshal(op.Body, op.ConnectBody)
	}
	if err != nil {
		return &wire.SyntaxError{Token: wire.BadJSON, Op: op.Kind, Offset: int64(end)}
	}
	return r.done(op, end)
}

// message reads the sizes, which are the arguments that are left, and the payload.
func (r *reader) message(op wire.Op, end int) error {
	limits := r.dialect.Limits
	size, header := r.args[len(r.args)-1], argument{[]byte("0"), 0}
	if len(r.args) == 2 {
		header = r.args[0]
	}
	isSize := func(b []byte) bool { return isDigits(b) && (limits.SizeDigits == 0 || len(b) <= limits.SizeDigits) }
	switch {
	case !isSize(header.text):
		return &wire.SyntaxError{Token: wire.BadHeaderSize, Op: op.Kind, Offset: header.offset}
	case !isSize(size.text), limits.Payload == 0 && value(size.text) == math.MaxInt:
		return &wire.SyntaxError{Token: wire.BadSize, Op: op.Kind, Offset: size.offset}
	case value(header.text) > value(size.text):
		return &wire.SyntaxError{Token: wire.BadHeaderSize, Op: op.Kind, Offset: header.offset}
	case limits.Payload > 0 && value(size.text) > limits.Payload:
		return &wire.LimitError{Token: wire.PayloadTooLong, Op: op.Kind, Offset: int64(end), Limit: limits.Payload}
	}
	op.HeaderSize, op.Size = value(header.text), value(size.text)

	start, part := end+1, op.Size
	if limits.Buffered > 0 {
		part = min(limits.Buffered, op.Size)
	}
	for ; op.Size-op.Offset > part; op.Offset += part {
		if len(r.in) < start+op.Offset+part {
			r.inside = true
			return nil
		}
		op.Payload, op.More = r.in[start+op.Offset:start+op.Offset+part], true
		r.ops = append(r.ops, op)
	}
	if op.Size > len(r.in) {
		r.inside = true
		return nil
	}
	stop := start + op.Size
	for i, want := range []byte("\r\n") {
		if len(r.in) <= stop+i {
			r.inside = true
			return nil
		}
		if r.in[stop+i] != want {
			return &wire.SyntaxError{Token: wire.PayloadTerminator, Op: op.Kind, Offset: int64(stop + i)}
		}
	}
	op.Payload, op.More = r.in[start+op.Offset:stop], false
	return r.done(op, stop+1)
}

// done notes an operation whose last byte is at end.
func (r *reader) done(op wire.Op, end int) error {
	op.Queues = slices.Clip(op.Queues)
	r.ops = append(r.ops, op)
	r.pos = end + 1
	return nil
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// value is the value as far as it fits an int.
func value(digits []byte) int {
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil || n > math.MaxInt {
		return math.MaxInt
	}
	return int(n)
}
