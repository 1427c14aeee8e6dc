package route

import (
	"slices"
	"strconv"
	"time"
)

// maxLearned bounds the servers the node goes after because somebody spoke of them: a peer may name any number.
const maxLearned = 1024

// link is our wish to have a route: configured (explicit) or learned by gossip (implicit). Explicit links last for ever.
// An implicit one is dialled at once, and dialled again one time after each loss of the route it had become, as servers
// do from 2.5 on; it ends when a dial fails or ends before the route is registered.
type link struct {
	dial  Dial
	phase linkPhase
	due   time.Time // of the next dial while waiting; the zero value is due at once
	conn  *conn     // while up
}

// linkPhase is where a link stands.
type linkPhase uint8

const (
	linkWaiting linkPhase = iota // for its time
	linkDialling
	linkUp // conn serves it, perhaps one that the peer has dialled
)

// dial asks the caller for the connection of l.
func (n *Node) dial(l *link) {
	l.phase, l.conn = linkDialling, nil
	n.out.actions = append(n.out.actions, Action{Kind: StartDial, Dial: l.dial})
}

// dialDue asks for the dials whose time has come.
func (n *Node) dialDue() {
	for _, l := range n.links {
		if l.phase == linkWaiting && !n.now.Before(l.due) {
			n.dial(l)
		}
	}
}

// linkDialling finds the link that waits for the outcome of d.
func (n *Node) linkDialling(d Dial) *link {
	for _, l := range n.links {
		if l.phase == linkDialling && l.dial == d {
			return l
		}
	}
	return nil
}

// dialFailed puts an explicit route off and gives an implicit one up.
func (n *Node) dialFailed(d Dial) {
	l := n.linkDialling(d)
	switch {
	case l == nil:
		return
	case d.Explicit:
		n.wait(l)
	default:
		n.removeLink(l)
	}
	n.arm()
}

// wait puts l off by the reconnect delay and up to a tenth more, by chance: two servers that dial each other in the same
// moment refuse each other's connection as a duplicate, and must not meet like that for ever.
func (n *Node) wait(l *link) {
	jitter := time.Duration(n.rng.Int64N(int64(n.cfg.ReconnectDelay)/10 + 1))
	l.phase, l.conn, l.due = linkWaiting, nil, n.now.Add(n.cfg.ReconnectDelay+jitter)
}

// unlink settles what becomes of the links that c served; wasRoute tells whether c had been registered.
func (n *Node) unlink(c *conn, wasRoute bool) {
	for _, l := range slices.Clone(n.links) {
		switch {
		case l.phase != linkUp || l.conn != c:
		case l.dial.Explicit, wasRoute && n.traits.names:
			n.wait(l)
		default:
			n.removeLink(l)
		}
	}
}

// endLinks ends the links that c serves: dialling again would lead nowhere else.
func (n *Node) endLinks(c *conn) {
	n.links = slices.DeleteFunc(n.links, func(l *link) bool { return l.phase == linkUp && l.conn == c })
}

func (n *Node) removeLink(l *link) {
	n.links = slices.DeleteFunc(n.links, func(o *link) bool { return o == l })
}

// linkRegistered is told that c is a route now: what else was about to dial that server for the same end need not. In a pool each
// connection spares one dial.
func (n *Node) linkRegistered(c *conn) {
	for _, l := range n.links {
		if l.phase == linkWaiting && !l.dial.Explicit && l.dial.RemoteID == c.peer.ServerID && l.dial.Account == string(c.account) {
			l.phase, l.conn = linkUp, c
			if !c.noPool {
				return
			}
		}
	}
}

// keepOld lets the old route serve the links of the connection that is refused for its sake. A route that the peer tried
// to open twice is one that it wants: it is dialled when lost, also when nobody here has asked for it (seen 2.1.2 to 2.15.2).
func (n *Node) keepOld(old, refused *conn) {
	served := false
	for _, l := range n.links {
		if l.phase == linkUp && l.conn == refused {
			l.conn = old
		}
		served = served || (l.phase == linkUp && l.conn == old)
	}
	if served {
		return
	}
	if l := n.learn(old.peer.ServerID, old.address(), old.peer.AuthRequired, 0); l != nil {
		l.dial.Account = string(old.account)
		l.phase, l.conn = linkUp, old
	}
}

// learn returns a new implicit link, nil if there is nothing to dial or there are too many already.
func (n *Node) learn(id, address string, withCredentials bool, gossipMode uint8) *link {
	if address == "" {
		return nil
	}
	learned := 0
	for _, l := range n.links {
		if !l.dial.Explicit {
			learned++
		}
	}
	if learned >= maxLearned {
		return nil
	}
	d := Dial{Address: address, RemoteID: id, GossipMode: gossipMode}
	if withCredentials {
		d.User, d.Password = n.cfg.User, n.cfg.Password
	}
	l := &link{dial: d}
	n.links = append(n.links, l)
	return l
}

// address is where the peer of a registered route can be dialled: what it advertises, else its own host and port.
func (c *conn) address() string {
	if a := addressOf(c.peer.IP); a != "" {
		return a
	}
	host := or(c.peer.Host, c.host)
	if host == "" || c.peer.Port <= 0 {
		return ""
	}
	return joinHostPort(host, strconv.Itoa(c.peer.Port))
}
