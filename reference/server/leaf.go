package server

import (
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// Texts of -ERR on the leafnode port, as 2.15.2 words them.
const (
	errClientOnLeafPort = "attempted to connect to leaf node port"
	errSameCluster      = "remote leafnode has same cluster name"
)

// leafConn is one connection to the leafnode port: a leaf that gives us interest and messages, and gets what others have of
// both. All leafs belong to GlobalAccount. The port has no credentials, TLS or compression, and does not look for loops.
// The loop owns it.
type leafConn struct {
	server *Server
	link   *link
	id     uint64
	parser *clientParser
	op     clientOp
	joined bool // CONNECT has come
	subs   map[leafKey]route.SubID
}

// leafKey is one entry of a leaf's interest.
type leafKey struct{ subject, queue string }

// leafConnect is what the port reads of a leaf's CONNECT.
type leafConnect struct {
	Name    string `json:"name"`
	Cluster string `json:"cluster"`
	Headers bool   `json:"headers"`
	Lang    string `json:"lang"`
}

// acceptLeaf takes a connection to the leafnode port.
func (s *Server) acceptLeaf(_ time.Time, conn net.Conn) {
	s.lastID++
	c := &leafConn{
		server: s,
		link:   s.newLink(conn, "lid", s.lastID),
		id:     s.lastID,
		parser: newLeafParser(s.cfg.MaxPayload),
		subs:   make(map[leafKey]route.SubID),
	}
	s.leafs[c.id] = c
	s.debugf(c.link, "Leafnode connection created")
	c.link.start(c)
	c.sendInfo(false)
}

// sendInfo sends INFO: at once, and again in answer to CONNECT, which asks for that (info_on_connect; 2.9 and later).
func (c *leafConn) sendInfo(answer bool) {
	s := c.server
	body := wire.InfoBody{
		ServerID: s.cfg.ServerID, ServerName: s.cfg.ServerName, Version: s.cfg.Version, Proto: clientProtoInfo, Go: runtime.Version(),
		Host: s.cfg.Host, Port: s.leafPort, Headers: s.cfg.Dialect.Headers, MaxPayload: int32(s.cfg.MaxPayload),
		IP: s.LeafAddr(), ClientID: c.id, Nonce: randomText(11), Cluster: s.cfg.Cluster,
		InfoOnConnect: true, LeafNodeURLs: []string{s.LeafAddr()},
	}
	if answer {
		body.Nonce, body.ConnectInfo, body.RemoteAccount = "", true, GlobalAccount
	}
	info := wire.NewInfo(&body)
	c.writeLine(info.String())
}

// received handles each operation of chunk. An operation may close the leaf, which ends it.
func (c *leafConn) received(now time.Time, chunk []byte) {
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

// malformed answers a breach of the protocol.
func (c *leafConn) malformed(now time.Time, err error) {
	c.server.errorf(c.link, "%v", err)
	if broken, ok := err.(*clientError); ok && broken.Reply != "" {
		c.sendErr(broken.Reply)
	}
	c.close(now, "Protocol Violation")
}

func (c *leafConn) handle(now time.Time, op *clientOp) {
	if c.server.tracing() {
		c.server.trace(c.link, traceIn, op.kind.String()+" "+string(op.text))
	}
	if !c.joined && op.kind != opConnect {
		c.sendErr(errAuthorization)
		c.close(now, "Authentication Failure")
		return
	}
	switch op.kind {
	case opConnect:
		c.connect(now, op.text)
	case opPing:
		c.writeLine("PONG")
	case opLeafSub:
		c.subscribe(now, op)
	case opLeafUnsub:
		c.unsubscribe(now, op)
	case opLeafMsg, opLeafHMsg:
		c.server.step(now, route.Publish{
			Client: c.id, Account: GlobalAccount, Subject: op.subject, Reply: op.reply, Queues: op.queues,
			HeaderSize: op.headerSize, Payload: op.payload,
		})
	case opErr:
		c.close(now, "Leafnode Error")
	}
}

// connect lets the leaf in. A second CONNECT changes nothing.
func (c *leafConn) connect(now time.Time, object []byte) {
	var hello leafConnect
	if err := json.Unmarshal(object, &hello); err != nil {
		c.malformed(now, &clientError{Detail: fmt.Sprintf("CONNECT body: %v", err)})
		return
	}
	switch {
	case c.joined:
		return
	case hello.Lang != "":
		c.sendErr(errClientOnLeafPort)
		c.close(now, "Wrong Port")
		return
	case hello.Cluster != "" && hello.Cluster == c.server.cfg.Cluster:
		c.sendErr(errSameCluster)
		c.close(now, "Cluster Names Identical")
		return
	}
	c.joined = true
	c.sendInfo(true)
	c.server.step(now, route.LeafJoined{Client: c.id, Account: GlobalAccount, Cluster: hello.Cluster, Headers: hello.Headers})
}

// subscribe handles LS+: a queue's weight replaces the one before.
func (c *leafConn) subscribe(now time.Time, op *clientOp) {
	if !wire.ValidPattern(op.subject) {
		c.sendErr("Invalid Subscription")
		return
	}
	key := leafKey{string(op.subject), string(op.queue)}
	id := c.subs[key]
	if id == 0 {
		c.server.lastSub++
		id = c.server.lastSub
		c.subs[key] = id
	}
	c.server.step(now, route.Subscribe{
		Sub: id, Client: c.id, Account: GlobalAccount, Subject: key.subject, Queue: key.queue, Weight: op.weight,
	})
}

// unsubscribe handles LS-; one that ends nothing is ignored.
func (c *leafConn) unsubscribe(now time.Time, op *clientOp) {
	key := leafKey{string(op.subject), string(op.queue)}
	if id := c.subs[key]; id != 0 {
		delete(c.subs, key)
		c.server.step(now, route.Unsubscribe{Sub: id})
	}
}

// send writes what the node has for the leaf. An RMSG is called LMSG here.
func (c *leafConn) send(op *wire.Op) {
	line := op.String()
	if op.Kind == wire.Msg {
		line = "L" + line[1:]
	}
	c.writeLine(line)
	if op.Kind.IsMessage() {
		c.link.out = append(append(c.link.out, op.Payload...), "\r\n"...)
	}
}

func (c *leafConn) writeLine(line string) {
	if c.server.tracing() {
		c.server.trace(c.link, traceOut, line)
	}
	c.link.out = append(append(c.link.out, line...), "\r\n"...)
	c.link.produced()
}

func (c *leafConn) sendErr(text string) { c.writeLine("-ERR '" + text + "'") }

// lost is the end of the connection from the leaf's side.
func (c *leafConn) lost(now time.Time, err error) {
	c.server.debugf(c.link, "Leafnode connection closed: %v", err)
	c.link.lost(err)
	c.dropped()
	c.server.settleDeferred(now)
}

// close ends the connection from our side.
func (c *leafConn) close(now time.Time, reason string) {
	c.server.debugf(c.link, "Leafnode connection closed: %s", reason)
	c.link.close()
	c.dropped()
	c.server.settleDeferred(now)
}

// dropped forgets the leaf and leaves it to the end of the step to tell the node.
func (c *leafConn) dropped() {
	s := c.server
	if s.leafs[c.id] != c {
		return
	}
	delete(s.leafs, c.id)
	if c.joined {
		s.deferred = append(s.deferred, route.LeafLeft{Client: c.id})
	}
}

// LeafAddr returns the host:port of the leafnode port. Empty before Start, and where there is none.
func (s *Server) LeafAddr() string { return listenAddr(s.cfg.Host, s.leafPort) }

// leafListenPort reads Config.LeafPort: any free port is 0 to the system.
func (s *settled) leafListenPort() int { return max(s.LeafPort, 0) }

// checkLeafPort wants a port, or one of the words for none and any.
func (s *settled) checkLeafPort() error {
	if s.LeafPort < -1 || s.LeafPort > 65535 {
		return fmt.Errorf("server: LeafPort %d is no port: give 0 for none, -1 for any free port, or 1 to 65535", s.LeafPort)
	}
	return nil
}
