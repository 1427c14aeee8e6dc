package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/reference/wire"
)

var keepaliveFaults = []Fault{
	{
		Name: "ping-unanswered", Title: "never answers PING", Breaks: "RT-KA-001",
		FromServer: when(is(wire.Pong), drop),
	},
	{
		Name: "pong-doubled", Title: "answers a PING by two PONGs", Breaks: "RT-KA-001",
		FromServer: when(is(wire.Pong), twice),
	},
	{
		Name: "pings-answered-together", Title: "answers ten PINGs that follow each other, and not the eleventh", Breaks: "RT-KA-002",
		FromPeer: dropRepeated(wire.Ping, 11),
	},
	{
		Name: "ping-before-info-unanswered", Title: "answers no PING before the peer's INFO", Breaks: "RT-KA-003",
		FromPeer: when(all(is(wire.Ping), beforeInfo, afterConnect), drop),
	},
	{
		Name: "unasked-pong-closes", Title: "closes on a PONG that it has not asked for", Breaks: "RT-KA-004",
		FromPeer: when(all(is(wire.Pong), func(l *Link, _ Frame) bool { return !l.asked(-1) }), hangUp),
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			l.asked(1)
			return []Frame{f}
		}),
	},
	{
		Name: "never-pings", Title: "sends no PING", Breaks: "RT-KA-005",
		FromServer: when(is(wire.Ping), func(l *Link, _ Frame) []Frame {
			l.ToServer(frame(wire.NewPong()))
			return nil
		}),
	},
	{
		Name: "pings-once", Title: "sends one PING to a peer, and no further one", Breaks: "RT-KA-012",
		FromServer: when(all(is(wire.Ping), func(l *Link, _ Frame) bool { return l.asked(1) }), func(l *Link, _ Frame) []Frame {
			l.ToServer(frame(wire.NewPong()))
			return nil
		}),
	},
	{
		Name: "pongs-in-advance", Title: "takes a PONG that came before its PING for the answer", Breaks: "RT-KA-014",
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			if credit, _ := l.Kept.(int); credit > 0 {
				l.ToServer(frame(wire.NewPong()))
			}
			l.asked(-1)
			return []Frame{f}
		}),
		FromPeer: when(is(wire.Pong), func(l *Link, f Frame) []Frame {
			l.asked(1)
			return []Frame{f}
		}),
	},
	{
		Name: "never-stale", Title: "never gives up a peer that answers no PING", Breaks: "RT-KA-006",
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			l.ToServer(frame(wire.NewPong()))
			return []Frame{f}
		}),
	},
	{
		Name: "stale-at-first-ping", Title: "gives a peer up that has not answered its last PING when the next is due", Breaks: "RT-KA-006",
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			if l.asked(0) {
				l.Close()
				return nil
			}
			l.asked(1)
			return []Frame{f}
		}),
		FromPeer: when(is(wire.Pong), func(l *Link, f Frame) []Frame {
			l.asked(-1)
			return []Frame{f}
		}),
	},
	{
		Name: "stale-without-a-word", Title: "closes a stale connection without -ERR", Breaks: "RT-KA-007",
		FromServer: when(all(is(wire.Err), op(func(op *wire.Op) bool { return bytes.Contains(bytes.ToLower(op.Body), []byte("stale")) })), drop),
	},
	{
		Name: "pong-no-life", Title: "gives up a peer that answers its PINGs and says nothing else", Breaks: "RT-KA-008",
		FromPeer: when(is(wire.Pong), drop),
	},
	{
		Name: "mute-peer-kept", Title: "keeps a peer for ever that has said nothing from the start", Breaks: "RT-KA-009",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) { return held, !peer && !l.Connected && l.Dialled },
	},
	{
		Name: "unregistered-peer-kept", Title: "keeps a peer for ever that has said CONNECT and no INFO", Breaks: "RT-KA-011",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Connected && l.Peer == nil && l.Dialled
		},
	},
}

// asked counts PINGs of the server that are not answered, and tells whether there is one before the change. It uses Kept.
func (l *Link) asked(change int) bool {
	open, _ := l.Kept.(int)
	l.Kept = max(0, open+change)
	return open > 0
}

func afterConnect(l *Link, _ Frame) bool { return l.Connected }
