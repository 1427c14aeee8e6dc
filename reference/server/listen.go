package server

import (
	"errors"
	"net"
	"time"
)

const (
	minAcceptPause = 10 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept hands each connection of l to take, in the loop, until the server closes. What goes wrong with one connection, or with
// the lack of file descriptors, pauses it and never ends it.
func (s *Server) accept(l net.Listener, take func(now time.Time, conn net.Conn)) {
	pause := minAcceptPause
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.errorf(nil, "Accept error: %v", err)
			if !s.pause(pause) {
				return
			}
			pause = min(2*pause, maxAcceptPause)
			continue
		}
		pause = minAcceptPause
		if !s.post(input{call: func(now time.Time) { take(now, conn) }}) {
			conn.Close()
		}
	}
}

// pause waits; false: the server stopped meanwhile.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
