package route

import (
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// publish takes a message of a local client or leaf to everybody who wants it, in its own account and where that asks for
// the services of others.
func (n *Node) publish(ev *Publish) {
	n.route(ev)
	n.giveAnswers(false)
}

// route takes a message to every plain local subscription, one member of each queue group in the whole cluster, and each
// route and leaf with plain interest or a chosen member, once. Of a leaf's message only the groups that the leaf names get
// one: it has served the others.
func (n *Node) route(ev *Publish) {
	if ev.HeaderSize < 0 || ev.HeaderSize > len(ev.Payload) {
		return
	}
	if a := n.accounts[ev.Account]; a != nil {
		if r := n.find(a, ev.Subject); !r.empty() {
			n.spread(a, r, ev)
		}
	}
	n.requests(ev)
}

// spread is route for those that want the message in its own account.
func (n *Node) spread(a *account, r *result, ev *Publish) {
	var from *leaf
	if !ev.imported {
		from = n.leaf(ev.Client)
	}
	n.nextMessage()
	msg := n.out.op(wire.Msg)
	fillMessage(msg, ev, true)
	msg.Account = a.token
	for _, s := range r.local {
		if (!s.noEcho || s.client != ev.Client) && !(ev.imported && s.share != nil) {
			n.deliver(s, msg)
		}
	}
	n.targetLeafs(r, from, from.origin())
	if !ev.local {
		for _, c := range r.routes {
			n.target(c)
		}
	}
	for i := range r.groups {
		if g := &r.groups[i]; from == nil || slices.ContainsFunc(ev.Queues, g.is) {
			n.spreadGroup(g, ev, from, msg)
		}
	}
	for _, c := range n.targets {
		if from != nil && from.cluster != "" && c.leafOrigins {
			fillMessage(c.msg, ev, true)
			c.msg.Kind, c.msg.Origin = wire.LeafMsg, []byte(from.cluster)
		} else {
			fillMessage(c.msg, ev, c.headers)
		}
		c.msg.Account = a.token
		n.out.send(c, c.msg)
	}
	n.sendLeafs(ev)
}

// spreadGroup gives the message to one member of g: to one of a leaf if there is nobody else.
func (n *Node) spreadGroup(g *groupResult, ev *Publish, from *leaf, msg *wire.Op) {
	if ev.local {
		n.chooseOwn(g, msg)
		return
	}
	switch local, remote := n.choose(g, ev.Client); {
	case local != nil:
		n.deliver(local, msg)
	case remote != nil:
		op := n.target(remote)
		op.Queues = append(op.Queues, g.queue)
	default:
		n.chooseLeaf(g, from, from.origin())
	}
}

// chooseOwn gives a message that a peer has brought to one of our members of g.
func (n *Node) chooseOwn(g *groupResult, msg *wire.Op) {
	if len(g.local) > 0 {
		n.deliver(g.local[n.pick(int64(len(g.local)))], msg)
	} else {
		n.chooseOwnLeaf(g, msg.Origin)
	}
}

// nextMessage prepares for another message.
func (n *Node) nextMessage() {
	n.stamp++
	n.targets, n.toLeafs = n.targets[:0], n.toLeafs[:0]
}

// target returns the operation that takes the current message to c: one, for whatever reasons.
func (n *Node) target(c *conn) *wire.Op {
	if c.stamp != n.stamp {
		c.stamp, c.msg = n.stamp, n.out.op(wire.Msg)
		n.targets = append(n.targets, c)
	}
	return c.msg
}

// fillMessage makes op the message, all but account, queue list and origin. Who knows no headers gets it without.
func fillMessage(op *wire.Op, ev *Publish, headers bool) {
	op.Subject, op.Reply, op.Payload = ev.Subject, ev.Reply, ev.Payload
	switch {
	case ev.HeaderSize == 0:
	case headers:
		op.Kind, op.HeaderSize = wire.HMsg, ev.HeaderSize
	default:
		op.Payload = ev.Payload[ev.HeaderSize:]
	}
	op.Size = len(op.Payload)
}

// choose picks the member of g that gets a client's message: each local member counts 1, each route its weight
// (seen 2.1.2 to 2.15.2: 9 to 1 gives nine of ten). Both are nil if the only member is the publisher, with echo off.
func (n *Node) choose(g *groupResult, client uint64) (*localSub, *conn) {
	silent := 0 // members that may not get their own client's message
	for _, s := range g.local {
		if s.noEcho && s.client == client {
			silent++
		}
	}
	local := int64(len(g.local) - silent)
	if local+g.weight == 0 {
		return nil, nil
	}
	at := n.pick(local + g.weight)
	if at >= local {
		at -= local
		for _, s := range g.remote {
			if at -= s.weight; at < 0 {
				return nil, s.conn
			}
		}
	}
	if silent == 0 {
		return g.local[at], nil
	}
	for _, s := range g.local {
		if s.noEcho && s.client == client {
			continue
		}
		if at == 0 {
			return s, nil
		}
		at--
	}
	return nil, nil
}

// pick returns a number below limit by chance.
func (n *Node) pick(limit int64) int64 {
	if limit == 1 {
		return 0
	}
	return n.rng.Int64N(limit)
}

// routeMessage delivers a peer's message: to every plain local subscription, to one local member of each group the peer
// names, and to leafs, except those of the cluster that an LMSG is from. Groups it does not name have been served elsewhere.
// It never leaves by another route, nor by the one it came from: messages go one hop, and so they cannot go in circles.
//
// Servers make one exception, which the node does not: a named group without a local member is handed on once to another
// route that has one. Which it is differs from server to server, and the publisher's server has weighed the group already.
//
// Subject and reply are not judged on a route (seen 2.1.2 to 2.15.2); an unknown account has no interest.
func (n *Node) routeMessage(c *conn, op *wire.Op) {
	a := n.accounts[string(op.Account)]
	if a == nil || op.More || op.Offset != 0 {
		n.acknowledge(c)
		return
	}
	r := n.find(a, op.Subject)
	for _, s := range r.local {
		n.deliver(s, op)
	}
	n.nextMessage()
	n.targetLeafs(r, nil, op.Origin)
	for _, queue := range op.Queues {
		g := r.group(queue)
		if g == nil || g.stamp == n.stamp {
			continue
		}
		g.stamp = n.stamp // named twice, served once
		n.chooseOwn(g, op)
	}
	n.sendLeafs(&Publish{Subject: op.Subject, Reply: op.Reply, HeaderSize: op.HeaderSize, Payload: op.Payload})
	n.giveAnswers(true)
	n.acknowledge(c)
}
