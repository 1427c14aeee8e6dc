package route

import (
	"bytes"
	"cmp"
	"slices"
)

// Bounds of an account's result cache: subjects in it, and bytes of one subject. A peer chooses the subjects.
const (
	maxCached        = 4096
	maxCachedSubject = 256
)

// result is who wants a subject, worked out once and kept until interest changes.
type result struct {
	local  []*localSub   // plain subscriptions of clients
	leafs  []*leaf       // with plain interest, in the order they came
	routes []*conn       // with plain interest, in order of birth
	groups []groupResult // by name
}

// groupResult is one queue group over all patterns that match.
type groupResult struct {
	queue  []byte
	local  []*localSub // of clients
	remote []share     // routes whose own members want it, in order of birth
	weight int64       // of remote, together
	leafs  []share     // our leafs and those of routes, for when there is nobody else
	stamp  uint64      // of the message that named it last
}

// share is the weight of one route or leaf in a group.
type share struct {
	conn   *conn // nil: our leaf's
	leaf   *leaf
	origin string // of a route's leaf
	weight int64
}

// hasEmptyToken tells whether no interest can match the subject.
func hasEmptyToken(subject []byte) bool {
	return len(subject) == 0 || subject[0] == '.' || subject[len(subject)-1] == '.' || bytes.Contains(subject, []byte(".."))
}

// find returns who wants subject. The result is the account's and lives until its interest changes.
func (n *Node) find(a *account, subject []byte) *result {
	if r, ok := a.cache[string(subject)]; ok {
		return r
	}
	r := n.work(a, subject)
	if len(subject) <= maxCachedSubject {
		if len(a.cache) >= maxCached {
			clear(a.cache)
		}
		a.cache[string(subject)] = r
	}
	return r
}

// work finds out who wants subject.
func (n *Node) work(a *account, subject []byte) *result {
	r := &result{}
	if hasEmptyToken(subject) {
		return r
	}
	found := n.matched[:0]
	if e := a.entries[string(subject)]; e != nil && !e.wild {
		found = append(found, e)
	}
	found = a.wild.match(subject, found)
	for _, e := range found {
		for _, s := range e.local {
			if s.leaf == nil {
				r.local = append(r.local, s)
			} else {
				r.leafs = append(r.leafs, s.leaf)
			}
		}
		for _, s := range e.remote {
			r.routes = append(r.routes, s.conn)
		}
		for _, g := range e.groups {
			r.groups = append(r.groups, g.result())
		}
	}
	if n.permissions.Export.denies(subject) {
		r.dropRemote() // a wildcard of a peer's may include what it may not have (src: 2.1.2 to 2.15.2)
	}
	clear(found)
	n.matched = found

	slices.SortFunc(r.routes, func(x, y *conn) int { return cmp.Compare(x.born, y.born) })
	r.routes = slices.Compact(r.routes)
	slices.SortFunc(r.leafs, func(x, y *leaf) int { return cmp.Compare(x.client, y.client) })
	r.leafs = slices.Compact(r.leafs)
	r.mergeGroups()
	return r
}

// dropRemote takes the routes out.
func (r *result) dropRemote() {
	r.routes = nil
	for i := range r.groups {
		g := &r.groups[i]
		g.remote = nil
		g.leafs = slices.DeleteFunc(g.leafs, func(s share) bool { return s.conn != nil })
	}
}

// result lists who is behind a group in one pattern.
func (g *group) result() groupResult {
	r := groupResult{queue: []byte(g.queue)}
	for _, s := range g.local {
		if s.leaf == nil {
			r.local = append(r.local, s)
		} else {
			r.leafs = append(r.leafs, share{leaf: s.leaf, weight: s.weight})
		}
	}
	for _, s := range g.remote {
		if s.leaf {
			r.leafs = append(r.leafs, share{conn: s.conn, origin: s.origin, weight: s.weight})
		} else {
			r.remote = append(r.remote, share{conn: s.conn, weight: s.weight})
		}
	}
	return r
}

// order compares shares by the age of their connections, our leafs first.
func (s share) order(other share) int {
	if s.leaf != nil && other.leaf != nil {
		return cmp.Compare(s.leaf.client, other.leaf.client)
	}
	return cmp.Compare(s.age(), other.age())
}

func (s share) age() uint64 {
	if s.conn == nil {
		return 0
	}
	return s.conn.born
}

// mergeGroups makes one group of those with one name (a group is one, whatever patterns its members chose), and puts
// everything into an order that does not depend on maps.
func (r *result) mergeGroups() {
	slices.SortStableFunc(r.groups, func(x, y groupResult) int { return bytes.Compare(x.queue, y.queue) })
	merged := r.groups[:0]
	for _, g := range r.groups {
		if last := len(merged) - 1; last >= 0 && bytes.Equal(merged[last].queue, g.queue) {
			merged[last].local = append(merged[last].local, g.local...)
			merged[last].remote = append(merged[last].remote, g.remote...)
			merged[last].leafs = append(merged[last].leafs, g.leafs...)
			continue
		}
		merged = append(merged, g)
	}
	r.groups = merged
	for i := range r.groups {
		g := &r.groups[i]
		slices.SortStableFunc(g.remote, share.order)
		slices.SortStableFunc(g.leafs, share.order)
		for _, s := range g.remote {
			g.weight += s.weight
		}
	}
}

// group finds a group by name; nil if nobody of it wants the subject.
func (r *result) group(queue []byte) *groupResult {
	i, ok := slices.BinarySearchFunc(r.groups, queue, func(g groupResult, q []byte) int { return bytes.Compare(g.queue, q) })
	if !ok {
		return nil
	}
	return &r.groups[i]
}

// empty tells whether nobody wants the subject.
func (r *result) empty() bool {
	return len(r.local) == 0 && len(r.leafs) == 0 && len(r.routes) == 0 && len(r.groups) == 0
}
