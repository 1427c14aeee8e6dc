package server

import (
	"slices"
	"time"
)

// turn is how many bytes of compressed input are read at one time, once decompressed and up to the end of a block: a chunk can hold
// thousands of times its size, and the others have to wait for it.
const turn = maxChunk

// unread is what a link has received and its owner has not read.
type unread struct {
	chunks [][]byte // oldest first, as the link's reader made them
	rest   []byte   // of the first
	end    error    // how the link has ended behind them
}

// receive hands a chunk to l's owner, behind those that wait.
func (s *Server) receive(now time.Time, l *link, chunk []byte) {
	l.unread.chunks = append(l.unread.chunks, chunk)
	if len(l.unread.chunks) == 1 {
		l.unread.rest = chunk
		s.readOn(now, l)
	}
}

// ended tells l's owner that the link has ended, once it has read what came before.
func (s *Server) ended(now time.Time, l *link, err error) {
	switch {
	case len(l.unread.chunks) > 0:
		l.unread.end = err
	case !l.closed:
		l.owner.lost(now, err)
	}
}

// readOn lets l's owner read. What it leaves unread has to wait until the others have had their turn.
func (s *Server) readOn(now time.Time, l *link) {
	u := &l.unread
	in := u.rest
	u.rest = nil
	if !l.closed {
		l.owner.received(now, in)
	}
	if len(u.rest) == 0 {
		l.release(u.chunks[0])
		if u.chunks = slices.Delete(u.chunks, 0, 1); len(u.chunks) > 0 {
			u.rest = u.chunks[0]
		}
	}
	switch {
	case len(u.chunks) > 0:
		s.waiting = append(s.waiting, l)
	case u.end != nil && !l.closed:
		l.owner.lost(now, u.end)
	}
}

// nextTurn lets the link read on that has waited longest.
func (s *Server) nextTurn(now time.Time) {
	l := s.waiting[0]
	s.waiting = slices.Delete(s.waiting, 0, 1)
	s.readOn(now, l)
}

// turns is ready while a link waits for its turn.
func (s *Server) turns() <-chan struct{} {
	if len(s.waiting) == 0 {
		return nil
	}
	return always
}

var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
