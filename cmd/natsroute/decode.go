package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// decodeCommand is `natsroute decode`.
type decodeCommand struct {
	File    string `arg:"" optional:"" default:"-" placeholder:"FILE" help:"The bytes of one direction of a route; -: standard input."`
	Dialect string `placeholder:"NAME" help:"The server generation whose grammar is read, a name of 'natsroute list profiles' (default: the latest)."`
	Pinned  bool   `help:"The route is pinned to one account: operations carry none."`
	LNOCU   bool   `name:"lnocu" help:"The peer announced lnocu: LS- carries the origin."`
}

// Help is the end of `natsroute decode --help`.
func (decodeCommand) Help() string {
	return `Each line is {"offset":N,"op":"RS+",…}, with the members that the operation has: account, subject, reply, queue, queues, weight,
header_size, size, payload, body, origin, text. A value that is no valid UTF-8 stands in hexadecimal under its name and _hex.

What breaks the grammar is a last line {"offset":N,"error":"syntax","token":"argument_count","message":"…"} and exit 1. Offsets count from 0.

A CONNECT may come first or not: both directions of a route can be read.`
}

// Run decodes.
func (d *decodeCommand) Run(p *process) error {
	dialect := wire.Latest()
	if d.Dialect != "" {
		var err error
		if dialect, err = wire.DialectByName(d.Dialect); err != nil {
			return usage("there is no dialect %q: give one of %s", d.Dialect, strings.Join(corpus.ProfileNames(), ", "))
		}
	}
	dialect.ConnectFirst = false // the bytes may be of either side
	dialect.Limits.Buffered = 0  // a payload is one line
	in := p.stdin
	if d.File != "-" {
		f, err := os.Open(d.File)
		if err != nil {
			return usage("%w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	parser := wire.NewParser(dialect)
	parser.SetMode(wire.Mode{Pinned: d.Pinned, LeafUnsubOrigin: d.LNOCU})
	out := bufio.NewWriter(p.stdout)
	err := decode(parser, in, out)
	return errors.Join(err, out.Flush())
}

// decode reads in to its end, or to the first bytes that are no operation.
func decode(parser *wire.Parser, in io.Reader, out *bufio.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	buf := make([]byte, 64<<10)
	for {
		n, readErr := in.Read(buf)
		parser.Feed(buf[:n])
		for {
			offset := parser.Offset()
			var op wire.Op
			err := parser.Next(&op)
			if errors.Is(err, wire.ErrNeedMore) {
				break
			}
			if err != nil {
				return errors.Join(enc.Encode(errorLine(err)), &failure{Code: report.ExitFails})
			}
			if err := enc.Encode(opLine(offset, &op)); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			if err := parser.Finish(); err != nil {
				cut := object{{"offset", parser.Offset()}, {"error", "eof"}, {"message", "the bytes end inside the operation that begins here"}}
				return errors.Join(enc.Encode(cut), &failure{Code: report.ExitFails})
			}
			return nil
		case readErr != nil:
			return usage("%w", readErr)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// errorLine is the last line where the bytes break the grammar.
func errorLine(err error) object {
	line := func(offset int64, layer string, token wire.Token) object {
		return object{{"offset", offset}, {"error", layer}, {"token", token}}
	}
	var o object
	var kind wire.Kind
	var syntax *wire.SyntaxError
	var limit *wire.LimitError
	var state *wire.StateError
	switch {
	case errors.As(err, &syntax):
		o, kind = line(syntax.Offset, wire.LayerSyntax, syntax.Token), syntax.Op
	case errors.As(err, &limit):
		o, kind = line(limit.Offset, wire.LayerLimit, limit.Token), limit.Op
	case errors.As(err, &state):
		o = line(state.Offset, wire.LayerState, state.Token)
	}
	if kind != wire.None {
		o = append(o, member{"op", kind.String()})
	}
	return append(o, member{"message", err.Error()})
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", m.name, value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// text adds bytes as a string if they are one, else in hexadecimal under the name and _hex.
func (o object) text(name string, value []byte) object {
	if utf8.Valid(value) {
		return append(o, member{name, string(value)})
	}
	return append(o, member{name + "_hex", hex.EncodeToString(value)})
}

// optional is text where there is any.
func (o object) optional(name string, value []byte) object {
	if len(value) == 0 {
		return o
	}
	return o.text(name, value)
}

// opLine is one operation.
func opLine(offset int64, op *wire.Op) object {
	o := object{{"offset", offset}, {"op", op.Kind.String()}}
	o = o.optional("origin", op.Origin).optional("account", op.Account).optional("subject", op.Subject)
	o = o.optional("reply", op.Reply).optional("queue", op.Queue)
	switch {
	case op.Kind == wire.Info, op.Kind == wire.Connect:
		return o.text("body", op.Body)
	case op.Kind == wire.Err:
		return o.text("text", op.Body)
	case len(op.Queue) > 0 && (op.Kind == wire.Sub || op.Kind == wire.LeafSub):
		return append(o, member{"weight", op.Weight})
	case !op.Kind.IsMessage():
		return o
	}
	if len(op.Queues) > 0 {
		o = append(o, queues(op.Queues))
	}
	if op.Kind != wire.Msg {
		o = append(o, member{"header_size", op.HeaderSize})
	}
	return append(o, member{"size", op.Size}).text("payload", op.Payload)
}

// queues is the list of queue names; one that is no valid UTF-8 makes the whole list hexadecimal.
func queues(names [][]byte) member {
	plain, coded := make([]string, len(names)), make([]string, len(names))
	valid := true
	for i, name := range names {
		plain[i], coded[i] = string(name), hex.EncodeToString(name)
		valid = valid && utf8.Valid(name)
	}
	if valid {
		return member{"queues", plain}
	}
	return member{"queues_hex", coded}
}
