package fault

import (
	"bytes"
	"net/url"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

var reloadFaults = []Fault{
	{
		Name: "reload-untold", Title: "does not tell its peers of changed permissions", Breaks: "RT-RLD-001",
		FromServer: when(all(is(wire.Info), aboutItself, func(l *Link, f Frame) bool { return f.Op.InfoBody.Import != nil && l.Server.Import == nil }), drop),
	},
	{
		Name: "reload-groups-not-ended", Title: "does not end groups that may not be imported any more", Breaks: "RT-RLD-002",
		FromServer: both(notingReload, when(all(reloaded(1), is(wire.Unsub), op(hasQueue)), drop)),
	},
	{
		Name: "reload-interest-not-begun", Title: "does not announce interest that may be imported again", Breaks: "RT-RLD-003",
		FromServer: both(notingReload, when(all(reloaded(2), is(wire.Sub), op(isPlain)), drop)),
	},
	{
		Name: "reload-of-default-account", Title: "applies changed permissions to the interest of the default account only", Breaks: "RT-RLD-004",
		FromServer: both(notingReload, when(all(reloaded(1), is(wire.Unsub), named), drop)),
	},
	{
		Name: "reload-groups-not-begun", Title: "does not announce groups that may be imported again", Breaks: "RT-RLD-005",
		FromServer: both(notingReload, when(all(reloaded(2), is(wire.Sub), op(hasQueue)), drop)),
	},
	{
		Name: "reload-peers-interest-kept", Title: "sends messages on a peer's interest that may not be exported any more", Breaks: "RT-RLD-006",
		FromServer: notingReload,
		FromClient: func(b *Box, line, payload []byte) {
			if subject := published(line); subject != nil && !wire.Match(allowedExport, subject) {
				b.tell(func(l *Link) bool { return reloaded(1)(l, Frame{}) && l.wants(defaultAccount, subject) }, wire.NewMsg(defaultAccount, string(subject), "", payload))
			}
		},
	},
	{
		Name: "reload-interest-refused-after", Title: "ignores interest that may be exported again", Breaks: "RT-RLD-007",
		FromServer: notingReload, FromPeer: when(all(reloaded(2), is(wire.Sub)), drop),
	},
	{
		Name: "reload-loses-all-interest", Title: "sends a peer no messages any more when permissions have changed twice", Breaks: "RT-RLD-008",
		FromServer: both(notingReload, when(all(reloaded(2), op(isMessage)), drop)),
	},
	{
		Name: "reload-interest-not-ended", Title: "does not end interest that may not be imported any more", Breaks: "RT-RLD-009",
		FromServer: both(notingReload, when(all(reloaded(1), is(wire.Unsub), op(isPlain)), drop)),
	},
	{
		Name: "new-account-untold", Title: "announces no interest in an account that a reload has brought", Breaks: "RT-RLD-010",
		FromServer: when(all(is(wire.Sub), op(spare)), drop),
	},
	{
		Name: "new-account-without-messages", Title: "loses messages of peers in an account that a reload has brought", Breaks: "RT-RLD-011",
		FromPeer: when(all(op(isMessage), op(spare)), drop),
	},
	{
		Name: "new-account-messages-doubled", Title: "sends messages twice on interest that a peer declared before a reload has brought the account", Breaks: "RT-RLD-012",
		FromClient: func(b *Box, line, payload []byte) {
			if subject := published(line); subject != nil {
				message := wire.NewMsg(harness.SetupSpare, string(subject), "", payload)
				for range 2 {
					b.tell(func(l *Link) bool { return l.wants(harness.SetupSpare, subject) }, message)
				}
			}
		},
	},
	{
		Name: "gone-account-kept", Title: "does not end the interest of an account that a reload takes away", Breaks: "RT-RLD-013",
		FromServer: when(all(is(wire.Unsub), op(spare)), drop),
	},
	{
		Name: "reload-keeps-unauthorized", Title: "keeps routes that would not be let in with its new credentials", Breaks: "RT-RLD-020",
		FromServer: when(all(dialled, errorWith("authorization"), func(l *Link, _ Frame) bool { return l.Peer != nil }), func(l *Link, _ Frame) []Frame {
			l.Kept = "unauthorized"
			return nil
		}),
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) { return held, !peer && l.Peer != nil && l.Dialled },
	},
	{
		Name: "reload-brings-no-route", Title: "does not dial a configured route that a reload brings", Breaks: "RT-RLD-021",
		FromPeer: when(newsFromPeer, func(l *Link, f Frame) []Frame {
			if at, err := url.Parse(f.Op.InfoBody.IP); err == nil {
				l.repeated(at.Host)
			}
			return []Frame{f}
		}),
		FromServer: muteAfter(when(all(accepted, is(wire.Connect), op(func(op *wire.Op) bool { return op.ConnectBody.User == "" }), func(l *Link, _ Frame) bool {
			return !l.given(l.ours())
		}), func(l *Link, _ Frame) []Frame {
			l.Kept = mute
			return nil
		})),
	},
	{
		Name: "reload-keeps-route", Title: "keeps a configured route that a reload takes away", Breaks: "RT-RLD-022",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Peer != nil && !l.Dialled
		},
	},
	{
		Name: "pinning-told-on-all", Title: "tells of an account that gets a connection of its own on each connection of a pool", Breaks: "RT-RLD-030",
		FromServer: when(all(is(wire.Info), op(isPinning)), toSiblingsToo),
	},
	{
		Name: "pinning-keeps-interest-in-pool", Title: "announces interest in the pool too of an account that has got a connection of its own", Breaks: "RT-RLD-031",
		FromServer: both(notingPinning, when(all(is(wire.Sub), isApart), func(l *Link, f Frame) []Frame {
			for _, other := range l.siblings() {
				if other.Kept == "told" {
					other.ToPeer(withAccount(l, f)...)
				}
			}
			return []Frame{f}
		})),
	},
	{
		Name: "pinning-keeps-peers-interest", Title: "sends messages in the pool too of an account that has got a connection of its own", Breaks: "RT-RLD-032",
		FromServer: both(notingPinning, when(all(op(isMessage), isApart), inPoolToo("told"))),
	},
	{
		Name: "pinning-told-to-single", Title: "tells a peer without a pool of an account that gets a connection of its own", Breaks: "RT-RLD-033",
		FromServer: when(all(is(wire.Info), op(isPinning)), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if other.Peer != nil && other.Peer.RoutePoolSize == 0 {
					other.ToPeer(f)
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "unpinned-connection-kept", Title: "keeps the connection of an account that is no longer pinned", Breaks: "RT-RLD-034",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Peer != nil && l.pinned()
		},
	},
	{
		Name: "pinning-answered-with-account", Title: "names the account in its answer to a peer that has pinned it", Breaks: "RT-RLD-040",
		FromPeer: notingAsked,
		FromServer: when(all(is(wire.Info), op(isPinning), func(l *Link, _ Frame) bool { return l.Kept == "asked" }), editInfo(func(_ *Link, info *wire.InfoBody) {
			info.RouteAccount = harness.SetupPinned
		})),
	},
	{
		Name: "pinning-answered-only", Title: "answers a peer that has pinned an account and does nothing", Breaks: "RT-RLD-041",
		FromPeer: when(all(is(wire.Info), op(isPinning), op(func(op *wire.Op) bool { return op.InfoBody.RouteAccount != "" })), func(l *Link, f Frame) []Frame {
			answer := *l.Server
			answer.RouteAccReqID = f.Op.InfoBody.RouteAccReqID
			l.ToPeer(frame(wire.NewInfo(&answer)))
			return nil
		}),
	},
	{
		Name: "pinning-of-peer-keeps-interest", Title: "sends messages in the pool too of an account that a peer has pinned", Breaks: "RT-RLD-042",
		FromPeer: notingAsked, FromServer: when(all(op(isMessage), isApart), inPoolToo("asked")),
	},
	{
		Name: "pinning-of-unknown-closes", Title: "closes when a peer has pinned an account that does not exist", Breaks: "RT-RLD-043",
		FromPeer: when(all(is(wire.Info), op(isPinning), op(func(op *wire.Op) bool {
			return unknownAccount(&wire.Op{Account: []byte(op.InfoBody.RouteAccount)})
		})), hangUp),
	},
}

func aboutItself(l *Link, f Frame) bool { return f.Op.InfoBody.ServerID == l.Server.ServerID }

// notingReload counts the INFO by which the server tells of other permissions than before. It uses Kept.
func notingReload(l *Link, f Frame) []Frame {
	if f.Op.Kind != wire.Info || !aboutItself(l, f) {
		return []Frame{f}
	}
	if n := l.reloads(); (f.Op.InfoBody.Import != nil) != (n%2 == 1) {
		l.Kept = n + 1
	}
	return []Frame{f}
}

func (l *Link) reloads() int {
	n, _ := l.Kept.(int)
	return n
}

// reloaded picks what comes when permissions have changed so often.
func reloaded(times int) condition {
	return func(l *Link, _ Frame) bool { return l.reloads() >= times }
}

// wants tells whether the peer has declared interest in a subject.
func (l *Link) wants(account string, subject []byte) bool {
	return len(l.Declared.Where(func(op *wire.Op) bool {
		return string(op.Account) == account && len(op.Queue) == 0 && wire.Match(op.Subject, subject)
	})) > 0
}

// spare picks what is about the account that a reload brings.
func spare(op *wire.Op) bool { return bytes.Equal(op.Account, []byte(harness.SetupSpare)) }

// isPinning picks an INFO about an account that gets a connection of its own.
func isPinning(op *wire.Op) bool { return op.InfoBody.RouteAccReqID != "" }

// notingPinning sees where the server has told of an account that gets a connection of its own, and notingAsked where the peer
// has. They use Kept.
func notingPinning(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.Info && isPinning(&f.Op) {
		l.Kept = "told"
	}
	return []Frame{f}
}

func notingAsked(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.Info && isPinning(&f.Op) && f.Op.InfoBody.RouteAccount != "" {
		l.Kept = "asked"
	}
	return []Frame{f}
}

// inPoolToo sends a message of an account on the connection of the pool too that has carried it.
func inPoolToo(kept string) change {
	return func(l *Link, f Frame) []Frame {
		for _, other := range l.siblings() {
			if other.Kept == kept {
				other.ToPeer(withAccount(l, f)...)
			}
		}
		return []Frame{f}
	}
}
