package fault

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/natsroute/natsroute/reference/wire"
)

var disconnectFaults = []Fault{
	{
		Name: "interest-outlives-connection", Title: "keeps a peer's interest until it comes back", Breaks: "RT-DIS-001",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.Peer != nil {
				l.remember(l.Peer.ServerID, l.Declared.All())
			}
			return held, false
		},
		FromPeer: once(all(is(wire.Info), dialled), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, op := range l.remembered(f.Op.InfoBody.ServerID) {
				out = append(out, frame(op))
			}
			return out
		}),
	},
	{
		Name: "route-of-gone-peer-kept", Title: "does not notice that a peer has closed its connection", Breaks: "RT-DIS-002",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				l.Kept = true
			}
			return held, peer
		},
		FromServer: when(is(wire.Ping), func(l *Link, f Frame) []Frame {
			if l.Kept != nil {
				l.ToServer(frame(wire.NewPong()))
			}
			return []Frame{f}
		}),
	},
	{
		Name: "leaving-takes-others-interest", Title: "forgets the interest of other peers in the subjects of one that leaves", Breaks: "RT-DIS-003",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				for _, declared := range l.Declared.All() {
					for _, other := range l.Others() {
						other.ToServer(frame(endOf(declared)))
					}
				}
			}
			return held, false
		},
	},
	{
		Name: "half-closed-peer-kept", Title: "does not close when a peer has closed its sending side", Breaks: "RT-DIS-004",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				l.Kept = true
			}
			return held, !peer && l.Kept != nil
		},
	},
	{
		Name: "cut-message-delivered", Title: "delivers what has come of a message when the connection ends", Breaks: "RT-DIS-005",
		Ended: func(_ *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				held = completed(held)
			}
			return held, false
		},
	},
	{
		Name: "peer-coming-back-refused", Title: "refuses a peer that was there before", Breaks: "RT-DIS-006",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.Peer != nil && l.Dialled {
				l.remember(l.Peer.ServerID, []wire.Op{{}})
			}
			return held, false
		},
		FromPeer: when(all(is(wire.Info), dialled, func(l *Link, f Frame) bool { return len(l.remembered(f.Op.InfoBody.ServerID)) > 0 }), hangUp),
	},
}

// remember keeps operations of a peer beyond its connection.
func (l *Link) remember(id string, ops []wire.Op) {
	l.Box().Keep(func(kept any) any {
		all, _ := kept.(map[string][]wire.Op)
		if all == nil {
			all = make(map[string][]wire.Op)
		}
		all[id] = ops
		return all
	})
}

func (l *Link) remembered(id string) (ops []wire.Op) {
	l.Box().Keep(func(kept any) any {
		all, _ := kept.(map[string][]wire.Op)
		ops = slices.Clone(all[id])
		return kept
	})
	return ops
}

// completed makes a whole RMSG of one that was cut short in its payload.
func completed(held []byte) []byte {
	line := firstLine(held)
	fields := bytes.Fields(line)
	if len(fields) < 4 || !bytes.EqualFold(fields[0], []byte("RMSG")) || !bytes.HasSuffix(line, []byte("\n")) {
		return held
	}
	payload := bytes.TrimRight(held[len(line):], "\r\n")
	fields[len(fields)-1] = strconv.AppendInt(nil, int64(len(payload)), 10)
	return slices.Concat(bytes.Join(fields, []byte(" ")), []byte("\r\n"), payload, []byte("\r\n"))
}
