package route

import (
	"maps"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// leaf is a server behind our leafnode port. Its interest is local interest to our peers, and so are its messages, but both
// keep the mark of where they come from, so that nothing goes back to a cluster of leafs that it came from.
type leaf struct {
	client  uint64
	account string
	cluster string // the origin; empty: the leaf has none
	headers bool
	told    map[told]int64 // what we have told it others want: the weight of a group, 1 for plain interest

	// Scratch, as conn's.
	stamp uint64
	msg   *wire.Op
}

// told is one entry of what a leaf knows.
type told struct{ subject, queue string }

// origin is where local interest comes from, as a peer can tell it apart: "" from clients.
type origin string

// clients is the origin of what is no leaf's.
const clients origin = ""

// leafJoined takes in a leaf and tells it all that is wanted.
func (n *Node) leafJoined(ev LeafJoined) {
	if n.leaf(ev.Client) != nil {
		return
	}
	l := &leaf{client: ev.Client, account: ev.Account, cluster: ev.Cluster, headers: ev.Headers, told: make(map[told]int64)}
	n.leafs = append(n.leafs, l)
	a := n.accounts[l.account]
	if a == nil {
		return
	}
	for _, pattern := range slices.Sorted(maps.Keys(a.entries)) {
		e := a.entries[pattern]
		n.tell(l, interest{a, e, nil})
		for _, queue := range slices.Sorted(maps.Keys(e.groups)) {
			n.tell(l, interest{a, e, e.groups[queue]})
		}
	}
}

// leafLeft ends a leaf and all its interest.
func (n *Node) leafLeft(client uint64) {
	l := n.leaf(client)
	if l == nil {
		return
	}
	n.leafs = slices.DeleteFunc(n.leafs, func(o *leaf) bool { return o == l })
	var ids []SubID
	for id, s := range n.subs {
		if s.leaf == l {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	n.unsubscribe(ids...)
}

// leaf finds a leaf; nil if the client is none. There are few.
func (n *Node) leaf(client uint64) *leaf {
	for _, l := range n.leafs {
		if l.client == client {
			return l
		}
	}
	return nil
}

// isOf tells whether l belongs to the cluster of leafs called origin: what comes from there does not go there.
func (l *leaf) isOf(origin []byte) bool { return l.cluster != "" && l.cluster == string(origin) }

// tellLeafs brings the leafs of an account up to date with one interest, whoever has changed it.
func (n *Node) tellLeafs(i interest) {
	for _, l := range n.leafs {
		if l.account == i.account.name {
			n.tell(l, i)
		}
	}
}

// tell sends l one LS+ or LS- in the form of the leafnode port, if what others want has changed.
func (n *Node) tell(l *leaf, i interest) {
	key := told{subject: i.entry.pattern}
	if i.group != nil {
		key.queue = i.group.queue
	}
	before, now := l.told[key], i.wantedBesides(l)
	if i.group == nil {
		now = min(now, 1)
	}
	if now == before {
		return
	}
	op := n.out.op(wire.LeafSub)
	if now == 0 {
		op.Kind = wire.LeafUnsub
		delete(l.told, key)
	} else {
		l.told[key] = now
	}
	op.Subject, op.Queue, op.Weight = []byte(key.subject), []byte(key.queue), int(now)
	n.out.sendLeaf(l, op)
}

// wantedBesides adds up the weight of everybody who may get l's messages: not of its own cluster, wherever it is.
func (i interest) wantedBesides(l *leaf) (weight int64) {
	for _, s := range i.local() {
		if s.leaf != l && (s.leaf == nil || !s.leaf.isOf([]byte(l.cluster))) {
			weight += s.weight
		}
	}
	for _, s := range i.remote() {
		if s.origin == "" || s.origin != l.cluster {
			weight += s.weight
		}
	}
	return weight
}

// originFor is the origin of interest, of l or if it is nil of clients, as c can tell it apart. A peer without lnoc knows
// no leafs, one without ln none that have no cluster.
func (c *conn) originFor(l *leaf) origin {
	switch {
	case l == nil:
		return clients
	case l.cluster != "" && c.leafOrigins:
		return origin(l.cluster)
	case l.cluster == "" && c.leafWithoutOrigin:
		return reservedCluster
	}
	return clients
}

// announceByOrigin is announce where leafs have a part in the interest, by having changed it or by sharing it. To a peer
// with lnocu the interest of each origin is of its own. Others hold one entry, to which everybody adds; its latest change
// says whose it is (seen 2.9.25).
func (n *Node) announceByOrigin(i interest, by *leaf, begun bool) {
	n.carriers(i.account.name, func(c *conn) {
		from := c.originFor(by)
		weight := i.weightFor(c, from)
		if i.group != nil || begun && weight == 1 || !begun && weight == 0 {
			n.out.send(c, n.leafInterestOp(c, i, from, weight))
		}
	})
}

// weightFor is the weight of the entry that c holds for from.
func (i interest) weightFor(c *conn, from origin) (weight int64) {
	for _, s := range i.local() {
		if !c.mode.LeafUnsubOrigin || c.originFor(s.leaf) == from {
			weight += s.weight
		}
	}
	return weight
}

// announceOrigins sends a new route what it has to know of an interest that leafs have a part in.
func (n *Node) announceOrigins(c *conn, i interest) {
	weights := i.weights(c)
	for _, from := range slices.Sorted(maps.Keys(weights)) {
		n.out.send(c, n.leafInterestOp(c, i, from, weights[from]))
	}
}

// weights lists the entries that c is to hold for i, by origin. There is one where c does not tell origins apart in LS-.
func (i interest) weights(c *conn) map[origin]int64 {
	weights := map[origin]int64{}
	for _, s := range i.local() {
		weights[c.originFor(s.leaf)] += s.weight
	}
	if !c.mode.LeafUnsubOrigin && len(weights) > 1 {
		return map[origin]int64{clients: i.weightFor(c, clients)}
	}
	return weights
}

// leafInterestOp tells c how things stand with the local interest of one origin: in LS+ or LS- where it is a leaf's.
func (n *Node) leafInterestOp(c *conn, i interest, from origin, weight int64) *wire.Op {
	op := interestOp(&n.out, i, weight)
	switch {
	case from == clients:
		return op
	case op.Kind == wire.Sub:
		op.Kind = wire.LeafSub
	default:
		op.Kind = wire.LeafUnsub
	}
	if op.Kind == wire.LeafSub || c.mode.LeafUnsubOrigin {
		op.Origin = []byte(from)
	}
	return op
}
