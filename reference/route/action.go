package route

import "github.com/natsroute/natsroute/reference/wire"

// ActionKind says what the caller has to do.
type ActionKind uint8

const (
	_ ActionKind = iota
	// Send: write Op to Conn, after everything sent to it before.
	Send
	// Deliver: hand the message Op to the local subscription Sub, exactly once. Op is an RMSG, HMSG or LMSG; the first
	// Op.HeaderSize bytes of its payload are the header block.
	Deliver
	// Close: write what is pending on Conn, then close it, for Reason. The node has forgotten Conn already: no Lost is due.
	Close
	// StartDial: open a connection as Dial says, then report Dialled or DialFailed.
	StartDial
	// SetMode: the bytes that follow on Conn are read in Mode.
	SetMode
	// SendLeaf: write Op to the leaf Leaf, in the forms of the leafnode port: LS+, LS-, LMSG or HMSG without account. A
	// message is an RMSG or HMSG here.
	SendLeaf
	// StartS2: what is sent to Conn from here on is an S2 stream, compressed at Level (s2_fast and so on). The first time on Conn, what
	// the peer has sent behind the operation just received is one too; later only the level changes.
	StartS2
	// ClientInfo: the URLs that clients can connect to have changed: URLs (ours and the peers').
	ClientInfo
)

// Action is one thing for the caller to do, in order. Which fields have a meaning follows from Kind.
//
// What it points to is the node's and lives until the next Step. Messages point further: Deliver hands on the very Op of
// Received, and both message operations share the bytes of the event that caused them, so that no byte is copied. Carry
// the actions out, or copy, before the parser reads on.
type Action struct {
	Kind   ActionKind
	Conn   ConnID
	Sub    SubID
	Leaf   uint64
	Op     *wire.Op
	Reason CloseReason
	Dial   Dial
	Mode   wire.Mode
	Level  string
	URLs   []string
}

// Dial is a connection to open. Dialled and DialFailed give back the value that StartDial asked for, unchanged.
type Dial struct {
	Address        string // host:port
	User, Password string
	Explicit       bool   // configured, dialled again for ever; else learned by gossip
	RemoteID       string // server_id gossip gave for it; empty for explicit routes
	Account        string // the connection is to serve this account alone; empty: the pool
	GossipMode     uint8  // gossip_mode of the INFO it was learned from, repeated in our own INFO (2.11 and later)
}
