package route

import (
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// noTime is a timer that does not run.
var noTime time.Time

// startTimers starts what watches over a new connection: the limit for CONNECT where credentials are wanted, the limit for
// the first INFO, and the PINGs unless they have to wait (for CONNECT: a PONG would break the gate; for INFO, 2.10 and later).
func (n *Node) startTimers(c *conn) {
	if c.state == greeted && n.cfg.wantsCredentials() {
		c.connectDue = n.now.Add(n.cfg.AuthTimeout)
	}
	// As 2.10 and later do; here in all dialects, so that no half-open connection lives for ever.
	c.infoDue = n.now.Add(n.cfg.PingInterval * time.Duration(n.cfg.PingMax+1))
	if c.state != greeted && !n.negotiates() {
		n.startPings(c)
	}
	n.arm()
}

// startPings lets the first PING come soon, so that a dead peer shows early (seen 2.1.2 to 2.15.2: after 1 s).
func (n *Node) startPings(c *conn) {
	c.pingDue = n.now.Add(min(firstPing, n.cfg.PingInterval))
}

// pingPeer sends the PING that is due, or finds the peer stale. Only PONG counts as life: neither other operations nor
// the peer's own PINGs do (seen 2.1.2 to 2.15.2).
func (n *Node) pingPeer(c *conn) cause {
	if c.pingsOut >= n.cfg.PingMax {
		return stale
	}
	n.ping(c)
	c.pingDue = n.now.Add(n.cfg.PingInterval)
	return fine
}

// ping sends PING.
func (n *Node) ping(c *conn) {
	c.pingsOut++
	c.pingAt = n.now
	n.out.send(c, n.out.op(wire.Ping))
}

// takePong notes that the peer lives, and how far away. Where it was to let us in before the pool grows, it has.
func (n *Node) takePong(c *conn) {
	if c.pingsOut > 0 {
		n.adaptLevel(c, n.now.Sub(c.pingAt))
	}
	c.pingsOut = 0
	if c.opensNext {
		n.openNext(c)
	}
}

// timers does everything that is due by now.
func (n *Node) timers() {
	n.ready = append(n.ready[:0], n.order...)
	for _, c := range n.ready {
		n.dueInput(c, c.connectDue, inConnectDue)
		n.dueInput(c, c.infoDue, inInfoDue)
		n.dueInput(c, c.pingDue, inPingDue)
	}
	clear(n.ready)
	n.endMoving()
	n.dialDue()
	n.arm()
}

// dueInput gives c the input of a timer that has run out.
func (n *Node) dueInput(c *conn, due time.Time, in input) {
	if c.state != closed && isDue(due, n.now) {
		n.input(c, in, nil)
	}
}

// isDue tells whether a running timer has run out by now.
func isDue(due, now time.Time) bool { return !due.IsZero() && !now.Before(due) }

// arm finds the next time the node has to act. Called whenever a timer has changed, which no message does.
func (n *Node) arm() {
	n.wake = noTime
	for _, c := range n.order {
		n.wake = earlier(n.wake, c.connectDue)
		n.wake = earlier(n.wake, c.infoDue)
		n.wake = earlier(n.wake, c.pingDue)
	}
	if n.moving != nil {
		n.wake = earlier(n.wake, n.moving.due)
	}
	for _, l := range n.links {
		if l.phase == linkWaiting {
			n.wake = earlier(n.wake, l.due)
		}
	}
}

// earlier returns the earlier of two timers, of which either may not run.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
