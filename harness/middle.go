package harness

import "net"

// Middle stands between us and a target, and may change what passes: package fault has one. Its methods return the
// connection that we use in place of the one given, which theirs now is to close.
type Middle interface {
	// Wire gets a connection below TLS. dialled tells whether we have opened it, or the target.
	Wire(conn net.Conn, dialled bool) net.Conn
	// Inside gets what is inside of TLS, or the same connection where there is none.
	Inside(conn net.Conn, dialled bool) net.Conn
	// OfClient gets a connection to the client port.
	OfClient(conn net.Conn) net.Conn
}

// Interpose puts m in the way of every connection from now on. It is called before the target is used.
func (t *Target) Interpose(m Middle) { t.middle = m }

// wired is a TCP connection as it passes through the middle.
func (t *Target) wired(conn net.Conn, dialled bool) net.Conn {
	if t.middle == nil {
		return conn
	}
	return t.middle.Wire(conn, dialled)
}

// within is a connection, TLS done, as it passes through the middle.
func (t *Target) within(conn net.Conn, dialled bool) net.Conn {
	if t.middle == nil {
		return conn
	}
	return t.middle.Inside(conn, dialled)
}

// ofClient is a connection to the client port as it passes through the middle.
func (t *Target) ofClient(conn net.Conn) net.Conn {
	if t.middle == nil {
		return conn
	}
	return t.middle.OfClient(conn)
}
