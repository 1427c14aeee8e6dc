package route

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/reference/wire"
)

// simulation is some nodes in one process, joined by streams of bytes in memory, under a virtual clock. Bytes pass
// through the encoder and the parser, cut anywhere; what happens next is chosen by rng.
type simulation struct {
	t       testing.TB
	rng     *rand.Rand
	now     time.Time
	members []*member
	ends    []*end      // of streams, in order of birth
	dials   []dialAsked // not answered yet
	dialled int         // dials so far
	lastID  ConnID

	lockstep bool // all that is ready happens, then all that is ready after it: messages cross

	messages map[string]int // RMSG, HMSG and LMSG sent since the last reset, by "from>to"
}

// member is one node.
type member struct {
	node    *Node
	address string
	gets    map[SubID]int // messages delivered since the last reset
	urls    []string

	leafGets   map[uint64]int // messages sent to leafs since the last reset
	groupsGets map[string]int // and groups named in them
}

// end is one end of a stream: its owner reads inbox.
type end struct {
	owner  *member
	id     ConnID
	parser *wire.Parser
	inbox  []byte
	over   bool // no more bytes will come
	gone   bool // the owner has closed or lost it
	other  *end

	s2          bool  // the owner has been told of S2
	sent        int64 // bytes the owner has written
	s2In, s2Out int64 // where the owner takes S2 to begin, in what it reads and in what it writes
}

// startS2 holds both ends to one idea of where S2 begins. Nothing is compressed here.
func (s *simulation) startS2(e *end) {
	s.t.Helper()
	if e.s2 {
		return // another level
	}
	e.s2, e.s2In, e.s2Out = true, e.parser.Offset(), e.sent
	if e.other.s2 && (e.s2In != e.other.s2Out || e.s2Out != e.other.s2In) {
		s.t.Fatalf("S2 begins at bytes %d and %d for %s, at %d and %d for %s",
			e.s2In, e.s2Out, e.owner.address, e.other.s2Out, e.other.s2In, e.other.owner.address)
	}
}

type dialAsked struct {
	by   *member
	dial Dial
}

func newSimulation(t testing.TB, seed uint64) *simulation {
	return &simulation{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_000_000, 0), messages: map[string]int{},
	}
}

// add starts a node called id, which can be dialled at id:6222.
func (s *simulation) add(cfg Config) *member {
	s.t.Helper()
	cfg.Host, cfg.Port = cfg.ID, 6222
	cfg.Cluster = or(cfg.Cluster, "C1")
	cfg.Seed = s.rng.Uint64()
	n, err := New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	m := &member{node: n, address: cfg.ID + ":6222", gets: map[SubID]int{}, leafGets: map[uint64]int{}, groupsGets: map[string]int{}}
	s.members = append(s.members, m)
	s.step(m, Tick{})
	return m
}

// step steps one node and carries its actions out.
func (s *simulation) step(m *member, ev Event) {
	for _, a := range m.node.Step(s.now, ev) {
		switch a.Kind {
		case Send:
			e := s.end(m, a.Conn)
			if a.Op.Kind.IsMessage() {
				s.messages[m.address+">"+e.other.owner.address]++
			}
			before := len(e.other.inbox)
			e.other.inbox = a.Op.AppendTo(e.other.inbox)
			e.sent += int64(len(e.other.inbox) - before)
		case Deliver:
			m.gets[a.Sub]++
		case SendLeaf:
			m.leafGot(a.Leaf, a.Op)
		case Close:
			e := s.end(m, a.Conn)
			e.gone, e.other.over = true, true
		case StartDial:
			s.dialled++
			s.dials = append(s.dials, dialAsked{m, a.Dial})
		case SetMode:
			s.end(m, a.Conn).parser.SetMode(a.Mode)
		case StartS2:
			s.startS2(s.end(m, a.Conn))
		case ClientInfo:
			m.urls = a.URLs
		}
	}
}

func (s *simulation) end(m *member, id ConnID) *end {
	for _, e := range s.ends {
		if e.owner == m && e.id == id {
			return e
		}
	}
	s.t.Fatalf("%s speaks of connection %d, which it does not have", m.address, id)
	return nil
}

// settle lets everything happen that can happen without time passing.
func (s *simulation) settle() {
	s.t.Helper()
	for range 100_000 {
		var ready []func()
		for _, e := range s.ends {
			switch {
			case e.gone:
			case len(e.inbox) > 0:
				size := len(e.inbox)
				if !s.lockstep {
					size = 1 + s.rng.IntN(size)
				}
				ready = append(ready, func() { s.read(e, size) })
			case e.over:
				ready = append(ready, func() { e.gone, e.other.over = true, true; s.step(e.owner, Lost{Conn: e.id}) })
			}
		}
		for range s.dials {
			ready = append(ready, s.connect)
		}
		if len(ready) == 0 {
			s.ends = slices.DeleteFunc(s.ends, func(e *end) bool { return e.gone && e.other.gone })
			return
		}
		if !s.lockstep {
			ready = []func(){ready[s.rng.IntN(len(ready))]}
		}
		for _, happen := range ready {
			happen()
		}
	}
	s.t.Fatal("the nodes never come to rest")
}

// read gives e so many of the bytes that wait for it.
func (s *simulation) read(e *end, size int) {
	if e.gone {
		return
	}
	chunk := slices.Clone(e.inbox[:size])
	e.inbox = e.inbox[size:]
	e.parser.Feed(chunk)
	for !e.gone {
		var op wire.Op
		switch err := e.parser.Next(&op); err {
		case nil:
			s.step(e.owner, Received{Conn: e.id, Op: &op})
		case wire.ErrNeedMore:
			return
		default:
			s.t.Fatalf("%s cannot read what a node has written: %v", e.owner.address, err)
		}
	}
}

// connect answers the dial that was asked for first.
func (s *simulation) connect() {
	asked := s.dials[0]
	s.dials = s.dials[1:]
	for _, m := range s.members {
		if m.address != asked.dial.Address {
			continue
		}
		s.lastID += 2
		open := asked.by.node.cfg.Dialect
		open.ConnectFirst = false
		gated := m.node.cfg.Dialect
		a := &end{owner: asked.by, id: s.lastID, parser: wire.NewParser(open)}
		b := &end{owner: m, id: s.lastID + 1, parser: wire.NewParser(gated), other: a}
		a.other = b
		s.ends = append(s.ends, a, b)
		s.step(a.owner, Dialled{Conn: a.id, Dial: asked.dial})
		s.step(b.owner, Accepted{Conn: b.id, IP: asked.by.node.cfg.ID})
		return
	}
	s.step(asked.by, DialFailed{Dial: asked.dial})
}

// pass lets virtual time pass, with all that happens in it.
func (s *simulation) pass(d time.Duration) {
	s.t.Helper()
	until := s.now.Add(d)
	for {
		s.settle()
		next := until
		for _, m := range s.members {
			if due, ok := m.node.Deadline(); ok && due.Before(next) {
				next = due
			}
		}
		s.now = next
		for _, m := range s.members {
			if due, ok := m.node.Deadline(); ok && !due.After(s.now) {
				s.step(m, Tick{})
			}
		}
		if s.now.Equal(until) {
			s.settle()
			return
		}
	}
}

// mesh lets time pass until every node has a route to every other.
func (s *simulation) mesh() {
	s.t.Helper()
	for range 60 {
		s.settle()
		if s.isMesh() {
			return
		}
		s.pass(time.Second)
	}
	for _, m := range s.members {
		s.t.Logf("%s has routes to %v", m.address, slices.Sorted(maps.Keys(m.node.routes)))
	}
	s.t.Fatal("the mesh did not come about in a minute")
}

func (s *simulation) isMesh() bool {
	for _, m := range s.members {
		for _, other := range s.members {
			if m != other && !m.node.isWhole(other.node) {
				return false
			}
		}
	}
	return true
}

// isWhole tells whether n has all connections to other that the two can have.
func (n *Node) isWhole(other *Node) bool {
	r := n.routes[other.cfg.ID]
	if r == nil {
		return false
	}
	if !n.pooled() || !other.pooled() {
		return r.first.noPool && len(r.pool) == 1
	}
	for account, own := range n.pinned {
		if other.pinned[account] != nil && own[other.cfg.ID] == nil {
			return false
		}
	}
	_, more := r.free()
	return !more && r.size == max(n.cfg.PoolSize, other.cfg.PoolSize)
}

// connections is how many connections two nodes with a pool of the default size open, or two without.
func connections(d wire.Dialect) int {
	if d.Pools {
		return defaultPoolSize + 1 // and $SYS
	}
	return 1
}

// cut breaks a stream as a network does: bytes on their way are lost, both ends notice.
func (s *simulation) cut(e *end) {
	for _, side := range []*end{e, e.other} {
		side.gone = true
		s.step(side.owner, Lost{Conn: side.id})
	}
}

// known is interest as a set of readable lines.
type known map[string]int64

// localInterest is what a node's clients want.
func localInterest(n *Node) known {
	k := known{}
	for _, s := range n.subs {
		if s.group == nil {
			k[s.account.name+" "+s.entry.pattern] = 1
		} else {
			k[s.account.name+" "+s.entry.pattern+" "+s.group.queue]++
		}
	}
	return k
}

// remoteInterest is what a node believes another one's clients want. What it was told on two connections counts twice.
func remoteInterest(n *Node, id string) known {
	k := known{}
	for _, c := range n.order {
		if c.state != registered || c.peer.ServerID != id {
			continue
		}
		for key, s := range c.interest {
			if key.queue == "" {
				k[key.account+" "+key.subject]++
			} else {
				k[key.account+" "+key.subject+" "+key.queue] += s.weight
			}
		}
	}
	return k
}

// converged fails the test unless every node knows exactly what every other node's clients want.
func (s *simulation) converged() {
	s.t.Helper()
	for _, m := range s.members {
		for _, other := range s.members {
			if m == other {
				continue
			}
			want, got := localInterest(other.node), remoteInterest(m.node, other.node.cfg.ID)
			if diff := cmp.Diff(want, got); diff != "" {
				s.t.Fatalf("%s is wrong about %s (-wanted +known):\n%s", m.address, other.address, diff)
			}
		}
	}
}

// TestTwoNodes follows two nodes from the first dial to a lost connection, under virtual time.
func TestTwoNodes(t *testing.T) {
	for _, d := range wire.Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			s := newSimulation(t, 1)
			a := s.add(Config{ID: "A", Dialect: d, User: "u", Password: "p", ClientURLs: []string{"a:4222"}})
			b := s.add(Config{
				ID: "B", Dialect: d, User: "u", Password: "p", ClientURLs: []string{"b:4222"},
				Routes: []Dial{{Address: "A:6222", User: "u", Password: "p"}},
			})
			s.step(a, Subscribe{Sub: 1, Account: "$G", Subject: "orders.*"})
			s.mesh()
			s.step(b, Subscribe{Sub: 2, Account: "$G", Subject: "orders.new", Queue: "q"})
			s.settle()
			s.converged()
			if diff := cmp.Diff([]string{"a:4222", "b:4222"}, a.urls); diff != "" {
				t.Errorf("clients of A are told of other servers: %s", diff)
			}

			s.step(b, Publish{Account: "$G", Subject: []byte("orders.new"), HeaderSize: 12, Payload: []byte("NATS/1.0\r\n\r\nx")})
			s.settle()
			if a.gets[1] != 1 || b.gets[2] != 1 {
				t.Errorf("delivered %v at A and %v at B, want one each", a.gets, b.gets)
			}

			s.pass(10 * time.Minute)
			if !s.isMesh() || s.dialled != connections(d) {
				t.Errorf("an idle route did not last: %d dials", s.dialled)
			}

			for _, e := range slices.Clone(s.ends) {
				if !e.gone {
					s.cut(e)
				}
			}
			if len(remainingRemote(a.node)) != 0 {
				t.Errorf("interest of a lost route remains: %v", remainingRemote(a.node))
			}
			s.mesh()
			s.converged()

			s.step(b, Shutdown{})
			s.pass(time.Hour)
			if len(a.node.conns) != 0 || len(b.node.conns) != 0 || s.dialled != 2*connections(d) {
				t.Errorf("after shutdown: %d and %d connections, %d dials", len(a.node.conns), len(b.node.conns), s.dialled)
			}
			if due, ok := a.node.Deadline(); ok {
				t.Errorf("a node without connections wants a Tick at %v", due)
			}
		})
	}
}

// remainingRemote lists interest of routes in a node's tables.
func remainingRemote(n *Node) []string {
	var list []string
	for _, a := range n.accounts {
		for _, e := range a.entries {
			for range e.remote {
				list = append(list, e.pattern)
			}
			for _, g := range e.groups {
				for range g.remote {
					list = append(list, e.pattern+" "+g.queue)
				}
			}
		}
	}
	return list
}

// TestNodesFindEachOther lets clusters come about from different configurations, and counts the dials.
func TestNodesFindEachOther(t *testing.T) {
	for _, tc := range []struct {
		name     string
		routes   map[string][]string
		maxDials int
	}{
		{"gossip makes a mesh of a star", map[string][]string{"B": {"A"}, "C": {"A"}, "D": {"A"}}, 20},
		{"gossip makes a mesh of a chain", map[string][]string{"B": {"A"}, "C": {"B"}, "D": {"C"}}, 20},
		{"everyone dials everyone", map[string][]string{"A": {"B", "C", "D"}, "B": {"A", "C", "D"}, "C": {"A", "B", "D"}, "D": {"A", "B", "C"}}, 60},
	} {
		for _, d := range wire.Dialects() {
			for seed := range uint64(5) {
				t.Run(fmt.Sprintf("%s/%s/%d", tc.name, d.Name, seed), func(t *testing.T) {
					s := newSimulation(t, seed)
					for _, id := range []string{"A", "B", "C", "D"} {
						cfg := Config{ID: id, Dialect: d}
						for _, to := range tc.routes[id] {
							cfg.Routes = append(cfg.Routes, Dial{Address: to + ":6222"})
						}
						s.add(cfg)
					}
					s.mesh()
					s.pass(time.Minute)
					if !s.isMesh() {
						t.Error("the mesh did not last")
					}
					if limit := tc.maxDials * connections(d); s.dialled > limit {
						t.Errorf("%d dials, want at most %d", s.dialled, limit)
					}
				})
			}
		}
	}
}

// TestCrossingDials lets two servers dial each other in one moment. Each refuses the other's connection as a duplicate;
// without chance in the delay it would be like that for ever.
func TestCrossingDials(t *testing.T) {
	s := newSimulation(t, 1)
	s.lockstep = true
	s.add(Config{ID: "A", Dialect: wire.Latest(), Routes: []Dial{{Address: "B:6222"}}})
	s.add(Config{ID: "B", Dialect: wire.Latest(), Routes: []Dial{{Address: "A:6222"}}})
	s.settle()
	if s.isMesh() {
		t.Fatal("the dials have not crossed: this test tests nothing")
	}
	s.mesh()
	s.pass(time.Minute)
	if !s.isMesh() || s.dialled > 8*connections(wire.Latest()) {
		t.Errorf("after a minute: mesh %v, %d dials", s.isMesh(), s.dialled)
	}
}

// TestGeneratedNamesSettle joins nodes whose cluster names differ because they were generated.
func TestGeneratedNamesSettle(t *testing.T) {
	for _, names := range [][2]string{{"M", "N"}, {"N", "M"}} {
		s := newSimulation(t, 1)
		a := s.add(Config{ID: "A", Cluster: names[0], ClusterDynamic: true, Dialect: wire.Latest()})
		b := s.add(Config{ID: "B", Cluster: names[1], ClusterDynamic: true, Dialect: wire.Latest(), Routes: []Dial{{Address: "A:6222"}}})
		s.mesh()
		if a.node.cluster != "N" || b.node.cluster != "N" {
			t.Errorf("from %v came %q and %q, want the greater name", names, a.node.cluster, b.node.cluster)
		}
	}
}
