package route

import (
	"maps"
	"slices"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// answerLimit is how long a reload waits for peers to make room for an account's own connection (src: 2.10.7 to 2.15.2).
const answerLimit = 2 * time.Second

// moving are accounts that a reload gives connections of their own: their interest leaves the pool on both sides, and when
// every peer has said that it knows, or time is up, we dial.
type moving struct {
	accounts []string
	request  string // route_acc_add_reqid
	answers  int    // that are to come: one for each account from each peer
	due      time.Time
}

// Validate says what New would say of cfg.
func (cfg Config) Validate() error { return cfg.validate() }

// reload takes on what may change while the server runs.
func (n *Node) reload(ev *Reload) {
	if n.stopped {
		return
	}
	n.reloadCredentials(ev.User, ev.Password)
	n.reloadAccounts(ev.Accounts)
	n.reloadPermissions(ev.Permissions.clone())
	n.reloadRoutes(ev.Routes)
	n.reloadPinned(ev.PinnedAccounts)
	n.reloadCompression(ev.Compression)
	n.arm()
}

// reloadCredentials takes on what peers have to say in CONNECT. Those that have dialled us and said something else must go; of those
// that we have dialled nobody knows what they would say (seen 2.1.2 to 2.15.2).
func (n *Node) reloadCredentials(user, password string) {
	if n.cfg.User == user && n.cfg.Password == password {
		return
	}
	n.cfg.User, n.cfg.Password = user, password
	for _, l := range n.links {
		if !l.dial.Explicit && l.dial.User != "" && l.phase != linkDialling {
			l.dial.User, l.dial.Password = user, password
		}
	}
	for _, c := range slices.Clone(n.order) {
		if c.acceptor && c.state != greeted && c.state != closed && !n.areCredentials(&c.said) {
			n.close(c, badCredentials)
		}
	}
}

// reloadRoutes takes on the explicit routes: those that are gone are closed and not dialled again, new ones are dialled
// (seen 2.1.2 to 2.15.2).
func (n *Node) reloadRoutes(routes []Dial) {
	gone := func(d Dial) bool { return d.Explicit && !isAmong(routes, d) }
	for _, l := range slices.Clone(n.links) {
		if !gone(l.dial) {
			continue
		}
		n.removeLink(l)
		if l.phase == linkUp && l.conn.state != closed {
			n.close(l.conn, routeGone)
		}
	}
	before := n.cfg.Routes
	n.cfg.Routes = slices.Clone(routes)
	for _, d := range routes {
		if !isAmong(before, d) {
			n.openExplicit(d)
		}
	}
}

// isAmong tells whether d leads where one of the configured routes does.
func isAmong(routes []Dial, d Dial) bool {
	return slices.ContainsFunc(routes, func(r Dial) bool {
		return r.Address == d.Address && r.User == d.User && r.Password == d.Password
	})
}

// openExplicit dials a configured route, for the pool and for each account with connections of its own.
func (n *Node) openExplicit(d Dial) {
	d.Explicit = true
	for _, d.Account = range append([]string{""}, n.cfg.PinnedAccounts...) {
		l := &link{dial: d}
		n.links = append(n.links, l)
		n.dial(l)
	}
}

// reloadAccounts takes on the accounts that there are. Of one that is gone nothing is wanted any more; one that is new has what is said of it from
// now on (seen 2.1.2 to 2.15.2).
func (n *Node) reloadAccounts(names []string) {
	n.setAccounts(names)
	if n.exists == nil {
		return
	}
	for _, c := range n.order {
		n.dropIf(c, func(s *remoteSub) bool { return !n.exists[s.account.name] })
	}
	var gone []SubID
	for id, s := range n.subs {
		if !n.exists[s.account.name] {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	n.unsubscribe(gone...)
}

// reloadPermissions tells every peer what we import and export from now on, and brings interest up to date: what we announce, and what
// we hold of the peer's. What the peer wants and we accept only now it says again, when it reads our INFO (bytes seen
// 2.1.2 to 2.15.2; those send the queue interest of which they speak here without its weight, which breaks the route).
func (n *Node) reloadPermissions(now Permissions) {
	if now.equal(n.permissions) {
		return
	}
	before := n.permissions
	n.permissions = now
	for _, a := range n.accounts {
		clear(a.cache) // what may be exported has a part in it
	}
	n.everyRoute(func(c *conn) {
		n.out.send(c, n.infoUpdate())
		n.announceAll(c, func(subject []byte) bool { return !n.passes(before.Import, subject) })
		n.takeBack(c, func(subject []byte) bool { return n.passes(before.Import, subject) && !n.imports(subject) })
		n.dropIf(c, func(s *remoteSub) bool { return !n.exports([]byte(s.entry.pattern)) })
	})
}

// takeBack ends what c's peer knows of our interest in the subjects that are to end.
func (n *Node) takeBack(c *conn, ends func(subject []byte) bool) {
	n.eachInterest(c, func(i interest, subject []byte) {
		if !ends(subject) {
			return
		}
		weights := i.weights(c)
		for _, from := range slices.Sorted(maps.Keys(weights)) {
			n.out.send(c, n.leafInterestOp(c, i, from, 0))
		}
	})
}

// everyRoute calls do for each registered connection, those of one pool too, oldest first.
func (n *Node) everyRoute(do func(*conn)) {
	for _, c := range slices.Clone(n.order) {
		if c.state == registered {
			do(c)
		}
	}
}

// reloadPinned gives accounts connections of their own and takes them from others (2.10 and later).
func (n *Node) reloadPinned(accounts []string) {
	if !n.pooled() {
		return
	}
	wanted := Config{Dialect: n.cfg.Dialect, PoolSize: n.cfg.PoolSize, PinnedAccounts: accounts}.withPool().PinnedAccounts
	before := n.cfg.PinnedAccounts
	n.cfg.PinnedAccounts = wanted
	n.unpin(without(before, wanted))
	n.startMoving(without(wanted, before))
}

// without lists what is in list and not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// unpin ends the connections of accounts. Their interest goes over the pool again.
func (n *Node) unpin(accounts []string) {
	for _, account := range accounts {
		n.links = slices.DeleteFunc(n.links, func(l *link) bool { return l.dial.Account == account })
		n.everyRoute(func(c *conn) {
			if c.account != nil && string(c.account) == account {
				n.close(c, accountUnpinned)
			}
		})
		delete(n.pinned, account)
	}
	n.everyRoute(func(c *conn) {
		if c.noPool {
			return // it has carried everything
		}
		n.eachInterest(c, func(i interest, subject []byte) {
			if slices.Contains(accounts, i.account.name) && n.imports(subject) {
				n.announceTo(c, i)
			}
		})
	})
}

// startMoving asks each peer that has a pool to give up what it holds of the accounts' interest, and gives up ours, on the connection where it
// is: their own connections will bring it again. A connection that is down now has none.
func (n *Node) startMoving(accounts []string) {
	if len(accounts) == 0 {
		return
	}
	m := &moving{accounts: accounts, request: n.token() + n.token() + n.token(), due: n.now.Add(answerLimit)}
	for _, account := range accounts {
		n.everyRoute(func(c *conn) {
			if c.account != nil || c.noPool || !n.carries(c, account) {
				return
			}
			n.dropAccount(c, account)
			op := n.out.op(wire.Info)
			op.InfoBody = &wire.InfoBody{RoutePoolSize: n.cfg.PoolSize, RouteAccount: account, RouteAccReqID: m.request}
			n.out.send(c, op)
			m.answers++
		})
	}
	for _, account := range accounts {
		n.ownConnections(account)
	}
	n.moving = m
	n.endMoving()
}

// dropAccount ends what c's peer wants of an account.
func (n *Node) dropAccount(c *conn, account string) {
	n.dropIf(c, func(s *remoteSub) bool { return s.account.name == account })
}

// ownConnections makes an account one that has connections of its own.
func (n *Node) ownConnections(account string) {
	if n.pinned[account] == nil {
		n.pinned[account] = make(map[string]*conn)
	}
}

// endMoving dials the connections of accounts that have moved, once nobody is waited for.
func (n *Node) endMoving() {
	m := n.moving
	if m == nil || m.answers > 0 && n.now.Before(m.due) {
		return
	}
	n.moving = nil
	for _, d := range n.cfg.Routes {
		d.Explicit = true
		for _, d.Account = range m.accounts {
			l := &link{dial: d}
			n.links = append(n.links, l)
			n.dial(l)
		}
	}
}

// reloadCompression takes on the mode of compression. Where S2 begins or ends, or is for the peer to wish, it has to be agreed on anew: those
// routes are closed. Elsewhere the level changes in the midst of the stream (src: 2.10.7 to 2.15.2).
func (n *Node) reloadCompression(mode string) {
	mode = Config{Dialect: n.cfg.Dialect, Compression: mode}.withCompression().Compression
	if mode == n.cfg.Compression {
		return
	}
	n.cfg.Compression = mode
	n.everyRoute(func(c *conn) {
		switch {
		case c.compression == notCompressing, c.compression == mode:
		case c.compression == compressionOff, !isS2(mode):
			n.close(c, compressionChanged)
		case mode == s2Auto: // the next PONG decides
		default:
			c.compression = mode
			n.setLevel(c)
		}
	})
}

// moveAccount reads an INFO about an account that gets connections of its own: a peer's wish, which we answer, or the
// answer to ours.
func (n *Node) moveAccount(c *conn, body *wire.InfoBody) {
	if body.RouteAccount == "" {
		if n.moving != nil && n.moving.request == body.RouteAccReqID {
			n.moving.answers--
			n.endMoving()
			n.arm()
		}
		return
	}
	if !n.pooled() || n.exists != nil && !n.exists[body.RouteAccount] {
		return // without an answer
	}
	index := poolIndex(body.RouteAccount, body.RoutePoolSize)
	n.everyRoute(func(other *conn) {
		if other.account == nil && !other.noPool && other.index == index {
			n.dropAccount(other, body.RouteAccount)
		}
	})
	n.ownConnections(body.RouteAccount)
	answer := *body
	answer.RouteAccount = ""
	op := n.out.op(wire.Info)
	op.InfoBody = &answer
	n.out.send(c, op)
}
