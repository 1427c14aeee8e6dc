package fault

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
)

// Fault is one way to misbehave. The functions see one frame and return what passes in its place.
type Fault struct {
	Name   string // for ever
	Title  string // what a server with this fault does
	Breaks string // the requirement that must fail
	Twin   string // why another fault may break the same rows in the same words; empty: none may

	// Dialect is the server generation that can have the fault, where it is not the latest: the reference has to play it.
	Dialect string
	// Since is the first generation whose servers can show the fault, where the requirement is kept by older ones too: the fault shows by
	// operations or members that those do not have. Empty: all can.
	Since string

	// FromPeer and FromServer rewrite a frame on its way to the server, or from it. nil: it passes as it is.
	FromPeer   func(*Link, Frame) []Frame
	FromServer func(*Link, Frame) []Frame
	// PeerBytes and ServerBytes rewrite what one read has brought, before it is cut into frames. The slice is theirs.
	PeerBytes   func(*Link, []byte) []byte
	ServerBytes func(*Link, []byte) []byte
	// Mend says what passes in place of bytes from our side that are no operation, and how many of them that takes the place
	// of; what follows is read anew. 0: everything passes as it is from there on. Less: it waits for more bytes. The bytes
	// are not its own.
	Mend func(*Link, Broken) (instead []byte, n int)
	// Opened is called when a connection was opened, TLS done, before anything passes.
	Opened func(*Link)
	// Ended is called when one side has ended its direction, with the bytes of an operation that it cut short: what passes of
	// them, and whether the other side is kept from noticing.
	Ended func(l *Link, peer bool, held []byte) (instead []byte, stays bool)
	// Chunk sees each chunk of our side's S2 stream, and tells whether it passes.
	Chunk func(*Link, Chunk) bool
	// FromClient sees each line that our clients send, with its payload, before the server does. ToClient says what passes in
	// place of a line to them; nil: what came. The bytes are not theirs.
	FromClient func(b *Box, line, payload []byte)
	ToClient   func(b *Box, line []byte) []byte
	// Wire replaces a connection below TLS; dialled tells whether our side opened it.
	Wire func(conn net.Conn, dialled bool) net.Conn
	// TLS makes the box end TLS on both sides, where it has the authority: it changes what our side meets in the place of
	// the server, which trusts the authority, and tells whether there is anything to change on this connection.
	TLS func(cfg *tls.Config, trusted *x509.CertPool, dialled bool) bool
}

// Catalog lists every fault, in the order of the chapters.
func Catalog() []Fault {
	return slices.Concat(
		handshakeFaults, controlLineFaults, argumentsFaults, bodiesFaults, interestFaults, queueFaults, messageFaults, headersFaults,
		hopFaults, keepaliveFaults, errorsFaults, identityFaults, orderFaults, disconnectFaults, wellformedFaults, accountsFaults,
		gossipFaults, diallingFaults, authFaults, tlsFaults, poolingFaults, pinnedFaults, compressionFaults, leafFaults, importsFaults,
		permissionsFaults, lameduckFaults, slowFaults, reloadFaults, hostileFaults,
		thirdPartyFaults,
	)
}

// None is the name of no fault: a box with it cuts what passes into frames, and changes nothing.
const None = "none"

// ByName finds a fault, or None.
func ByName(name string) (Fault, bool) {
	if name == None {
		return Fault{Name: None}, true
	}
	for _, f := range Catalog() {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}
