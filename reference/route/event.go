package route

import "github.com/natsroute/natsroute/reference/wire"

// ConnID names one route connection. The caller chooses it and never uses it twice.
type ConnID uint64

// SubID names one local subscription. The caller chooses it and never uses it twice.
type SubID uint64

// Event is what the caller tells the node: one of the types below, by value. What an event points to is borrowed until the
// actions of its Step are carried out: those of a message share its bytes.
type Event interface{ event() }

type (
	// Accepted: a peer has opened a connection to us (TLS, if any, is done).
	Accepted struct {
		Conn ConnID
		IP   string // the peer's source address without port, for the `ip` member of forwarded INFO
	}

	// Dialled: the dial that a Dial action asked for has succeeded.
	Dialled struct {
		Conn ConnID
		Dial Dial
	}

	// DialFailed: the dial that a Dial action asked for has failed.
	DialFailed struct{ Dial Dial }

	// Received: the peer has sent an operation. Its slices are the parser's.
	Received struct {
		Conn ConnID
		Op   *wire.Op
	}

	// Malformed: the peer's bytes broke the grammar, a limit or the CONNECT gate; Err is the parser's error.
	Malformed struct {
		Conn ConnID
		Err  error
	}

	// Lost: the connection has ended (EOF, half close, reset, write deadline).
	Lost struct{ Conn ConnID }

	// Subscribe: a local client or leaf has subscribed. The weight is that of a leaf's queue; a known Sub with another
	// weight takes that on, and nothing else of it changes.
	Subscribe struct {
		Sub                     SubID
		Client                  uint64 // the owner: with echo off it does not get its own messages
		NoEcho                  bool
		Account, Subject, Queue string
		Weight                  int // 0: 1
	}

	// Unsubscribe: a local subscription has ended.
	Unsubscribe struct{ Sub SubID }

	// UnsubscribeAll: a local client has left with all these subscriptions; one removal is announced for each
	// interest that ends, no weight updates in between.
	UnsubscribeAll struct{ Subs []SubID }

	// Publish: a local client or leaf has published. Payload begins with HeaderSize bytes of header block.
	Publish struct {
		Client         uint64
		Account        string
		Subject, Reply []byte
		Queues         [][]byte // of a leaf: no other group gets the message
		HeaderSize     int
		Payload        []byte

		imported bool // by a service: it is no message of a stream any more
		local    bool // no peer gets it
	}

	// LeafJoined: a leaf is connected. What it wants and sends is told with Subscribe and Publish, Client being the leaf.
	LeafJoined struct {
		Client           uint64 // never that of a client
		Account, Cluster string // Cluster is the origin of its interest and messages; empty: it has none
		Headers          bool   // it understands HMSG
	}

	// LeafLeft: the leaf is gone, and all it wanted.
	LeafLeft struct{ Client uint64 }

	// Tick: nothing but time has passed (the node's deadline is due).
	Tick struct{}

	// Reload: these settings are as told from now on, which Config.Validate has accepted with the rest of the
	// configuration; all others stay.
	Reload struct {
		Permissions    *Permissions
		Accounts       []string
		User, Password string
		PinnedAccounts []string
		Compression    string
		Routes         []Dial
	}

	// LameDuck: the server is about to end. Peers and clients are told, so that no new client comes to us; routes stay as
	// they are until Shutdown. Servers of 2.1 say nothing.
	LameDuck struct{}

	// Shutdown: close every route, dial no more.
	Shutdown struct{}
)

func (Accepted) event()       {}
func (Dialled) event()        {}
func (DialFailed) event()     {}
func (Received) event()       {}
func (Malformed) event()      {}
func (Lost) event()           {}
func (Subscribe) event()      {}
func (Unsubscribe) event()    {}
func (UnsubscribeAll) event() {}
func (Publish) event()        {}
func (LeafJoined) event()     {}
func (LeafLeft) event()       {}
func (Tick) event()           {}
func (Reload) event()         {}
func (LameDuck) event()       {}
func (Shutdown) event()       {}
