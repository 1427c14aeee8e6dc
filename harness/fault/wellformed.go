package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/reference/wire"
)

var wellformedFaults = []Fault{
	{
		Name: "group-without-weight", Title: "announces groups without a weight", Breaks: "RT-OUT-001",
		FromServer: when(all(is(wire.Sub), op(hasQueue)), reword(func(line []byte) []byte {
			return line[:bytes.LastIndexByte(line, ' ')]
		})),
	},
	{
		Name: "interest-without-account", Title: "announces interest in the form before 2.0, without an account", Breaks: "RT-OUT-001",
		FromServer: when(all(is(wire.Sub, wire.Unsub), op(isPlain)), reword(func(line []byte) []byte {
			fields := bytes.Fields(line)
			return bytes.Join([][]byte{fields[0], fields[len(fields)-1]}, []byte(" "))
		})),
	},
	{
		Name: "plus-without-reply", Title: "marks messages for a group without a reply by + and two blanks", Breaks: "RT-OUT-001",
		FromServer: when(all(op(isMessage), op(hasQueue), op(func(op *wire.Op) bool { return !hasReply(op) })), reword(func(line []byte) []byte {
			return bytes.Replace(line, []byte(" | "), []byte(" +  "), 1)
		})),
	},
	{
		Name: "payload-longer-than-its-size", Title: "announces sizes that are a byte too small", Breaks: "RT-OUT-001",
		FromServer: when(all(is(wire.Msg), op(hasPayload)), func(_ *Link, f Frame) []Frame {
			short := f.Op.Clone()
			short.Size--
			return []Frame{{Op: f.Op, Raw: short.AppendTo(nil)}}
		}),
	},
	{
		Name: "lines-end-in-lf", Title: "ends its lines with LF alone", Breaks: "RT-OUT-002",
		FromServer: when(op(func(op *wire.Op) bool { return !isMessage(op) }), func(_ *Link, f Frame) []Frame {
			return []Frame{{Op: f.Op, Raw: bytes.ReplaceAll(f.Raw, []byte("\r\n"), []byte("\n"))}}
		}),
	},
	{
		Name: "lower-case-sent", Title: "writes the names of operations in lower case", Breaks: "RT-OUT-003",
		FromServer: reword(func(line []byte) []byte {
			name, rest, more := bytes.Cut(line, []byte(" "))
			if !more {
				return bytes.ToLower(line)
			}
			return bytes.Join([][]byte{bytes.ToLower(name), rest}, []byte(" "))
		}),
	},
	{
		Name: "double-blanks-sent", Title: "writes two blanks between arguments", Breaks: "RT-OUT-003",
		FromServer: when(is(wire.Sub, wire.Unsub, wire.Msg, wire.HMsg), reword(func(line []byte) []byte {
			return bytes.ReplaceAll(line, []byte(" "), []byte("  "))
		})),
	},
	{
		Name: "leading-zeros-sent", Title: "writes numbers with leading zeros", Breaks: "RT-OUT-003",
		FromServer: when(is(wire.Msg), reword(func(line []byte) []byte {
			at := bytes.LastIndexByte(line, ' ') + 1
			return append(append(bytes.Clone(line[:at]), '0'), line[at:]...)
		})),
	},
	{
		Name: "group-end-as-weight-zero", Title: "announces the end of a group by weight 0", Breaks: "RT-OUT-004",
		FromServer: when(all(is(wire.Unsub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Kind, op.Weight = wire.Sub, 0 })),
	},
	{
		Name: "leaf-operations-to-everybody", Title: "announces groups by LS+ to peers that know no leaf operations", Breaks: "RT-OUT-005",
		FromServer: when(all(is(wire.Sub), op(hasQueue), func(l *Link, _ Frame) bool { return l.Peer != nil && !l.Peer.LNOC }), edit(func(_ *Link, op *wire.Op) {
			op.Kind, op.Origin = wire.LeafSub, []byte("leaf")
		})),
	},
	{
		Name: "error-unquoted", Title: "says -ERR without quotes", Breaks: "RT-OUT-006",
		FromServer: when(is(wire.Err), edit(func(_ *Link, op *wire.Op) { op.Body = []byte(op.ErrText()) })),
	},
}

// reword changes the line of a frame, line end and payload left out.
func reword(do func(line []byte) []byte) change {
	return func(_ *Link, f Frame) []Frame {
		line := bytes.TrimRight(f.line(), "\r\n")
		rest := f.Raw[len(line):]
		return []Frame{{Op: f.Op, Raw: append(bytes.Clone(do(bytes.Clone(line))), rest...)}}
	}
}
