package server

import (
	"bytes"
	"errors"
	"net"
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// client is one connection to the client port. The loop owns it.
type client struct {
	server  *Server
	link    *link
	id      uint64
	parser  *clientParser
	op      clientOp
	options clientOptions
	account string
	subs    map[string]*subscription // by sid

	connected bool // CONNECT has come
	admitted  bool // it may do more than CONNECT
	greeted   bool // its first PONG has gone out: it can take INFO at any time
	urlsStale bool // connect_urls have changed since it was told

	keepAlive keepAlive
}

// acceptClient takes a connection to the client port.
func (s *Server) acceptClient(now time.Time, conn net.Conn) {
	s.lastID++
	c := &client{
		server:   s,
		link:     s.newLink(conn, "cid", s.lastID),
		id:       s.lastID,
		parser:   newClientParser(s.cfg.MaxPayload),
		options:  defaultClientOptions,
		account:  GlobalAccount,
		admitted: !s.users.required,
		subs:     make(map[string]*subscription),
	}
	s.clients[c.id] = c
	s.debugf(c.link, "Client connection created")
	c.link.start(c)
	c.sendInfo()
	c.startKeepAlive(now)
}

// received handles each operation of chunk. An operation may close the client, which ends it.
func (c *client) received(now time.Time, chunk []byte) {
	c.parser.feed(chunk)
	for !c.link.closed {
		err := c.parser.next(&c.op)
		if err == errClientNeedMore {
			return
		}
		if err != nil {
			c.malformed(now, err)
			return
		}
		c.handle(now, &c.op)
	}
}

// malformed answers a breach of the protocol. A stranger is told only that he may not come in.
func (c *client) malformed(now time.Time, err error) {
	c.server.errorf(c.link, "%v", err)
	var broken *clientError
	if !c.admitted {
		c.sendErr(errAuthorization)
	} else if errors.As(err, &broken) && broken.Reply != "" {
		c.sendErr(broken.Reply)
	}
	c.close(now, "Protocol Violation")
}

func (c *client) handle(now time.Time, op *clientOp) {
	if c.server.tracing() {
		c.traceOp(op)
	}
	if !c.admitted && op.kind != opConnect {
		c.refuse(now, "")
		return
	}
	switch op.kind {
	case opConnect:
		c.connect(now, op.text)
	case opPing:
		c.pong()
	case opPong:
		c.keepAlive.unanswered = 0
	case opSub:
		c.subscribe(now, op)
	case opUnsub:
		c.unsubscribe(now, op)
	case opPub, opHPub:
		c.publishMessage(now, op)
	case opErr:
		// A client has no reason to send -ERR; servers take it as the end.
		c.close(now, "Client Error")
	}
}

// connect admits the client to its account. Once it has used an account, CONNECT may change the options only.
func (c *client) connect(now time.Time, object []byte) {
	options, err := parseClientConnect(object)
	if err != nil {
		c.malformedConnect(now, err)
		return
	}
	account, ok := c.server.users.account(&options)
	bound := c.connected || len(c.subs) > 0
	if !ok || bound && account != c.account {
		c.refuse(now, options.User)
		return
	}
	c.options, c.account = options, account
	c.connected, c.admitted = true, true
	c.ok()
}

// malformedConnect is malformed for a CONNECT that could be read: here even a stranger hears what is wrong.
func (c *client) malformedConnect(now time.Time, err error) {
	c.admitted = true
	c.malformed(now, err)
}

// refuse turns a client away that has no, or the wrong, credentials.
func (c *client) refuse(now time.Time, user string) {
	c.server.errorf(c.link, "authentication error - User %q", user)
	c.sendErr(errAuthorization)
	c.close(now, "Authentication Failure")
}

// pong answers PING. With the first answer the client is known to be reading, and gets the INFO that it has missed.
func (c *client) pong() {
	c.sendLine("PONG")
	if !c.greeted {
		c.greeted = true
		c.updateInfo()
	}
}

// setClientURLs takes the list of URLs that clients can connect to and tells those that understand it.
func (s *Server) setClientURLs(urls []string) {
	s.clientURLs = append([]string(nil), urls...) // the node's list lives until the next step
	for _, c := range s.clients {
		c.urlsStale = true
		c.updateInfo()
	}
}

// updateInfo sends INFO to a client that understands it after the first one, once it has had its first PONG: before, it might take
// INFO for the answer to its CONNECT (as servers do, 2.1.2 to 2.15.2).
func (c *client) updateInfo() {
	if c.urlsStale && c.greeted && c.options.Protocol >= clientProtoInfo {
		c.sendInfo()
	}
}

func (c *client) sendInfo() {
	c.urlsStale = false
	start := len(c.link.out)
	c.link.out = c.server.appendClientInfo(c.link.out, c)
	c.produced(start)
}

// ok answers an operation where the client has asked for answers.
func (c *client) ok() {
	if c.options.Verbose {
		c.sendLine("+OK")
	}
}

func (c *client) sendErr(text string) { c.sendLine("-ERR '" + text + "'") }

func (c *client) sendLine(line string) {
	start := len(c.link.out)
	c.link.out = append(append(c.link.out, line...), "\r\n"...)
	c.produced(start)
}

// produced notes that link.out has grown by one line since it was start bytes long.
func (c *client) produced(start int) {
	if c.server.tracing() {
		c.traceOut(c.link.out[start:])
	}
	c.link.produced()
}

// lost is the end of the connection from the client's side.
func (c *client) lost(now time.Time, err error) {
	c.server.debugf(c.link, "Client connection closed: %v", err)
	c.link.lost(err)
	c.dropped()
	c.server.settleDeferred(now)
}

// close ends the connection from our side.
func (c *client) close(now time.Time, reason string) {
	c.server.debugf(c.link, "Client connection closed: %s", reason)
	c.link.close()
	c.dropped()
	c.server.settleDeferred(now)
}

// dropped forgets the client and leaves it to the end of the step to tell the node that all its subscriptions are gone, at once: so each
// interest that ends is announced once.
func (c *client) dropped() {
	s := c.server
	if s.clients[c.id] != c {
		return
	}
	delete(s.clients, c.id)
	subs := make([]route.SubID, 0, len(c.subs))
	for _, sub := range c.subs {
		delete(s.subs, sub.id)
		subs = append(subs, sub.id)
	}
	clear(c.subs)
	if len(subs) > 0 {
		s.deferred = append(s.deferred, route.UnsubscribeAll{Subs: subs})
	}
}

func (c *client) traceOp(op *clientOp) {
	s := c.server
	text := op.kind.String()
	switch {
	case op.kind == opConnect:
		text = traceConnect(op.text)
	case len(op.text) > 0:
		text += " " + string(op.text)
	}
	s.trace(c.link, traceIn, text)
	if op.kind == opPub || op.kind == opHPub {
		s.tracePayload(c.link, traceIn, op.payload)
	}
}

// traceOut logs one line that goes to the client, without its line end and without what follows it.
func (c *client) traceOut(out []byte) {
	line, _, _ := bytes.Cut(out, []byte("\r\n"))
	c.server.trace(c.link, traceOut, string(line))
}
