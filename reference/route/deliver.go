package route

import "github.com/natsroute/natsroute/reference/wire"

// publish takes a local client's message to everybody who wants it: every plain local subscription, one member of each
// queue group in the whole cluster, and each route with plain interest or a chosen member, once.
func (n *Node) publish(ev *Publish) {
	a := n.accounts[ev.Account]
	if a == nil || ev.HeaderSize < 0 || ev.HeaderSize > len(ev.Payload) {
		return
	}
	r := n.find(a, ev.Subject)
	if r.empty() {
		return
	}
	n.stamp++
	n.targets = n.targets[:0]
	msg := n.out.op(wire.Msg)
	fillMessage(msg, a, ev, true)
	for _, s := range r.local {
		if !s.noEcho || s.client != ev.Client {
			n.out.deliver(s, msg)
		}
	}
	for _, c := range r.routes {
		n.target(c)
	}
	for i := range r.groups {
		g := &r.groups[i]
		if local, remote := n.choose(g, ev.Client); local != nil {
			n.out.deliver(local, msg)
		} else if remote != nil {
			op := n.target(remote)
			op.Queues = append(op.Queues, g.queue)
		}
	}
	for _, c := range n.targets {
		fillMessage(c.msg, a, ev, c.headers)
		n.out.send(c, c.msg)
	}
}

// target returns the operation that takes the current message to c: one, for whatever reasons.
func (n *Node) target(c *conn) *wire.Op {
	if c.stamp != n.stamp {
		c.stamp, c.msg = n.stamp, n.out.op(wire.Msg)
		n.targets = append(n.targets, c)
	}
	return c.msg
}

// fillMessage makes op the message, all but the queue list. Who knows no headers gets the message without.
func fillMessage(op *wire.Op, a *account, ev *Publish, headers bool) {
	op.Account, op.Subject, op.Reply, op.Payload = a.token, ev.Subject, ev.Reply, ev.Payload
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

// routeMessage delivers a peer's message: to every plain local subscription, and to one local member of each group the
// peer names. Groups it does not name have been served elsewhere. It never leaves by another route, nor by the one it
// came from: messages go one hop, and so they cannot go in circles.
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
		n.out.deliver(s, op)
	}
	if len(op.Queues) > 0 {
		n.stamp++
	}
	for _, queue := range op.Queues {
		g := r.group(queue)
		if g == nil || g.stamp == n.stamp || len(g.local) == 0 {
			continue
		}
		g.stamp = n.stamp // named twice, served once
		n.out.deliver(g.local[n.pick(int64(len(g.local)))], op)
	}
	n.acknowledge(c)
}
