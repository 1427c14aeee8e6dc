package server

import (
	"strconv"
	"time"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// subscription is one SUB of a client.
type subscription struct {
	id        route.SubID
	client    *client
	sid       string
	subject   string
	delivered int
	max       int // ends after this many deliveries; 0: no end
}

// exhausted tells whether the subscription has had all that UNSUB left it.
func (sub *subscription) exhausted() bool { return sub.max > 0 && sub.delivered >= sub.max }

// subscribe handles SUB. A sid that is in use keeps its first meaning (seen 2.15.2).
func (c *client) subscribe(now time.Time, op *clientOp) {
	s := c.server
	if !wire.ValidPattern(op.subject) {
		c.sendErr(errInvalidSubject)
		return
	}
	if c.subs[string(op.sid)] != nil {
		c.ok()
		return
	}
	s.lastSub++
	sub := &subscription{id: s.lastSub, client: c, sid: string(op.sid), subject: string(op.subject)}
	c.subs[sub.sid], s.subs[sub.id] = sub, sub
	s.step(now, route.Subscribe{
		Sub: sub.id, Client: c.id, NoEcho: !c.options.Echo,
		Account: c.account, Subject: sub.subject, Queue: string(op.queue),
	})
	c.ok()
}

// unsubscribe handles UNSUB: at once, or after max deliveries counted from the SUB on. An unknown sid is no error.
func (c *client) unsubscribe(now time.Time, op *clientOp) {
	if sub := c.subs[string(op.sid)]; sub != nil {
		sub.max = op.max
		if op.max == 0 || sub.exhausted() {
			c.server.drop(sub)
			c.server.settleDeferred(now)
		}
	}
	c.ok()
}

// drop forgets a subscription and leaves it to the end of the step to tell the node.
func (s *Server) drop(sub *subscription) {
	delete(s.subs, sub.id)
	delete(sub.client.subs, sub.sid)
	s.deferred = append(s.deferred, route.Unsubscribe{Sub: sub.id})
}

// publishMessage handles PUB and HPUB.
func (c *client) publishMessage(now time.Time, op *clientOp) {
	if op.kind == opHPub && !c.options.Headers {
		c.malformed(now, &clientError{Detail: "HPUB from a client that announced no headers"})
		return
	}
	if c.options.Pedantic && !wire.ValidSubject(op.subject) {
		c.sendErr(errInvalidPublish) // and yet it is published (seen 2.15.2)
	}
	c.ok()
	sent := c.server.step(now, route.Publish{
		Client: c.id, Account: c.account, Subject: op.subject, Reply: op.reply,
		HeaderSize: op.headerSize, Payload: op.payload,
	})
	if sent == 0 && len(op.reply) > 0 && c.options.NoResponders {
		c.noResponders(op.subject, op.reply)
		c.server.settleDeferred(now)
	}
}

// noResponders tells a requester that nobody listens: a message with status 503 to the subscription that waits for the answer.
func (c *client) noResponders(subject, reply []byte) {
	for _, sub := range c.subs {
		if wire.Match([]byte(sub.subject), reply) {
			header := "NATS/1.0 503\r\nNats-Subject: " + string(subject) + "\r\n\r\n"
			c.server.deliver(sub, &wire.Op{
				Kind: wire.HMsg, Subject: reply, HeaderSize: len(header), Size: len(header), Payload: []byte(header),
			})
			return
		}
	}
}

// deliver writes the message op to the client of sub, as it can take it: without the header block where it knows none.
func (s *Server) deliver(sub *subscription, op *wire.Op) {
	c := sub.client
	header, payload := op.HeaderSize, op.Payload
	if header > 0 && !c.options.Headers {
		header, payload = 0, payload[header:]
	}
	out := c.link.out
	start := len(out)
	if header > 0 {
		out = append(out, 'H')
	}
	out = append(out, "MSG "...)
	out = append(append(out, op.Subject...), ' ')
	out = append(append(out, sub.sid...), ' ')
	if len(op.Reply) > 0 {
		out = append(append(out, op.Reply...), ' ')
	}
	if header > 0 {
		out = append(strconv.AppendInt(out, int64(header), 10), ' ')
	}
	out = append(strconv.AppendInt(out, int64(len(payload)), 10), "\r\n"...)
	out = append(append(out, payload...), "\r\n"...)
	c.link.out = out
	if s.tracing() {
		c.traceOut(out[start:])
		s.tracePayload(c.link, traceOut, payload)
	}
	c.link.produced()
	if sub.delivered++; sub.exhausted() {
		s.drop(sub)
	}
}
