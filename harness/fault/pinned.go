package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

var pinnedFaults = []Fault{
	{
		Name: "pinned-interest-with-account", Title: "names the account in interest on the connection of a pinned account", Breaks: "RT-PIN-001",
		FromServer: when(all(dialled, isApart, is(wire.Sub, wire.Unsub), op(isPlain), notSystem), withAccount),
	},
	{
		Name: "pinned-groups-with-account", Title: "names the account in the groups on the connection of a pinned account", Breaks: "RT-PIN-002",
		FromServer: when(all(dialled, isApart, is(wire.Sub, wire.Unsub), op(hasQueue)), withAccount),
	},
	{
		Name: "pinned-list-missing-again", Title: "sends no list when the connection of a pinned account comes back", Breaks: "RT-PIN-003",
		FromServer: when(all(dialled, isApart, is(wire.Sub), listing, func(l *Link, _ Frame) bool { return len(l.remembered(l.placeName())) > 0 }), drop),
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer {
				l.remember(l.placeName(), []wire.Op{{}})
			}
			return held, false
		},
	},
	{
		Name: "pinned-interest-in-pool", Title: "announces the interest of a pinned account on the connections of the pool too", Breaks: "RT-PIN-004",
		FromServer: when(all(dialled, isApart, is(wire.Sub)), func(l *Link, f Frame) []Frame {
			for _, other := range l.siblings() {
				other.ToPeer(withAccount(l, f)...)
			}
			return []Frame{f}
		}),
	},
	{
		Name: "pinned-connection-with-others", Title: "announces the interest of other accounts on the connection of a pinned account", Breaks: "RT-PIN-005",
		FromPeer: once(all(ownInfo, dialled, isApart), func(l *Link, f Frame) []Frame {
			_, _ = l.companion(func(heard Frame) {
				if heard.Op.Kind == wire.Sub && string(heard.Op.Account) != l.Peer.RouteAccount {
					heard.Op.Account = nil
					l.ToPeer(frame(heard.Op))
				}
			})
			return []Frame{f}
		}),
	},
	{
		Name: "pinned-not-told-to-single", Title: "tells a peer without a pool nothing of an account for which another peer has a connection", Breaks: "RT-PIN-006",
		FromServer: when(all(dialled, is(wire.Sub), withoutPool, func(l *Link, f Frame) bool {
			for _, other := range l.Others() {
				if other.Peer != nil && other.Peer.RouteAccount == string(f.Op.Account) {
					return true
				}
			}
			return false
		}), drop),
	},
	{
		Name: "pinned-messages-with-account", Title: "names the account in messages on the connection of a pinned account", Breaks: "RT-PIN-007",
		FromServer: when(all(dialled, isApart, is(wire.Msg), op(isPlain)), withAccount),
	},
	{
		Name: "pinned-group-messages-with-account", Title: "names the account in messages for groups on the connection of a pinned account", Breaks: "RT-PIN-008",
		FromServer: when(all(dialled, isApart, is(wire.Msg), op(hasQueue)), withAccount),
	},
	{
		Name: "pinned-headers-with-account", Title: "names the account in HMSG on the connection of a pinned account", Breaks: "RT-PIN-009",
		FromServer: when(all(dialled, isApart, is(wire.HMsg)), withAccount),
	},
	{
		Name: "pinned-end-ignored", Title: "ignores RS- on the connection of a pinned account", Breaks: "RT-PIN-010",
		FromPeer: when(all(isApart, is(wire.Unsub)), drop),
	},
	{
		Name: "pinned-connection-for-all", Title: "takes interest on the connection of a pinned account for one in every account", Breaks: "RT-PIN-011",
		FromPeer: once(all(is(wire.Sub), dialled, isApart), func(l *Link, f Frame) []Frame {
			other, err := l.companion(func(heard Frame) {
				if heard.Op.Kind.IsMessage() {
					heard.Op.Account = nil
					l.ToPeer(frame(heard.Op))
				}
			})
			if err == nil {
				for _, account := range []string{defaultAccount, "NRB"} {
					interest := f.Op.Clone()
					interest.Account = []byte(account)
					other.send(interest)
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "pinned-messages-lost", Title: "loses messages on the connection of a pinned account", Breaks: "RT-PIN-012",
		FromPeer: when(all(isApart, is(wire.Msg), op(isPlain)), drop),
	},
	{
		Name: "pinned-groups-unread", Title: "does not read the groups in messages on the connection of a pinned account", Breaks: "RT-PIN-013",
		FromPeer: when(all(isApart, is(wire.Msg), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Queues = nil })),
	},
	{
		Name: "pinned-headers-lost", Title: "loses HMSG on the connection of a pinned account", Breaks: "RT-PIN-014",
		FromPeer: when(all(isApart, is(wire.HMsg)), drop),
	},
	{
		Name: "pinned-messages-for-all", Title: "delivers messages on the connection of a pinned account in every account", Breaks: "RT-PIN-015",
		FromPeer: when(all(dialled, isApart, op(isMessage)), func(l *Link, f Frame) []Frame {
			if other, err := l.companion(nil); err == nil {
				for _, account := range []string{defaultAccount, "NRB"} {
					message := f.Op.Clone()
					message.Account = []byte(account)
					other.send(message)
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "pinned-weights-unread", Title: "does not choose by weight between connections of a pinned account", Breaks: "RT-PIN-016",
		FromPeer: when(all(isApart, is(wire.Sub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Weight = 1 })),
	},
	{
		Name: "pinned-beside-pool-refused", Title: "refuses the connection of a pinned account of a peer whose pool is there", Breaks: "RT-PIN-017",
		FromPeer: when(all(ownInfo, dialled, isApart, func(l *Link, _ Frame) bool { return len(l.siblings()) > 0 }), hangUp),
	},
	{
		Name: "pinned-second-kept", Title: "keeps a second connection of one peer for a pinned account", Breaks: "RT-PIN-018",
		FromPeer: when(all(ownInfo, dialled, isApart, placeTaken), drop),
	},
	{
		Name: "pinned-second-error", Title: "says -ERR when it closes a second connection for a pinned account", Breaks: "RT-PIN-019",
		FromPeer: when(all(ownInfo, dialled, isApart, placeTaken), refuseWith("Duplicate Route")),
	},
	{
		Name: "pinned-unknown-kept", Title: "keeps a connection for an account that does not exist", Breaks: "RT-PIN-020",
		FromPeer: when(all(ownInfo, dialled, isApart, op(func(op *wire.Op) bool { return unknownAccount(&wire.Op{Account: []byte(op.InfoBody.RouteAccount)}) })), drop),
	},
	{
		Name: "pinned-unknown-error-other", Title: "refuses a connection for an account that does not exist with another text", Breaks: "RT-PIN-021",
		FromServer: otherError("unable to lookup account"),
	},
	{
		Name: "unpinned-kept", Title: "keeps a connection for an account that has none of its own", Breaks: "RT-PIN-022",
		FromPeer: when(all(ownInfo, dialled, isApart, sameSizes, op(func(op *wire.Op) bool { return op.InfoBody.RouteAccount == defaultAccount })), drop),
	},
	{
		Name: "unpinned-error-other", Title: "refuses a connection for an account that has none of its own with another text", Breaks: "RT-PIN-023",
		FromServer: otherError("no route for account"),
	},
	{
		Name: "pinned-of-single-kept", Title: "keeps a connection for one account of a peer without a pool", Breaks: "RT-PIN-024",
		FromPeer: when(all(ownInfo, dialled, isApart, withoutPool), drop),
	},
	{
		Name: "pinned-without-pool-kept", Title: "keeps a connection for one account though it was told to have no pool", Breaks: "RT-PIN-025",
		FromPeer: when(all(ownInfo, dialled, isApart, serverWithoutPool), drop),
	},
	{
		Name: "pinned-without-pool-error-other", Title: "refuses a connection for one account without a pool with another text", Breaks: "RT-PIN-026",
		FromServer: otherError("not possible to have a dedicated route"),
	},
	{
		Name: "pinned-with-account-ignored", Title: "ignores interest with an account on the connection of a pinned account", Breaks: "RT-PIN-027",
		Mend: func(l *Link, b Broken) ([]byte, int) {
			if !l.pinned() || !broken(wire.Sub, wire.Unsub)(b) {
				return nil, 0
			}
			return nil, b.length()
		},
	},
	{
		Name: "pinned-account-skipped", Title: "reads the account that a message has on the connection of a pinned account", Breaks: "RT-PIN-028",
		FromPeer: when(all(isApart, op(isMessage), func(l *Link, f Frame) bool {
			return hasReply(&f.Op) && string(f.Op.Subject) == l.account()
		}), edit(func(_ *Link, op *wire.Op) { op.Subject, op.Reply = op.Reply, nil })),
	},
	{
		Name: "gossip-without-account", Title: "tells of a connection for one account without naming the account", Breaks: "RT-PIN-029",
		FromServer: editNews(func(_ *Link, info *wire.InfoBody) { info.RouteAccount = "" }),
	},
	{
		Name: "pinned-gossiped-to-single", Title: "tells peers without a pool of connections for one account", Breaks: "RT-PIN-030",
		FromPeer: when(all(ownInfo, dialled, isApart), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if other.Peer != nil && other.Peer.RoutePoolSize == 0 {
					other.ToPeer(l.news())
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "system-interest-in-pool", Title: "announces interest of the system account on a connection of the pool", Breaks: "RT-PIN-031",
		FromServer: when(all(is(wire.Pong), listing, func(l *Link, _ Frame) bool { return l.Dialled && l.inPool() }), func(_ *Link, f Frame) []Frame {
			return []Frame{frame(wire.NewSub("$SYS", "$SYS.REQ.SERVER.PING")), f}
		}),
	},
	{
		Name: "system-interest-with-account", Title: "names the account in interest on the connection of the system account", Breaks: "RT-PIN-032",
		FromServer: when(all(dialled, isApart, is(wire.Pong), listing, func(l *Link, f Frame) bool { return !notSystem(l, f) }), func(l *Link, f Frame) []Frame {
			return append(withAccount(l, frame(wire.NewSub("", "$SYS.REQ.SERVER.PING"))), f)
		}),
	},
	{
		Name: "pinned-account-unsaid", Title: "does not name the account in INFO of the connection that it opens for it", Breaks: "RT-PIN-033",
		FromServer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) { info.RouteAccount = "" })),
	},
	{
		Name: "pinned-news-ignored", Title: "opens no connection for a pinned account because of news", Breaks: "RT-PIN-034",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool { return op.InfoBody.RouteAccount != "" })), drop),
	},
	{
		Name: "pinned-account-on-dialled", Title: "names the account on the connection that it has opened for it", Breaks: "RT-PIN-035",
		FromServer: when(all(accepted, isApart, op(func(op *wire.Op) bool { return op.Kind == wire.Sub || isMessage(op) })), withAccount),
	},
	{
		Name: "pinned-to-single-kept", Title: "keeps a connection that it has opened for one account to a server without a pool", Breaks: "RT-PIN-036",
		FromPeer: when(func(l *Link, f Frame) bool {
			if newsFromPeer(l, f) && f.Op.InfoBody.RouteAccount != "" {
				l.repeated("news of an account")
			}
			return ownInfo(l, f) && !l.Dialled && len(f.Op.InfoBody.RouteAccount) == 0
		}, edit(func(l *Link, op *wire.Op) {
			if own := l.target(); own != nil && op.InfoBody.RoutePoolSize == 0 && l.given("news of an account") {
				op.InfoBody.RoutePoolSize = own.RoutePoolSize
			}
		})),
	},
	{
		Name: "pinned-not-opened-again", Title: "does not open the connection of a pinned account again that the other side has closed", Breaks: "RT-PIN-037",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, peer && !l.Dialled && l.Server != nil && l.Server.RouteAccount == harness.SetupPinned
		},
	},
	{
		Name: "pinned-crossed-kept", Title: "keeps a connection that it has opened for an account for which the peer has opened one by then", Breaks: "RT-PIN-038",
		FromPeer: when(all(accepted, ownInfo, func(l *Link, _ Frame) bool {
			for _, other := range l.Others() {
				if other.Dialled && other.Peer != nil && other.Peer.ServerID == l.Peer.ServerID && other.pinned() {
					return true
				}
			}
			return false
		}), drop),
	},
}

// isApart picks connections that are for one account.
func isApart(l *Link, _ Frame) bool { return l.pinned() }

// account is the one that the connection is for; "": it is for all, or nobody has said yet.
func (l *Link) account() string {
	by := l.Server
	if l.Dialled {
		by = l.Peer
	}
	if by == nil {
		return ""
	}
	return by.RouteAccount
}

func notSystem(l *Link, _ Frame) bool { return l.account() != "$SYS" }

// withAccount names the account of the connection.
func withAccount(l *Link, f Frame) []Frame {
	named := f.Op.Clone()
	named.Account = bytes.Clone([]byte(l.account()))
	return []Frame{frame(named)}
}

// given tells whether repeated was asked about a word.
func (l *Link) given(word string) (before bool) {
	l.Box().Keep(func(kept any) any {
		all, _ := kept.(map[string]bool)
		before = all[word]
		return kept
	})
	return before
}
