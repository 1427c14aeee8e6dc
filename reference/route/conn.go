package route

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// conn is one connection, a route once it is registered.
type conn struct {
	id    ConnID
	born  uint64 // order of birth: makes choices repeatable
	state state

	acceptor   bool
	host       string // the peer's address without port
	gossipMode uint8  // of the dial, for our INFO
	infoSent   bool

	peer *wire.InfoBody // the peer's first INFO, once registered

	said    login // in the peer's CONNECT
	headers bool  // the peer understands HMSG
	mode    wire.Mode

	leafOrigins       bool // the peer understands LS+ and LMSG (lnoc)
	leafWithoutOrigin bool // and origin "_" for leafs without a cluster (ln)

	account   []byte  // the one account of a connection of its own; nil: a connection of the pool
	noPool    bool    // the only connection to its server
	index     int     // in the pool
	remote    *remote // once registered in the pool
	opensNext bool    // PONG is awaited before the pool grows

	started     time.Time
	compression string // that of our direction once it is settled; empty before, and with dialects that have none

	interest map[remoteKey]*remoteSub

	// Timers; zero: not running.
	pingDue, infoDue, connectDue time.Time
	pingsOut                     int       // PINGs without PONG
	pingAt                       time.Time // of the last PING

	// Scratch of the message being routed: the operation for this route, valid while stamp is the node's.
	stamp uint64
	msg   *wire.Op
}

// newConn registers a connection in its first state.
func (n *Node) newConn(id ConnID, s state) *conn {
	n.stamp++
	c := &conn{id: id, born: n.stamp, state: s, started: n.now, interest: make(map[remoteKey]*remoteSub)}
	n.conns[id] = c
	n.order = append(n.order, c)
	return c
}

// accepted greets a peer: INFO goes out before anything has come in (2.0 page, INFO).
func (n *Node) accepted(ev Accepted) {
	if n.stopped {
		n.turnAway(ev.Conn, stopping)
		return
	}
	first := connected
	if n.cfg.wantsCredentials() || n.cfg.Dialect.ConnectFirst {
		first = greeted
	}
	c := n.newConn(ev.Conn, first)
	c.acceptor, c.host = true, ev.IP
	n.sendInfo(c)
	n.startTimers(c)
}

// dialled introduces us: CONNECT at once, and INFO too unless it has to wait for the acceptor's, for the sake of compression or of
// the pool index.
func (n *Node) dialled(ev Dialled) {
	switch {
	case n.stopped:
		n.turnAway(ev.Conn, stopping)
		return
	case ev.Dial.Explicit && !isAmong(n.cfg.Routes, ev.Dial):
		n.turnAway(ev.Conn, routeGone)
		return
	}
	c := n.newConn(ev.Conn, solicited)
	c.host, _ = splitHostPort(ev.Dial.Address)
	c.gossipMode = ev.Dial.GossipMode
	if n.pinned[ev.Dial.Account] != nil {
		c.account = []byte(ev.Dial.Account)
		n.pin(c)
	}
	if l := n.linkDialling(ev.Dial); l != nil {
		l.phase, l.conn = linkUp, c
	}
	n.sendConnect(c, ev.Dial)
	if !n.negotiates() && (c.account != nil || !n.pooled()) {
		n.sendInfo(c)
	}
	n.startTimers(c)
}

// turnAway closes a connection that came after Shutdown, or after its route was taken out of the configuration.
func (n *Node) turnAway(id ConnID, why cause) {
	n.out.actions = append(n.out.actions, Action{Kind: Close, Conn: id, Reason: closings[why].reason})
}

// received is the path of every operation.
func (n *Node) received(id ConnID, op *wire.Op) {
	c := n.conns[id]
	if c == nil {
		return
	}
	if op == nil || int(op.Kind) >= len(inputOf) || inputOf[op.Kind] == noInput {
		n.close(c, unknownOperation)
		return
	}
	if c.mode.Pinned {
		op.Account = c.account // which the operation leaves out
	}
	in := inputOf[op.Kind]
	if in == inInfo && n.asksForS2(c, op.InfoBody) {
		in = inInfoS2
	}
	n.input(c, in, op)
}

// malformed is the path of bytes that are no operation.
func (n *Node) malformed(id ConnID, err error) {
	c := n.conns[id]
	if c == nil {
		return
	}
	n.close(c, n.explain(c, err)) // in every state: see rules
}

// input looks up what c does about in, and lets it follow.
func (n *Node) input(c *conn, in input, op *wire.Op) {
	r := rules[c.state][in]
	if why := n.handle(r.do, c, op); why != fine {
		n.close(c, why)
		return
	}
	c.state = r.next
}

// handle gives each handler of the table its method.
func (n *Node) handle(h handler, c *conn, op *wire.Op) cause {
	switch h {
	case routeMessage:
		n.routeMessage(c, op)
	case takeInterest:
		n.takeInterest(c, op)
	case answerPing:
		n.out.send(c, n.out.op(wire.Pong))
	case takePong:
		n.takePong(c)
	case pingPeer:
		return n.pingPeer(c)
	case checkConnect:
		return n.checkConnect(c, op)
	case startS2:
		return n.startS2(c, op.InfoBody)
	case registerRoute:
		return n.registerRoute(c, op.InfoBody)
	case updateRoute:
		return n.updateRoute(c, op.InfoBody)
	case refuse:
		return connectMissing
	case hangUp:
		return peerSaidErr
	case giveUp:
		return stale
	case giveUpOnAuth:
		return connectLate
	case stop:
		return stopping
	}
	return fine
}

// explain finds the cause in the parser's error. While CONNECT is awaited any other operation is a breach of the gate,
// however it is spelt; a line that begins like CONNECT is judged as such (seen 2.1.2 to 2.15.2).
func (n *Node) explain(c *conn, err error) cause {
	var syntax *wire.SyntaxError
	var limit *wire.LimitError
	var gate *wire.StateError
	switch {
	case errors.As(err, &gate):
		return connectMissing
	case errors.As(err, &limit):
		if c.state == greeted && limit.Op != wire.Connect {
			return connectMissing
		}
		if limit.Token == wire.LineTooLong {
			return lineTooLong
		}
	case errors.As(err, &syntax):
		if c.state == greeted && syntax.Op != wire.Connect && (syntax.Op != wire.None || syntax.Offset == 0) {
			return connectMissing
		}
		switch syntax.Token {
		case wire.UnknownOp, wire.MissingDelimiter, wire.PayloadTerminator:
			return unknownOperation
		}
	}
	return badArguments
}

// because notes the arguments of a cause whose text has some.
func (n *Node) because(why cause, args ...any) cause {
	n.errText = fmt.Sprintf(closings[why].text, args...)
	return why
}

// close ends a connection for why: -ERR if the cause has a text, then Close, then what follows for others.
func (n *Node) close(c *conn, why cause) {
	text := closings[why].text
	if n.errText != "" {
		text, n.errText = n.errText, ""
	}
	if text != "" {
		n.out.sendErr(c, text)
	}
	n.out.actions = append(n.out.actions, Action{Kind: Close, Conn: c.id, Reason: closings[why].reason})
	n.forget(c)
}

// lost is the path of a connection that has ended by itself.
func (n *Node) lost(id ConnID) {
	if c := n.conns[id]; c != nil {
		n.forget(c)
	}
}

// forget removes all traces of c: its interest, its client URLs; and sees to another dial where one is due.
func (n *Node) forget(c *conn) {
	delete(n.conns, c.id)
	n.order = slices.DeleteFunc(n.order, func(o *conn) bool { return o == c })
	was := c.state
	c.state = closed
	n.dropInterest(c)
	if was == registered {
		n.leavePlace(c)
		n.clientURLs()
	}
	n.unlink(c, was == registered)
	n.arm()
}
