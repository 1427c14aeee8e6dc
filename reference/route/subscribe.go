package route

import (
	"maps"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// subscribe takes in a local subscription. Plain interest is announced when it begins, a queue group's weight at each
// change (2.0 page, RS+).
func (n *Node) subscribe(ev *Subscribe) {
	if !wire.ValidPattern([]byte(ev.Subject)) || n.subs[ev.Sub] != nil {
		return
	}
	a := n.account(ev.Account)
	if a == nil {
		return
	}
	e := a.entry(ev.Subject)
	s := &localSub{id: ev.Sub, client: ev.Client, noEcho: ev.NoEcho, account: a, entry: e}
	n.subs[s.id] = s
	if ev.Queue == "" {
		e.local = addTo(e.local, s)
	} else {
		s.group = e.group(ev.Queue)
		s.group.local = addTo(s.group.local, s)
	}
	a.changed(e, s.group)
	if s.group != nil || len(e.local) == 1 {
		n.announce(interestOp(&n.out, a, e, s.group))
	}
}

// unsubscribe ends local subscriptions, all those that end at one time: one announcement for each interest that ends or
// whose weight has changed, with what is left when all are gone (seen 2.1.2 to 2.15.2: one RS- for a client with three
// members of a group).
func (n *Node) unsubscribe(ids ...SubID) {
	type interest struct {
		account *account
		entry   *entry
		group   *group
	}
	var touched []interest
	seen := make(map[interest]bool, len(ids))
	for _, id := range ids {
		s := n.subs[id]
		if s == nil {
			continue
		}
		delete(n.subs, id)
		if s.group == nil {
			s.entry.local = removeFrom(s.entry.local, s)
		} else {
			s.group.local = removeFrom(s.group.local, s)
		}
		if i := (interest{s.account, s.entry, s.group}); !seen[i] {
			seen[i] = true
			touched = append(touched, i)
		}
	}
	for _, i := range touched {
		i.account.changed(i.entry, i.group)
		n.release(i.account)
		if i.group != nil || len(i.entry.local) == 0 {
			n.announce(interestOp(&n.out, i.account, i.entry, i.group))
		}
	}
}

// announce sends op to every route, if permissions let it. Half a route gets nothing: registration brings it up to date.
func (n *Node) announce(op *wire.Op) {
	if !n.imports(op.Subject) {
		return
	}
	n.remotes(nil, func(c *conn) { n.out.send(c, op) })
}

// announceAll sends all current interest to a new route, each entry once, weights as of now. Interest learned from routes
// is not ours to pass on: it goes one hop (seen 2.1.2 to 2.15.2). only, if not nil, chooses among the subjects that
// permissions let through.
func (n *Node) announceAll(c *conn, only func(subject []byte) bool) {
	for _, name := range slices.Sorted(maps.Keys(n.accounts)) {
		a := n.accounts[name]
		for _, pattern := range slices.Sorted(maps.Keys(a.entries)) {
			if !n.imports([]byte(pattern)) || only != nil && !only([]byte(pattern)) {
				continue
			}
			e := a.entries[pattern]
			if len(e.local) > 0 {
				n.out.send(c, interestOp(&n.out, a, e, nil))
			}
			for _, queue := range slices.Sorted(maps.Keys(e.groups)) {
				if g := e.groups[queue]; len(g.local) > 0 {
					n.out.send(c, interestOp(&n.out, a, e, g))
				}
			}
		}
	}
}

// interestOp says how things stand with local interest: RS+ while there is some, else RS-. Only a group's RS+ has a weight.
func interestOp(out *output, a *account, e *entry, g *group) *wire.Op {
	members := len(e.local)
	if g != nil {
		members = len(g.local)
	}
	kind := wire.Sub
	if members == 0 {
		kind = wire.Unsub
	}
	op := out.op(kind)
	op.Account, op.Subject = a.token, []byte(e.pattern)
	if g != nil {
		op.Queue = []byte(g.queue)
		if kind == wire.Sub {
			op.Weight = members
		}
	}
	return op
}
