package wire

import (
	"bytes"
	"slices"
)

// Kind names a protocol operation of the route protocol.
type Kind uint8

// The operations a route can carry. SUB, UNSUB, PUB, HPUB and MSG belong to clients: here they are unknown operations.
const (
	None         Kind = iota
	Info              // INFO {json}
	Connect           // CONNECT {json}
	Ping              // PING
	Pong              // PONG
	OK                // +OK
	Err               // -ERR 'text'
	Sub               // RS+ account subject [queue weight]
	Unsub             // RS- account subject [queue]
	Msg               // RMSG account subject [reply] size, RMSG account subject |/+ [reply] queue... size
	HMsg              // HMSG as RMSG, "header-size size" at the end
	LeafSub           // LS+ origin account subject [queue weight]
	LeafUnsub         // LS- [origin] account subject [queue]
	LeafMsg           // LMSG origin account subject ... header-size size
	AccountSub        // A+ account
	AccountUnsub      // A- account
)

// kindNames are the names of the operations on the wire.
var kindNames = [...]string{
	None: "none", Info: "INFO", Connect: "CONNECT", Ping: "PING", Pong: "PONG", OK: "+OK", Err: "-ERR",
	Sub: "RS+", Unsub: "RS-", Msg: "RMSG", HMsg: "HMSG", LeafSub: "LS+", LeafUnsub: "LS-", LeafMsg: "LMSG",
	AccountSub: "A+", AccountUnsub: "A-",
}

// String returns the operation's name as it stands on the wire, "none" for None.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// IsMessage says whether a payload follows the line: RMSG, HMSG, LMSG.
func (k Kind) IsMessage() bool { return k == Msg || k == HMsg || k == LeafMsg }

// Op is one operation: a tagged struct, filled in place by Parser.Next and written by AppendTo. Which fields have a
// meaning follows from Kind; the others are zero.
//
// Byte slices that Parser.Next filled in point into the parser's memory and live until its next call.
type Op struct {
	Kind Kind

	Origin  []byte // LeafSub, LeafUnsub (when the peer announced lnocu), LeafMsg: the leaf's cluster
	Account []byte // absent on a route pinned to one account
	Subject []byte
	Reply   []byte   // messages; empty: no reply
	Queue   []byte   // Sub, Unsub, LeafSub, LeafUnsub; empty: plain interest
	Queues  [][]byte // messages: one member of each of these groups gets it; empty: plain subscribers only

	// Weight is the number of members behind queue interest. A weight that is not a number of at most nine digits is
	// -1: no server calls it a protocol error (seen 2.1.2 to 2.15.2).
	Weight int

	HeaderSize int // HMsg, LeafMsg: the first HeaderSize bytes of the payload are its header block
	Size       int // messages: bytes of the whole payload, header block included, closing CR LF not

	// Payload holds Size bytes, or a part of them when the payload is larger than Limits.Buffered: the part starts at
	// Offset, and More is true on all parts but the last.
	Payload []byte
	Offset  int
	More    bool

	// Body is the JSON text of INFO and CONNECT, and the text of -ERR as received, quotes included. AppendTo writes
	// Body if it is set, else the marshalled InfoBody or ConnectBody. Blanks, tabs and CRs around it are not part of it.
	Body        []byte
	InfoBody    *InfoBody    // Info
	ConnectBody *ConnectBody // Connect
}

// String returns the operation as nats-server's trace shows it: the line without its line end, the payload left out. What a
// peer sent stands in it as it came: escape it before it reaches a terminal.
func (op *Op) String() string { return string(op.appendLine(nil)) }

// Header returns the header block of a whole HMSG or LMSG, empty if it has none.
func (op *Op) Header() []byte { return op.Payload[:min(op.HeaderSize, len(op.Payload))] }

// Data returns the payload of a whole message without its header block.
func (op *Op) Data() []byte { return op.Payload[min(op.HeaderSize, len(op.Payload)):] }

// ErrText returns the text of -ERR without the quotes around it; a receiver does not insist on them (seen 2.1.2 to 2.15.2).
func (op *Op) ErrText() string {
	text := op.Body
	if n := len(text); n >= 2 && text[0] == '\'' && text[n-1] == '\'' {
		text = text[1 : n-1]
	}
	return string(text)
}

// Clone returns a copy that shares no memory with op, so it may be kept after the parser goes on.
func (op *Op) Clone() Op {
	c := *op
	for _, field := range []*[]byte{&c.Origin, &c.Account, &c.Subject, &c.Reply, &c.Queue, &c.Payload, &c.Body} {
		*field = bytes.Clone(*field)
	}
	if op.Queues != nil {
		c.Queues = make([][]byte, len(op.Queues))
		for i, q := range op.Queues {
			c.Queues[i] = bytes.Clone(q)
		}
	}
	c.InfoBody, c.ConnectBody = op.InfoBody.Clone(), op.ConnectBody.Clone()
	return c
}

// Equal says whether both mean the same to a receiver. Meaning leaves out how it was spelled: members of JSON bodies
// may stand in any order, -ERR may be quoted or not, the queues of a message may come in any order and more than once.
func (op *Op) Equal(other *Op) bool {
	if op.Kind != other.Kind {
		return false
	}
	switch op.Kind {
	case Info, Connect:
		return bytes.Equal(op.canonicalBody(), other.canonicalBody())
	case Err:
		return op.ErrText() == other.ErrText()
	}
	return bytes.Equal(op.Origin, other.Origin) && bytes.Equal(op.Account, other.Account) &&
		bytes.Equal(op.Subject, other.Subject) && bytes.Equal(op.Reply, other.Reply) &&
		bytes.Equal(op.Queue, other.Queue) && op.Weight == other.Weight &&
		op.HeaderSize == other.HeaderSize && op.Size == other.Size && op.Offset == other.Offset && op.More == other.More &&
		sameSet(op.Queues, other.Queues) && bytes.Equal(op.Payload, other.Payload)
}

// canonicalBody returns the JSON text of INFO or CONNECT with its members in our order, or Body where that is not JSON.
func (op *Op) canonicalBody() []byte {
	c := Op{InfoBody: op.InfoBody, ConnectBody: op.ConnectBody}
	var err error
	if op.Kind == Info && op.InfoBody == nil {
		c.InfoBody = new(InfoBody)
		err = c.InfoBody.UnmarshalJSON(op.Body)
	}
	if op.Kind == Connect && op.ConnectBody == nil {
		c.ConnectBody = new(ConnectBody)
		err = c.ConnectBody.UnmarshalJSON(op.Body)
	}
	if err != nil {
		return op.Body
	}
	return c.appendBody(nil)
}

// sameSet says whether a and b name the same queues.
func sameSet(a, b [][]byte) bool {
	if slices.EqualFunc(a, b, bytes.Equal) {
		return true
	}
	set := func(names [][]byte) [][]byte {
		sorted := slices.Clone(names)
		slices.SortFunc(sorted, bytes.Compare)
		return slices.CompactFunc(sorted, bytes.Equal)
	}
	return slices.EqualFunc(set(a), set(b), bytes.Equal)
}
