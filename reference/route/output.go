package route

import "github.com/natsroute/natsroute/reference/wire"

// kept is how many operations and actions the node holds on to between steps. A larger burst (the first interest of a
// big server) goes back to the garbage collector.
const kept = 4096

// output collects the actions of one Step. Operations come from a free list that each Step begins anew.
type output struct {
	actions []Action
	ops     []*wire.Op
	used    int
}

func (o *output) reset() {
	if cap(o.actions) > kept {
		o.actions = nil
	}
	keep := min(len(o.ops), kept)
	clear(o.ops[keep:])
	o.ops = o.ops[:keep]
	o.actions, o.used = o.actions[:0], 0
}

// op returns an empty operation that lives until the next Step. It keeps the memory of its queue list.
func (o *output) op(k wire.Kind) *wire.Op {
	if o.used == len(o.ops) {
		o.ops = append(o.ops, new(wire.Op))
	}
	op := o.ops[o.used]
	o.used++
	*op = wire.Op{Kind: k, Queues: op.Queues[:0]}
	return op
}

// send sends op to c: without its account where c is the connection of one account.
func (o *output) send(c *conn, op *wire.Op) {
	if c.mode.Pinned {
		short := o.op(op.Kind)
		queues := append(short.Queues, op.Queues...)
		*short = *op
		short.Account, short.Queues = nil, queues
		op = short
	}
	o.actions = append(o.actions, Action{Kind: Send, Conn: c.id, Op: op})
}

// sendErr sends -ERR with text in quotes, as servers do.
func (o *output) sendErr(c *conn, text string) {
	op := o.op(wire.Err)
	op.Body = []byte("'" + text + "'")
	o.send(c, op)
}

func (o *output) sendLeaf(l *leaf, op *wire.Op) {
	o.actions = append(o.actions, Action{Kind: SendLeaf, Leaf: l.client, Op: op})
}

func (o *output) deliver(s *localSub, op *wire.Op) {
	o.actions = append(o.actions, Action{Kind: Deliver, Sub: s.id, Op: op})
}
