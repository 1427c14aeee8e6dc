package fault

import (
	"hash/fnv"
	"net"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

var poolingFaults = []Fault{
	{
		Name: "pool-of-one", Title: "takes one connection of a peer's pool and closes the others", Breaks: "RT-POOL-001",
		FromPeer: when(all(ownInfo, dialled, op(func(op *wire.Op) bool { return op.InfoBody.RoutePoolIndex > 0 })), hangUp),
	},
	{
		Name: "index-in-use-accepted", Title: "keeps a second connection for an index of a pool", Breaks: "RT-POOL-002",
		FromPeer: when(all(ownInfo, dialled, placeTaken), drop),
	},
	{
		Name: "index-outside-accepted", Title: "keeps a connection with an index outside the pool", Breaks: "RT-POOL-003",
		FromPeer: when(all(ownInfo, dialled, sameSizes, outsidePool), drop),
	},
	{
		Name: "interest-on-each-connection", Title: "announces interest on each connection of a pool", Breaks: "RT-POOL-004",
		FromServer: when(all(is(wire.Sub), dialled), toSiblingsToo),
	},
	{
		Name: "accounts-in-wrong-places", Title: "announces interest on another connection of a pool than that of the account", Breaks: "RT-POOL-004",
		FromServer: when(all(is(wire.Sub, wire.Unsub), dialled), toSibling),
	},
	{
		Name: "messages-on-wrong-connection", Title: "sends messages on another connection of a pool than the one with the interest", Breaks: "RT-POOL-005",
		FromServer: when(all(op(isMessage), dialled), toSibling),
	},
	{
		Name: "other-pool-size-unanswered", Title: "neither takes nor refuses a peer with a larger pool", Breaks: "RT-POOL-006",
		FromPeer: when(func(l *Link, _ Frame) bool {
			return l.Dialled && l.Peer != nil && l.Server != nil && l.Server.RoutePoolSize > 0 && l.Peer.RoutePoolSize > l.Server.RoutePoolSize
		}, drop),
	},
	{
		Name: "index-of-acceptor", Title: "says route_pool_idx on connections that it has accepted", Breaks: "RT-POOL-007",
		FromServer: when(dialled, editInfo(func(l *Link, info *wire.InfoBody) {
			if info.ServerID == l.Server.ServerID && info.RoutePoolSize > 0 {
				info.RoutePoolIndex = 1
			}
		})),
	},
	{
		Name: "index-in-use-error", Title: "says -ERR when it closes a second connection for an index", Breaks: "RT-POOL-008",
		FromPeer: when(all(ownInfo, dialled, placeTaken), refuseWith("Duplicate Route")),
	},
	{
		Name: "index-error-other", Title: "refuses an index outside the pool with another text", Breaks: "RT-POOL-009",
		FromServer: otherError("invalid route pool index"),
	},
	{
		Name: "further-connections-unchecked", Title: "looks at the cluster on the first connection of a pool only", Breaks: "RT-POOL-010",
		FromPeer: both(
			editConnect(func(l *Link, c *wire.ConnectBody) {
				if l.others(c.Name) != nil {
					c.Cluster = l.cluster()
				}
			}),
			editInfo(func(l *Link, info *wire.InfoBody) {
				if l.others(info.ServerID) != nil && info.RoutePoolIndex > 0 {
					info.Cluster = l.cluster()
				}
			}),
		),
	},
	{
		Name: "other-pool-size-taken", Title: "takes a peer whose pool is smaller, where one size is the rule", Breaks: "RT-POOL-011", Dialect: "srv-2.10",
		FromPeer: when(dialled, editInfo(func(l *Link, info *wire.InfoBody) {
			if _, own := l.sizes(); info.RoutePoolSize < own {
				ofOwnSize(l, info)
			}
		})),
	},
	{
		Name: "larger-pool-cut", Title: "refuses the indexes of a larger pool beyond its own size", Breaks: "RT-POOL-012",
		FromPeer: when(all(ownInfo, dialled, func(l *Link, f Frame) bool {
			return l.Server != nil && l.Server.RoutePoolSize > 0 && f.Op.InfoBody.RoutePoolIndex >= l.Server.RoutePoolSize
		}), refuseWith("Invalid route pool index")),
	},
	{
		Name: "index-outside-larger-accepted", Title: "keeps a connection with an index outside both pools, where their sizes differ", Breaks: "RT-POOL-013",
		FromPeer: when(all(ownInfo, dialled, otherSizes, outsidePool), drop),
	},
	{
		Name: "interest-twice-in-other-sizes", Title: "announces interest on each connection where the sizes of two pools differ", Breaks: "RT-POOL-014",
		FromServer: when(all(is(wire.Sub), dialled, otherSizes), toSiblingsToo),
	},
	{
		Name: "interest-nowhere-in-other-sizes", Title: "announces no interest where the sizes of two pools differ", Breaks: "RT-POOL-015",
		FromServer: when(all(is(wire.Sub), dialled, otherSizes), drop),
	},
	{
		Name: "single-connection-not-told", Title: "tells a peer without a pool nothing of named accounts when another peer has a pool", Breaks: "RT-POOL-016",
		FromServer: when(all(is(wire.Sub), dialled, named, withoutPool, func(l *Link, _ Frame) bool {
			for _, other := range l.Others() {
				if other.Peer != nil && other.Peer.RoutePoolSize > 0 {
					return true
				}
			}
			return false
		}), drop),
	},
	{
		Name: "message-out-of-place-lost", Title: "loses messages that come on another connection of a pool than that of the account", Breaks: "RT-POOL-017",
		FromPeer: when(all(op(isMessage), dialled, func(l *Link, f Frame) bool {
			return l.inPool() && l.Peer.RoutePoolIndex != place(f.Op.Account, l.Peer.RoutePoolSize)
		}), drop),
	},
	{
		Name: "late-connection-not-told", Title: "sends no list on a connection of a pool whose others are there already", Breaks: "RT-POOL-018",
		FromServer: when(all(is(wire.Sub), dialled, listing, func(l *Link, _ Frame) bool { return l.inPool() && len(l.siblings()) > 0 }), drop),
	},
	{
		Name: "list-of-former-connection", Title: "sends the list of a connection that closed again when it comes back", Breaks: "RT-POOL-019",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.inPool() {
				l.remember(l.placeName(), l.Told.All())
			}
			return held, false
		},
		FromServer: when(all(is(wire.Pong), dialled, listing), func(l *Link, f Frame) []Frame {
			var out []Frame
			for _, told := range l.remembered(l.placeName()) {
				out = append(out, frame(told))
			}
			return append(out, f)
		}),
	},
	{
		Name: "connection-takes-pool-interest", Title: "forgets the interest of a whole pool when one of its connections closes", Breaks: "RT-POOL-020",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.inPool() {
				for _, other := range l.siblings() {
					for _, declared := range other.Declared.All() {
						other.ToServer(frame(endOf(declared)))
					}
				}
			}
			return held, false
		},
	},
	{
		Name: "pool-gossiped-each", Title: "tells of a newcomer once for each connection of its pool", Breaks: "RT-POOL-021",
		FromPeer: when(all(ownInfo, dialled), func(l *Link, f Frame) []Frame {
			if l.inPool() && len(l.siblings()) > 0 {
				l.tellOthers()
			}
			return []Frame{f}
		}),
	},
	{
		Name: "pool-told-each", Title: "tells a peer of a newcomer on each connection of its pool", Breaks: "RT-POOL-022",
		FromServer: when(newsFromServer, toSiblingsToo),
	},
	{
		Name: "connect-urls-end-with-connection", Title: "takes the connect_urls of a peer away when one connection of its pool closes", Breaks: "RT-POOL-023",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if others := l.siblings(); peer && len(others) > 0 {
				leaving := *others[0].Peer
				leaving.LameDuck = true
				others[0].ToServer(frame(wire.NewInfo(&leaving)))
			}
			return held, false
		},
	},
	{
		Name: "pool-not-numbered", Title: "says no route_pool_idx on the connections that it opens", Breaks: "RT-POOL-024",
		FromServer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) { info.RoutePoolIndex = 0 })),
	},
	{
		Name: "pool-size-said-once", Title: "says route_pool_size on the first connection that it opens only", Breaks: "RT-POOL-025",
		FromServer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) {
			if info.RoutePoolIndex > 0 {
				info.RoutePoolSize = 0
			}
		})),
	},
	{
		Name: "connect-said-once", Title: "sends CONNECT on the first connection that it opens to a server only", Breaks: "RT-POOL-026",
		FromServer: when(all(accepted, is(wire.Connect), func(l *Link, _ Frame) bool { return l.repeated(l.ours()) }), drop),
	},
	{
		Name: "id-of-each-connection", Title: "says another server_id on each connection of a pool that it opens", Breaks: "RT-POOL-027",
		FromServer: when(accepted, editInfo(func(l *Link, info *wire.InfoBody) {
			if info.RoutePoolIndex > 0 {
				info.ServerID = l.numberedID(info.ServerID)
			}
		})),
	},
	{
		Name: "opened-pool-in-wrong-places", Title: "announces interest on each connection of a pool that it has opened", Breaks: "RT-POOL-028",
		FromServer: when(all(is(wire.Sub), accepted), toSiblingsToo),
	},
	{
		Name: "pool-opened-at-once", Title: "opens its pool before its PING on the first connection is answered", Breaks: "RT-POOL-029",
		FromServer: when(all(accepted, is(wire.Ping)), func(l *Link, f Frame) []Frame {
			l.ToServer(frame(wire.NewPong()))
			return []Frame{f}
		}),
	},
	{
		Name: "index-of-acceptor-taken", Title: "takes an acceptor's INFO with a route_pool_idx", Breaks: "RT-POOL-030",
		FromPeer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) { info.RoutePoolIndex = 0 })),
	},
	{
		Name: "pool-of-own-size", Title: "opens as many connections as its own pool has to a server with a larger one", Breaks: "RT-POOL-031",
		FromPeer: when(accepted, editInfo(ofOwnSize)),
	},
	{
		Name: "acceptor-of-other-size-taken", Title: "takes an acceptor whose pool has another size, where one size is the rule", Breaks: "RT-POOL-032", Dialect: "srv-2.10",
		FromPeer: when(accepted, editInfo(ofOwnSize)),
	},
	{
		Name: "pool-opened-to-single", Title: "opens its pool to an acceptor that has none", Breaks: "RT-POOL-033",
		FromPeer: when(accepted, editInfo(func(l *Link, info *wire.InfoBody) {
			if own := l.target(); own != nil && info.RoutePoolSize == 0 {
				info.RoutePoolSize = own.RoutePoolSize
			}
		})),
	},
	{
		Name: "single-acceptor-not-told", Title: "tells an acceptor without a pool nothing of named accounts", Breaks: "RT-POOL-034",
		FromServer: when(all(is(wire.Sub), accepted, named, withoutPool), drop),
	},
	{
		Name: "pool-not-opened-again", Title: "does not open a connection of its pool again that the other side has closed", Breaks: "RT-POOL-035",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, peer && !l.Dialled && l.Server != nil && l.Server.RouteAccount == "" && l.inPool()
		},
	},
	{
		Name: "pool-announced-without", Title: "announces a pool though it was told to have none", Breaks: "RT-POOL-036", Since: "srv-2.10", // no option of older ones forbids a pool
		FromServer: editInfo(func(l *Link, info *wire.InfoBody) {
			if info.ServerID == l.Server.ServerID && info.RoutePoolSize == 0 {
				info.RoutePoolSize = 3
			}
		}),
	},
	{
		Name: "pool-taken-without", Title: "keeps further connections of a peer's pool though it was told to have none", Breaks: "RT-POOL-037",
		FromPeer: when(all(ownInfo, dialled, serverWithoutPool, op(func(op *wire.Op) bool { return op.InfoBody.RoutePoolIndex > 0 })), drop),
	},
	{
		Name: "pool-peer-not-told", Title: "tells a peer with a pool nothing of named accounts, having no pool itself", Breaks: "RT-POOL-038",
		FromServer: when(all(is(wire.Sub), serverWithoutPool, named, func(l *Link, _ Frame) bool { return l.inPool() }), drop),
	},
	{
		Name: "pool-dialled-without", Title: "dials a server with a pool twice though it was told to have none", Breaks: "RT-POOL-039",
		FromServer: when(all(accepted, is(wire.Connect)), func(l *Link, f Frame) []Frame {
			if own := l.target(); own != nil && own.RoutePoolSize == 0 && !l.repeated(l.ours()) {
				if conn, err := net.Dial("tcp", l.ours()); err == nil {
					_ = conn.Close()
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "crossed-connection-kept", Title: "keeps a connection that it has opened to a peer whose pool has become whole by itself", Breaks: "RT-POOL-040",
		FromPeer: when(all(accepted, ownInfo, wholePool), drop),
	},
	{
		Name: "crossed-connection-is-first", Title: "says index 0 on a connection that it has opened, whatever the peer has opened meanwhile", Breaks: "RT-POOL-041",
		FromServer: when(accepted, editInfo(func(l *Link, info *wire.InfoBody) {
			if len(l.opened()) > 0 {
				info.RoutePoolIndex = 0
			}
		})),
	},
	{
		Name: "connect-urls-of-each-connection", Title: "tells its clients the connect_urls of a peer once for each connection of its pool", Breaks: "RT-POOL-042",
		ToClient: doubledURLs,
	},
	{
		Name: "ldm-of-pool-ignored", Title: "ignores ldm on a connection of a pool but the first", Breaks: "RT-POOL-043",
		FromPeer: when(all(is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.LameDuck && op.InfoBody.RoutePoolIndex > 0 })), drop),
	},
}

// inPool tells whether the peer has a pool, of which this connection is one.
func (l *Link) inPool() bool {
	return l.Peer != nil && l.Peer.RoutePoolSize > 0 && l.Peer.RouteAccount == ""
}

// placeName names the peer and the place of the connection.
func (l *Link) placeName() string {
	if l.Peer == nil {
		return ""
	}
	return strings.Join([]string{l.Peer.ServerID, strconv.Itoa(l.Peer.RoutePoolIndex), l.Peer.RouteAccount}, " ")
}

// siblings are the other connections of the same peer.
func (l *Link) siblings() (all []*Link) {
	for _, other := range l.Others() {
		if l.Peer != nil && other.Peer != nil && other.Peer.ServerID == l.Peer.ServerID && other.Dialled == l.Dialled {
			all = append(all, other)
		}
	}
	return all
}

// placeTaken picks the INFO of a connection whose place another has.
func placeTaken(l *Link, _ Frame) bool {
	for _, other := range l.siblings() {
		if l.Peer.RoutePoolSize > 0 && other.placeName() == l.placeName() {
			return true
		}
	}
	return false
}

// place is the index of the connection of an account.
func place(account []byte, size int) int {
	h := fnv.New32a()
	_, _ = h.Write(account) // a hash never fails
	return int(h.Sum32() % uint32(max(1, size)))
}

// sizes are those of the pools of both sides; 0: none, or not known yet.
func (l *Link) sizes() (peer, own int) {
	if l.Peer != nil {
		peer = l.Peer.RoutePoolSize
	}
	if server := l.target(); server != nil {
		own = server.RoutePoolSize
	}
	return peer, own
}

func sameSizes(l *Link, _ Frame) bool {
	peer, own := l.sizes()
	return peer == own && own > 0
}

func otherSizes(l *Link, _ Frame) bool {
	peer, own := l.sizes()
	return peer != own && own > 0 && peer > 0
}

func withoutPool(l *Link, _ Frame) bool {
	peer, _ := l.sizes()
	return peer == 0
}

func serverWithoutPool(l *Link, _ Frame) bool {
	return l.target() != nil && l.target().RoutePoolSize == 0
}

// outsidePool picks an INFO whose index neither pool has.
func outsidePool(l *Link, f Frame) bool {
	peer, own := l.sizes()
	index := f.Op.InfoBody.RoutePoolIndex
	return index < 0 || index >= max(peer, own)
}

// ofOwnSize makes a peer's pool as large as the server's.
func ofOwnSize(l *Link, info *wire.InfoBody) {
	if peer, own := l.sizes(); own > 0 && peer > 0 && info.RoutePoolSize > 0 {
		info.RoutePoolSize = own
	}
}

// toSiblingsToo sends something on each connection of a peer.
func toSiblingsToo(l *Link, f Frame) []Frame {
	for _, other := range l.siblings() {
		other.ToPeer(f)
	}
	return []Frame{f}
}

// toSibling sends something on another connection of a peer, where there is one.
func toSibling(l *Link, f Frame) []Frame {
	if others := l.siblings(); len(others) > 0 {
		others[0].ToPeer(f)
		return nil
	}
	return []Frame{f}
}

// opened are the connections for all accounts that the peer of a connection which the server has opened has opened itself.
func (l *Link) opened() (all []*Link) {
	for _, other := range l.Others() {
		if l.Peer != nil && other.Dialled && other.inPool() && other.Peer.ServerID == l.Peer.ServerID {
			all = append(all, other)
		}
	}
	return all
}

// wholePool picks connections that the server has opened to a peer whose pool is there.
func wholePool(l *Link, _ Frame) bool {
	peer, _ := l.sizes()
	return peer > 0 && len(l.opened()) >= peer
}

// doubledURLs tells clients every address of a peer twice.
func doubledURLs(b *Box, line []byte) []byte {
	text := string(line)
	if argument(line, "INFO") == nil {
		return nil
	}
	for _, l := range b.open() {
		if l.inPool() && l.Peer.RoutePoolIndex == 0 {
			for _, at := range l.Peer.ConnectURLs {
				text = strings.Replace(text, `"`+at+`"`, `"`+at+`","`+at+`"`, 1)
			}
		}
	}
	return []byte(text)
}

func refuseWith(text string) change {
	return func(l *Link, _ Frame) []Frame {
		l.Refuse(text)
		return nil
	}
}

// otherError gives -ERR with these words another text.
func otherError(words string) change {
	return when(errorWith(words), edit(func(_ *Link, op *wire.Op) { op.Body = []byte("'Refused'") }))
}
