package live

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// witnessAccount is where clients are that belong to no other account (every nats-server).
const witnessAccount = "$G"

// systemAccount is where servers tell each other about themselves.
const systemAccount = "$SYS"

// model is the reference without sockets: parsers and machine. It says what a target has to answer to a turn.
type model struct {
	cfg     route.Config
	node    *route.Node
	now     time.Time
	next    route.ConnID
	conns   map[int]*modelConn // by connection of the sequence
	byID    map[route.ConnID]*modelConn
	ended   []*modelConn
	sids    map[int]route.SubID // of the sequence's client
	nextSub route.SubID
	got     []string // deliveries to the witness
	client  bool     // there is a witness
	begun   bool     // another spoke while a connection was within an operation: nobody knows whether what it had said before was read by then
}

// modelConn is one connection of the sequence.
type modelConn struct {
	number int
	id     route.ConnID
	parser *wire.Parser
	op     wire.Op
	read   wire.Kind // of the last operation
	said   *answer
	sent   []byte // all that was fed
	fault  error  // of the parser: why it was closed
	s2     bool   // what follows is compressed: not judged
	state  connState
}

// connState is how far a connection has come, as its own operations say.
type connState struct {
	connected, registered                bool
	headers, lnoc, lnocu, ln, pool, pins bool
	verbose                              bool
	index, moves                         bool
	early                                bool   // it wanted something before it was registered
	again                                bool   // its id, or its name, was that of a connection which had been closed
	otherName                            bool   // CONNECT came with two names
	renamed, newsOfOld                   bool   // a CONNECT behind INFO named another id than INFO, and an INFO came behind that
	mode, taken                          uint8  // what it said of leafs last, and a bit for each mode in which it joined a group
	gateway                              bool   // the first INFO was news of a gateway
	name, id, serverName                 string // in the last CONNECT, and in the first INFO
}

// newModel makes the model of a server that says info of itself.
func newModel(info *wire.InfoBody, d wire.Dialect, means *harness.Means, client bool) (*model, error) {
	d.Limits.Buffered = 0
	m := &model{client: client, now: time.Unix(1_000_000, 0), cfg: route.Config{
		ID: info.ServerID, Name: info.ServerName, Cluster: info.Cluster, ClusterDynamic: info.ClusterDynamic, Version: info.Version,
		Host: info.Host, Port: info.Port, MaxPayload: info.MaxPayload, Dialect: d, User: means.User, Password: means.Password,
		PingInterval: time.Hour, AuthTimeout: time.Hour, Accounts: slices.AppendSeq([]string{}, maps.Keys(means.Accounts)), Seed: 1,
	}}
	if d.Pools {
		m.cfg.PoolSize = info.RoutePoolSize
		if info.RoutePoolSize == 0 {
			m.cfg.PoolSize = -1
		}
		m.cfg.PinnedAccounts = []string{systemAccount}
	}
	if d.Headers && m.cfg.Cluster == "" {
		m.cfg.Cluster = "none"
	}
	return m, m.reset()
}

// reset forgets every connection and what they left behind.
func (m *model) reset() error {
	var err error
	if m.node, err = route.New(m.cfg); err != nil {
		return err
	}
	m.next, m.nextSub = 0, 1
	m.conns, m.byID, m.sids, m.got = map[int]*modelConn{}, map[route.ConnID]*modelConn{}, map[int]route.SubID{}, nil
	if m.client {
		m.step(route.Subscribe{Sub: m.nextSub, Client: 1, NoEcho: true, Account: witnessAccount, Subject: ">"})
		m.nextSub++
	}
	return nil
}

// begin makes ready for another sequence: what the last one's connections and client left is gone.
func (m *model) begin() {
	for _, c := range m.byID {
		m.step(route.Lost{Conn: c.id})
	}
	for _, sub := range m.sids {
		m.step(route.Unsubscribe{Sub: sub})
	}
	clear(m.conns)
	clear(m.byID)
	clear(m.sids)
	m.got, m.ended, m.begun = nil, nil, false
}

// conn is the connection of that number, opened by its first use.
func (m *model) conn(number int) *modelConn {
	c := m.conns[number]
	if c == nil {
		m.next++
		c = &modelConn{number: number, id: m.next, parser: wire.NewParser(m.cfg.Dialect), said: newAnswer()}
		m.conns[number], m.byID[c.id] = c, c
		m.step(route.Accepted{Conn: c.id, IP: "127.0.0.1"})
	}
	return c
}

// feed takes in what a connection says.
func (m *model) feed(number int, b []byte) {
	c := m.conn(number)
	c.sent = append(c.sent, b...)
	if c.said.closed || c.s2 {
		return
	}
	c.parser.Feed(b)
	for !c.said.closed && !c.s2 {
		err := c.parser.Next(&c.op)
		if errors.Is(err, wire.ErrNeedMore) {
			return
		}
		if err != nil {
			c.fault = err
			m.step(route.Malformed{Conn: c.id, Err: err})
			return
		}
		c.read = c.op.Kind
		c.state.note(&c.op)
		c.state.again = c.state.again || c.op.Kind == wire.Info && m.was(c)
		m.step(route.Received{Conn: c.id, Op: &c.op})
	}
}

// note takes in what a connection says about itself.
func (s *connState) note(op *wire.Op) {
	switch op.Kind {
	case wire.Connect:
		s.otherName = s.otherName || s.connected && s.name != op.ConnectBody.Name
		s.connected, s.name = true, op.ConnectBody.Name
		s.renamed = s.registered && s.name != s.id
		s.mode = leafMode(op.ConnectBody.LNOCU, op.ConnectBody.LN)
		s.verbose = op.ConnectBody.Verbose
	case wire.Sub, wire.LeafSub:
		s.early = s.early || !s.registered
		if len(op.Queue) > 0 {
			s.taken |= 1 << s.mode
		}
	case wire.Info:
		b := op.InfoBody
		s.newsOfOld = s.newsOfOld || s.renamed
		if !s.registered {
			s.registered, s.id, s.serverName = true, b.ServerID, b.ServerName
			s.gateway = b.Gateway != ""
			s.pool, s.index, s.pins = b.RoutePoolSize > 0, b.RoutePoolIndex != 0, b.RouteAccount != ""
		}
		s.moves = s.moves || b.RouteAccReqID != ""
		s.mode |= leafMode(b.LNOCU, b.LN)
		s.headers, s.lnoc, s.lnocu, s.ln = b.Headers, b.LNOC, b.LNOCU, b.LN
	}
}

// leafMode is what a peer understands of leafs, as a number below four.
func leafMode(lnocu, ln bool) uint8 {
	mode := uint8(0)
	if lnocu {
		mode |= 1
	}
	if ln {
		mode |= 2
	}
	return mode
}

// lasting tells whether servers are not what they were when the sequence's connections have ended. An account that was moved stays where it is; and interest
// that came before CONNECT or INFO changed what a peer understands of leafs stays when it ends (seen 2.10.27 to 2.15.2): messages for its groups are lost.
func (m *model) lasting() bool {
	return m.anyConn(func(c *modelConn) bool {
		s := &c.state
		return s.moves || m.cfg.Dialect.Pools && s.taken&^(1<<s.mode) != 0
	})
}

// was tells whether a connection that is closed had the id or the name of c.
func (m *model) was(c *modelConn) bool {
	same := func(other *modelConn) bool {
		closed := m.byID[other.id] == nil
		return other != c && closed && other.state.registered && (other.state.id == c.state.id || other.state.serverName != "" && other.state.serverName == c.state.serverName)
	}
	return m.anyConn(same)
}

// anyConn tells whether one of the sequence's connections, ended or not, is like that.
func (m *model) anyConn(is func(*modelConn) bool) bool {
	for _, c := range m.conns {
		if is(c) {
			return true
		}
	}
	return slices.ContainsFunc(m.ended, is)
}

// step tells the node and takes down what it answers.
func (m *model) step(ev route.Event) {
	for _, a := range m.node.Step(m.now, ev) {
		switch a.Kind {
		case route.Send:
			if c := m.byID[a.Conn]; c != nil && !c.s2 {
				if token := tokenOf(a.Op); token != "" {
					c.said.add(token)
				}
			}
		case route.Close:
			if c := m.byID[a.Conn]; c != nil {
				c.said.add(tokenClosed)
				delete(m.byID, a.Conn)
			}
		case route.SetMode:
			if c := m.byID[a.Conn]; c != nil {
				c.parser.SetMode(a.Mode)
			}
		case route.StartS2:
			if c := m.byID[a.Conn]; c != nil {
				c.s2 = true
			}
		case route.Deliver:
			m.got = append(m.got, deliveryToken(a.Op.Subject, a.Op.Reply, a.Op.HeaderSize, a.Op.Payload))
		}
	}
}

// deliveryToken is a message as a client gets it.
func deliveryToken(subject, reply []byte, header int, payload []byte) string {
	return "MSG " + string(subject) + " " + string(reply) + " " + strconv.Itoa(header) + " " + strconv.Itoa(len(payload)) + ":" + digest(payload)
}

// end is the end of a connection.
func (m *model) end(number int) {
	c := m.conns[number]
	if c == nil {
		return
	}
	if m.byID[c.id] != nil {
		m.step(route.Lost{Conn: c.id})
		delete(m.byID, c.id)
	}
	delete(m.conns, number)
	m.ended = append(m.ended, c)
}

// played is the connection of that number as it was in the sequence, whether it has ended or not.
func (m *model) played(number int) *modelConn {
	if c := m.conns[number]; c != nil {
		return c
	}
	for _, c := range m.ended {
		if c.number == number {
			return c
		}
	}
	return nil
}

// do carries out what the client does.
func (m *model) do(op *clientOp) {
	switch op.kind {
	case wire.Msg:
		m.step(route.Publish{Client: 1, Account: witnessAccount, Subject: []byte(op.subject), Reply: []byte(op.reply), Payload: []byte(op.payload)})
	case wire.Sub:
		if _, used := m.sids[op.sid]; used {
			return
		}
		m.sids[op.sid] = m.nextSub
		m.step(route.Subscribe{Sub: m.nextSub, Client: 1, NoEcho: true, Account: witnessAccount, Subject: op.subject, Queue: op.queue})
		m.nextSub++
	case wire.Unsub:
		if sub, used := m.sids[op.sid]; used {
			m.step(route.Unsubscribe{Sub: sub})
			delete(m.sids, op.sid)
		}
	}
}

// completion is what ends the operation that a connection has begun, and brings a barrier behind it, or a barrier where a payload was just long enough to
// swallow the one before; nil: neither is so, or more is missing than anybody should send. Only the last turn of a connection ends what it has begun.
func (c *modelConn) completion(last bool) []byte {
	whole := c.parser.Finish() == nil
	switch {
	case c.said.closed, c.s2, whole && c.read == wire.Ping, !whole && !last:
		return nil
	case whole:
		return []byte(ping)
	}
	const most = 64 << 10
	begun := c.sent[min(int(c.parser.Offset()), len(c.sent)):]
	line, payload, whole := bytes.Cut(begun, []byte("\n"))
	if !whole {
		return []byte("\r\n" + ping)
	}
	args := bytes.Fields(line)
	if len(args) == 0 {
		return nil
	}
	size, err := strconv.Atoi(string(args[len(args)-1]))
	if err != nil || size < 0 || size-len(payload) > most {
		return nil
	}
	var b []byte
	if missing := size - len(payload); missing >= 0 {
		b = append(bytes.Repeat([]byte("x"), missing), '\r', '\n')
	} else {
		b = []byte("\n") // CR is there
	}
	return append(b, ping...)
}

// want is what a connection has to have said by the end of a turn.
type want struct {
	pongs  int
	closed bool
	open   bool // an operation is begun: the last PINGs are part of it
	s2     bool
}

func (c *modelConn) want() want {
	return want{c.said.pongs, c.said.closed, !c.said.closed && c.parser.Finish() != nil, c.s2}
}

// plan is what the model says of a sequence.
type plan struct {
	turns []turn
	wants []want // by turn
}

// play lets the model go through the turns, to which it adds what completes begun operations, and barriers.
func (m *model) play(all []turn, env *gen.Env, seq *gen.Sequence) plan {
	m.begin()
	p := plan{turns: all}
	for i := range p.turns {
		t := &p.turns[i]
		if t.conn == gen.Client {
			for _, s := range t.sends {
				if op, ok := clientOpOf(&seq.Steps[s.step].Message, env); ok && m.client {
					m.do(&op)
				}
			}
			p.wants = append(p.wants, want{})
			continue
		}
		m.feed(t.conn, t.bytes)
		c := m.conns[t.conn]
		if rest := c.completion(lastOf(all, i)); rest != nil && !t.end {
			t.bytes = append(t.bytes, rest...)
			t.pings++
			m.feed(t.conn, rest)
		}
		due := c.want()
		p.wants = append(p.wants, due)
		m.begun = m.begun || due.open && i < len(all)-1
		if t.end {
			m.end(t.conn)
		}
	}
	m.sweep(&p)
	return p
}

// lastOf tells whether turn i is the last of its connection.
func lastOf(all []turn, i int) bool {
	for _, later := range all[i+1:] {
		if later.conn == all[i].conn {
			return false
		}
	}
	return true
}

// sweep adds a barrier on each connection that something may have reached since it spoke last.
func (m *model) sweep(p *plan) {
	n := len(p.turns)
	for i := range n - 1 {
		t := &p.turns[i]
		if t.conn == gen.Client || t.end || !lastOf(p.turns[:n], i) {
			continue
		}
		barrier := turn{conn: t.conn, bytes: []byte(ping), pings: 1}
		m.feed(t.conn, barrier.bytes)
		p.turns = append(p.turns, barrier)
		p.wants = append(p.wants, m.conn(t.conn).want())
	}
}
