package route

import (
	"bytes"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// account is the interest of one account: that of local subscriptions and that of routes, by subject pattern.
type account struct {
	name    string
	token   []byte            // name, as operations carry it
	entries map[string]*entry // by pattern
	wild    *level            // the patterns with wildcards
	cache   map[string]*result
}

// entry is all interest in one pattern.
type entry struct {
	pattern string
	wild    bool
	level   *level // where a wildcard pattern ends
	local   []*localSub
	leafs   int // how many of local are leafs'
	remote  []*remoteSub
	groups  map[string]*group
}

// group is the interest of one queue group in one pattern.
type group struct {
	queue  string
	local  []*localSub
	leafs  int // how many of local are leafs'
	remote []*remoteSub
}

// interest is one entry of an account, or one of the entry's groups if group is not nil.
type interest struct {
	account *account
	entry   *entry
	group   *group
}

func (i interest) local() []*localSub {
	if i.group != nil {
		return i.group.local
	}
	return i.entry.local
}

func (i interest) remote() []*remoteSub {
	if i.group != nil {
		return i.group.remote
	}
	return i.entry.remote
}

// lists returns the places of the local subscriptions and of the number of leafs' among them.
func (i interest) lists() (local *[]*localSub, leafs *int) {
	if i.group != nil {
		return &i.group.local, &i.group.leafs
	}
	return &i.entry.local, &i.entry.leafs
}

// shared tells whether leafs have a part in the local interest.
func (i interest) shared() bool {
	_, leafs := i.lists()
	return *leafs > 0
}

// add takes in a local subscription.
func (i interest) add(s *localSub) {
	local, leafs := i.lists()
	*local = addTo(*local, s)
	if s.leaf != nil {
		*leafs++
	}
}

// remove is the reverse of add.
func (i interest) remove(s *localSub) {
	local, leafs := i.lists()
	*local = removeFrom(*local, s)
	if s.leaf != nil {
		*leafs--
	}
}

// level is one token's place in the tree of wildcard patterns.
type level struct {
	above *level
	token string
	next  map[string]*level // literal tokens
	star  *level            // *
	tail  *entry            // the pattern that goes on with > here
	entry *entry            // the pattern that ends here
}

// localSub is a subscription of a local client or leaf.
type localSub struct {
	slot
	interest
	id     SubID
	client uint64
	noEcho bool
	leaf   *leaf // nil: a client's
	weight int64 // of a leaf's queue, else 1

	shadows []*localSub // what it imports, in the accounts that export it
	share   *Share      // of a shadow: what it imports
	answers bool        // of the node itself: the answers to requests come here
}

// remoteKey tells the entries of one route apart: by what they mean, not by how the line was written. The leaf interest of
// each origin is its own kind where LS- carries that.
type remoteKey struct {
	account, subject, queue string
	origin                  string // in LS+ and LS- that have one, never empty there
}

// remoteSub is one entry of a route's interest.
type remoteSub struct {
	slot
	interest
	conn   *conn
	weight int64  // 1 for a plain one
	leaf   bool   // it came in LS+
	origin string // and is of this cluster; empty: of none that we know
}

// slot remembers the place in a list, so that removal takes one step however long the list is.
type slot struct{ at int }

func (s *slot) place() *int { return &s.at }

type placed interface {
	comparable
	place() *int
}

func addTo[T placed](list []T, x T) []T {
	*x.place() = len(list)
	return append(list, x)
}

func removeFrom[T placed](list []T, x T) []T {
	last := list[len(list)-1]
	list[*x.place()] = last
	*last.place() = *x.place()
	var none T
	list[len(list)-1] = none
	return list[:len(list)-1]
}

// account returns the account by name for new interest; nil if no such account exists.
func (n *Node) account(name string) *account {
	a := n.accounts[name]
	if a == nil && (n.exists == nil || n.exists[name]) {
		a = &account{
			name: name, token: []byte(name), entries: make(map[string]*entry), wild: &level{}, cache: make(map[string]*result),
		}
		n.accounts[name] = a
	}
	return a
}

// release forgets an account without interest.
func (n *Node) release(a *account) {
	if len(a.entries) == 0 {
		delete(n.accounts, a.name)
	}
}

// entry returns the entry of a valid pattern, a new one if need be.
func (a *account) entry(pattern string) *entry {
	if e := a.entries[pattern]; e != nil {
		return e
	}
	e := &entry{pattern: pattern, wild: wire.HasWildcard([]byte(pattern))}
	a.entries[pattern] = e
	if e.wild {
		a.wild.insert(e)
	}
	return e
}

// group returns the entry's group of that name, a new one if need be.
func (e *entry) group(queue string) *group {
	g := e.groups[queue]
	if g == nil {
		if e.groups == nil {
			e.groups = make(map[string]*group)
		}
		g = &group{queue: queue}
		e.groups[queue] = g
	}
	return g
}

// changed is called after each change of interest.
func (n *Node) changed(i interest) {
	i.account.changed(i.entry, i.group)
	n.tellLeafs(i)
}

// changed is called after each change of e's interest: what was worked out with it is void, and what is empty goes.
func (a *account) changed(e *entry, g *group) {
	switch {
	case len(a.cache) == 0:
	case e.wild:
		clear(a.cache)
	default:
		delete(a.cache, e.pattern)
	}
	if g != nil && len(g.local) == 0 && len(g.remote) == 0 {
		delete(e.groups, g.queue)
	}
	if len(e.local) == 0 && len(e.remote) == 0 && len(e.groups) == 0 && a.entries[e.pattern] == e {
		delete(a.entries, e.pattern)
		if e.wild {
			e.level.remove(e)
		}
	}
}

// insert hangs e into the tree below l.
func (l *level) insert(e *entry) {
	for token := range strings.SplitSeq(e.pattern, ".") {
		switch token {
		case ">":
			l.tail, e.level = e, l
			return
		case "*":
			if l.star == nil {
				l.star = &level{above: l, token: token}
			}
			l = l.star
		default:
			if l.next == nil {
				l.next = make(map[string]*level)
			}
			if l.next[token] == nil {
				l.next[token] = &level{above: l, token: token}
			}
			l = l.next[token]
		}
	}
	l.entry, e.level = e, l
}

// remove takes e off l and cuts the branch as far as nothing else hangs on it.
func (l *level) remove(e *entry) {
	if l.tail == e {
		l.tail = nil
	} else {
		l.entry = nil
	}
	for l.above != nil && l.tail == nil && l.entry == nil && l.star == nil && len(l.next) == 0 {
		if l.token == "*" {
			l.above.star = nil
		} else {
			delete(l.above.next, l.token)
		}
		l = l.above
	}
}

// match appends the patterns below l that match rest, which has one token at least and no empty one. Wildcards in rest
// are ordinary tokens.
func (l *level) match(rest []byte, found []*entry) []*entry {
	if l.tail != nil {
		found = append(found, l.tail)
	}
	token, rest, more := bytes.Cut(rest, []byte{'.'})
	for _, below := range [...]*level{l.next[string(token)], l.star} {
		switch {
		case below == nil:
		case more:
			found = below.match(rest, found)
		case below.entry != nil:
			found = append(found, below.entry)
		}
	}
	return found
}
