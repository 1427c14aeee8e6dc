package route

import "github.com/natsroute/natsroute/reference/wire"

// goLame tells each remote once, in an INFO with ldm, and clients where else they can go (2.5 and later; bytes seen 2.9.25,
// 2.15.2). A route that registers later hears nothing of it.
func (n *Node) goLame() {
	if !n.traits.names || n.lameDuck || n.stopped {
		return
	}
	n.lameDuck = true
	op := n.infoUpdate()
	op.InfoBody.LameDuck = true
	n.remotes(nil, func(c *conn) { n.out.send(c, op) })
	n.tellURLs(n.knownURLs())
}

// infoUpdate is the INFO that tells a peer of a change: what it said first, without what was of one connection only.
func (n *Node) infoUpdate() *wire.Op {
	op := n.out.op(wire.Info)
	op.InfoBody = n.info()
	return op
}
