package server

import (
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// dialTimeout is how long a dial may take, as on real servers.
const dialTimeout = time.Second

// routeConn is one connection to a peer. The loop owns it.
type routeConn struct {
	server *Server
	link   *link
	id     route.ConnID
	parser *wire.Parser
	op     wire.Op     // what the parser reads into
	s2     *inflater   // of what the peer sends; nil: that is plain
	event  route.Event // Received with id and op: made once, so that a step allocates nothing
}

// acceptRoute takes a connection to the route port.
func (s *Server) acceptRoute(now time.Time, conn net.Conn) {
	c := s.addRoute(conn, s.cfg.Dialect)
	s.step(now, route.Accepted{Conn: c.id, IP: c.link.remoteIP})
}

// dialled takes a connection that a dial has opened.
func (s *Server) dialled(now time.Time, dial route.Dial, conn net.Conn) {
	dialect := s.cfg.Dialect
	dialect.ConnectFirst = false // the side that accepts sends no CONNECT
	c := s.addRoute(conn, dialect)
	s.step(now, route.Dialled{Conn: c.id, Dial: dial})
}

func (s *Server) addRoute(conn net.Conn, dialect wire.Dialect) *routeConn {
	s.lastID++
	c := &routeConn{
		server: s,
		link:   s.newLink(conn, "rid", s.lastID),
		id:     route.ConnID(s.lastID),
		parser: wire.NewParser(dialect),
	}
	c.link.strict = strictDeadline(dialect)
	c.event = route.Received{Conn: c.id, Op: &c.op}
	s.routes[c.id] = c
	s.debugf(c.link, "Route connection created")
	c.link.start(c)
	return c
}

// strictDeadline tells whether the first write deadline that passes ends a route (seen 2.1.2).
func strictDeadline(dialect wire.Dialect) bool { return !dialect.Headers }

// startDial dials in a goroutine of its own and reports how it went. The end of the server ends the dial.
func (s *Server) startDial(dial route.Dial) {
	s.debugf(nil, "Trying to connect to route on %s", dial.Address)
	s.spawn(func() {
		dialer := net.Dialer{Timeout: dialTimeout}
		conn, err := dialer.DialContext(s.ctx, "tcp", dial.Address)
		if err == nil && s.cfg.RouteTLS != nil {
			conn, err = s.handshake(tls.Client(conn, s.cfg.dialerTLS(dial)))
		}
		if err != nil {
			s.errorf(nil, "Error trying to connect to route: %v", err)
			s.post(input{call: func(now time.Time) { s.step(now, route.DialFailed{Dial: dial}) }})
			return
		}
		if !s.post(input{call: func(now time.Time) { s.dialled(now, dial, conn) }}) {
			conn.Close()
		}
	})
}

// received reads chunk: as it is, or where it is compressed, which may begin in the middle of it, what it holds; of that one turn.
func (c *routeConn) received(now time.Time, chunk []byte) {
	if c.s2 == nil {
		chunk = c.read(now, chunk)
	}
	for read := 0; len(chunk) > 0 && !c.link.closed; {
		if read >= turn {
			c.link.unread.rest = chunk
			return
		}
		block, rest, err := c.s2.next(chunk)
		if err != nil {
			c.server.errorf(c.link, "%v", err)
			c.lost(now, err)
			return
		}
		c.read(now, block)
		chunk, read = rest, read+len(block)
	}
}

// read steps each operation of in before it asks for the next one: the node may close the connection or change its mode. It returns what
// stands behind an operation that has begun compression.
func (c *routeConn) read(now time.Time, in []byte) (rest []byte) {
	s, plain := c.server, c.s2 == nil
	c.parser.Feed(in)
	for !c.link.closed {
		err := c.parser.Next(&c.op)
		if err == wire.ErrNeedMore {
			return nil
		}
		if err != nil {
			s.errorf(c.link, "%v", err)
			s.step(now, route.Malformed{Conn: c.id, Err: err})
			return nil
		}
		if s.tracing() {
			s.traceOp(c.link, traceIn, &c.op)
		}
		s.step(now, c.event)
		if plain && c.s2 != nil {
			return c.parser.Rest()
		}
	}
	return nil
}

// startS2 compresses what is sent from here on at that level. When it begins, so does the peer's S2 stream.
func (c *routeConn) startS2(level string) {
	c.link.flush()
	c.link.deflater = newDeflater(level)
	if c.s2 == nil {
		c.s2 = new(inflater)
	}
}

// lost tells the node that the peer is gone.
func (c *routeConn) lost(now time.Time, err error) {
	c.server.debugf(c.link, "Router connection closed: %v", err)
	c.link.lost(err)
	c.forget()
	c.server.step(now, route.Lost{Conn: c.id})
}

// dropped does what lost does, where no step can be made. The node may have closed the connection in the same step.
func (c *routeConn) dropped() {
	c.forget()
	c.server.deferred = append(c.server.deferred, route.Lost{Conn: c.id})
}

// close ends the connection because the node says so.
func (c *routeConn) close(reason route.CloseReason) {
	c.server.debugf(c.link, "Router connection closed: %s", reason)
	c.link.close()
	c.forget()
}

func (c *routeConn) forget() { delete(c.server.routes, c.id) }

// send writes op behind everything sent before.
func (c *routeConn) send(op *wire.Op) {
	if c.server.tracing() {
		c.server.traceOp(c.link, traceOut, op)
	}
	c.link.out = op.AppendTo(c.link.out)
	c.link.produced()
}

// traceOp logs op as nats-server does: the line, and the payload in a line of its own.
func (s *Server) traceOp(l *link, arrow string, op *wire.Op) {
	text := op.String()
	if op.Kind == wire.Connect {
		text = traceConnect([]byte(strings.TrimPrefix(text, "CONNECT ")))
	}
	s.trace(l, arrow, text)
	if op.Payload != nil {
		s.tracePayload(l, arrow, op.Payload)
	}
}
