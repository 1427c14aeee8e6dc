package gen

import "slices"

// MaxConns is the largest number of connections of a sequence.
const MaxConns = 3

// Client is the connection number of a step that a client sends, on a connection to the client port.
const Client = -1

// Step is one thing that a connection does: it sends Message, or ends.
type Step struct {
	Conn    int  // 0 to MaxConns-1, or Client
	End     bool // the connection ends, Message is zero
	Message Message
}

// Sequence is what the connections of one case do, in order. A connection opens with its first step.
type Sequence struct{ Steps []Step }

// Options narrow what Generate makes. The zero Options make sequences for a route port alone.
type Options struct {
	Conns   int  // largest number of route connections; 0: MaxConns
	Clients bool // steps of a client are in it
	Ops     int  // largest number of steps behind the handshakes; 0: 12

	Brief bool // peers introduce themselves with no more than a server wants to know

	// InMemory is for servers that have no way to dial: the sequence is not held against CheckLoopback, which is a third of the work,
	// so that damage may have made another address of a loopback one.
	InMemory bool
}

// Generate makes a sequence: one route, now and then a second and a third, each with a handshake that is mostly right, and
// 1 to 12 further steps spread over them. Its connections' streams pass CheckLoopback,
// unless Options.InMemory says that nobody can dial.
func (s *Source) Generate(o Options) Sequence {
	conns := 1 + min(s.weighted([]uint8{10, 5, 1}), orDefault(o.Conns, MaxConns)-1)
	n := 1 + s.Intn(orDefault(o.Ops, 12))
	seq := Sequence{Steps: make([]Step, 0, 2*conns+n)}
	s.topic, s.brief = s.Pick(topics), o.Brief
	opened := 0
	for i := range n {
		// A later connection opens somewhere among the steps of the others.
		for opened < conns && (opened == 0 || s.Chance(2) || i == n-1) {
			seq.Steps = s.handshake(seq.Steps, opened)
			opened++
		}
		seq.Steps = append(seq.Steps, s.step(opened, o.Clients))
	}
	if !o.InMemory {
		s.tame(&seq)
	}
	return seq
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (s *Source) step(opened int, clients bool) Step {
	if clients && s.Chance(4) {
		return Step{Conn: Client, Message: s.client()}
	}
	conn := s.Intn(opened)
	if s.Chance(64) {
		return Step{Conn: conn, End: true}
	}
	return Step{Conn: conn, Message: s.message()}
}

// handshake appends CONNECT and INFO of a connection: mostly both, in this order.
func (s *Source) handshake(steps []Step, conn int) []Step {
	add := func(m Message) { steps = append(steps, Step{Conn: conn, Message: m}) }
	switch s.weighted([]uint8{24, 2, 2, 2, 2}) {
	case 0:
		add(s.connect())
		add(s.hello())
	case 1:
		add(s.hello())
		add(s.connect())
	case 2:
		add(s.connect())
	case 3:
		add(s.hello())
	}
	return steps
}

// client makes what a client sends that makes a server use what routes told it.
func (s *Source) client() Message {
	switch s.weighted([]uint8{5, 3, 1}) {
	case 0:
		m := Message{Verb: "PUB", Fields: []string{" " + s.Subject()}, End: crlf, Payload: s.payload(), Close: crlf}
		if s.Chance(3) {
			m.Fields = append(m.Fields, " "+s.Subject())
		}
		m.Fields = append(m.Fields, " @size@")
		return m
	case 1:
		m := Message{Verb: "SUB", Fields: []string{" " + s.Subject()}, End: crlf}
		if s.Bool() {
			m.Fields = append(m.Fields, " "+s.Queue())
		}
		m.Fields = append(m.Fields, " "+small[s.Intn(5)])
		return m
	}
	return Message{Verb: "UNSUB", Fields: []string{" " + small[s.Intn(5)]}, End: crlf}
}

// Conns returns how many route connections the sequence has: the largest number of one, plus one.
func (q *Sequence) Conns() int {
	n := 0
	for i := range q.Steps {
		n = max(n, q.Steps[i].Conn+1)
	}
	return n
}

// Append appends everything that a connection sends.
func (q *Sequence) Append(dst []byte, conn int, env *Env) []byte {
	for i := range q.Steps {
		if step := &q.Steps[i]; step.Conn == conn && !step.End {
			dst = step.Message.Append(dst, conn, env)
		}
	}
	return dst
}

// Clone returns a copy whose slices are its own.
func (q *Sequence) Clone() Sequence {
	c := Sequence{Steps: slices.Clone(q.Steps)}
	for i := range c.Steps {
		c.Steps[i].Message = q.Steps[i].Message.Clone()
	}
	return c
}

// Equal says whether both have the same steps.
func (q *Sequence) Equal(other *Sequence) bool {
	return slices.EqualFunc(q.Steps, other.Steps, func(a, b Step) bool {
		return a.Conn == b.Conn && a.End == b.End && a.Message.Equal(&b.Message)
	})
}
