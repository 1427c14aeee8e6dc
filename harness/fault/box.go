package fault

import (
	"net"
	"sync"

	"github.com/natsroute/natsroute/harness"
)

// Box stands between us and one server, with one fault.
type Box struct {
	Authority *harness.Authority // of the server's TLS; nil: it is not ours, and no fault can end TLS

	fault Fault
	step  sync.Mutex // held while a function of the fault runs

	mu    sync.Mutex
	links map[*Link]bool
	kept  any
}

// NewBox makes a box. The zero Fault changes nothing.
func NewBox(f Fault) *Box { return &Box{fault: f, links: make(map[*Link]bool)} }

// Wire lets a connection pass below TLS.
func (b *Box) Wire(conn net.Conn, dialled bool) net.Conn {
	switch {
	case b.fault.TLS != nil && b.Authority != nil:
		return b.endTLS(conn, dialled)
	case b.fault.Wire != nil:
		return b.fault.Wire(conn, dialled)
	}
	return conn
}

// Inside puts the fault in the way of what is inside of a connection.
func (b *Box) Inside(conn net.Conn, dialled bool) net.Conn {
	near, ours, err := pair()
	if err != nil {
		return conn // no sockets are left: the run fails of that, not of us
	}
	l := newLink(b, ours, conn, dialled)
	b.mu.Lock()
	b.links[l] = true
	b.mu.Unlock()
	go l.run()
	return near
}

func (b *Box) forget(l *Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.links, l)
}

// Keep changes what the fault remembers over all connections; it begins as nil.
func (b *Box) Keep(change func(kept any) any) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = change(b.kept)
	return b.kept
}

// pairs is where all connections to ourselves come in: a listener for each would cost more than what goes through it.
var pairs struct {
	sync.Mutex
	net.Listener
}

// pair is a connection to ourselves: unlike net.Pipe it can be closed one side at a time, and reset.
func pair() (near, far net.Conn, err error) {
	pairs.Lock()
	defer pairs.Unlock()
	if pairs.Listener == nil {
		if pairs.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, nil, err
		}
	}
	if near, err = net.Dial("tcp", pairs.Addr().String()); err != nil {
		return nil, nil, err
	}
	for far, err = pairs.Accept(); err == nil && far.RemoteAddr().String() != near.LocalAddr().String(); far, err = pairs.Accept() {
		_ = far.Close() // somebody who has looked for another server
	}
	if err != nil {
		_ = near.Close()
	}
	return near, far, err
}
