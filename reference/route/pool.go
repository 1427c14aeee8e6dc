package route

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

const (
	defaultPoolSize = 3
	systemAccount   = "$SYS"

	// maxPool bounds the connections that we open to one server: it names the size of its pool, and the greater counts.
	maxPool = 64
)

// remote is one server and our pool of connections to it: one place for each index, and one connection in place 0 where one of us
// has no pool. Connections of pinned accounts are none of its own.
type remote struct {
	pool  map[int]*conn
	first *conn          // the one of the lowest index: over it the server is told what concerns all of them
	size  int            // places: the greater of our size and the peer's
	info  *wire.InfoBody // of the connection that came first
}

// checkPools says what is wrong with PoolSize and PinnedAccounts.
func (cfg *Config) checkPools() error {
	seen := make(map[string]bool)
	for _, account := range cfg.PinnedAccounts {
		known := cfg.Accounts == nil || account == globalAccount || account == systemAccount || slices.Contains(cfg.Accounts, account)
		switch {
		case cfg.PoolSize < 0:
			return errors.New("route: Config.PinnedAccounts need a pool: leave PoolSize at 0 or give it a size")
		case seen[account], !known:
			return fmt.Errorf("route: Config.PinnedAccounts has %q, which is there twice or is no account", account)
		}
		seen[account] = true
	}
	switch {
	case cfg.PoolSize < -1, cfg.PoolSize > maxPool:
		return fmt.Errorf("route: Config.PoolSize %d is not -1 to %d", cfg.PoolSize, maxPool)
	case !cfg.Dialect.Pools && (cfg.PoolSize > 0 || len(cfg.PinnedAccounts) > 0):
		return fmt.Errorf("route: dialect %q has no pools: clear PoolSize and PinnedAccounts of Config", cfg.Dialect.Name)
	}
	return nil
}

// withPool returns the configuration with its pool filled in: a PoolSize of 0 then is none.
func (cfg Config) withPool() Config {
	if !cfg.Dialect.Pools || cfg.PoolSize < 0 {
		cfg.PoolSize = 0
		return cfg
	}
	cfg.PoolSize = or(cfg.PoolSize, defaultPoolSize)
	if !slices.Contains(cfg.PinnedAccounts, systemAccount) {
		cfg.PinnedAccounts = append(slices.Clone(cfg.PinnedAccounts), systemAccount)
	}
	return cfg
}

// pooled tells whether we have pools: then peers that have none get one connection for everything.
func (n *Node) pooled() bool { return n.cfg.PoolSize > 0 }

// poolIndex is the connection of an account in a pool of that size (seen 2.10.27 to 2.15.2). A peer may name any: servers divide by what
// 32 bits leave of it, and so 4294967296 ends those of 2.12.1, 2.14.9 and 2.15.2.
func poolIndex(account string, size int) int {
	h := fnv.New32a()
	h.Write([]byte(account))
	return int(uint64(h.Sum32()) % uint64(max(size, 1)))
}

// carries tells whether c is the connection on which c's server is told interest of account: the one of that account alone,
// else the one of its index in a pool of our size, whatever the peer's is (src: 2.12.15, 2.15.2). While that one is down
// the server is told nothing (seen 2.15.2).
func (n *Node) carries(c *conn, account string) bool {
	switch {
	case c.account != nil:
		return string(c.account) == account
	case c.noPool:
		return true
	case n.pinned[account] != nil:
		return false
	}
	return c.index == poolIndex(account, n.cfg.PoolSize)
}

// carriers calls do for each connection that carries interest of account, oldest first.
func (n *Node) carriers(account string, do func(*conn)) {
	for _, c := range n.order {
		if c.state == registered && n.carries(c, account) {
			do(c)
		}
	}
}

// add gives c its place.
func (r *remote) add(c *conn) {
	c.remote, r.pool[c.index] = r, c
	r.findFirst()
}

// remove takes its place from c.
func (r *remote) remove(c *conn) {
	delete(r.pool, c.index)
	r.findFirst()
}

// findFirst is for when the pool has changed.
func (r *remote) findFirst() {
	r.first = nil
	for index, c := range r.pool {
		if r.first == nil || index < r.first.index {
			r.first = c
		}
	}
}

// free is the lowest index without a connection; false: all are taken.
func (r *remote) free() (int, bool) {
	for index := range r.size {
		if r.pool[index] == nil {
			return index, true
		}
	}
	return 0, false
}

// checkPool judges what the first INFO says of pool and account, in the order of servers. Here alone they say what they
// do not like.
func (n *Node) checkPool(c *conn, body *wire.InfoBody) cause {
	if !n.cfg.Dialect.Pools {
		c.noPool = true
		return fine
	}
	if c.acceptor && body.RouteAccount != "" {
		c.account = []byte(body.RouteAccount)
	}
	account := string(c.account)
	size := max(n.cfg.PoolSize, body.RoutePoolSize)
	switch {
	case account != "" && n.exists != nil && !n.exists[account]:
		return n.because(accountMissing, account)
	case !n.pooled() || body.RoutePoolSize <= 0:
		if account != "" {
			n.endLinks(c) // it would be the same the next time
			return n.because(accountRoute, account)
		}
		c.noPool = true
	case n.traits.equalPools && body.RoutePoolSize != n.cfg.PoolSize:
		return n.because(poolMismatch, n.cfg.PoolSize, body.RoutePoolSize)
	case !c.acceptor && body.RoutePoolIndex != 0:
		return n.because(indexFromAcceptor, body.RoutePoolIndex)
	case c.acceptor && (body.RoutePoolIndex < 0 || body.RoutePoolIndex >= size):
		return n.because(poolIndexRange, body.RoutePoolIndex, body.RoutePoolSize)
	case account != "" && n.pinned[account] == nil:
		return n.because(accountNotPinned, account)
	}
	return fine
}

// takePlace finds c its place among the connections to its server: the one that the peer names, or the first free one where we
// have dialled. A place is taken once; the connection that comes too late goes without a word.
func (n *Node) takePlace(c *conn, body *wire.InfoBody) cause {
	if c.account != nil {
		if old := n.pinned[string(c.account)][body.ServerID]; old != nil {
			n.keepOld(old, c)
			return knownServer
		}
		n.pinned[string(c.account)][body.ServerID] = c
		return fine
	}
	r := n.routes[body.ServerID]
	if r == nil {
		r = &remote{pool: make(map[int]*conn), size: 1}
	}
	if !c.noPool {
		r.size = max(r.size, n.cfg.PoolSize, body.RoutePoolSize)
		c.index = body.RoutePoolIndex
	}
	if !c.acceptor && !c.noPool {
		index, ok := r.free()
		if !ok {
			n.handOver(c, r)
			return poolFull
		}
		c.index = index
	}
	if old := r.pool[c.index]; old != nil {
		n.keepOld(old, c)
		return knownServer
	}
	r.add(c)
	n.routes[body.ServerID] = r
	return fine
}

// leavePlace is the end of takePlace.
func (n *Node) leavePlace(c *conn) {
	if c.account != nil {
		delete(n.pinned[string(c.account)], c.peer.ServerID)
		return
	}
	c.remote.remove(c)
	if len(c.remote.pool) == 0 {
		delete(n.routes, c.peer.ServerID)
	}
}

// pin makes c the connection of one account: no operation names it any more.
func (n *Node) pin(c *conn) {
	if c.account != nil && !c.mode.Pinned {
		c.mode.Pinned = true
		n.out.actions = append(n.out.actions, Action{Kind: SetMode, Conn: c.id, Mode: c.mode})
	}
}

// growPool sees to the next connection of a pool that we have begun to open: from 2.11.17 and 2.12 on when the peer has answered a
// PING, and so has let this one in; before, at once.
func (n *Node) growPool(c *conn) {
	if c.acceptor || c.noPool || c.account != nil {
		return
	}
	if _, more := c.remote.free(); !more {
		return
	}
	if !n.traits.pacedPool {
		n.openNext(c)
		return
	}
	c.opensNext = true
	n.ping(c)
}

// openNext dials once more where c was dialled, unless what is under way fills the pool already.
func (n *Node) openNext(c *conn) {
	c.opensNext = false
	l := n.linkOf(c)
	if l == nil {
		return
	}
	open := len(c.remote.pool)
	for _, other := range n.links {
		if other.dial == l.dial && (other.phase != linkUp || other.conn.state != registered) {
			open++
		}
	}
	if open < min(c.remote.size, maxPool) {
		next := &link{dial: l.dial}
		n.links = append(n.links, next)
		n.dial(next)
	}
}

// handOver lets a connection of a full pool serve the link of c, which we have dialled in vain, unless one does already:
// when the server is lost it will be dialled once, and the pool grows from there.
func (n *Node) handOver(c *conn, r *remote) {
	l := n.linkOf(c)
	if l == nil {
		return
	}
	for _, other := range n.links {
		if other != l && other.phase == linkUp && other.dial == l.dial && other.conn.remote == r {
			n.removeLink(l)
			return
		}
	}
	l.conn = r.first
}

// linkOf is the link that c serves; nil: none.
func (n *Node) linkOf(c *conn) *link {
	i := slices.IndexFunc(n.links, func(l *link) bool { return l.phase == linkUp && l.conn == c })
	if i < 0 {
		return nil
	}
	return n.links[i]
}
