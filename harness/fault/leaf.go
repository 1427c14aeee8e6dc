package fault

import (
	"bytes"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

var leafFaults = []Fault{
	{
		Name: "leaf-interest-ignored", Title: "ignores LS+ of a peer", Breaks: "RT-LEAF-001",
		FromPeer: when(is(wire.LeafSub), drop),
	},
	{
		Name: "leaf-end-with-origin-ignored", Title: "ignores LS- with an origin", Breaks: "RT-LEAF-002",
		FromPeer: when(all(is(wire.LeafUnsub), op(hasOrigin)), drop),
	},
	{
		Name: "sentinel-origin-ignored", Title: "ignores LS+ with the origin _", Breaks: "RT-LEAF-003",
		FromPeer: when(all(is(wire.LeafSub), op(isSentinel)), drop),
	},
	{
		Name: "leaf-interest-second-hop", Title: "sends a route's leaf interest on to other routes", Breaks: "RT-LEAF-004",
		FromPeer: when(is(wire.LeafSub), onToOthers),
	},
	{
		Name: "leaf-end-is-clients-end", Title: "ends the interest of clients too where LS- ends that of leafs", Breaks: "RT-LEAF-005",
		FromPeer: when(all(is(wire.LeafUnsub), op(hasOrigin)), func(_ *Link, f Frame) []Frame {
			return []Frame{f, frame(endOf(f.Op))}
		}),
	},
	{
		Name: "leaf-end-of-all-origins", Title: "ends the interest of every origin where LS- ends that of one", Breaks: "RT-LEAF-006",
		FromPeer: when(all(is(wire.LeafSub, wire.LeafUnsub), op(hasOrigin)), func(l *Link, f Frame) []Frame {
			l.noteOrigin(f)
			if f.Op.Kind == wire.LeafSub {
				return []Frame{f}
			}
			var out []Frame
			for _, origin := range l.origins() {
				ends := f.Op.Clone()
				ends.Origin = []byte(origin)
				out = append(out, frame(ends))
			}
			return out
		}),
	},
	{
		Name: "leaf-messages-lost", Title: "loses LMSG of a peer", Breaks: "RT-LEAF-010",
		FromPeer: when(is(wire.LeafMsg), drop),
	},
	{
		Name: "leaf-header-size-unread", Title: "takes the header of LMSG for a part of its payload", Breaks: "RT-LEAF-010",
		FromPeer: when(is(wire.LeafMsg), edit(func(_ *Link, op *wire.Op) { op.HeaderSize = 0 })),
	},
	{
		Name: "leaf-message-second-hop", Title: "sends a route's LMSG on to other routes that want it", Breaks: "RT-LEAF-011",
		FromPeer: when(all(is(wire.LeafMsg), op(isPlain)), onToInterested),
	},
	{
		Name: "leaf-told-to-all", Title: "tells a peer without leaf support of no interest where leafs may have some", Breaks: "RT-LEAF-020",
		FromServer: when(all(is(wire.Sub), hasLeafPort, supports(func(i *wire.InfoBody) bool { return !i.LNOC })), drop),
	},
	{
		Name: "leaf-told-by-rs", Title: "tells a peer with leaf support of leaf interest by RS+", Breaks: "RT-LEAF-021",
		FromServer: when(is(wire.LeafSub), as(wire.Sub)),
	},
	{
		Name: "leaf-end-without-origin", Title: "names no origin in LS- to a peer that announced lnocu", Breaks: "RT-LEAF-022",
		FromServer: when(all(is(wire.LeafUnsub), op(hasOrigin)), edit(func(_ *Link, op *wire.Op) { op.Origin = nil })),
	},
	{
		Name: "sentinel-to-all", Title: "tells a peer that did not announce ln of interest by LS+ with the origin _", Breaks: "RT-LEAF-023",
		FromServer: when(all(is(wire.Sub), hasLeafPort, supports(func(i *wire.InfoBody) bool { return i.LNOC && !i.LN })), asSentinel(wire.LeafSub)),
	},
	{
		Name: "sentinel-to-none", Title: "tells a peer that announced ln of interest of a leaf without a cluster by RS+", Breaks: "RT-LEAF-024",
		FromServer: when(all(is(wire.LeafSub), op(isSentinel)), as(wire.Sub)),
	},
	{
		Name: "leaf-interest-doubled", Title: "announces leaf interest twice", Breaks: "RT-LEAF-025",
		FromServer: when(is(wire.LeafSub), twice),
	},
	{
		Name: "clients-beside-leaf-unsaid", Title: "does not announce interest of clients in a subject where it has announced that of leafs", Breaks: "RT-LEAF-026",
		FromServer: when(is(wire.LeafSub, wire.Sub), func(l *Link, f Frame) []Frame {
			told, _ := l.Kept.(map[string]bool)
			if told == nil {
				told = make(map[string]bool)
				l.Kept = told
			}
			if f.Op.Kind == wire.LeafSub {
				told[string(f.Op.Subject)] = true
			} else if told[string(f.Op.Subject)] {
				return nil
			}
			return []Frame{f}
		}),
	},
	{
		Name: "loop-subjects-held-back", Title: "announces no interest of leafs below $LDS", Breaks: "RT-LEAF-027",
		FromServer: when(all(is(wire.LeafSub), op(func(op *wire.Op) bool { return bytes.HasPrefix(op.Subject, []byte("$LDS.")) })), drop),
	},
	{
		Name: "leafnode-urls-unsaid", Title: "does not tell the address of its leafnode port in INFO", Breaks: "RT-LEAF-028",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.LeafNodeURLs = nil }),
	},
	{
		Name: "leaf-weight-always-one", Title: "announces weight 1 for every group of leafs", Breaks: "RT-LEAF-029",
		FromServer: when(all(is(wire.LeafSub), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Weight = 1 })),
	},
	{
		Name: "leaf-message-by-lmsg-to-all", Title: "sends LMSG to a peer without leaf support", Breaks: "RT-LEAF-030",
		FromServer: when(all(op(isMessage), hasLeafPort, supports(func(i *wire.InfoBody) bool { return !i.LNOC })), asSentinel(wire.LeafMsg)),
	},
	{
		Name: "leaf-message-by-rmsg", Title: "sends messages of leafs by RMSG to a peer with leaf support", Breaks: "RT-LEAF-031",
		FromServer: when(is(wire.LeafMsg), func(_ *Link, f Frame) []Frame {
			changed := f.Op.Clone()
			changed.Kind, changed.Origin = wire.Msg, nil
			if changed.HeaderSize > 0 {
				changed.Kind = wire.HMsg
			}
			return []Frame{frame(changed)}
		}),
	},
	{
		Name: "sentinel-in-messages", Title: "sends messages by LMSG with the origin _", Breaks: "RT-LEAF-032",
		FromServer: when(all(is(wire.Msg, wire.HMsg), hasLeafPort, supports(func(i *wire.InfoBody) bool { return i.LNOC })), asSentinel(wire.LeafMsg)),
	},
	{
		Name: "leaf-message-to-own-origin", Title: "sends a leaf's message for a group to members of its own origin", Breaks: "RT-LEAF-033",
		FromPeer: notingOrigins,
		FromServer: when(all(is(wire.LeafMsg), op(hasQueue)), toLinkWith(func(other *Link, f Frame) bool {
			return slices.Contains(other.origins(), string(f.Op.Origin))
		})),
	},
	{
		Name: "first-list-without-leafs", Title: "tells a peer that registers nothing of leaf interest", Breaks: "RT-LEAF-034",
		FromServer: when(all(is(wire.LeafSub), listing), drop),
	},
	{
		Name: "leafs-before-clients", Title: "sends messages for a group to members behind leafs before those that are clients", Breaks: "RT-LEAF-035",
		FromPeer:   notingOrigins,
		FromServer: when(all(is(wire.Msg), op(hasQueue)), toLinkWith(func(other *Link, _ Frame) bool { return len(other.origins()) > 0 })),
	},
	{
		Name: "interest-with-each-pong", Title: "announces all interest again with each PONG where leafs may have some", Breaks: "RT-LEAF-036",
		FromServer: when(all(is(wire.Pong), hasLeafPort, supports(func(i *wire.InfoBody) bool { return !i.LNOCU })), func(l *Link, f Frame) []Frame {
			var out []Frame
			for _, told := range l.Told.All() {
				out = append(out, frame(told))
			}
			return append(out, f)
		}),
	},
	{
		Name: "leaf-lines-with-blanks", Title: "puts two blanks behind LS+, LS- and LMSG", Breaks: "RT-LEAF-037",
		FromServer: when(is(wire.LeafSub, wire.LeafUnsub, wire.LeafMsg), func(_ *Link, f Frame) []Frame {
			return []Frame{{Op: f.Op, Raw: bytes.Replace(f.Raw, []byte(" "), []byte("  "), 1)}}
		}),
	},
	{
		Name: "leafs-get-no-rmsg", Title: "delivers no RMSG without a group where leafs may have interest", Breaks: "RT-LEAF-040",
		FromPeer: when(all(is(wire.Msg), op(isPlain), hasLeafPort), drop),
	},
	{
		Name: "origin-unread", Title: "delivers LMSG to leafs of its own origin", Breaks: "RT-LEAF-041",
		FromPeer: when(is(wire.LeafMsg), edit(func(_ *Link, op *wire.Op) { op.Origin = append(op.Origin, '~') })),
	},
	{
		Name: "groups-of-leafs-get-no-rmsg", Title: "delivers no RMSG for a group where leafs may have members", Breaks: "RT-LEAF-042",
		FromPeer: when(all(is(wire.Msg), op(hasQueue), hasLeafPort), drop),
	},
	{
		Name: "leaf-subject-misread-apart", Title: "reads the account where the subject stands in LS+ on a connection that is for one account", Breaks: "RT-LEAF-007",
		FromPeer: when(all(isApart, is(wire.LeafSub)), edit(func(l *Link, op *wire.Op) { op.Queue, op.Subject = nil, []byte(l.account()) })),
	},
	{
		Name: "leaf-messages-lost-apart", Title: "loses LMSG on a connection that is for one account", Breaks: "RT-LEAF-012",
		FromPeer: when(all(isApart, is(wire.LeafMsg)), drop),
	},
}

// sentinel is the origin of a leaf without a cluster.
const sentinel = "_"

func hasOrigin(op *wire.Op) bool { return len(op.Origin) > 0 }

func isSentinel(op *wire.Op) bool { return string(op.Origin) == sentinel }

// hasLeafPort picks servers with a leafnode port.
func hasLeafPort(l *Link, _ Frame) bool {
	own := l.target()
	return own != nil && len(own.LeafNodeURLs) > 0
}

// supports picks peers by what they announce.
func supports(how func(*wire.InfoBody) bool) condition {
	return func(l *Link, _ Frame) bool { return l.Peer != nil && how(l.Peer) }
}

// as makes an operation one of another kind, without an origin.
func as(kind wire.Kind) change {
	return edit(func(_ *Link, op *wire.Op) { op.Kind, op.Origin = kind, nil })
}

// asSentinel makes an operation a leaf's without a cluster.
func asSentinel(kind wire.Kind) change {
	return edit(func(_ *Link, op *wire.Op) { op.Kind, op.Origin = kind, []byte(sentinel) })
}

// notingOrigins remembers the origins of which a peer has interest. It uses Kept.
func notingOrigins(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.LeafSub {
		l.noteOrigin(f)
	}
	return []Frame{f}
}

func (l *Link) noteOrigin(f Frame) {
	if origins := l.origins(); !slices.Contains(origins, string(f.Op.Origin)) {
		l.Kept = append(slices.Clone(origins), string(f.Op.Origin))
	}
}

func (l *Link) origins() []string {
	origins, _ := l.Kept.([]string)
	return origins
}

// toLinkWith sends a message to another peer, which is picked, in place of the right one.
func toLinkWith(picked func(*Link, Frame) bool) change {
	return func(l *Link, f Frame) []Frame {
		for _, other := range l.Others() {
			if picked(other, f) {
				other.ToPeer(f)
				return nil
			}
		}
		return []Frame{f}
	}
}
