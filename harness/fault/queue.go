package fault

import (
	"bytes"
	"math"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

var queueFaults = []Fault{
	{
		Name: "group-announced-as-plain", Title: "announces a group as plain interest", Breaks: "RT-QUE-001",
		FromServer: when(all(is(wire.Sub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queue = nil })),
	},
	{
		Name: "weight-always-one", Title: "announces weight 1 for every queue group", Breaks: "RT-QUE-002",
		FromServer: when(all(is(wire.Sub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Weight = 1 })),
	},
	{
		Name: "weight-never-raised", Title: "announces the first member of a group and no further one", Breaks: "RT-QUE-002",
		FromServer: when(all(is(wire.Sub), op(hasQueue), told), drop),
	},
	{
		Name: "weight-never-lowered", Title: "does not announce that a member left a group that goes on", Breaks: "RT-QUE-003",
		FromServer: when(all(is(wire.Sub), op(hasQueue), func(l *Link, f Frame) bool {
			before, ok := l.Told.Has(&f.Op)
			return ok && f.Op.Weight < before.Weight
		}), drop),
	},
	{
		Name: "group-end-without-queue", Title: "announces the end of a group without the group's name", Breaks: "RT-QUE-004",
		FromServer: when(all(is(wire.Unsub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queue = nil })),
	},
	{
		Name: "group-end-not-announced", Title: "does not announce the end of a group", Breaks: "RT-QUE-005",
		FromServer: when(all(is(wire.Unsub), op(hasQueue)), drop),
	},
	{
		Name: "first-list-weight-one", Title: "tells a peer that registers weight 1 for each group", Breaks: "RT-QUE-006",
		FromServer: when(all(is(wire.Sub), op(hasQueue), listing), edit(func(_ *Link, op *wire.Op) { op.Weight = 1 })),
	},
	{
		Name: "first-list-without-groups", Title: "tells a peer that registers no groups", Breaks: "RT-QUE-006",
		FromServer: when(all(is(wire.Sub), op(hasQueue), listing), drop),
	},
	{
		Name: "second-group-not-announced", Title: "announces one group on a subject, and no other", Breaks: "RT-QUE-007",
		FromServer: when(all(is(wire.Sub), op(hasQueue), toldOnSubject(func(op, told *wire.Op) bool {
			return len(told.Queue) > 0 && !bytes.Equal(op.Queue, told.Queue)
		})), drop),
	},
	{
		Name: "group-beside-plain-not-announced", Title: "announces no group on a subject in which it has plain interest", Breaks: "RT-QUE-008",
		FromServer: when(all(is(wire.Sub), op(hasQueue), toldOnSubject(func(_, told *wire.Op) bool { return len(told.Queue) == 0 })), drop),
	},
	{
		Name: "group-message-without-list", Title: "names no group in a message for one", Breaks: "RT-QUE-009",
		FromServer: when(all(is(wire.Msg), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queues = nil })),
	},
	{
		Name: "group-message-reply-lost", Title: "loses the reply subject of messages for a group", Breaks: "RT-QUE-010",
		FromServer: when(all(op(isMessage), op(hasQueue), op(hasReply)), edit(func(_ *Link, op *wire.Op) { op.Reply = nil })),
	},
	{
		Name: "plain-and-group-two-messages", Title: "sends a message two times to a peer with plain and queue interest", Breaks: "RT-QUE-011",
		FromServer: when(all(op(isMessage), op(hasQueue), func(l *Link, f Frame) bool {
			return slices.ContainsFunc(l.Declared.Matching(&f.Op), func(op wire.Op) bool { return isPlain(&op) })
		}), func(_ *Link, f Frame) []Frame {
			plain := f.Op.Clone()
			plain.Queues = nil
			return []Frame{f, frame(plain)}
		}),
	},
	{
		Name: "message-for-each-group", Title: "sends a message once for each group that it is for", Breaks: "RT-QUE-012",
		FromServer: when(op(func(op *wire.Op) bool { return isMessage(op) && len(op.Queues) > 1 }), func(_ *Link, f Frame) []Frame {
			var out []Frame
			for _, queue := range f.Op.Queues {
				one := f.Op.Clone()
				one.Queues = [][]byte{queue}
				out = append(out, frame(one))
			}
			return out
		}),
	},
	{
		Name: "group-message-to-two-members", Title: "gives a message of a peer for a group to two of its members", Breaks: "RT-QUE-013",
		FromPeer: when(all(op(isMessage), op(hasQueue), op(hasPayload)), func(_ *Link, f Frame) []Frame {
			again := f.Op.Clone()
			return []Frame{f, frame(again)}
		}),
	},
	{
		Name: "second-group-in-list-ignored", Title: "reads the first group that a message of a peer names", Breaks: "RT-QUE-014",
		FromPeer: when(op(func(op *wire.Op) bool { return isMessage(op) && len(op.Queues) > 1 }), edit(func(_ *Link, op *wire.Op) { op.Queues = op.Queues[:1] })),
	},
	{
		Name: "group-message-twice-to-plain", Title: "gives plain subscribers a message that names a group twice", Breaks: "RT-QUE-015",
		FromPeer: when(all(op(isMessage), op(hasQueue)), func(_ *Link, f Frame) []Frame {
			plain := f.Op.Clone()
			plain.Queues = nil
			return []Frame{f, frame(plain)}
		}),
	},
	{
		Name: "queue-list-ignored", Title: "gives a message of a peer to a member of each group, whatever groups it names", Breaks: "RT-QUE-016",
		FromPeer: when(op(isMessage), edit(func(l *Link, op *wire.Op) {
			op.Queues = nil
			for _, told := range l.Told.Matching(op) {
				if len(told.Queue) > 0 {
					op.Queues = append(op.Queues, told.Queue)
				}
			}
		})),
	},
	{
		Name: "queue-list-unread", Title: "takes a message of a peer that names groups for one that names none", Breaks: "RT-QUE-013",
		FromPeer: when(all(op(isMessage), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queues = nil })),
	},
	{
		Name: "group-end-ends-plain", Title: "takes the end of a peer's group for that of its plain interest too", Breaks: "RT-QUE-017",
		FromPeer: when(all(is(wire.Unsub), op(hasQueue)), func(_ *Link, f Frame) []Frame {
			plain := f.Op.Clone()
			plain.Queue = nil
			return []Frame{f, frame(plain)}
		}),
	},
	{
		Name: "plain-end-ends-groups", Title: "takes the end of a peer's plain interest for that of its groups too", Breaks: "RT-QUE-018",
		FromPeer: when(all(is(wire.Unsub), op(isPlain)), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, declared := range l.Declared.Where(func(op *wire.Op) bool { return sameSubject(op, &f.Op) && hasQueue(op) }) {
				out = append(out, frame(endOf(declared)))
			}
			return out
		}),
	},
	{
		Name: "group-end-ignored", Title: "ignores the end of a peer's group", Breaks: "RT-QUE-017",
		FromPeer: when(all(is(wire.Unsub), op(hasQueue)), drop),
	},
	{
		Name: "group-end-lowers-weight", Title: "takes the end of a peer's group for one member less", Breaks: "RT-QUE-019",
		FromPeer: when(all(is(wire.Unsub), op(hasQueue)), func(l *Link, f Frame) []Frame {
			if declared, ok := l.Declared.Has(&f.Op); ok && declared.Weight > 1 {
				declared.Weight--
				return []Frame{frame(declared)}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "group-message-to-every-route", Title: "sends a message to the group's members behind each route", Breaks: "RT-QUE-020",
		FromServer: when(all(op(isMessage), op(hasQueue)), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				for _, declared := range other.Declared.Matching(&f.Op) {
					if slices.ContainsFunc(f.Op.Queues, func(q []byte) bool { return bytes.Equal(q, declared.Queue) }) {
						other.ToPeer(f)
					}
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "group-message-here-and-there", Title: "gives a message to a member of its own beside the one behind a route", Breaks: "RT-QUE-021",
		FromServer: when(all(op(isMessage), op(hasQueue)), func(l *Link, f Frame) []Frame {
			l.ToServer(f)
			return []Frame{f}
		}),
	},
	{
		Name: "weights-ignored", Title: "takes every weight of a peer for 1", Breaks: "RT-QUE-022",
		FromPeer: when(all(is(wire.Sub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Weight = min(op.Weight, 1) })),
	},
	{
		Name: "weight-update-ignored", Title: "ignores a peer's RS+ for a group that it knows already", Breaks: "RT-QUE-023",
		FromPeer: when(all(is(wire.Sub), op(hasQueue), func(l *Link, f Frame) bool {
			_, known := l.Declared.Has(&f.Op)
			return known
		}), drop),
	},
	{
		Name: "weight-zero-closes", Title: "closes on a weight below 1", Breaks: "RT-QUE-024",
		FromPeer: when(all(is(wire.Sub), op(hasQueue), op(func(op *wire.Op) bool { return op.Weight < 1 })), hangUp),
	},
	{
		Name: "weight-zero-half-chosen", Title: "sends a group of weight 0 every second message", Breaks: "RT-QUE-025",
		FromServer: dropEach(all(op(isMessage), op(hasQueue), func(l *Link, f Frame) bool {
			return slices.ContainsFunc(l.Declared.Matching(&f.Op), func(op wire.Op) bool { return hasQueue(&op) && op.Weight < 1 })
		}), 2),
	},
	{
		Name: "routes-preferred", Title: "takes a weight of a peer for the hundredfold", Breaks: "RT-QUE-026",
		FromPeer: when(all(is(wire.Sub), op(hasQueue), op(func(op *wire.Op) bool { return op.Weight > 0 && op.Weight < math.MaxInt32/100 })),
			edit(func(_ *Link, op *wire.Op) { op.Weight *= 100 })),
	},
	{
		Name: "last-weight-stale", Title: "announces two changes of a group's weight that follow each other at once in reverse order", Breaks: "RT-QUE-029",
		FromServer: overtake(all(is(wire.Sub), op(hasQueue)), func(held, next *wire.Op) bool {
			return next.Kind == wire.Sub && interestKey(held) == interestKey(next)
		}, (*Link).ToPeer),
	},
	{
		Name: "group-case-folded", Title: "reads the names of groups in lower case", Breaks: "RT-QUE-030",
		FromPeer: when(op(hasQueue), edit(func(_ *Link, op *wire.Op) {
			op.Queue = bytes.ToLower(op.Queue)
			for i := range op.Queues {
				op.Queues[i] = bytes.ToLower(op.Queues[i])
			}
		})),
	},
}

func hasPayload(op *wire.Op) bool { return op.Size > 0 }

// told picks interest that the server has announced already.
func told(l *Link, f Frame) bool {
	_, ok := l.Told.Has(&f.Op)
	return ok
}

// toldOnSubject picks interest in a subject on which the server has announced other interest.
func toldOnSubject(other func(op, told *wire.Op) bool) condition {
	return func(l *Link, f Frame) bool {
		return len(l.Told.Where(func(told *wire.Op) bool { return sameSubject(&f.Op, told) && other(&f.Op, told) })) > 0
	}
}
