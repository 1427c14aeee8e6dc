package fault

import (
	"bytes"
	"net"

	"github.com/natsroute/natsroute/reference/wire"
)

// Fault is one way to misbehave. The functions see one frame and return what passes in its place.
type Fault struct {
	Name   string // for ever
	Title  string // what a server with this fault does
	Breaks string // the requirement that must fail

	// FromPeer and FromServer rewrite a frame on its way to the server, or from it. nil: it passes as it is.
	FromPeer   func(*Link, Frame) []Frame
	FromServer func(*Link, Frame) []Frame
	// PeerBytes and ServerBytes rewrite what one read has brought, before it is cut into frames. The slice is theirs.
	PeerBytes   func(*Link, []byte) []byte
	ServerBytes func(*Link, []byte) []byte
	// Opened is called when a connection was opened, TLS done, before anything passes.
	Opened func(*Link)
	// Wire replaces a connection below TLS; dialled tells whether our side opened it.
	Wire func(conn net.Conn, dialled bool) net.Conn
}

// Frame is one operation with the bytes it came in.
type Frame struct {
	Op  wire.Op
	Raw []byte // control line, payload and line ends
}

// frame makes one from an operation.
func frame(op wire.Op) Frame { return Frame{Op: op, Raw: op.AppendTo(nil)} }

// line is the control line of a frame without its payload.
func (f Frame) line() []byte {
	if i := bytes.IndexByte(f.Raw, '\n'); i >= 0 {
		return f.Raw[:i+1]
	}
	return f.Raw
}

// Catalog lists every fault, in the order of the chapters.
func Catalog() []Fault {
	return []Fault{
		{
			Name: "op-lower-case-refused", Title: "refuses operations in lower case", Breaks: "RT-LINE-001",
			FromPeer: refuseIf(func(f Frame) bool { return 'a' <= f.Raw[0] && f.Raw[0] <= 'z' }),
		},
		{
			Name: "tab-refused", Title: "refuses a tab between fields", Breaks: "RT-LINE-003",
			FromPeer: refuseIf(func(f Frame) bool { return bytes.IndexByte(f.line(), '\t') >= 0 }),
		},
		{
			Name: "ping-unanswered", Title: "never answers PING", Breaks: "RT-KA-001",
			FromServer: dropKind(wire.Pong),
		},
		{
			Name: "reply-dropped", Title: "loses the reply subject of messages it sends", Breaks: "RT-MSG-002",
			FromServer: withoutReply,
		},
		{
			Name: "weight-always-one", Title: "announces weight 1 for every queue group", Breaks: "RT-QUE-002",
			FromServer: weightOne,
		},
		{
			Name: "message-second-hop", Title: "sends a route's messages on to other routes", Breaks: "RT-HOP-005",
			FromPeer: toOtherPeers,
		},
	}
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

// refuseIf answers a frame like an unknown operation.
func refuseIf(bad func(Frame) bool) func(*Link, Frame) []Frame {
	return func(l *Link, f Frame) []Frame {
		if bad(f) {
			l.Refuse("Unknown Protocol Operation")
			return nil
		}
		return []Frame{f}
	}
}

func dropKind(kind wire.Kind) func(*Link, Frame) []Frame {
	return func(_ *Link, f Frame) []Frame {
		if f.Op.Kind == kind {
			return nil
		}
		return []Frame{f}
	}
}

func withoutReply(_ *Link, f Frame) []Frame {
	if len(f.Op.Reply) == 0 {
		return []Frame{f}
	}
	f.Op.Reply = nil
	return []Frame{frame(f.Op)}
}

func weightOne(_ *Link, f Frame) []Frame {
	if f.Op.Kind != wire.Sub || len(f.Op.Queue) == 0 {
		return []Frame{f}
	}
	f.Op.Weight = 1
	return []Frame{frame(f.Op)}
}

func toOtherPeers(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.Msg || f.Op.Kind == wire.HMsg {
		for _, other := range l.Others() {
			other.ToPeer(f)
		}
	}
	return []Frame{f}
}
