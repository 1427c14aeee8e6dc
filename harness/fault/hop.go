package fault

import "github.com/natsroute/natsroute/reference/wire"

var hopFaults = []Fault{
	{
		Name: "interest-second-hop", Title: "sends a route's plain interest on to other routes", Breaks: "RT-HOP-001",
		FromPeer: when(all(is(wire.Sub), op(isPlain)), onToOthers),
	},
	{
		Name: "group-second-hop", Title: "sends a route's groups on to other routes", Breaks: "RT-HOP-002",
		FromPeer: when(all(is(wire.Sub), op(hasQueue)), onToOthers),
	},
	{
		Name: "interest-told-at-registration", Title: "tells a peer that registers the interest of the other routes too", Breaks: "RT-HOP-001",
		FromServer: when(all(is(wire.Pong), listing), func(l *Link, f Frame) []Frame {
			var out []Frame
			for _, other := range l.Others() {
				for _, op := range other.Declared.Where(isPlain) {
					out = append(out, frame(op))
				}
			}
			return append(out, f)
		}),
	},
	{
		Name: "weights-of-routes-added", Title: "adds the weights of routes to its own when it announces a group", Breaks: "RT-HOP-002",
		FromServer: when(all(is(wire.Sub), op(hasQueue)), edit(func(l *Link, op *wire.Op) {
			for _, link := range append(l.Others(), l) {
				if declared, ok := link.Declared.Has(op); ok {
					op.Weight += max(0, declared.Weight)
				}
			}
		})),
	},
	{
		Name: "end-second-hop", Title: "sends the end of a route's interest on to other routes", Breaks: "RT-HOP-003",
		FromPeer: when(is(wire.Unsub), onToOthers),
	},
	{
		Name: "leaving-second-hop", Title: "announces the end of a route's interest when the route has gone", Breaks: "RT-HOP-003",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				for _, declared := range l.Declared.All() {
					for _, other := range l.Others() {
						other.ToPeer(frame(endOf(declared)))
					}
				}
			}
			return held, false
		},
	},
	{
		Name: "interest-echoed", Title: "sends a peer's interest back to it", Breaks: "RT-HOP-004",
		FromPeer: when(is(wire.Sub), echo),
	},
	{
		Name: "message-second-hop", Title: "sends a route's messages on to other routes that want them", Breaks: "RT-HOP-005",
		FromPeer: when(all(is(wire.Msg), op(isPlain)), onToInterested),
	},
	{
		Name: "message-echoed", Title: "sends a message back to the route that it came from", Breaks: "RT-HOP-006",
		FromPeer: when(all(op(isMessage), op(isPlain), func(l *Link, f Frame) bool { return len(l.Declared.Matching(&f.Op)) > 0 }), echo),
	},
	{
		Name: "hmsg-second-hop", Title: "sends a route's messages with headers on to other routes that want them", Breaks: "RT-HOP-007",
		FromPeer: when(all(is(wire.HMsg), op(isPlain)), onToInterested),
	},
	{
		Name: "group-message-handed-on-plain", Title: "hands a message for a group on to each other route with a member, without its reply", Breaks: "RT-HOP-008",
		FromPeer: when(all(op(isMessage), op(hasQueue), op(hasReply)), func(l *Link, f Frame) []Frame {
			changed := f.Op.Clone()
			changed.Reply = nil
			for _, other := range l.Others() {
				if len(other.Declared.Matching(&f.Op)) > 0 {
					other.ToPeer(frame(changed))
				}
			}
			return []Frame{f}
		}),
	},
}

// onToOthers sends what one peer has sent to all others as well.
func onToOthers(l *Link, f Frame) []Frame {
	return toOthers(func(other *Link, _ Frame) bool { return other.Peer != nil })(l, f)
}

// onToInterested sends a message of one peer to the others that have declared interest in it.
func onToInterested(l *Link, f Frame) []Frame {
	return toOthers(func(other *Link, f Frame) bool { return len(other.Declared.Matching(&f.Op)) > 0 })(l, f)
}

// echo sends what a peer has sent back to it.
func echo(l *Link, f Frame) []Frame {
	l.ToPeer(f)
	return []Frame{f}
}
