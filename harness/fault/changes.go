package fault

import (
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// change is what passes in place of a frame.
type change = func(*Link, Frame) []Frame

// condition picks frames.
type condition = func(*Link, Frame) bool

// when changes the frames picked and passes the others.
func when(picked condition, do change) change {
	return func(l *Link, f Frame) []Frame {
		if picked(l, f) {
			return do(l, f)
		}
		return []Frame{f}
	}
}

// is picks operations of some kinds.
func is(kinds ...wire.Kind) condition {
	return func(_ *Link, f Frame) bool { return slices.Contains(kinds, f.Op.Kind) }
}

// all picks what every condition does.
func all(conditions ...condition) condition {
	return func(l *Link, f Frame) bool {
		return !slices.ContainsFunc(conditions, func(c condition) bool { return !c(l, f) })
	}
}

// spelled picks by the frame alone.
func spelled(how func(Frame) bool) condition { return func(_ *Link, f Frame) bool { return how(f) } }

// op picks by the operation alone.
func op(how func(*wire.Op) bool) condition {
	return func(_ *Link, f Frame) bool { return how(&f.Op) }
}

func isMessage(op *wire.Op) bool { return op.Kind.IsMessage() }

func hasReply(op *wire.Op) bool { return len(op.Reply) > 0 }

// hasQueue picks interest of a group, and messages for groups.
func hasQueue(op *wire.Op) bool { return len(op.Queue) > 0 || len(op.Queues) > 0 }

func isPlain(op *wire.Op) bool { return !hasQueue(op) }

// listing picks what the server tells a peer that has just registered.
func listing(l *Link, _ Frame) bool { return l.Listing() }

// refuse answers like an unknown operation, drop loses a frame, twice passes it two times, hangUp closes without a word.
func refuse(l *Link, _ Frame) []Frame {
	l.Refuse("Unknown Protocol Operation")
	return nil
}

func drop(*Link, Frame) []Frame { return nil }

func twice(_ *Link, f Frame) []Frame { return []Frame{f, f} }

func hangUp(l *Link, _ Frame) []Frame {
	l.Close()
	return nil
}

// edit changes an operation, of which it gets a copy, and writes it anew.
func edit(do func(*Link, *wire.Op)) change {
	return func(l *Link, f Frame) []Frame {
		changed := f.Op.Clone()
		if changed.InfoBody != nil || changed.ConnectBody != nil {
			changed.Body = nil
		}
		do(l, &changed)
		return []Frame{frame(changed)}
	}
}

// editInfo, editConnect change a body.
func editInfo(do func(*Link, *wire.InfoBody)) change {
	return when(is(wire.Info), edit(func(l *Link, op *wire.Op) { do(l, op.InfoBody) }))
}

func editConnect(do func(*Link, *wire.ConnectBody)) change {
	return when(is(wire.Connect), edit(func(l *Link, op *wire.Op) { do(l, op.ConnectBody) }))
}

// both applies one change behind another.
func both(first, second change) change {
	return func(l *Link, f Frame) []Frame {
		var out []Frame
		for _, g := range first(l, f) {
			out = append(out, second(l, g)...)
		}
		return out
	}
}

// once changes the first frame picked on each connection, or passes it on a later time. The fault must use Kept for
// nothing else.
func once(picked condition, do change) change {
	return when(func(l *Link, f Frame) bool {
		if l.Kept != nil || !picked(l, f) {
			return false
		}
		l.Kept = true
		return true
	}, do)
}

// withPayload makes the size of a message fit its payload.
func withPayload(op *wire.Op, payload []byte) {
	op.Payload, op.Size = payload, len(payload)
	op.HeaderSize = min(op.HeaderSize, op.Size)
}

// ended is the RS- that ends interest.
func endOf(op wire.Op) wire.Op {
	return wire.Op{Kind: wire.Unsub, Account: op.Account, Subject: op.Subject, Queue: op.Queue}
}
