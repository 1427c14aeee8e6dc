package fault

import (
	"bytes"
	"slices"
	"strconv"
	"sync"

	"github.com/natsroute/natsroute/reference/wire"
)

var messageFaults = []Fault{
	{
		Name: "message-twice-to-peer", Title: "sends each message twice", Breaks: "RT-MSG-001",
		FromServer: when(op(isMessage), twice),
	},
	{
		Name: "reply-dropped", Title: "loses the reply subject of messages it sends", Breaks: "RT-MSG-002",
		FromServer: when(all(op(isMessage), op(hasReply)), edit(func(_ *Link, op *wire.Op) { op.Reply = nil })),
	},
	{
		Name: "message-for-each-entry", Title: "sends a message once for each entry of the peer that matches", Breaks: "RT-MSG-003",
		FromServer: when(all(op(isMessage), op(isPlain)), func(l *Link, f Frame) []Frame {
			return slices.Repeat([]Frame{f}, max(1, len(l.Declared.Matching(&f.Op))))
		}),
	},
	{
		Name: "messages-to-all-routes", Title: "sends a message that one peer wants to all", Breaks: "RT-MSG-004",
		FromServer: when(all(op(isMessage), op(isPlain)), toOthers(func(other *Link, f Frame) bool {
			return other.Peer != nil && len(other.Declared.Matching(&f.Op)) == 0
		})),
	},
	{
		Name: "empty-message-not-sent", Title: "does not send empty messages", Breaks: "RT-MSG-005",
		FromServer: when(all(op(isMessage), op(isEmpty)), drop),
	},
	{
		Name: "message-twice-to-client", Title: "gives each message of a peer to its clients twice", Breaks: "RT-MSG-006",
		FromPeer: when(op(isMessage), twice),
	},
	{
		Name: "reply-of-peer-dropped", Title: "loses the reply subject of a peer's messages", Breaks: "RT-MSG-007",
		FromPeer: when(all(op(isMessage), op(hasReply)), edit(func(_ *Link, op *wire.Op) { op.Reply = nil })),
	},
	{
		Name: "empty-message-of-peer-lost", Title: "does not deliver a peer's empty messages", Breaks: "RT-MSG-008",
		FromPeer: when(all(op(isMessage), op(isEmpty)), drop),
	},
	{
		Name: "message-for-each-wildcard", Title: "delivers a peer's message once more for each wildcard subscription that matches", Breaks: "RT-MSG-009",
		FromPeer: when(all(op(isMessage), op(isPlain)), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, told := range l.Told.Matching(&f.Op) {
				if wire.HasWildcard(told.Subject) && isPlain(&told) {
					out = append(out, f)
				}
			}
			return out
		}),
	},
	{
		Name: "payload-read-to-line-end", Title: "reads a payload up to its first line end", Breaks: "RT-MSG-010",
		FromPeer: when(is(wire.Msg), edit(func(_ *Link, op *wire.Op) {
			payload, _, _ := bytes.Cut(op.Payload, []byte("\r\n"))
			withPayload(op, payload)
		})),
	},
	{
		Name: "payload-sent-to-line-end", Title: "sends a payload up to its first line end", Breaks: "RT-MSG-010",
		FromServer: when(is(wire.Msg), edit(func(_ *Link, op *wire.Op) {
			payload, _, _ := bytes.Cut(op.Payload, []byte("\r\n"))
			withPayload(op, payload)
		})),
	},
	{
		Name: "payload-of-seven-bits", Title: "delivers the lower seven bits of each byte", Breaks: "RT-MSG-011",
		FromPeer: when(is(wire.Msg), edit(sevenBits)),
	},
	{
		Name: "payload-sent-of-seven-bits", Title: "sends the lower seven bits of each byte", Breaks: "RT-MSG-011",
		FromServer: when(is(wire.Msg), edit(sevenBits)),
	},
	{
		Name: "payload-ends-at-nul", Title: "delivers a payload up to its first NUL", Breaks: "RT-MSG-011",
		FromPeer: when(is(wire.Msg), edit(func(_ *Link, op *wire.Op) {
			payload, _, _ := bytes.Cut(op.Payload, []byte{0})
			withPayload(op, payload)
		})),
	},
	{
		Name: "largest-payload-lost", Title: "does not deliver a payload of exactly max_payload", Breaks: "RT-MSG-012",
		FromPeer: when(all(op(isMessage), largest), drop),
	},
	{
		Name: "largest-payload-not-sent", Title: "does not send a payload of exactly max_payload", Breaks: "RT-MSG-012",
		FromServer: when(all(op(isMessage), largest), drop),
	},
	{
		Name: "payload-ends-with-segment", Title: "takes what has come for the payload, whatever its size", Breaks: "RT-MSG-013",
		PeerBytes: endPayloads,
	},
	{
		Name: "payload-end-unchecked", Title: "delivers a message whose payload does not end as its size says", Breaks: "RT-MSG-014",
		Mend: func(_ *Link, b Broken) ([]byte, int) {
			if b.token() != wire.PayloadTerminator {
				return nil, 0
			}
			n := b.payloadEnd()
			whole := append(bytes.Clone(b.Raw[:n]), "\r\n"...)
			return whole, n + len(firstLine(b.Raw[n:]))
		},
	},
	{
		Name: "payload-end-loses-message", Title: "drops a message whose payload does not end as its size says, and goes on", Breaks: "RT-MSG-014",
		Mend: mend(wire.PayloadTerminator, func(b Broken) bool { return b.kind() == wire.Msg }),
	},
	{
		Name: "nobody-interested-closes", Title: "closes when a peer sends what nobody is interested in", Breaks: "RT-MSG-015",
		FromPeer: when(all(op(isMessage), func(l *Link, f Frame) bool {
			return len(l.Told.Matching(&f.Op)) == 0 && !unknownAccount(&f.Op) && wire.ValidSubject(f.Op.Subject)
		}), hangUp),
	},
	{
		Name: "message-of-unknown-account-closes", Title: "closes when a peer sends a message of an account that it does not have", Breaks: "RT-MSG-016",
		FromPeer: when(all(op(isMessage), op(unknownAccount)), hangUp),
	},
	{
		Name: "message-of-unknown-account-misplaced", Title: "delivers messages of an account that it does not have in the default account", Breaks: "RT-MSG-016",
		FromPeer: when(all(op(isMessage), op(unknownAccount)), edit(func(_ *Link, op *wire.Op) { op.Account = []byte(defaultAccount) })),
	},
	{
		Name: "answer-lost", Title: "does not deliver a message on a subject that was a reply before", Breaks: "RT-MSG-017",
		FromServer: when(all(op(isMessage), op(hasReply)), func(l *Link, f Frame) []Frame {
			l.Kept = string(f.Op.Reply)
			return []Frame{f}
		}),
		FromPeer: when(all(op(isMessage), func(l *Link, f Frame) bool { return l.Kept == string(f.Op.Subject) }), drop),
	},
	{
		Name: "high-bytes-in-subject-lost", Title: "does not deliver messages with bytes above 127 in their subject", Breaks: "RT-MSG-018",
		FromPeer: when(all(op(isMessage), op(highSubject)), drop),
	},
	{
		Name: "interest-in-high-bytes-ignored", Title: "ignores interest in subjects with bytes above 127", Breaks: "RT-MSG-018",
		FromPeer: when(all(is(wire.Sub), op(highSubject)), drop),
	},
	{
		Name: "payload-damaged-at-buffer-size", Title: "changes the last byte of a payload whose size is one of its buffers'", Breaks: "RT-MSG-019",
		FromPeer: when(all(op(isMessage), op(func(op *wire.Op) bool { return op.Size > 0 && op.Size%(4<<10) == 0 })), edit(func(_ *Link, op *wire.Op) {
			op.Payload[op.Size-1] ^= 1
		})),
	},
	{
		Name: "payload-cut-behind-buffer-size", Title: "sends a payload that is a byte longer than a buffer without that byte", Breaks: "RT-MSG-019",
		FromServer: when(all(op(isMessage), op(func(op *wire.Op) bool { return op.Size > 4096 && op.Size%(4<<10) == 1 })), edit(func(_ *Link, op *wire.Op) {
			withPayload(op, op.Payload[:op.Size-1])
		})),
	},
	{
		Name: "payload-cut-at-max", Title: "delivers a payload that is too large up to max_payload", Breaks: "RT-MSG-020",
		FromPeer: when(op(func(op *wire.Op) bool { return isMessage(op) && op.Size > 1<<20 }), edit(func(_ *Link, op *wire.Op) {
			withPayload(op, op.Payload[:1<<20])
		})),
	},
	{
		Name: "message-subject-as-pattern", Title: "delivers a message with * in its subject on all subjects that * could stand for", Breaks: "RT-MSG-021",
		FromPeer: when(op(func(op *wire.Op) bool { return isMessage(op) && wire.HasWildcard(op.Subject) }), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, told := range l.Told.Where(func(told *wire.Op) bool {
				return bytes.Equal(told.Account, f.Op.Account) && !wire.HasWildcard(told.Subject) && wire.Match(f.Op.Subject, told.Subject)
			}) {
				also := f.Op.Clone()
				also.Subject = told.Subject
				out = append(out, frame(also))
			}
			return out
		}),
	},
	{
		Name: "empty-token-closes", Title: "closes when a peer sends a message whose subject has an empty token", Breaks: "RT-MSG-022",
		FromPeer: when(all(op(isMessage), op(emptyToken)), hangUp),
	},
	{
		Name: "many-tokens-ignored", Title: "ignores interest in subjects of more than 128 tokens", Breaks: "RT-MSG-023",
		FromPeer: when(all(is(wire.Sub), op(func(op *wire.Op) bool { return bytes.Count(op.Subject, []byte(".")) >= 128 })), drop),
	},
	{
		Name: "many-tokens-lost", Title: "does not deliver messages on subjects of more than 128 tokens", Breaks: "RT-MSG-023",
		FromPeer: when(all(op(isMessage), op(func(op *wire.Op) bool { return bytes.Count(op.Subject, []byte(".")) >= 128 })), drop),
	},
	{
		Name: "message-to-one-route-only", Title: "sends a plain message to one of the peers that want it", Breaks: "RT-MSG-024",
		FromServer: when(all(op(isMessage), op(isPlain), op(hasPayload), spelled(func(f Frame) bool { return len(f.Raw) < 4096 }), sentElsewhere), drop),
	},
}

func isEmpty(op *wire.Op) bool { return op.Size == 0 }

func highSubject(op *wire.Op) bool {
	return slices.ContainsFunc(op.Subject, func(b byte) bool { return b > 127 })
}

func emptyToken(op *wire.Op) bool {
	return slices.ContainsFunc(bytes.Split(op.Subject, []byte(".")), func(token []byte) bool { return len(token) == 0 })
}

func largest(l *Link, f Frame) bool { return l.Server != nil && f.Op.Size == int(l.Server.MaxPayload) }

func sevenBits(_ *Link, op *wire.Op) {
	for i := range op.Payload {
		op.Payload[i] &= 0x7f
	}
}

// toOthers passes a frame, and sends it to other connections too.
func toOthers(which func(*Link, Frame) bool) change {
	return func(l *Link, f Frame) []Frame {
		for _, other := range l.Others() {
			if which(other, f) {
				other.ToPeer(f)
			}
		}
		return []Frame{f}
	}
}

// sent is the messages that went out, by their bytes, with the connection that each went to.
type sent struct {
	mu sync.Mutex
	to map[string]*Link
}

// sentElsewhere picks messages that another connection has got already.
func sentElsewhere(l *Link, f Frame) bool {
	all, _ := l.Box().Keep(func(kept any) any {
		if kept == nil {
			return &sent{to: make(map[string]*Link)}
		}
		return kept
	}).(*sent)
	all.mu.Lock()
	defer all.mu.Unlock()
	key := string(f.Raw)
	if first, there := all.to[key]; there && first != l {
		return true
	}
	all.to[key] = l
	return false
}

// payloadEnd is where the payload of a broken message ends by its size.
func (b Broken) payloadEnd() int {
	line := firstLine(b.Raw)
	fields := bytes.Fields(line)
	size := 0
	for _, digit := range fields[len(fields)-1] {
		size = size*10 + int(digit-'0')
	}
	return min(len(line)+size, len(b.Raw))
}

// endPayloads completes an RMSG whose payload has not come whole, and takes what follows for operations.
func endPayloads(_ *Link, chunk []byte) []byte {
	f := newFramer()
	_, _, _ = f.split(bytes.Clone(chunk))
	line, payload := firstLine(f.held), f.held[len(firstLine(f.held)):]
	fields := bytes.Fields(line)
	message := len(fields) > 3 && bytes.EqualFold(fields[0], []byte("RMSG")) && bytes.HasSuffix(line, []byte("\n"))
	if !message || len(payload) > 1024 || !digits(fields[len(fields)-1]) {
		return chunk // so large a payload comes in several segments from everybody
	}
	out := bytes.Clone(chunk[:len(chunk)-len(f.held)])
	fields[len(fields)-1] = strconv.AppendInt(nil, int64(len(payload)), 10)
	out = append(append(out, bytes.Join(fields, []byte(" "))...), "\r\n"...)
	return append(append(out, payload...), "\r\n"...)
}
