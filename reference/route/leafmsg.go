package route

import "github.com/natsroute/natsroute/reference/wire"

// origin is the cluster that l's messages are marked with; none for a client, which is no leaf.
func (l *leaf) origin() []byte {
	if l == nil {
		return nil
	}
	return []byte(l.cluster)
}

// targetLeafs makes the leafs with plain interest targets of the current message, which is from one of them or has come with
// an origin.
func (n *Node) targetLeafs(r *result, from *leaf, origin []byte) {
	for _, l := range r.leafs {
		if l != from && !l.isOf(origin) {
			n.targetLeaf(l)
		}
	}
}

// targetLeaf is target for a leaf.
func (n *Node) targetLeaf(l *leaf) *wire.Op {
	if l.stamp != n.stamp {
		l.stamp, l.msg = n.stamp, n.out.op(wire.Msg)
		n.toLeafs = append(n.toLeafs, l)
	}
	return l.msg
}

// sendLeafs sends the current message to the leafs that it goes to.
func (n *Node) sendLeafs(ev *Publish) {
	for _, l := range n.toLeafs {
		fillMessage(l.msg, ev, l.headers)
		n.out.sendLeaf(l, l.msg)
	}
}

// is tells whether g is the group of that name.
func (g *groupResult) is(queue []byte) bool { return string(queue) == string(g.queue) }

// chooseLeaf gives the message to a leaf that is in g, ours or a route's, by weight. It is for groups of which nobody else
// can have it: servers prefer who is nearer (seen 2.9.25, 2.15.2).
func (n *Node) chooseLeaf(g *groupResult, from *leaf, origin []byte) {
	s := n.pickLeaf(g, func(s share) bool {
		if s.leaf != nil {
			return s.leaf != from && !s.leaf.isOf(origin)
		}
		return s.origin == "" || s.origin != string(origin)
	})
	switch {
	case s == nil:
	case s.leaf != nil:
		op := n.targetLeaf(s.leaf)
		op.Queues = append(op.Queues, g.queue)
	default:
		op := n.target(s.conn)
		op.Queues = append(op.Queues, g.queue)
	}
}

// chooseOwnLeaf is chooseLeaf for a message that a peer has sent.
func (n *Node) chooseOwnLeaf(g *groupResult, origin []byte) {
	if s := n.pickLeaf(g, func(s share) bool { return s.leaf != nil && !s.leaf.isOf(origin) }); s != nil {
		op := n.targetLeaf(s.leaf)
		op.Queues = append(op.Queues, g.queue)
	}
}

// pickLeaf picks one of g's shares that may, by weight; nil if none may.
func (n *Node) pickLeaf(g *groupResult, may func(share) bool) *share {
	var weight int64
	for _, s := range g.leafs {
		if may(s) {
			weight += s.weight
		}
	}
	if weight == 0 {
		return nil
	}
	at := n.pick(weight)
	for i, s := range g.leafs {
		if !may(s) {
			continue
		}
		if at -= s.weight; at < 0 {
			return &g.leafs[i]
		}
	}
	return nil
}
