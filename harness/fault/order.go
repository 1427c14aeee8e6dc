package fault

import (
	"bytes"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var orderFaults = []Fault{
	{
		Name: "messages-of-peer-overtake", Title: "delivers a peer's message behind the next one when they are on different subjects", Breaks: "RT-ORD-001",
		FromPeer: overtake(op(isMessage), otherSubject, (*Link).ToServer),
	},
	{
		Name: "messages-overtake", Title: "sends a message behind the next one when they are on different subjects", Breaks: "RT-ORD-002",
		FromServer: overtake(op(isMessage), otherSubject, (*Link).ToPeer),
	},
	{
		Name: "interest-late", Title: "answers PING before a peer's interest in front of it is in force", Breaks: "RT-ORD-003",
		FromPeer: when(is(wire.Sub), func(l *Link, f Frame) []Frame {
			l.After(interestDelay, func() { l.ToServer(f) })
			return nil
		}),
	},
	{
		Name: "interest-behind-request", Title: "announces interest in a reply behind the request", Breaks: "RT-ORD-004",
		FromServer: overtake(is(wire.Sub), func(_, next *wire.Op) bool { return isMessage(next) }, (*Link).ToPeer),
	},
	{
		Name: "changes-merged", Title: "announces nothing when interest ends that has just begun", Breaks: "RT-ORD-005",
		FromServer: mergeChanges,
	},
	{
		Name: "stops-at-pong", Title: "loses the operation behind a PONG that it has not asked for", Breaks: "RT-ORD-006",
		FromPeer: stopAtPong,
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			l.pongs(1)
			return []Frame{f}
		}),
	},
	{
		Name: "thousandth-message-lost", Title: "loses each thousandth message of a peer", Breaks: "RT-ORD-007",
		FromPeer: dropEach(op(isMessage), 1000),
	},
	{
		Name: "headers-overtake", Title: "delivers messages with headers before those without that came first", Breaks: "RT-ORD-008",
		FromPeer: overtake(is(wire.Msg), func(_, next *wire.Op) bool { return next.Kind == wire.HMsg }, (*Link).ToServer),
	},
}

// interestDelay is well above what a PONG and a publish take.
const interestDelay = 50 * time.Millisecond

func otherSubject(held, next *wire.Op) bool {
	return isMessage(next) && !bytes.Equal(held.Subject, next.Subject)
}

// mergeChanges holds RS+ until something else passes; its RS- right behind it takes both away.
func mergeChanges(l *Link, f Frame) []Frame {
	held, _ := l.Kept.(*Frame)
	if held != nil && f.Op.Kind == wire.Unsub && interestKey(&held.Op) == interestKey(&f.Op) {
		l.Kept = nil
		return nil
	}
	return overtake(is(wire.Sub), func(_, _ *wire.Op) bool { return false }, (*Link).ToPeer)(l, f)
}

// pongState is what stops-at-pong remembers.
type pongState struct {
	asked int  // PINGs of the server without an answer
	stop  bool // an unasked PONG came last
}

func (l *Link) pongs(asked int) *pongState {
	state, ok := l.Kept.(*pongState)
	if !ok {
		state = new(pongState)
		l.Kept = state
	}
	state.asked += asked
	return state
}

func stopAtPong(l *Link, f Frame) []Frame {
	state := l.pongs(0)
	switch {
	case state.stop:
		state.stop = false
		return nil
	case f.Op.Kind == wire.Pong && state.asked > 0:
		state.asked--
	case f.Op.Kind == wire.Pong:
		state.stop = true
	}
	return []Frame{f}
}
