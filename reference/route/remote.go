package route

import (
	"cmp"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// takeInterest is the path of RS+, RS-, LS+ and LS- of a peer. They count as soon as the gate is passed, before INFO too.
func (n *Node) takeInterest(c *conn, op *wire.Op) {
	accepted := true
	switch op.Kind {
	case wire.Sub, wire.LeafSub:
		accepted = n.remoteSubscribe(c, op)
	default:
		n.remoteUnsubscribe(c, op)
		accepted = n.accounts[string(op.Account)] != nil || n.accountExists(op.Account)
	}
	if accepted {
		n.acknowledge(c)
	}
}

// accountExists tells whether there is such an account: what is said of others is ignored, and not acknowledged (seen
// 2.15.2; src: 2.1.2 to 2.15.2).
func (n *Node) accountExists(name []byte) bool { return n.exists == nil || n.exists[string(name)] }

// acknowledge sends +OK where CONNECT asked for it.
func (n *Node) acknowledge(c *conn) {
	if c.said.Verbose {
		n.out.send(c, n.out.op(wire.OK))
	}
}

// remoteSubscribe takes in RS+ or LS+, any number of times: a weight replaces the one before. An unknown account is
// ignored, whatever the subject, and so is what may not be exported; a bad subject is the one mistake a route survives. It
// returns false where there is nothing to acknowledge.
func (n *Node) remoteSubscribe(c *conn, op *wire.Op) bool {
	a := n.accounts[string(op.Account)]
	if a == nil && !n.accountExists(op.Account) {
		return false
	}
	if !n.exports(op.Subject) {
		return false // not even +OK (src: 2.1.2 to 2.15.2)
	}
	if !wire.ValidPattern(op.Subject) {
		n.out.sendErr(c, "Invalid Subscription")
		return false
	}
	// Below 1, and -1 for what is no number, counts as 1 (2.14.9, 2.15.2). Older servers never select such a member or panic.
	weight := max(int64(op.Weight), 1)
	if s := c.find(op); s != nil {
		if s.group != nil && s.weight != weight {
			s.weight = weight
			n.changed(s.interest)
		}
		return true
	}
	if a == nil {
		a = n.account(string(op.Account))
	}
	key := c.key(op)
	s := &remoteSub{conn: c, weight: weight, interest: interest{account: a, entry: a.entry(key.subject)}, leaf: op.Kind == wire.LeafSub}
	if s.leaf && !(n.traits.reservedCluster && string(op.Origin) == reservedCluster) {
		s.origin = string(op.Origin)
	}
	c.interest[key] = s
	if key.queue == "" {
		s.entry.remote = addTo(s.entry.remote, s)
	} else {
		s.group = s.entry.group(key.queue)
		s.group.remote = addTo(s.group.remote, s)
	}
	n.changed(s.interest)
	return true
}

// remoteUnsubscribe takes in RS- or LS-; one that ends nothing is ignored.
func (n *Node) remoteUnsubscribe(c *conn, op *wire.Op) {
	if s := c.find(op); s != nil {
		delete(c.interest, c.key(op))
		n.dropRemote(s)
	}
}

// dropRemote ends one entry of a route's interest.
func (n *Node) dropRemote(s *remoteSub) {
	if s.group == nil {
		s.entry.remote = removeFrom(s.entry.remote, s)
	} else {
		s.group.remote = removeFrom(s.group.remote, s)
	}
	n.changed(s.interest)
	n.release(s.account)
}

// dropInterest ends all interest of a connection that is gone.
func (n *Node) dropInterest(c *conn) {
	n.dropIf(c, func(*remoteSub) bool { return true })
	c.interest = nil
}

// dropIf ends those entries of c's interest that are to end, in an order where somebody is told of it.
func (n *Node) dropIf(c *conn, ends func(*remoteSub) bool) {
	var keys []remoteKey
	for key, s := range c.interest {
		if ends(s) {
			keys = append(keys, key)
		}
	}
	if len(n.leafs) > 0 {
		slices.SortFunc(keys, remoteKey.compare)
	}
	for _, key := range keys {
		s := c.interest[key]
		delete(c.interest, key)
		n.dropRemote(s)
	}
}

// compare orders keys, in no order that means anything.
func (k remoteKey) compare(other remoteKey) int {
	return cmp.Or(
		cmp.Compare(k.account, other.account), cmp.Compare(k.subject, other.subject), cmp.Compare(k.queue, other.queue),
		cmp.Compare(k.origin, other.origin),
	)
}

// key is what an operation of interest means. It copies the operation's bytes.
func (c *conn) key(op *wire.Op) remoteKey {
	return remoteKey{
		account: string(op.Account), subject: string(op.Subject), queue: string(op.Queue), origin: string(c.originOf(op)),
	}
}

// originOf is whose interest op means. A peer without lnocu cannot tell in LS-, so that for it there is one entry, a leaf's or not: what
// came first says so (seen 2.5.0 to 2.15.2).
func (c *conn) originOf(op *wire.Op) []byte {
	if !c.mode.LeafUnsubOrigin || op.Kind != wire.LeafSub && op.Kind != wire.LeafUnsub {
		return nil
	}
	return op.Origin
}

// find returns the entry that op speaks of, nil if there is none. It copies nothing.
func (c *conn) find(op *wire.Op) *remoteSub {
	return c.interest[remoteKey{
		account: string(op.Account), subject: string(op.Subject), queue: string(op.Queue), origin: string(c.originOf(op)),
	}]
}
