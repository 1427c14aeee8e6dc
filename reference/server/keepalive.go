package server

import "time"

// firstClientPing is when a new client is pinged first, where the interval is not smaller (2.1.2 to 2.15.2: 2 s).
const firstClientPing = 2 * time.Second

// keepAlive is what a client's keep-alive needs to know. Routes have theirs in the node.
type keepAlive struct {
	due        time.Time // of the next PING, or of the end of the time to send CONNECT
	unanswered int       // PINGs
}

// startKeepAlive sets the first time at which something is due.
func (c *client) startKeepAlive(now time.Time) {
	wait := min(c.server.cfg.PingInterval, firstClientPing)
	if !c.admitted {
		wait = c.server.cfg.AuthTimeout
	}
	c.setDue(now.Add(wait))
}

func (c *client) setDue(at time.Time) {
	c.keepAlive.due = at
	c.server.sweepAt = c.server.sweepAt.earlier(at)
}

// sweepClients does what is due for the clients, and finds out when it has to look again.
func (s *Server) sweepClients(now time.Time) {
	if s.sweepAt.at.IsZero() || now.Before(s.sweepAt.at) {
		return
	}
	s.sweepAt = deadline{}
	for _, c := range s.clients {
		if now.Before(c.keepAlive.due) {
			s.sweepAt = s.sweepAt.earlier(c.keepAlive.due)
			continue
		}
		c.keepAliveDue(now)
	}
}

// keepAliveDue ends a client that has not said who it is, or that has left too many PINGs unanswered; else it pings.
func (c *client) keepAliveDue(now time.Time) {
	cfg := &c.server.cfg
	switch {
	case !c.admitted:
		c.sendErr(errAuthTimeout)
		c.close(now, "Authentication Timeout")
	case c.keepAlive.unanswered >= cfg.PingMax:
		c.sendErr(errStale)
		c.close(now, "Stale Connection")
	default:
		if c.connected {
			c.keepAlive.unanswered++
			c.sendLine("PING")
		}
		c.setDue(now.Add(cfg.PingInterval))
	}
}
