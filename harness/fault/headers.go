package fault

import (
	"bytes"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

var headersFaults = []Fault{
	{
		Name: "headers-in-rmsg", Title: "sends headers inside of RMSG", Breaks: "RT-HDR-001",
		FromServer: when(is(wire.HMsg), edit(func(_ *Link, op *wire.Op) { op.Kind, op.HeaderSize = wire.Msg, 0 })),
	},
	{
		Name: "header-size-of-the-whole", Title: "sends HMSG with the size of the whole as that of its header", Breaks: "RT-HDR-001",
		FromServer: when(is(wire.HMsg), edit(func(_ *Link, op *wire.Op) { op.HeaderSize = op.Size })),
	},
	{
		Name: "header-values-merged", Title: "sends the last of several values of a header", Breaks: "RT-HDR-001",
		FromServer: when(is(wire.HMsg), edit(dropFirstValue)),
	},
	{
		Name: "headers-to-everybody", Title: "sends HMSG to peers that know no headers", Breaks: "RT-HDR-002",
		FromPeer: editInfo(func(_ *Link, info *wire.InfoBody) { info.Headers = true }),
	},
	{
		Name: "headers-by-connect", Title: "lets CONNECT say whether a peer knows headers", Breaks: "RT-HDR-002",
		FromPeer: when(is(wire.Connect, wire.Info), func(l *Link, f Frame) []Frame {
			if f.Op.Kind == wire.Connect {
				l.Kept = f.Op.ConnectBody.Headers
				return []Frame{f}
			}
			return edit(func(l *Link, op *wire.Op) {
				if headers, connected := l.Kept.(bool); connected {
					op.InfoBody.Headers = headers
				}
			})(l, f)
		}),
	},
	{
		Name: "hmsg-for-everything", Title: "sends HMSG to peers that know headers, whether there are any or not", Breaks: "RT-HDR-003",
		FromServer: when(all(is(wire.Msg), func(l *Link, _ Frame) bool { return l.Peer != nil && l.Peer.Headers }), edit(func(_ *Link, op *wire.Op) { op.Kind = wire.HMsg })),
	},
	{
		Name: "hmsg-reply-lost", Title: "loses the reply subject of messages with headers", Breaks: "RT-HDR-004",
		FromServer: when(all(is(wire.HMsg), op(hasReply)), edit(func(_ *Link, op *wire.Op) { op.Reply = nil })),
	},
	{
		Name: "hmsg-without-list", Title: "names no group in a message with headers", Breaks: "RT-HDR-004",
		FromServer: when(all(is(wire.HMsg), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queues = nil })),
	},
	{
		Name: "headers-of-peer-lost", Title: "loses the headers of a peer's messages", Breaks: "RT-HDR-005",
		FromPeer: when(is(wire.HMsg), edit(stripHeader)),
	},
	{
		Name: "header-values-of-peer-merged", Title: "delivers the last of several values of a header", Breaks: "RT-HDR-005",
		FromPeer: when(is(wire.HMsg), edit(dropFirstValue)),
	},
	{
		Name: "headers-as-payload", Title: "takes the headers of a peer's message for a part of its payload", Breaks: "RT-HDR-006",
		FromPeer: when(is(wire.HMsg), edit(func(_ *Link, op *wire.Op) { op.Kind, op.HeaderSize = wire.Msg, 0 })),
	},
	{
		Name: "headers-alone-lost", Title: "does not deliver a message that is nothing but headers", Breaks: "RT-HDR-007",
		FromPeer: when(all(is(wire.HMsg), op(func(op *wire.Op) bool { return op.HeaderSize == op.Size })), drop),
	},
	{
		Name: "headers-alone-not-sent", Title: "does not send a message that is nothing but headers", Breaks: "RT-HDR-007",
		FromServer: when(all(is(wire.HMsg), op(func(op *wire.Op) bool { return op.HeaderSize == op.Size })), drop),
	},
	{
		Name: "hmsg-to-two-members", Title: "gives a message with headers to two members of the group that it names", Breaks: "RT-HDR-008",
		FromPeer: when(all(is(wire.HMsg), op(hasQueue)), twice),
	},
	{
		Name: "header-size-zero-refused", Title: "refuses HMSG whose header size is 0", Breaks: "RT-HDR-009",
		FromPeer: when(all(is(wire.HMsg), op(func(op *wire.Op) bool { return op.HeaderSize == 0 })), hangUp),
	},
	{
		Name: "headers-for-all-or-none", Title: "sends a message without its headers to all peers when one of them knows none", Breaks: "RT-HDR-010",
		FromServer: when(all(is(wire.HMsg), func(l *Link, f Frame) bool {
			return slices.ContainsFunc(l.Others(), func(other *Link) bool {
				return other.Peer != nil && !other.Peer.Headers && len(other.Declared.Matching(&f.Op)) > 0
			})
		}), edit(stripHeader)),
	},
	{
		Name: "large-headers-lost", Title: "does not deliver header blocks of more than 4,096 bytes", Breaks: "RT-HDR-011",
		FromPeer: when(all(is(wire.HMsg), op(largeHeader)), drop),
	},
	{
		Name: "large-headers-not-sent", Title: "does not send header blocks of more than 4,096 bytes", Breaks: "RT-HDR-011",
		FromServer: when(all(is(wire.HMsg), op(largeHeader)), drop),
	},
	{
		Name: "header-status-lost", Title: "loses the status in the first line of a header block", Breaks: "RT-HDR-013",
		FromPeer: when(is(wire.HMsg), edit(func(_ *Link, op *wire.Op) {
			line, rest, _ := bytes.Cut(op.Header(), []byte("\r\n"))
			version, _, _ := bytes.Cut(line, []byte(" "))
			header, data := slices.Concat(version, []byte("\r\n"), rest), op.Data()
			op.HeaderSize = len(header)
			withPayload(op, append(header, data...))
		})),
	},
	{
		Name: "hmsg-unannounced-emptied", Title: "delivers nothing of an HMSG of a peer that has announced no headers but that it came", Breaks: "RT-HDR-014",
		FromPeer: when(all(is(wire.HMsg), func(l *Link, _ Frame) bool { return l.Peer != nil && !l.Peer.Headers }), edit(func(_ *Link, op *wire.Op) { withPayload(op, op.Payload[:0]) })),
	},
}

func largeHeader(op *wire.Op) bool { return op.HeaderSize > 4096 }

// stripHeader makes an RMSG of an HMSG.
func stripHeader(_ *Link, op *wire.Op) {
	data := op.Data()
	op.Kind, op.HeaderSize = wire.Msg, 0
	withPayload(op, data)
}

// dropFirstValue takes the first line behind NATS/1.0 out of a header block of several.
func dropFirstValue(_ *Link, op *wire.Op) {
	lines := bytes.SplitAfter(op.Header(), []byte("\r\n"))
	if len(lines) < 5 { // the version, two values, the empty line and what is behind it: nothing
		return
	}
	header := append(bytes.Clone(lines[0]), bytes.Join(lines[2:], nil)...)
	data := op.Data()
	op.HeaderSize = len(header)
	withPayload(op, append(header, data...))
}
