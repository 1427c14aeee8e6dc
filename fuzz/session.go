package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// CheckSession decodes a configuration and a sequence, plays it to the machine as one server that peers connect to, with clients that
// subscribe and publish, and holds each step against the model:
//
//   - a connection is closed exactly where the table "error or close" says so, with the words it says, and never for what another does
//   - PONG, +OK and -ERR 'Invalid Subscription' come where they are due, and nothing else does
//   - interest of peers goes to nobody else; clients' interest goes to every registered route, as it stands
//   - a message of a peer reaches each plain subscription once and one member of each group named, and no other connection
//   - a client's message reaches whoever wants it, once
func CheckSession(data []byte) error {
	s := newSession(gen.FromBytes(data))
	s.scratch = scratches.Get().(*scratch)
	defer scratches.Put(s.scratch)
	for i := range s.seq.Steps {
		if err := s.play(&s.seq.Steps[i]); err != nil {
			return fmt.Errorf("%s, step %d: %w\n%s", s.model.cfg.Dialect.Name, i, err, s.seq)
		}
	}
	return s.end()
}

type session struct {
	seq   gen.Sequence
	env   gen.Env
	node  *route.Node
	model *model
	now   time.Time

	ends [gen.MaxConns]*sessionEnd
	last route.ConnID
	subs route.SubID
	sids map[string]sub // of the client

	*scratch
}

// scratch is memory that one session leaves to the next.
type scratch struct {
	bytes []byte
	op    wire.Op
	got   observed // what a step has caused, as far as it is not judged at once
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// sessionEnd is the peer's end of a connection.
type sessionEnd struct {
	peer   *peer
	parser *wire.Parser
}

// observed is what a step has caused.
type observed struct {
	sends     []sent
	delivered []route.SubID
	closed    bool
	dials     []route.Dial
}

type sent struct {
	to   route.ConnID
	kind wire.Kind
	op   *wire.Op // good until the next step
}

func (m sent) line() string { return m.op.String() }

func (m sent) String() string { return fmt.Sprintf("to %d %s", m.to, m.line()) }

var dialects = wire.Dialects()

// newSession decodes a configuration and a sequence.
func newSession(src *gen.Source) *session {
	cfg := route.Config{Dialect: dialects[len(dialects)-1-src.Intn(len(dialects))], PoolSize: -1, Seed: uint64(src.Byte())}
	if src.Chance(5) {
		cfg.User, cfg.Password = "x", "x"
	}
	if src.Chance(3) {
		cfg.Accounts = []string{"A"}
	}
	if cfg.Dialect.Pools && src.Bool() {
		cfg.PoolSize = 0
	}
	s := startSession(cfg)
	s.seq = src.Generate(gen.Options{Clients: true, Brief: true, InMemory: true})
	return s
}

// startSession starts a server without peers, as the model knows servers: without compression.
func startSession(cfg route.Config) *session {
	s := &session{env: gen.FixedEnv(), now: time.Unix(1000, 0), sids: make(map[string]sub), scratch: new(scratch)}
	cfg.ID, cfg.Cluster, cfg.Host, cfg.Port = s.env.Target, s.env.Cluster, "127.0.0.1", 1
	if cfg.Dialect.Pools {
		cfg.Compression = "off"
	}
	node, err := route.New(cfg)
	if err != nil {
		panic(err) // each of the few is valid
	}
	s.node, s.model = node, newModel(cfg)
	return s
}

func (s *session) play(step *gen.Step) error {
	if step.Conn == gen.Client {
		return s.client(&step.Message)
	}
	e := s.ends[step.Conn]
	if step.End {
		if e == nil {
			return nil
		}
		s.ends[step.Conn] = nil
		s.model.drop(e.peer)
		if err := s.step(route.Lost{Conn: e.peer.id}); err != nil {
			return err
		}
		return s.nothing()
	}
	if e == nil {
		var err error
		if e, err = s.open(step.Conn); err != nil {
			return err
		}
	}
	s.bytes = step.Message.Append(s.bytes[:0], step.Conn, &s.env)
	if err := s.feed(e); err != nil {
		return err
	}
	if e.peer.phase == gone {
		s.ends[step.Conn] = nil
	}
	return nil
}

// open connects: we are greeted with one INFO.
func (s *session) open(conn int) (*sessionEnd, error) {
	s.last++
	e := &sessionEnd{peer: s.model.accept(s.last), parser: wire.NewParser(s.model.cfg.Dialect)}
	s.ends[conn] = e
	if err := s.step(route.Accepted{Conn: s.last, IP: "127.0.0.1"}); err != nil {
		return e, err
	}
	if len(s.got.sends) != 1 || s.got.sends[0].kind != wire.Info || s.got.sends[0].to != s.last {
		return e, fmt.Errorf("accepting sent %v", s.got.sends)
	}
	return e, nil
}

// feed lets the connection read what it was sent, until it is used up or the connection is gone.
func (s *session) feed(e *sessionEnd) error {
	op := &s.op
	e.parser.Feed(s.bytes)
	for e.peer.phase != gone {
		err := e.parser.Next(op)
		if err == wire.ErrNeedMore {
			return nil
		}
		var want expected
		was := *e.peer
		if err != nil {
			want = s.model.malformed(e.peer, err)
			err = s.step(route.Malformed{Conn: e.peer.id, Err: err})
		} else {
			want = s.model.received(e.peer, op)
			err = s.step(route.Received{Conn: e.peer.id, Op: op})
		}
		if err == nil {
			err = s.judge(e.peer, &want)
		}
		if err != nil {
			return fmt.Errorf("%s %.200q: %w", op.Kind, op.String(), err)
		}
		if want.closes {
			e.peer.phase = was.phase
			s.model.drop(e.peer)
		}
	}
	return nil
}

// step steps the machine and notes what it caused.
func (s *session) step(ev route.Event) error {
	s.got.sends, s.got.delivered, s.got.dials, s.got.closed = s.got.sends[:0], s.got.delivered[:0], s.got.dials[:0], false
	for _, a := range s.node.Step(s.now, ev) {
		switch a.Kind {
		case route.Send:
			s.got.sends = append(s.got.sends, sent{a.Conn, a.Op.Kind, a.Op})
		case route.Deliver:
			s.got.delivered = append(s.got.delivered, a.Sub)
		case route.Close:
			if of := connOf(ev); a.Conn != of || s.got.closed {
				return fmt.Errorf("what happened on connection %d closed %d", of, a.Conn)
			}
			s.got.closed = true
		case route.SetMode:
			for _, e := range s.ends {
				if e != nil && e.peer.id == a.Conn {
					e.parser.SetMode(a.Mode)
				}
			}
		case route.StartDial:
			s.got.dials = append(s.got.dials, a.Dial)
		case route.ClientInfo:
		default:
			return fmt.Errorf("%T caused %+v", ev, a)
		}
	}
	return nil
}

func connOf(ev route.Event) route.ConnID {
	switch ev := ev.(type) {
	case route.Received:
		return ev.Conn
	case route.Malformed:
		return ev.Conn
	}
	return 0
}

// judge holds what a peer's bytes caused against what they had to.
func (s *session) judge(p *peer, want *expected) error {
	if s.got.closed != want.closes {
		return fmt.Errorf("closed: %v, want %v; sent %v", s.got.closed, want.closes, s.got.sends)
	}
	if err := s.judgeReplies(p, want); err != nil {
		return err
	}
	if len(s.got.dials) > 0 && !want.asks {
		return fmt.Errorf("dials %v", s.got.dials)
	}
	if want.message != nil {
		if err := s.judgeMessage(want.account, want.message); err != nil {
			return err
		}
	} else if len(s.got.delivered) > 0 {
		return fmt.Errorf("delivered to %v", s.got.delivered)
	}
	for _, d := range slices.Clone(s.got.dials) {
		if err := s.step(route.DialFailed{Dial: d}); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) judgeReplies(p *peer, want *expected) error {
	if s.model.blind && !want.closes {
		return nil
	}
	var replies []wire.Kind
	var lines []string
	for _, m := range s.got.sends {
		switch {
		case m.to != p.id:
			if m.kind != wire.Info || !want.joins {
				return fmt.Errorf("connection %d was sent %s", m.to, m.line())
			}
		case m.kind == wire.Err:
			if want.text == "" || m.line() != "-ERR '"+want.text+"'" {
				return fmt.Errorf("%s, want %q", m.line(), want.text)
			}
			want.text = ""
		case want.joins || want.asks && (m.kind == wire.Sub || m.kind == wire.Unsub):
			lines = append(lines, m.line())
		default:
			replies = append(replies, m.kind)
		}
	}
	if want.text != "" {
		return fmt.Errorf("no -ERR %q", want.text)
	}
	if !slices.Equal(replies, want.replies) {
		return fmt.Errorf("answered %v, want %v", replies, want.replies)
	}
	return s.judgeLines(p, lines, want.joins)
}

// judgeLines: what is announced is true, and when it joins it is everything.
func (s *session) judgeLines(p *peer, lines []string, all bool) error {
	if len(lines) == 0 && (!all || len(s.model.subs) == 0) {
		return nil
	}
	truth := s.model.lines(p)
	for _, line := range lines {
		if !truth[line] {
			return fmt.Errorf("announced %s, which is not so: %v", line, truth)
		}
		delete(truth, line)
	}
	if all && len(truth) > 0 {
		return fmt.Errorf("not announced: %v", truth)
	}
	return nil
}

// judgeMessage holds what a peer's message reached.
func (s *session) judgeMessage(account string, op *wire.Op) error {
	served := make(map[string]int)
	matching := s.model.locals(account, string(op.Subject))
	for _, id := range s.got.delivered {
		at := slices.IndexFunc(matching, func(m sub) bool { return m.id == id })
		if at < 0 {
			return fmt.Errorf("delivered to %d, which does not want it or had it", id)
		}
		if queue := matching[at].queue; queue != "" {
			served[queue]++
		}
		matching = slices.Delete(matching, at, at+1)
	}
	for _, left := range matching {
		named := slices.ContainsFunc(op.Queues, func(q []byte) bool { return string(q) == left.queue })
		if left.queue == "" || named && served[left.queue] == 0 {
			return fmt.Errorf("not delivered to %+v", left)
		}
	}
	for queue, n := range served {
		if n > 1 || !slices.ContainsFunc(op.Queues, func(q []byte) bool { return string(q) == queue }) {
			return fmt.Errorf("group %q got %d", queue, n)
		}
	}
	return nil
}

// client plays what a client sends. Its lines are whole here: how a client port reads is no concern of routes.
func (s *session) client(m *gen.Message) error {
	s.bytes = m.Append(s.bytes[:0], gen.Client, &s.env)
	line, _, _ := bytes.Cut(s.bytes, []byte("\r\n"))
	words := strings.Fields(string(line))
	if len(words) < 2 {
		return nil
	}
	switch words[0] {
	case "SUB":
		return s.subscribe(words[1:])
	case "UNSUB":
		return s.unsubscribe(words[1])
	case "PUB":
		return s.publish(words[1:], m.Payload)
	}
	return nil
}

// subscribe: subject [queue] sid. The one with an even sid is of account A.
func (s *session) subscribe(words []string) error {
	sid := words[len(words)-1]
	if _, known := s.sids[sid]; known || len(words) > 3 {
		return nil
	}
	s.subs++
	one := sub{id: s.subs, account: accountOfSID(sid), subject: words[0]}
	if len(words) == 3 {
		one.queue = words[1]
	}
	if naivelyValid(one.subject) {
		s.sids[sid] = one
		s.model.subs = append(s.model.subs, one)
	}
	if err := s.step(route.Subscribe{Sub: one.id, Account: one.account, Subject: one.subject, Queue: one.queue}); err != nil {
		return err
	}
	if !naivelyValid(one.subject) {
		return s.nothing()
	}
	return s.judgeChange(one)
}

func accountOfSID(sid string) string {
	if sid == "2" || sid == "4" {
		return "A"
	}
	return "$G"
}

func (s *session) unsubscribe(sid string) error {
	one, known := s.sids[sid]
	if !known {
		return nil
	}
	delete(s.sids, sid)
	s.model.subs = slices.DeleteFunc(s.model.subs, func(other sub) bool { return other.id == one.id })
	if err := s.step(route.Unsubscribe{Sub: one.id}); err != nil {
		return err
	}
	return s.judgeChange(one)
}

// judgeChange: every registered route is told how the interest stands, plain interest only when it begins and ends.
func (s *session) judgeChange(one sub) error {
	if s.model.blind {
		return nil
	}
	others := 0
	for _, other := range s.model.subs {
		if other.id != one.id && other.account == one.account && other.subject == one.subject && other.queue == one.queue {
			others++
		}
	}
	told := 0
	for _, p := range s.model.peers {
		if !s.model.tells(p, one.account) || one.queue == "" && others > 0 {
			continue
		}
		want := s.model.line(p, one)
		if !slices.ContainsFunc(s.got.sends, func(m sent) bool { return m.to == p.id && m.line() == want }) {
			return fmt.Errorf("connection %d was not told %s: %v", p.id, want, s.got.sends)
		}
		told++
	}
	if told != len(s.got.sends) || len(s.got.delivered) > 0 {
		return fmt.Errorf("%d routes were to be told of %+v: %v", told, one, s.got.sends)
	}
	return nil
}

// publish: subject [reply] size. One with a reply is in account A.
func (s *session) publish(words []string, payload string) error {
	account, reply := "$G", []byte(nil)
	if len(words) == 3 {
		account, reply = "A", []byte(words[1])
	}
	ev := route.Publish{Account: account, Subject: []byte(words[0]), Reply: reply, HeaderSize: gen.HeaderSize(payload), Payload: []byte(payload)}
	if err := s.step(ev); err != nil {
		return err
	}
	if s.model.blind {
		return nil
	}
	return s.judgePublish(&ev)
}

func (s *session) judgePublish(ev *route.Publish) error {
	account, subject := ev.Account, string(ev.Subject)
	served := make(map[string]int)
	wanted := make(map[string]bool)
	matching := s.model.locals(account, subject)
	for _, one := range matching {
		n := 0
		for _, id := range s.got.delivered {
			if id == one.id {
				n++
			}
		}
		if one.queue != "" {
			wanted[one.queue] = true
			served[one.queue] += n
		} else if n != 1 {
			return fmt.Errorf("delivered %d times to %+v", n, one)
		}
	}
	for _, id := range s.got.delivered {
		if !slices.ContainsFunc(matching, func(one sub) bool { return one.id == id }) {
			return fmt.Errorf("delivered to %d, which does not want it", id)
		}
	}
	sends := 0
	for _, p := range s.model.peers {
		plain, groups := p.wants(account, subject)
		for _, g := range groups {
			wanted[g] = true
		}
		n := 0
		for _, m := range s.got.sends {
			if m.to != p.id {
				continue
			}
			n++
			for _, q := range m.op.Queues {
				if !slices.Contains(groups, string(q)) {
					return fmt.Errorf("connection %d got %s, but it has no group %q", p.id, m.line(), q)
				}
				served[string(q)]++
			}
			if err := messageIs(m.op, p, ev); err != nil {
				return err
			}
			if !plain && len(m.op.Queues) == 0 {
				return fmt.Errorf("connection %d got %s, which it does not want", p.id, m.line())
			}
		}
		if n > 1 || plain && n == 0 {
			return fmt.Errorf("connection %d got %d messages: %v", p.id, n, s.got.sends)
		}
		sends += n
	}
	if sends != len(s.got.sends) {
		return fmt.Errorf("sent to a connection that is gone: %v", s.got.sends)
	}
	for g := range wanted {
		if served[g] != 1 {
			return fmt.Errorf("group %q was served %d times", g, served[g])
		}
	}
	return nil
}

// messageIs: the message as p can read it, without headers where it knows none.
func messageIs(op *wire.Op, p *peer, ev *route.Publish) error {
	kind, payload, headerSize, account := wire.Msg, ev.Payload, 0, ev.Account
	if p.account != "" {
		account = ""
	}
	switch {
	case ev.HeaderSize == 0:
	case p.headers:
		kind, headerSize = wire.HMsg, ev.HeaderSize
	default:
		payload = payload[ev.HeaderSize:]
	}
	if op.Kind != kind || string(op.Account) != account || !bytes.Equal(op.Subject, ev.Subject) || !bytes.Equal(op.Reply, ev.Reply) ||
		op.HeaderSize != headerSize || op.Size != len(payload) || !bytes.Equal(op.Payload, payload) {
		return fmt.Errorf("connection %d got %s %q for %+v", p.id, op, op.Payload, ev)
	}
	return nil
}

// nothing: the last step has caused nothing.
func (s *session) nothing() error {
	if len(s.got.sends)+len(s.got.delivered)+len(s.got.dials) > 0 {
		return fmt.Errorf("caused %v %v %v", s.got.sends, s.got.delivered, s.got.dials)
	}
	return nil
}

// end stops the server: every connection that is there is closed once.
func (s *session) end() error {
	closed := 0
	for _, a := range s.node.Step(s.now, route.Shutdown{}) {
		if a.Kind == route.Close {
			closed++
		}
	}
	if closed != len(s.model.peers) {
		return fmt.Errorf("%s: stopping closed %d connections of %d\n%s", s.model.cfg.Dialect.Name, closed, len(s.model.peers), s.seq)
	}
	return nil
}
