package fuzz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// cluster is two or three machines in memory, under a virtual clock, joined by streams of bytes that an encoder writes and a parser
// reads in pieces that a Source cuts, or, which costs half as much, by operations.
type cluster struct {
	src     *gen.Source
	bytes   bool
	now     time.Time
	members []*member
	ends    []*end
	dials   []asked
	last    route.ConnID
	steps   int
	op      wire.Op // being received
	fault   error   // the first
}

// member is one server.
type member struct {
	node    *route.Node
	id      string
	dialect wire.Dialect
	gets    []route.SubID // delivered since the last reset
	bodies  []string      // with these payloads
}

// end is one end of a stream: its owner reads inbox.
type end struct {
	owner  *member
	conn   route.ConnID
	parser *wire.Parser
	inbox  []byte
	queue  []wire.Op // instead, where operations go from machine to machine as they are
	over   bool      // no more bytes will come
	gone   bool      // the owner has closed or lost it
	other  *end

	pinned string         // the account that the connection serves
	told   map[string]int // interest that the owner was told here, by "account subject queue"
}

type asked struct {
	by   *member
	dial route.Dial
}

// restSteps bounds the steps in which a cluster comes to rest after one event: three servers with a pool each take a few hundred.
const restSteps = 20_000

func (c *cluster) fail(format string, args ...any) {
	if c.fault == nil {
		c.fault = fmt.Errorf(format, args...)
	}
}

// add starts a server that can be dialled under its id.
func (c *cluster) add(cfg route.Config) error {
	cfg.Cluster, cfg.Host, cfg.Port = "C", cfg.ID, 1
	node, err := route.New(cfg)
	if err != nil {
		return err
	}
	m := &member{node: node, id: cfg.ID, dialect: cfg.Dialect}
	c.members = append(c.members, m)
	c.step(m, route.Tick{})
	return nil
}

// step steps one server and carries out its actions.
func (c *cluster) step(m *member, ev route.Event) {
	c.steps++
	received, hop := ev.(route.Received)
	for _, a := range m.node.Step(c.now, ev) {
		switch a.Kind {
		case route.Send:
			e := c.end(m, a.Conn)
			switch {
			case e == nil:
				c.fail("%s sends to connection %d, which it does not have", m.id, a.Conn)
				return
			case hop && a.Op.Kind.IsMessage():
				c.fail("%s passes on to %s what it got on connection %d: %s", m.id, e.other.owner.id, received.Conn, a.Op)
			case a.Op.Kind.IsMessage() && a.Op.Size != len(a.Op.Payload):
				c.fail("%s sends %d bytes and says %s", m.id, len(a.Op.Payload), a.Op)
			case hop && isInterest(a.Op.Kind) && isInterest(received.Op.Kind):
				c.fail("%s answers %s with %s to %s", m.id, received.Op, a.Op, e.other.owner.id)
			}
			if c.bytes {
				e.other.inbox = a.Op.AppendTo(e.other.inbox)
			} else {
				e.other.queue = append(e.other.queue, a.Op.Clone())
			}
		case route.Deliver:
			m.gets = append(m.gets, a.Sub)
			m.bodies = append(m.bodies, string(a.Op.Data()))
		case route.Close:
			if e := c.end(m, a.Conn); e != nil {
				e.gone, e.other.over = true, true
			}
		case route.SetMode:
			if e := c.end(m, a.Conn); e != nil && c.bytes {
				e.parser.SetMode(a.Mode)
			}
		case route.StartDial:
			c.dials = append(c.dials, asked{m, a.Dial})
		}
	}
}

func isInterest(k wire.Kind) bool {
	return k == wire.Sub || k == wire.Unsub || k == wire.LeafSub || k == wire.LeafUnsub
}

func (c *cluster) end(m *member, conn route.ConnID) *end {
	for _, e := range c.ends {
		if e.owner == m && e.conn == conn {
			return e
		}
	}
	return nil
}

// settle lets everything happen that can happen without time passing, in an order the source chooses.
func (c *cluster) settle() {
	for limit := c.steps + restSteps; c.fault == nil; {
		if c.steps > limit {
			c.fail("the servers do not come to rest")
		}
		ready := c.ready()
		switch {
		case ready != nil:
			c.run(ready)
		case len(c.dials) > 0:
			c.connect()
		default:
			c.ends = slices.DeleteFunc(c.ends, func(e *end) bool { return e.gone && e.other.gone })
			return
		}
	}
}

// ready chooses an end that has something to read or to lose; nil: none has.
func (c *cluster) ready() *end {
	n := len(c.ends)
	from := c.src.Intn(n)
	for i := range n {
		if e := c.ends[(from+i)%n]; !e.gone && (len(e.inbox) > 0 || len(e.queue) > 0 || e.over) {
			return e
		}
	}
	return nil
}

// run lets e read a piece of what waits for it, or notice that nothing more will come.
func (c *cluster) run(e *end) {
	if len(e.queue) > 0 {
		c.runOps(e)
		return
	}
	if len(e.inbox) == 0 {
		e.gone, e.other.over = true, true
		c.step(e.owner, route.Lost{Conn: e.conn})
		return
	}
	size := len(e.inbox)
	if cut := int(c.src.Byte()); cut > 0 {
		size = min(size, cut)
	}
	chunk := e.inbox[:size:size]
	e.inbox = e.inbox[size:]
	e.parser.Feed(chunk)
	for !e.gone && c.fault == nil {
		op := &c.op
		err := e.parser.Next(op)
		if err == wire.ErrNeedMore {
			return
		}
		if err != nil {
			c.fail("%s cannot read what %s has written: %v", e.owner.id, e.other.owner.id, err)
			return
		}
		e.note(op)
		c.step(e.owner, route.Received{Conn: e.conn, Op: op})
	}
}

// runOps is run for operations.
func (c *cluster) runOps(e *end) {
	n := 1 + c.src.Intn(len(e.queue))
	ops := e.queue[:n]
	e.queue = e.queue[n:]
	for i := range ops {
		if e.gone || c.fault != nil {
			return
		}
		e.note(&ops[i])
		c.step(e.owner, route.Received{Conn: e.conn, Op: &ops[i]})
	}
}

// note keeps what the owner is told of interest, read off the wire.
func (e *end) note(op *wire.Op) {
	if op.Kind == wire.Info && op.InfoBody.RouteAccount != "" && op.InfoBody.ServerID == e.other.owner.id {
		e.pinned, e.other.pinned = op.InfoBody.RouteAccount, op.InfoBody.RouteAccount
	}
	if op.Kind != wire.Sub && op.Kind != wire.Unsub {
		return
	}
	account := string(op.Account)
	if e.pinned != "" {
		account = e.pinned
	}
	key := account + " " + string(op.Subject) + " " + string(op.Queue)
	if op.Kind == wire.Sub {
		e.told[key] = max(op.Weight, 1)
	} else {
		delete(e.told, key)
	}
}

// connect answers the dial that was asked for first.
func (c *cluster) connect() {
	dial := c.dials[0]
	c.dials = c.dials[1:]
	host, _, _ := strings.Cut(dial.dial.Address, ":")
	at := slices.IndexFunc(c.members, func(m *member) bool { return m.id == host })
	if at < 0 {
		c.step(dial.by, route.DialFailed{Dial: dial.dial})
		return
	}
	c.last += 2
	a := &end{owner: dial.by, conn: c.last, told: make(map[string]int)}
	b := &end{owner: c.members[at], conn: c.last + 1, other: a, told: make(map[string]int)}
	a.other = b
	if c.bytes {
		open := a.owner.dialect
		open.ConnectFirst = false
		a.parser, b.parser = wire.NewParser(open), wire.NewParser(b.owner.dialect)
	}
	c.ends = append(c.ends, a, b)
	c.step(a.owner, route.Dialled{Conn: a.conn, Dial: dial.dial})
	c.step(b.owner, route.Accepted{Conn: b.conn, IP: dial.by.id})
}

// pass lets virtual time pass, with all that happens in it.
func (c *cluster) pass(d time.Duration) {
	for until := c.now.Add(d); c.fault == nil; {
		c.settle()
		next := until
		for _, m := range c.members {
			if due, ok := m.node.Deadline(); ok && due.Before(next) {
				next = due
			}
		}
		c.now = next
		for _, m := range c.members {
			if due, ok := m.node.Deadline(); ok && !due.After(c.now) {
				c.step(m, route.Tick{})
			}
		}
		if c.now.Equal(until) {
			c.settle()
			return
		}
	}
}

// cut breaks a stream as a network does: bytes on their way are lost, both ends notice.
func (c *cluster) cut(e *end) {
	for _, side := range []*end{e, e.other} {
		if !side.gone {
			side.gone = true
			c.step(side.owner, route.Lost{Conn: side.conn})
		}
	}
}

// healing is how long a cluster may take to be whole again: the delay of a dial and a tenth of it, for each of the connections of a pool.
const healing = 20 * time.Second

// converge lets time pass until every server knows exactly what the clients of every other want.
func (c *cluster) converge(truth map[*member]map[string]int) error {
	var last error
	for passed := time.Duration(0); passed <= healing && c.fault == nil; passed += time.Second {
		c.settle()
		if last = c.knows(truth); last == nil {
			return c.fault
		}
		c.pass(time.Second)
	}
	if c.fault != nil {
		return c.fault
	}
	return fmt.Errorf("after %v: %w", healing, last)
}

// knows compares what each server was told, on all connections together, with what the others' clients want.
func (c *cluster) knows(truth map[*member]map[string]int) error {
	for _, m := range c.members {
		for _, other := range c.members {
			if m == other || c.knowsAll(m, other, truth[other]) {
				continue
			}
			told := make(map[string]int)
			for _, e := range c.ends {
				if e.owner != m || e.other.owner != other || e.gone {
					continue
				}
				for key, weight := range e.told {
					if told[key] != 0 {
						return fmt.Errorf("%s was told %q by %s on two connections", m.id, key, other.id)
					}
					told[key] = weight
				}
			}
			if err := sameInterest(told, truth[other]); err != nil {
				return fmt.Errorf("%s of %s: %w", m.id, other.id, err)
			}
		}
	}
	return nil
}

// knowsAll tells whether m was told just what is wanted at another, nothing twice.
func (c *cluster) knowsAll(m, other *member, want map[string]int) bool {
	told := 0
	for _, e := range c.ends {
		if e.owner != m || e.other.owner != other || e.gone {
			continue
		}
		told += len(e.told)
		for key, weight := range e.told {
			if want[key] != weight || c.toldTwice(e, key) {
				return false
			}
		}
	}
	return told == len(want)
}

// toldTwice tells whether e's owner was told the same on another connection.
func (c *cluster) toldTwice(e *end, key string) bool {
	return slices.ContainsFunc(c.ends, func(other *end) bool {
		return other != e && other.owner == e.owner && other.other.owner == e.other.owner && !other.gone && other.told[key] != 0
	})
}

func sameInterest(told, want map[string]int) error {
	var faults []error
	for key, weight := range want {
		if told[key] != weight {
			faults = append(faults, fmt.Errorf("%q was told as %d, it is %d", key, told[key], weight))
		}
	}
	for key := range told {
		if want[key] == 0 {
			faults = append(faults, fmt.Errorf("%q is over and was not taken back", key))
		}
	}
	return errors.Join(faults...)
}
