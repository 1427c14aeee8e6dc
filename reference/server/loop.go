package server

import (
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// input is one thing that happened outside the loop. Exactly one of chunk, err and call is set.
type input struct {
	link  *link
	chunk []byte              // bytes that link has read
	err   error               // how link ended
	call  func(now time.Time) // anything else
}

// post hands in over to the loop; false: the loop has ended. Called by every goroutine but the loop.
func (s *Server) post(in input) bool {
	select {
	case s.inputs <- in:
		return true
	case <-s.stopped:
		return false
	}
}

// loop owns the node. It reads inputs one by one, steps the node, and keeps one timer for what is due.
func (s *Server) loop() {
	defer close(s.stopped)
	defer s.closeListeners()
	timer := time.NewTimer(0) // the first step asks for the explicit routes
	defer timer.Stop()
	for {
		var now time.Time
		select {
		case <-s.ctx.Done():
			s.leave(time.Now())
			return
		case in := <-s.inputs:
			now = time.Now()
			s.handle(now, in)
		case <-s.turns():
			now = time.Now()
			s.nextTurn(now)
		case <-timer.C:
			now = time.Now()
			s.tick(now)
		}
		s.flush(now)
		timer.Reset(s.nextDeadline().until(now))
	}
}

func (s *Server) handle(now time.Time, in input) {
	switch {
	case in.call != nil:
		in.call(now)
	case in.chunk != nil:
		s.receive(now, in.link, in.chunk)
	default:
		s.ended(now, in.link, in.err)
	}
}

// tick does what is due.
func (s *Server) tick(now time.Time) {
	if at, ok := s.node.Deadline(); !ok || !now.Before(at) {
		s.step(now, route.Tick{})
	}
	s.sweepClients(now)
	s.closeNextClient(now)
}

// flush hands everything produced over to the writers: one write for each connection. That may show slow consumers, whose end
// produces more.
func (s *Server) flush(now time.Time) {
	for len(s.dirty) > 0 {
		for i, l := range s.dirty {
			s.dirty[i], l.dirty = nil, false
			l.flush()
		}
		s.dirty = s.dirty[:0]
		s.settleDeferred(now)
	}
}

// leave ends every connection.
func (s *Server) leave(now time.Time) {
	s.step(now, route.Shutdown{})
	for l := range s.links {
		l.close()
	}
}

// step tells the node what happened and does what it answers, and then what that has caused. It tells to how many
// subscriptions and routes a message has gone.
func (s *Server) step(now time.Time, ev route.Event) int {
	sent := s.perform(s.node.Step(now, ev))
	s.settleDeferred(now)
	return sent
}

// settleDeferred steps what could not be stepped while the actions of another step were being done.
func (s *Server) settleDeferred(now time.Time) {
	for i := 0; i < len(s.deferred); i++ {
		s.perform(s.node.Step(now, s.deferred[i]))
	}
	s.deferred = s.deferred[:0]
}

// perform does what the node says and tells how often that was to pass a message on.
func (s *Server) perform(actions []route.Action) (sent int) {
	for i := range actions {
		a := &actions[i]
		switch a.Kind {
		case route.Deliver:
			if sub := s.subs[a.Sub]; sub != nil {
				s.deliver(sub, a.Op)
				sent++
			}
		case route.Send:
			if c := s.routes[a.Conn]; c != nil {
				c.send(a.Op)
				if a.Op.Kind.IsMessage() {
					sent++ // a PING that was due in the same step reaches nobody
				}
			}
		case route.SendLeaf:
			if c := s.leafs[a.Leaf]; c != nil {
				c.send(a.Op)
				if a.Op.Kind.IsMessage() {
					sent++
				}
			}
		case route.Close:
			if c := s.routes[a.Conn]; c != nil {
				c.close(a.Reason)
			}
		case route.SetMode:
			if c := s.routes[a.Conn]; c != nil {
				c.parser.SetMode(a.Mode)
			}
		case route.StartS2:
			if c := s.routes[a.Conn]; c != nil {
				c.startS2(a.Level)
			}
		case route.StartDial:
			s.startDial(a.Dial)
		case route.ClientInfo:
			s.setClientURLs(a.URLs)
		}
	}
	return sent
}

// slowConsumer drops a connection for which more waits than may.
func (s *Server) slowConsumer(l *link, waiting int) {
	s.errorf(l, "Slow Consumer Detected: %d bytes pending", waiting)
	l.abort()
	l.owner.dropped()
}

// deadline is a point in time, or never when it is zero.
type deadline struct{ at time.Time }

// earlier returns the earlier of d and at.
func (d deadline) earlier(at time.Time) deadline {
	if d.at.IsZero() || at.Before(d.at) {
		return deadline{at}
	}
	return d
}

// until returns the time left at now; for never, a time long enough.
func (d deadline) until(now time.Time) time.Duration {
	if d.at.IsZero() {
		return time.Hour
	}
	return max(d.at.Sub(now), 0)
}

func (s *Server) nextDeadline() deadline {
	next := s.sweepAt
	if s.lameDuck != nil {
		next = next.earlier(s.lameDuck.due)
	}
	if at, ok := s.node.Deadline(); ok {
		next = next.earlier(at)
	}
	return next
}
