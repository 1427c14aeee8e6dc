package fault

import (
	"bytes"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var interestFaults = []Fault{
	{
		Name: "announcement-doubled", Title: "announces each interest twice", Breaks: "RT-INT-001",
		FromServer: when(all(is(wire.Sub), notListing), twice),
	},
	{
		Name: "announcement-again", Title: "announces interest that it has announced before, with each PONG", Breaks: "RT-INT-002",
		FromServer: when(all(is(wire.Pong), notListing), func(l *Link, f Frame) []Frame {
			var out []Frame
			for _, op := range l.Told.All() {
				out = append(out, frame(op))
			}
			return append(out, f)
		}),
	},
	{
		Name: "announcement-taken-back", Title: "takes interest back that it has just announced, before the next PONG", Breaks: "RT-INT-003",
		FromServer: takeBack,
	},
	{
		Name: "end-not-announced", Title: "does not announce the end of interest", Breaks: "RT-INT-004",
		FromServer: when(all(is(wire.Unsub), op(isPlain)), drop),
	},
	{
		Name: "end-announced-twice", Title: "announces the end of interest twice", Breaks: "RT-INT-004",
		FromServer: when(all(is(wire.Unsub), op(isPlain)), twice),
	},
	{
		Name: "ends-of-many-lost", Title: "announces one end of interest where several come at once", Breaks: "RT-INT-005",
		FromServer: dropRepeated(wire.Unsub, 2),
	},
	{
		Name: "interest-ended-by-message", Title: "announces the end of interest when a message for it has come", Breaks: "RT-INT-006",
		FromPeer: when(op(isMessage), func(l *Link, f Frame) []Frame {
			if told, ok := l.Told.Has(&wire.Op{Account: f.Op.Account, Subject: f.Op.Subject}); ok {
				l.ToPeer(frame(endOf(told)))
			}
			return []Frame{f}
		}),
	},
	{
		Name: "first-list-doubled", Title: "tells a peer that registers its interest twice", Breaks: "RT-INT-007",
		FromServer: when(all(is(wire.Sub), listing), twice),
	},
	{
		Name: "first-list-late", Title: "tells a peer its interest behind the PONG to a PING right behind its INFO", Breaks: "RT-INT-008",
		FromServer: listLate,
	},
	{
		Name: "wildcard-widened", Title: "announces > where a client has subscribed to *", Breaks: "RT-INT-009",
		FromServer: when(all(is(wire.Sub, wire.Unsub), op(endsInStar)), edit(func(_ *Link, op *wire.Op) { op.Subject[len(op.Subject)-1] = '>' })),
	},
	{
		Name: "interest-ignored", Title: "ignores a peer's plain interest", Breaks: "RT-INT-010",
		FromPeer: when(all(is(wire.Sub), op(isPlain)), drop),
	},
	{
		Name: "end-of-interest-ignored", Title: "ignores the end of a peer's interest", Breaks: "RT-INT-011",
		FromPeer: when(all(is(wire.Unsub), op(isPlain)), drop),
	},
	{
		Name: "interest-counted", Title: "wants as many RS- of a peer as there were RS+", Breaks: "RT-INT-012",
		FromPeer: countInterest,
	},
	{
		Name: "unknown-end-refused", Title: "refuses RS- for interest that was not declared", Breaks: "RT-INT-013",
		FromPeer: when(all(is(wire.Unsub), func(l *Link, f Frame) bool {
			_, declared := l.Declared.Has(&f.Op)
			return !declared
		}), hangUp),
	},
	{
		Name: "star-as-tail", Title: "reads * at the end of a peer's interest as >", Breaks: "RT-INT-014",
		FromPeer: when(all(is(wire.Sub, wire.Unsub), op(endsInStar)), edit(func(_ *Link, op *wire.Op) { op.Subject[len(op.Subject)-1] = '>' })),
	},
	{
		Name: "tail-as-star", Title: "reads > in a peer's interest as *", Breaks: "RT-INT-015",
		FromPeer: when(all(is(wire.Sub, wire.Unsub), op(endsInTail)), edit(func(_ *Link, op *wire.Op) { op.Subject[len(op.Subject)-1] = '*' })),
	},
	{
		Name: "tail-of-none", Title: "reads > in a peer's interest as any number of tokens, or none", Breaks: "RT-INT-015",
		FromPeer: when(all(is(wire.Sub, wire.Unsub), op(endsInTail)), func(_ *Link, f Frame) []Frame {
			none := f.Op.Clone()
			none.Subject = bytes.TrimSuffix(none.Subject, []byte(".>"))
			return []Frame{f, frame(none)}
		}),
	},
	{
		Name: "star-inside-token-refused", Title: "refuses * inside a token", Breaks: "RT-INT-016",
		FromPeer: when(all(is(wire.Sub), op(starInside)), hangUp),
	},
	{
		Name: "subject-case-folded", Title: "reads the subjects of a peer's interest in lower case", Breaks: "RT-INT-017",
		FromPeer: when(is(wire.Sub, wire.Unsub), edit(func(_ *Link, op *wire.Op) { op.Subject = bytes.ToLower(op.Subject) })),
	},
	{
		Name: "invalid-subject-ignored", Title: "says nothing to interest in an invalid subject", Breaks: "RT-INT-018",
		FromPeer: when(all(is(wire.Sub), op(invalidSubject)), drop),
	},
	{
		Name: "invalid-subject-closes", Title: "closes on interest in an invalid subject", Breaks: "RT-INT-018",
		FromPeer: when(all(is(wire.Sub), op(invalidSubject)), hangUp),
	},
	{
		Name: "unknown-account-refused", Title: "refuses interest in an account that it does not have", Breaks: "RT-INT-019",
		FromPeer: when(all(is(wire.Sub, wire.Unsub), op(unknownAccount)), hangUp),
	},
	{
		Name: "unknown-account-misplaced", Title: "takes interest in an account that it does not have for one in the default account", Breaks: "RT-INT-019",
		FromPeer: when(all(is(wire.Sub, wire.Unsub), op(unknownAccount)), edit(func(_ *Link, op *wire.Op) { op.Account = []byte(defaultAccount) })),
	},
	{
		Name: "interest-of-one-write-cut", Title: "takes 500 RS+ that come one behind the other, and loses the others", Breaks: "RT-INT-020",
		FromPeer: dropRepeated(wire.Sub, 501),
	},
	{
		Name: "announcement-hundredth-missing", Title: "loses each hundredth announcement to a peer", Breaks: "RT-INT-024",
		FromServer: dropEach(is(wire.Sub), 100),
	},
	{
		Name: "last-word-false", Title: "announces an end and a new beginning that follow each other at once in reverse order", Breaks: "RT-INT-025",
		FromServer: endsBehind,
	},
}

func notListing(l *Link, _ Frame) bool { return !l.Listing() }

func endsInStar(op *wire.Op) bool { return bytes.HasSuffix(op.Subject, []byte(".*")) }

func endsInTail(op *wire.Op) bool { return bytes.HasSuffix(op.Subject, []byte(".>")) }

func invalidSubject(op *wire.Op) bool {
	return !wire.ValidPattern(op.Subject) && !unknownAccount(op)
}

// starInside picks * as a part of a token.
func starInside(op *wire.Op) bool {
	for _, token := range bytes.Split(op.Subject, []byte(".")) {
		if len(token) > 1 && bytes.ContainsAny(token, "*>") {
			return true
		}
	}
	return false
}

// takeBack ends interest that was announced since the last PONG.
func takeBack(l *Link, f Frame) []Frame {
	fresh, _ := l.Kept.([]Frame)
	switch {
	case f.Op.Kind == wire.Sub && !l.Listing() && isPlain(&f.Op):
		l.Kept = append(fresh, frame(endOf(f.Op)))
	case f.Op.Kind == wire.Pong:
		l.Kept = nil
		return append(fresh, f)
	}
	return []Frame{f}
}

// listLate holds the first list until its PONG has passed.
func listLate(l *Link, f Frame) []Frame {
	held, _ := l.Kept.([]Frame)
	switch {
	case f.Op.Kind == wire.Sub && l.Listing():
		l.Kept = append(held, f)
		return nil
	case f.Op.Kind == wire.Pong:
		l.Kept = nil
		return append([]Frame{f}, held...)
	}
	return []Frame{f}
}

// dropRepeated loses operations of a kind from the n-th on that follows others of it.
func dropRepeated(kind wire.Kind, n int) change {
	return func(l *Link, f Frame) []Frame {
		run, _ := l.Kept.(int)
		if f.Op.Kind != kind {
			l.Kept = 0
			return []Frame{f}
		}
		l.Kept = run + 1
		if run+1 >= n {
			return nil
		}
		return []Frame{f}
	}
}

// dropEach loses each n-th frame picked.
func dropEach(picked condition, n int) change {
	return when(func(l *Link, f Frame) bool {
		if !picked(l, f) {
			return false
		}
		count, _ := l.Kept.(int)
		l.Kept = count + 1
		return (count+1)%n == 0
	}, drop)
}

// countInterest passes an RS- only when as many have come as RS+ before it.
func countInterest(l *Link, f Frame) []Frame {
	counts, ok := l.Kept.(map[string]int)
	if !ok {
		counts = make(map[string]int)
		l.Kept = counts
	}
	key := interestKey(&f.Op)
	switch f.Op.Kind {
	case wire.Sub:
		counts[key]++
	case wire.Unsub:
		if counts[key]--; counts[key] > 0 {
			return nil
		}
	}
	return []Frame{f}
}

// holdLimit is how long a frame is held at most that waits for another to overtake it.
const holdLimit = 20 * time.Millisecond

// overtake holds a frame that is picked. The next one passes first if it overtakes; the held one passes behind it, or when
// nothing has come for a while.
func overtake(picked condition, overtakes func(held, next *wire.Op) bool, to func(*Link, ...Frame)) change {
	return func(l *Link, f Frame) []Frame {
		held, waiting := l.Kept.(*Frame)
		l.Kept = nil
		switch {
		case waiting && held != nil && overtakes(&held.Op, &f.Op):
			return []Frame{f, *held}
		case picked(l, f):
			hold := &f
			l.Kept = hold
			l.After(holdLimit, func() {
				if l.Kept == any(hold) {
					l.Kept = nil
					to(l, f)
				}
			})
			if waiting && held != nil {
				return []Frame{*held}
			}
			return nil
		case waiting && held != nil:
			return []Frame{*held, f}
		}
		return []Frame{f}
	}
}

// endsBehind lets RS+ overtake an RS- of the same interest.
var endsBehind = overtake(is(wire.Unsub), func(held, next *wire.Op) bool {
	return next.Kind == wire.Sub && interestKey(held) == interestKey(next)
}, (*Link).ToPeer)
