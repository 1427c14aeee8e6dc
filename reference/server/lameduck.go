package server

import (
	"context"
	"errors"
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// lameDuckPause is the longest pause between two clients that lame duck mode closes (2.1.2 to 2.15.2).
const lameDuckPause = time.Second

// lameDuck is the end of a server in its course. The loop owns it.
type lameDuck struct {
	telling bool          // the INFO that clients get now says ldm
	waiting []closer      // who is still to be closed
	pause   time.Duration // between two
	due     time.Time     // when the next one is; after the last it has passed, and so the end is due
}

// closer is a client or a leaf.
type closer interface {
	close(now time.Time, reason string)
}

// LameDuck ends the server as servers do on SIGUSR2: it takes no new clients, tells peers and clients (INFO with ldm; srv-2.1
// does not), closes the clients and leafs after Config.LameDuckGrace one by one over Config.LameDuckDuration, so that
// their interest ends, and then itself. Without clients it ends at once and says nothing (src: 2.1.2 to 2.15.2). It returns when the server has
// ended; when ctx ends earlier, so does the server. Calling it again only waits.
func (s *Server) LameDuck(ctx context.Context) error {
	s.life.Lock()
	started := s.started
	s.life.Unlock()
	if !started {
		return errors.New("server: LameDuck before Start")
	}
	s.post(input{call: s.goLame})
	select {
	case <-s.stopped:
	case <-ctx.Done():
	}
	s.Close()
	return ctx.Err()
}

// goLame begins lame duck mode.
func (s *Server) goLame(now time.Time) {
	if s.lameDuck != nil {
		return
	}
	s.debugf(nil, "Entering lame duck mode, stop accepting new clients")
	s.clientListener.Close()
	if s.leafListener != nil {
		s.leafListener.Close()
	}
	s.lameDuck = &lameDuck{due: now}
	for _, c := range s.clients {
		s.lameDuck.waiting = append(s.lameDuck.waiting, c)
	}
	for _, c := range s.leafs {
		s.lameDuck.waiting = append(s.lameDuck.waiting, c)
	}
	if len(s.lameDuck.waiting) == 0 {
		return
	}
	s.lameDuck.pause = min(s.cfg.LameDuckDuration/time.Duration(len(s.lameDuck.waiting)), lameDuckPause)
	s.lameDuck.due = now.Add(s.cfg.LameDuckGrace)
	s.lameDuck.telling = true
	s.step(now, route.LameDuck{})
	s.lameDuck.telling = false
}

// closeNextClient closes the clients that are due, and ends the server after the last.
func (s *Server) closeNextClient(now time.Time) {
	l := s.lameDuck
	for l != nil && !now.Before(l.due) {
		if len(l.waiting) == 0 {
			s.cancel()
			return
		}
		l.waiting[0].close(now, "Server Shutdown")
		l.waiting = l.waiting[1:]
		if len(l.waiting) > 0 {
			l.due = l.due.Add(l.pause)
		}
	}
}
