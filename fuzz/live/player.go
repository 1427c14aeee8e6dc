package live

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/wire"
)

// player sends sequences to a target and takes down what comes, beside what the model says.
type player struct {
	t      *target
	model  *model
	nonce  string
	count  uint64
	env    gen.Env
	conns  map[int]*wireConn
	all    []*wireConn // of the current sequence, those that have ended too
	stream []byte      // of the guard
	hasty  bool        // a case is being made smaller
}

func newPlayer(t *target) (*player, error) {
	p := &player{t: t, nonce: strings.ToLower(rand.Text()[:8]), conns: map[int]*wireConn{}}
	port, err := deadPort()
	if err != nil {
		return nil, err
	}
	p.env = gen.Env{Cluster: t.info.Cluster, Target: t.info.ServerID, TargetName: t.info.ServerName, Subject: "fz", Port: port}
	p.model, err = newModel(t.info, t.dialect, &t.means, t.witness != nil)
	return p, err
}

// deadPort is a port of this machine on which nobody listens.
func deadPort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// playOptions say how a sequence is sent.
type playOptions struct {
	stepwise bool  // a barrier behind each message
	cuts     []int // split writes at these distances, in turn; nil: each turn is one write
	patient  bool  // where the model does not know what comes, wait as long as for what is due
}

// outcome is what came of one sequence.
type outcome struct {
	plan    plan
	conns   []connOutcome // by connection of the sequence, in the order in which they opened
	got     []string      // what the witness got
	want    []string      // what it should have got
	refused error         // a connection could not be opened, or said no INFO
	silent  int           // connection that did not answer in time, with turn; -1: none
	witness error         // the client port broke down
	quirk   *quirk        // because of which not everything is compared; nil: everything is
	infoIn  time.Duration // the longest wait for an INFO
	sent    int           // bytes
	guarded bool          // not sent at all: the loopback guard objects
	lasting bool          // the target is another one since
}

// connOutcome is what one connection said and should have said.
type connOutcome struct {
	number       int
	tokens, want []string
	fault        error // of the reference's parser
	broken       error // the target's own bytes are no operations
	s2           bool
	state        connState
	raw          []byte
	lastWant     want
	asked        bool // something that may be a CONNECT was sent
	shifts       bool // what was sent may change what the target's bytes mean: S2, a pinned account
}

// judged tells whether the answers are compared, if perhaps not the messages among them.
func (o *outcome) judged() bool { return o.quirk == nil || o.quirk.touches < answers }

// whole tells whether everything is compared.
func (o *outcome) whole() bool { return o.quirk == nil }

func (o *outcome) died() bool { return o.refused != nil || o.witness != nil }

var errGuard = errors.New("the sequence names an address that is not loopback: it is not sent")

// play sends one sequence.
func (p *player) play(seq *gen.Sequence, opts playOptions) outcome {
	p.count++
	p.env.Nonce = fmt.Sprintf("%s%x", p.nonce, p.count)
	out := outcome{silent: -1}
	plan := p.model.play(turns(seq, &p.env, opts.stepwise), &p.env, seq)
	if p.guard(&plan) != nil {
		out.guarded = true
		return out
	}
	out.plan = plan
	out.quirk = quirkOf(p.t, p.model, seq, &p.env)
	out.lasting = p.model.lasting()
	p.all = p.all[:0]
	clear(p.conns)
	if out.witness = p.wakeWitness(); out.witness == nil {
		p.send(seq, &plan, opts, &out)
		p.settle(&plan, &out)
	}
	p.finish(&out)
	return out
}

// wakeWitness makes the witness ready for a sequence: another one where its connection has ended while it was idle, which nothing has caused that the
// sequence does.
func (p *player) wakeWitness() error {
	t := p.t
	if t.witness == nil {
		return nil
	}
	if !t.witness.awake() {
		t.witness.close()
		again, err := dialWitness(t.client)
		if err != nil {
			return err
		}
		t.witness = again
	}
	t.witness.hasty = p.hasty
	t.witness.begin()
	return nil
}

// guard asks whether a connection's stream could make the target dial another machine.
func (p *player) guard(plan *plan) error {
	for number := range gen.MaxConns {
		p.stream = p.stream[:0]
		for i := range plan.turns {
			if t := &plan.turns[i]; t.conn == number {
				p.stream = append(p.stream, t.bytes...)
			}
		}
		if err := gen.CheckLoopback(p.stream); err != nil {
			return errors.Join(errGuard, err)
		}
	}
	return nil
}

// send goes through the turns.
func (p *player) send(seq *gen.Sequence, plan *plan, opts playOptions, out *outcome) {
	for i := range plan.turns {
		t := &plan.turns[i]
		if t.conn == gen.Client {
			p.sendClient(seq, t, out)
		} else {
			p.sendRoute(t, plan.wants[i], opts, out)
		}
		if out.died() || out.silent >= 0 {
			return
		}
	}
}

// settle makes sure that what the sequence has caused has happened before its answers are taken down, and is not taken for the next one's.
func (p *player) settle(plan *plan, out *outcome) {
	unsure := false
	for _, c := range p.all {
		if !c.settled() || !out.judged() {
			unsure = true
			c.part(p.t.parting)
		}
	}
	w := p.t.witness
	if w == nil || out.witness != nil {
		return
	}
	used := len(w.sids) > 0
	if !unsure && !used && len(p.model.got) == 0 && !p.mayDeliver(plan) {
		return
	}
	if out.witness = w.barrier(); out.witness != nil || !used {
		return
	}
	out.got = append([]string(nil), w.got...)
	w.begin() // takes its subscriptions back
	out.witness = w.barrier()
}

// mayDeliver tells whether a message to the witness may be on its way.
func (p *player) mayDeliver(plan *plan) bool {
	return len(p.t.witness.out) > 0 || p.model.anyConn(func(c *modelConn) bool {
		return c.fault != nil || holdsWord(c.sent, "MSG")
	})
}

func (p *player) sendClient(seq *gen.Sequence, t *turn, out *outcome) {
	w := p.t.witness
	if w == nil {
		return
	}
	for _, s := range t.sends {
		if op, ok := clientOpOf(&seq.Steps[s.step].Message, &p.env); ok {
			w.do(&op)
		}
	}
	if len(w.out) > 0 {
		if err := w.barrier(); err != nil {
			out.witness = err
		}
	}
}

func (p *player) sendRoute(t *turn, w want, opts playOptions, out *outcome) {
	c := p.conns[t.conn]
	if c == nil {
		var err error
		if c, err = p.open(out); err != nil {
			out.refused = err
			return
		}
		p.conns[t.conn], c.hasty, c.patient = c, p.hasty, opts.patient
		if m := p.model.played(t.conn); m != nil {
			c.parser.SetMode(wire.Mode{Pinned: p.t.dialect.Pools && m.state.pins}) // of what the target says once it has read INFO
		}
	}
	out.sent += len(t.bytes)
	if !c.over {
		c.writeCut(t.bytes, opts.cuts)
		c.pings += t.pings
		if !c.await(w, c.pings, out.judged()) {
			c.said.add(tokenSilent)
			out.silent = t.conn
		}
		c.last = w
	}
	if t.end {
		if m := p.model.played(t.conn); m != nil && out.judged() { // else it may have opened again, and is another one
			p.takeDown(t.conn, c, m, out)
		}
		if !out.judged() || !c.settled() {
			c.part(p.t.parting) // what it has said is not to be taken for the next sequence's
		}
		c.end()
		c.over, c.left = true, true
		delete(p.conns, t.conn)
	}
}

// open opens a connection.
func (p *player) open(out *outcome) (*wireConn, error) {
	c, err := p.t.open()
	if err != nil {
		return nil, err
	}
	out.infoIn = max(out.infoIn, c.infoIn)
	p.all = append(p.all, c)
	switch {
	case c.info == nil:
		return c, errNoInfo
	case c.info.ServerID != p.t.info.ServerID:
		return c, errSuccessor
	}
	return c, nil
}

// finish closes what is open and takes down what was said.
func (p *player) finish(out *outcome) {
	for number, c := range p.conns {
		if m := p.model.conns[number]; m != nil {
			p.takeDown(number, c, m, out)
		}
	}
	for _, c := range p.all {
		if !c.left {
			c.close()
		}
	}
	out.want = p.model.got
	if p.t.witness != nil && out.got == nil {
		out.got = append(out.got, p.t.witness.got...)
	}
}

// takeDown adds what one connection said, and should have said.
func (p *player) takeDown(number int, c *wireConn, m *modelConn, out *outcome) {
	c.said.settle()
	m.said.settle()
	out.conns = append(out.conns, connOutcome{
		number: number, tokens: p.visible(c.said.tokens), want: p.visible(m.said.tokens), fault: m.fault, broken: c.broken, s2: m.s2,
		state: m.state, raw: c.raw, lastWant: c.last, asked: holdsWord(m.sent, "CONNECT"), shifts: m.state.pins || bytes.Contains(m.sent, []byte(`"s2_`)),
	})
}

// visible leaves out what the target tells every peer.
func (p *player) visible(tokens []string) []string {
	kept := tokens[:0:0]
	for _, t := range tokens {
		if !p.t.baseline[t] {
			kept = append(kept, t)
		}
	}
	return kept
}

// helloSequence is a peer that introduces itself, and nothing else.
func helloSequence() *gen.Sequence {
	hello := gen.FromBytes(nil).Generate(gen.Options{Ops: 1})
	return &hello
}
