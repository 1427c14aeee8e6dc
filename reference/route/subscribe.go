package route

import (
	"maps"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// subscribe takes in a local subscription. Plain interest is announced when it begins, a queue group's weight at each
// change (2.0 page, RS+).
func (n *Node) subscribe(ev *Subscribe) {
	if s := n.subs[ev.Sub]; s != nil {
		n.reweigh(s, ev.Weight)
		return
	}
	if !wire.ValidPattern([]byte(ev.Subject)) {
		return
	}
	a := n.account(ev.Account)
	if a == nil {
		return
	}
	s := &localSub{id: ev.Sub, client: ev.Client, noEcho: ev.NoEcho, leaf: n.leaf(ev.Client), weight: 1}
	s.interest = interest{account: a, entry: a.entry(ev.Subject)}
	if ev.Queue != "" {
		s.group = s.entry.group(ev.Queue)
		s.weight = n.leafWeight(ev.Weight)
	}
	n.subs[s.id] = s
	n.shadow(s)
	n.begin(s)
}

// begin makes a local subscription count.
func (n *Node) begin(s *localSub) {
	s.add(s)
	n.changed(s.interest)
	n.announce(s.interest, s.leaf, true)
}

// reweigh takes on the new weight of a leaf's queue.
func (n *Node) reweigh(s *localSub, weight int) {
	now := n.leafWeight(weight)
	if s.group == nil || s.leaf == nil || now == s.weight {
		return
	}
	s.weight = now
	n.changed(s.interest)
	n.announce(s.interest, s.leaf, true)
}

// leafWeight is how many members a leaf's queue counts for.
func (n *Node) leafWeight(weight int) int64 {
	if !n.traits.leafWeights {
		return 1
	}
	return max(int64(weight), 1)
}

// unsubscribe ends local subscriptions, all those that end at one time: one announcement for each interest that ends or
// whose weight has changed, with what is left when all are gone (seen 2.1.2 to 2.15.2: one RS- for a client with three
// members of a group).
func (n *Node) unsubscribe(ids ...SubID) {
	type change struct {
		interest
		by *leaf
	}
	var touched []change
	seen := make(map[change]bool, len(ids))
	end := func(s *localSub) {
		s.remove(s)
		if i := (change{s.interest, s.leaf}); !seen[i] {
			seen[i] = true
			touched = append(touched, i)
		}
	}
	for _, id := range ids {
		s := n.subs[id]
		if s == nil {
			continue
		}
		delete(n.subs, id)
		for _, shadow := range s.shadows {
			end(shadow)
		}
		end(s)
	}
	for _, i := range touched {
		n.changed(i.interest)
		n.release(i.account)
		n.announce(i.interest, i.by, false)
	}
}

// announce tells every server, on the connection of the account, how interest i stands after a change by a leaf, or if by is
// nil by clients: where it has begun or ended, and at each change of a group. Half a route gets nothing: registration
// brings it up to date. Nor does anybody hear of what permissions keep back.
func (n *Node) announce(i interest, by *leaf, begun bool) {
	if !n.imports([]byte(i.entry.pattern)) {
		return
	}
	if by != nil || i.shared() {
		n.announceByOrigin(i, by, begun)
		return
	}
	members := len(i.local())
	if i.group == nil && (begun && members != 1 || !begun && members != 0) {
		return
	}
	op := interestOp(&n.out, i, int64(members))
	n.carriers(i.account.name, func(c *conn) { n.out.send(c, op) })
}

// announceAll sends all current interest to a new route, each entry once, weights as of now. Interest learned from routes
// is not ours to pass on: it goes one hop (seen 2.1.2 to 2.15.2). only, if not nil, chooses among the subjects that
// permissions let through.
func (n *Node) announceAll(c *conn, only func(subject []byte) bool) {
	n.eachInterest(c, func(i interest, subject []byte) {
		if n.imports(subject) && (only == nil || only(subject)) {
			n.announceTo(c, i)
		}
	})
}

// eachInterest calls do for all local interest of the accounts that c carries, in order.
func (n *Node) eachInterest(c *conn, do func(i interest, subject []byte)) {
	for _, name := range slices.Sorted(maps.Keys(n.accounts)) {
		if !n.carries(c, name) {
			continue
		}
		a := n.accounts[name]
		for _, pattern := range slices.Sorted(maps.Keys(a.entries)) {
			e, subject := a.entries[pattern], []byte(pattern)
			do(interest{a, e, nil}, subject)
			for _, queue := range slices.Sorted(maps.Keys(e.groups)) {
				do(interest{a, e, e.groups[queue]}, subject)
			}
		}
	}
}

// announceTo tells one route of a local interest, if there is any.
func (n *Node) announceTo(c *conn, i interest) {
	if i.shared() {
		n.announceOrigins(c, i)
	} else if members := len(i.local()); members > 0 {
		n.out.send(c, interestOp(&n.out, i, int64(members)))
	}
}

// interestOp says how things stand with local interest of that weight: RS+ while there is some, else RS-. Only a group's
// RS+ has a weight.
func interestOp(out *output, i interest, weight int64) *wire.Op {
	kind := wire.Sub
	if weight == 0 {
		kind = wire.Unsub
	}
	op := out.op(kind)
	op.Account, op.Subject = i.account.token, []byte(i.entry.pattern)
	if i.group != nil {
		op.Queue = []byte(i.group.queue)
		if kind == wire.Sub {
			op.Weight = int(weight)
		}
	}
	return op
}
