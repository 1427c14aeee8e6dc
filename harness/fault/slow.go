package fault

import (
	"net"

	"github.com/natsroute/natsroute/reference/wire"
)

var slowFaults = []Fault{
	{
		Name: "slow-reader-kept", Title: "never gives up a peer that reads nothing", Breaks: "RT-SLOW-001",
		Wire: func(conn net.Conn, _ bool) net.Conn { return newGreedy(conn) },
	},
	{
		Name: "slow-reader-holds-others", Title: "answers no other peer when it has sent ten messages of a kilobyte to one", Breaks: "RT-SLOW-002",
		FromServer: func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if f.Op.Kind == wire.Pong && other.large() > 10 {
					return nil
				}
			}
			l.countFrom(1<<10, f)
			return []Frame{f}
		},
	},
	{
		Name: "slow-reader-hole", Title: "loses the third message of a kilobyte for a peer", Breaks: "RT-SLOW-004",
		FromServer: func(l *Link, f Frame) []Frame {
			if l.countFrom(1<<10, f) && l.large() == 3 {
				return nil
			}
			return []Frame{f}
		},
	},
	{
		Name: "slow-reader-interest-kept", Title: "keeps the interest of a peer that it has closed for reading nothing", Breaks: "RT-SLOW-003",
		FromServer: func(l *Link, f Frame) []Frame {
			l.countFrom(1<<10, f)
			return []Frame{f}
		},
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if others := l.Others(); l.large() > 10 && l.Peer != nil && len(others) > 0 {
				if again, err := others[0].companion(nil); err == nil {
					again.send(l.Declared.All()...)
				}
			}
			return held, false
		},
	},
	{
		Name: "late-reader-loses", Title: "loses the hundredth large message for a peer", Breaks: "RT-SLOW-005",
		FromServer: when(nthLarge(func(n int) bool { return n == 100 }), drop),
	},
	{
		Name: "slow-message-lost", Title: "loses a message that comes in more than ten reads", Breaks: "RT-SLOW-006",
		FromPeer: when(all(op(isMessage), spelled(func(f Frame) bool { return f.Reads > 10 && len(f.Raw) < 1024 })), drop),
	},
	{
		Name: "slow-sender-holds-others", Title: "answers no other peer while one sends byte by byte", Breaks: "RT-SLOW-007",
		PeerBytes: func(l *Link, b []byte) []byte {
			n, _ := l.Kept.(int)
			if l.Kept = 0; len(b) == 1 {
				l.Kept = n + 1
			}
			return b
		},
		FromPeer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if n, _ := other.Kept.(int); n > 5 {
					return nil
				}
			}
			return []Frame{f}
		}),
	},
}

// largePayload is that of messages of which buffers keep few, in bytes.
const largePayload = 64 << 10

// countFrom counts messages for the peer of a size and more, and tells whether f is one. It uses Kept.
func (l *Link) countFrom(size int, f Frame) bool {
	large := f.Op.Kind.IsMessage() && f.Op.Size >= size
	if large {
		l.Kept = l.large() + 1
	}
	return large
}

func (l *Link) large() int {
	n, _ := l.Kept.(int)
	return n
}

// nthLarge picks large messages by their number, which begins with 1.
func nthLarge(picked func(n int) bool) condition {
	return func(l *Link, f Frame) bool {
		return l.countFrom(largePayload, f) && picked(l.large())
	}
}
