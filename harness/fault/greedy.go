package fault

import (
	"net"
	"sync"
)

// greedyMost is what a greedy connection holds at most, in bytes: more than any spec has a server send to a peer that reads nothing.
const greedyMost = 64 << 20

// greedy is a connection that takes all that the server sends at once, whether our side reads it or not.
type greedy struct {
	net.Conn
	mu      sync.Mutex
	changed *sync.Cond
	held    []byte
	err     error
}

func newGreedy(conn net.Conn) *greedy {
	g := &greedy{Conn: conn}
	g.changed = sync.NewCond(&g.mu)
	go g.take()
	return g
}

// take reads until the connection ends or too much is held.
func (g *greedy) take() {
	buf := make([]byte, 64<<10)
	for {
		n, err := g.Conn.Read(buf)
		g.mu.Lock()
		g.held = append(g.held, buf[:n]...)
		g.err = err
		full := len(g.held) > greedyMost
		g.changed.Broadcast()
		g.mu.Unlock()
		if err != nil || full {
			return
		}
	}
}

// Read is that of net.Conn, without its deadlines.
func (g *greedy) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.held) == 0 && g.err == nil {
		g.changed.Wait()
	}
	if len(g.held) == 0 {
		return 0, g.err
	}
	n := copy(p, g.held)
	g.held = g.held[n:]
	return n, nil
}
