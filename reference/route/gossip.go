package route

import (
	"strconv"

	"github.com/natsroute/natsroute/reference/wire"
)

// Values of gossip_mode (2.11 and later): who may pass on an INFO that was passed on to him.
const (
	gossipDefault  uint8 = iota
	gossipDisabled       // nobody: the sender tells everyone itself
	gossipOverride       // the receiver, although it dials because of gossip
)

// introduce tells the other remotes of the newcomer c, and never c of them: they dial it (2.0 page, INFO). Each gets one
// INFO made anew: with ip, without nonce, without members we do not know.
//
// From 2.11 on, gossip does not echo: an accepted newcomer is told of in mode disabled, and a route that came of gossip
// is not told of again. Where an explicit route is on either side, the one that we tell of or the one that we tell, mode
// override asks to pass the news on, for whoever is behind it may not be reached by us.
func (n *Node) introduce(c *conn) {
	if n.traits.gossipMode && (c.peer.GossipMode == gossipDisabled || n.fromGossip(c) && c.gossipMode != gossipOverride) {
		return
	}
	n.audience(c, func(other *conn) {
		body := *c.peer
		body.Nonce, body.RouteAccount = "", string(c.account)
		if body.IP == "" {
			body.IP = routeURL(joinHostPort(c.host, strconv.Itoa(c.peer.Port)))
		}
		body.GossipMode = n.gossipModeFor(c, other)
		op := n.out.op(wire.Info)
		op.InfoBody = &body
		n.out.send(other, op)
	})
}

// audience calls do for each connection over which another server is told of c: of the connection of an account, where there are
// others of the kind, over that one if it is there, and not at all if the server has no pool (2.15.2; 2.10 tells of the first one too).
func (n *Node) audience(c *conn, do func(*conn)) {
	if c.account == nil {
		n.remotes(c, do)
		return
	}
	own := n.pinned[string(c.account)]
	if len(own) < 2 {
		return
	}
	for _, other := range n.order {
		switch {
		case other == c || other.state != registered || other.peer.ServerID == c.peer.ServerID:
		case other.account != nil:
			if own[other.peer.ServerID] == other {
				do(other)
			}
		case own[other.peer.ServerID] == nil && !other.noPool && other.remote.first == other:
			do(other)
		}
	}
}

// gossipModeFor is the gossip_mode in which other is told of c (src: 2.11.0 to 2.15.2).
func (n *Node) gossipModeFor(c, other *conn) uint8 {
	switch {
	case !n.traits.gossipMode:
		return gossipDefault
	case c.acceptor && n.hasExplicit(other), !c.acceptor && n.hasExplicit(c):
		return gossipOverride
	case c.acceptor:
		return gossipDisabled
	}
	return gossipDefault
}

// fromGossip tells whether we dialled c because of gossip.
func (n *Node) fromGossip(c *conn) bool { return !c.acceptor && !n.hasExplicit(c) }

// hasExplicit tells whether c serves a configured route; of a pool each connection does if one does.
func (n *Node) hasExplicit(c *conn) bool {
	for _, l := range n.links {
		if l.dial.Explicit && l.phase == linkUp && (l.conn == c || c.remote != nil && l.conn.remote == c.remote) {
			return true
		}
	}
	return false
}

// updateRoute reads an INFO on a registered route: news of the peer itself, or of a third server. What decides is the
// server id, not the presence of ip (seen 2.1.2 to 2.15.2). News of a gateway is for servers that have one: whoever has none
// does not dial because of it (src 2.1.2 to 2.15.2).
func (n *Node) updateRoute(c *conn, body *wire.InfoBody) cause {
	if body == nil {
		return badArguments
	}
	if n.traits.names { // 2.1 does not mind any of it
		if why := n.checkNews(c, body); why != fine {
			return why
		}
	}
	switch {
	case n.cfg.Dialect.Pools && body.RouteAccReqID != "":
		n.moveAccount(c, body)
	case body.Gateway != "":
	case body.ServerID == n.cfg.ID:
	case body.ServerID == c.peer.ServerID:
		n.peerUpdate(c, body)
	default:
		n.meet(c, body)
	}
	return fine
}

// checkNews judges every later INFO as it does the first one, whomever it is about, but for the server's name (seen 2.15.2; src: 2.5.0 to 2.15.2).
func (n *Node) checkNews(c *conn, body *wire.InfoBody) cause {
	switch {
	case body.ServerID == n.cfg.ID:
		return ourselves
	case n.traits.reservedCluster && body.Cluster == reservedCluster:
		return reservedNameInInfo
	}
	return n.checkCluster(c, body)
}

// peerUpdate takes up what matters to us of a later INFO: that the peer is in lame duck mode and wants no more clients, or
// else that its permissions have changed. New connect_urls are not taken over (seen 2.9.25, 2.15.2).
func (n *Node) peerUpdate(c *conn, body *wire.InfoBody) {
	if n.traits.names && body.LameDuck {
		if c.remote != nil {
			c.remote.info.ConnectURLs = nil
			n.clientURLs()
		}
		return
	}
	n.peerPermissions(c, body)
}

// meet dials a server that c's peer speaks of, unless it is known, being dialled, or configured. An ip that cannot be read
// leads nowhere; the route that brought it is not to blame. News of the connection of an account leads to one of the same
// kind; a peer without a pool has no such news, so that we go after those connections of a server that is new ourselves.
func (n *Node) meet(c *conn, body *wire.InfoBody) {
	if n.meetFor(body.RouteAccount, body) && c.noPool && body.RouteAccount == "" {
		for _, account := range n.cfg.PinnedAccounts {
			n.meetFor(account, body)
		}
	}
}

// meetFor is meet for the connection of an account; empty: for the pool. It tells whether it dials.
func (n *Node) meetFor(account string, body *wire.InfoBody) bool {
	if account == "" && n.routes[body.ServerID] != nil {
		return false
	}
	if own := n.pinned[account]; account != "" && (own == nil || own[body.ServerID] != nil) {
		return false
	}
	address := addressOf(body.IP)
	listen := joinHostPort(body.Host, strconv.Itoa(body.Port))
	for _, l := range n.links {
		if l.dial.RemoteID == body.ServerID && l.dial.Account == account && !l.dial.Explicit {
			return false
		}
		if l.dial.Explicit && (l.dial.Address == address || l.dial.Address == listen) {
			return false
		}
	}
	var mode uint8
	if n.traits.gossipMode {
		mode = body.GossipMode
	}
	l := n.learn(body.ServerID, address, body.AuthRequired, mode)
	if l == nil {
		return false
	}
	l.dial.Account = account
	n.dial(l)
	return true
}
