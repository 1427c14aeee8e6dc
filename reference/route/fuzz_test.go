package route

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// FuzzStep plays arbitrary sequences of events, operations that no parser would make included.
func FuzzStep(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		seed := make([]byte, 400)
		for i := range seed {
			seed[i] = byte(rng.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkSteps(data); err != nil {
			t.Fatal(err)
		}
	})
}

// checkSteps reads events out of data and steps two equal nodes with them. No event may panic; both nodes must do the
// same; actions must speak of live connections and subscriptions only; what is sent must be readable; a peer's message must
// not be sent to anybody; and a connection may be closed only for what its rule allows.
func checkSteps(data []byte) error {
	src := &source{data: data[:min(len(data), 4096)]} // longer histories find nothing more, only later
	cfg := src.config()
	n, err := New(cfg)
	if err != nil {
		return err
	}
	twin, err := New(cfg)
	if err != nil {
		return err
	}
	live, subs, modes := map[ConnID]bool{}, map[SubID]bool{}, map[ConnID]wire.Mode{}
	now := time.Unix(1000, 0)
	for len(src.data) > 0 {
		now = now.Add(time.Duration(src.pick(40)) * 100 * time.Millisecond)
		ev := src.event()
		allowed := allowedReasons(n, ev)
		switch ev := ev.(type) {
		case Accepted:
			live[ev.Conn] = true
		case Dialled:
			live[ev.Conn] = true
		case Lost:
			delete(live, ev.Conn)
		case Subscribe:
			subs[ev.Sub] = true
		}
		actions := n.Step(now, ev)
		for _, a := range actions {
			if err := checkAction(a, ev, live, modes, subs, allowed); err != nil {
				return fmt.Errorf("%#v caused %+v: %w", ev, a, err)
			}
			switch a.Kind {
			case Close:
				delete(live, a.Conn)
			case SetMode:
				modes[a.Conn] = a.Mode
			}
		}
		if got := twin.Step(now, ev); !slices.EqualFunc(actions, got, func(x, y Action) bool { return reflect.DeepEqual(x, y) }) {
			return fmt.Errorf("%#v caused %+v, and in an equal node %+v", ev, actions, got)
		}
		if due, ok := n.Deadline(); ok && !due.After(now) {
			return fmt.Errorf("the deadline %v has passed at %v", due, now)
		}
		if len(n.conns) != len(live) {
			return fmt.Errorf("the node has %d connections, there are %d", len(n.conns), len(live))
		}
	}
	return nil
}

func checkAction(a Action, ev Event, live map[ConnID]bool, modes map[ConnID]wire.Mode, subs map[SubID]bool, allowed []CloseReason) error {
	switch a.Kind {
	case Send:
		if !live[a.Conn] {
			return errors.New("sent to a connection that is gone")
		}
		if _, ok := ev.(Received); ok && a.Op.Kind.IsMessage() {
			return errors.New("a second hop")
		}
		return checkReadable(a.Op, modes[a.Conn].Pinned)
	case SendLeaf:
		if _, ok := ev.(LeafLeft); ok && a.Op.Kind.IsMessage() {
			return errors.New("a message out of nothing")
		}
	case Deliver:
		if !subs[a.Sub] {
			return errors.New("delivered to nobody")
		}
	case Close:
		if !live[a.Conn] {
			return errors.New("closed twice")
		}
		if !slices.Contains(allowed, a.Reason) {
			return fmt.Errorf("not one of %v", allowed)
		}
	case SetMode, StartS2:
		if !live[a.Conn] {
			return errors.New("mode of a connection that is gone")
		}
	}
	return nil
}

// checkReadable holds that a peer's parser makes the same of op. A client's payload is anything, but a subject or reply
// with separators in it is the client port's to refuse.
func checkReadable(op *wire.Op, pinned bool) error {
	latest := wire.Latest()
	latest.ConnectFirst = false
	p := wire.NewParser(latest)
	p.SetMode(wire.Mode{Pinned: pinned})
	p.Feed(op.AppendTo(nil))
	var got wire.Op
	if err := p.Next(&got); err != nil {
		return fmt.Errorf("unreadable: %w", err)
	}
	if got.Kind != op.Kind || string(got.Subject) != string(op.Subject) || string(got.Payload) != string(op.Payload) || len(got.Queues) != len(op.Queues) {
		return fmt.Errorf("read as %v", got.String())
	}
	return nil
}

// allowedReasons is why a connection may be closed by ev: what its rule says, that time is up, or that the cluster's name
// has changed.
func allowedReasons(n *Node, ev Event) []CloseReason {
	list := []CloseReason{StaleConnection, AuthenticationTimeout, ClusterNameConflict}
	add := func(h handler) {
		for _, why := range mayClose[h] {
			list = append(list, closings[why].reason)
		}
	}
	switch ev := ev.(type) {
	case Received:
		c := n.conns[ev.Conn]
		if c == nil {
			break
		}
		if ev.Op == nil || int(ev.Op.Kind) >= len(inputOf) || inputOf[ev.Op.Kind] == noInput {
			return append(list, ParseError)
		}
		add(rules[c.state][inputOf[ev.Op.Kind]].do)
	case Malformed:
		add(explain)
	case Shutdown:
		add(stop)
	case Dialled:
		list = append(list, RouteRemoved) // a configured route that is none
	case Reload:
		list = append(list, AuthenticationViolation, RouteRemoved, ClientClosed)
	}
	if n.stopped {
		add(stop)
	}
	return list
}

// source makes events out of bytes; it gives zeros when it has run out.
type source struct {
	data    []byte
	conns   ConnID
	subs    SubID
	stopped bool
}

func (s *source) pick(n int) int {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return int(b) % n
}

func pickOf[T any](s *source, list ...T) T { return list[s.pick(len(list))] }

func (s *source) config() Config {
	cfg := Config{ID: "T", Cluster: "C1", Host: "h", Port: 1, Dialect: pickOf(s, wire.Dialects()...), ClusterDynamic: s.pick(3) == 0}
	if s.pick(4) == 0 {
		cfg.User, cfg.Password = "u", "p"
	}
	if s.pick(2) == 0 {
		cfg.Routes = []Dial{{Address: "x:1"}, {Address: "y:1"}}
	}
	if s.pick(2) == 0 {
		cfg.Accounts = []string{"A"}
	}
	if s.pick(2) == 0 {
		cfg.Shares = []Share{
			{From: "A", To: "$G", Stream: pickOf(s, ">", "a.*")},
			{From: "A", To: "$G", Service: "a"},
			{From: "$G", To: "A", Service: "a"},
			{From: "A", To: "$G", Service: "b", Prefix: "a"},
		}
	}
	if cfg.Dialect.Pools {
		cfg.PoolSize, cfg.Compression = pickOf(s, 0, -1, 2), pickOf(s, configurable...)
		if cfg.PoolSize == 2 {
			cfg.PinnedAccounts = []string{"A"}
		}
	}
	cfg.PingInterval = pickOf(s, 0, time.Second, 200*time.Millisecond)
	return cfg
}

func (s *source) conn() ConnID { return ConnID(s.pick(int(s.conns)%200 + 2)) }

func (s *source) text() string {
	return pickOf(s, "a", "b", "a.b", "*", ">", "a.*", "", "a..b", "a.>.b", "$G", "A", "\x00\xff", "q", "_", "C1", "Z")
}

// token is text that a parser can make: never empty, no separators.
func (s *source) token() []byte { return []byte(or(s.text(), "e")) }

func (s *source) event() Event {
	switch s.pick(20) {
	case 0:
		s.conns++
		return Accepted{Conn: s.conns, IP: pickOf(s, "10.0.0.1", "::1", "")}
	case 1:
		s.conns++
		return Dialled{Conn: s.conns, Dial: s.dial()}
	case 2:
		return DialFailed{Dial: s.dial()}
	case 3:
		return Lost{Conn: s.conn()}
	case 4:
		return Malformed{Conn: s.conn(), Err: s.parseError()}
	case 5, 6:
		s.subs++
		return Subscribe{
			Sub: s.subs, Client: uint64(s.pick(3)), NoEcho: s.pick(2) == 0, Account: pickOf(s, "$G", "A", "B"),
			Subject: s.text(), Queue: pickOf(s, "", "q", "r"), Weight: s.pick(3),
		}
	case 7:
		return Unsubscribe{Sub: SubID(s.pick(int(s.subs)%200 + 2))}
	case 8:
		return UnsubscribeAll{Subs: []SubID{SubID(s.pick(9)), SubID(s.pick(9)), SubID(s.pick(9))}}
	case 9, 10:
		return Publish{
			Client: uint64(s.pick(3)), Account: pickOf(s, "$G", "A", "B"), Subject: s.token(), Reply: pickOf(s, nil, []byte("r")),
			HeaderSize: s.pick(4) - 1, Payload: make([]byte, s.pick(4)), Queues: pickOf(s, nil, [][]byte{[]byte("q")}),
		}
	case 11:
		return pickOf[Event](
			s, Tick{}, LeafJoined{Client: uint64(s.pick(3)), Account: "$G", Cluster: pickOf(s, "", "o")}, LeafLeft{Client: uint64(s.pick(3))},
		)
	case 12:
		if !s.stopped && s.pick(30) == 0 {
			s.stopped = true
			return Shutdown{}
		}
		return pickOf[Event](s, Tick{}, LameDuck{}, s.reload())
	}
	return Received{Conn: s.conn(), Op: s.op()}
}

func (s *source) reload() Reload {
	return Reload{
		Permissions: pickOf(s, nil, &Permissions{Import: SubjectRules{Allow: []string{"a.*"}}}, &Permissions{Export: SubjectRules{Deny: []string{"b"}}}),
		Accounts:    pickOf(s, nil, []string{}, []string{"A"}), User: pickOf(s, "", "u"), Password: pickOf(s, "", "p", "q"),
		PinnedAccounts: pickOf(s, nil, []string{"$G"}), Compression: pickOf(s, "", compressionOff, s2Fast, s2Auto),
		Routes: pickOf(s, nil, []Dial{{Address: "x:1"}}, []Dial{{Address: "x:1"}, {Address: "y:1"}}),
	}
}

func (s *source) dial() Dial {
	return pickOf(s, Dial{Address: "x:1", Explicit: true}, Dial{Address: "y:1", Explicit: true}, Dial{Address: "z:1", RemoteID: "P3"}, Dial{},
		Dial{Address: "x:1", Explicit: true, Account: "$SYS"}, Dial{Address: "x:1", Explicit: true, Account: "A"})
}

func (s *source) parseError() error {
	offset := int64(s.pick(2))
	return pickOf[error](
		s, nil, errors.New("other"), &wire.StateError{Token: wire.ConnectRequired},
		&wire.SyntaxError{Token: wire.UnknownOp, Offset: offset}, &wire.SyntaxError{Token: wire.ArgumentCount, Op: wire.Sub, Offset: offset},
		&wire.SyntaxError{Token: wire.BadJSON, Op: wire.Connect, Offset: offset}, &wire.LimitError{Token: wire.LineTooLong, Op: wire.Info},
		&wire.LimitError{Token: wire.PayloadTooLong, Op: wire.Msg},
	)
}

func (s *source) op() *wire.Op {
	if s.pick(40) == 0 {
		return nil
	}
	// CONNECT and INFO more often than chance would have it, so that most connections become routes.
	op := &wire.Op{Kind: pickOf(s, wire.Kind(s.pick(20)), wire.Connect, wire.Info, wire.Sub, wire.Msg)}
	op.Account, op.Subject = s.token(), s.token()
	switch op.Kind {
	case wire.Info:
		op.InfoBody = s.info()
	case wire.Connect:
		op.ConnectBody = s.connect()
	default:
		op.Origin, op.Reply, op.Queue = pickOf(s, nil, []byte("o")), pickOf(s, nil, []byte("r")), pickOf(s, nil, []byte("q"), []byte("r"))
		op.Queues = pickOf(s, nil, [][]byte{[]byte("q")}, [][]byte{[]byte("r"), []byte("q"), []byte("q")})
		op.Weight = pickOf(s, -1, 0, 1, 3, 999_999_999)
		op.More = s.pick(10) == 0
	}
	return op
}

func (s *source) info() *wire.InfoBody {
	if s.pick(20) == 0 {
		return nil
	}
	return &wire.InfoBody{
		ServerID: pickOf(s, "P1", "P2", "P3", "P4", "T", ""), ServerName: pickOf(s, "", "T", "n"), Cluster: pickOf(s, "C1", "C1", "", "Z", "_", "A"),
		ClusterDynamic: s.pick(2) == 0, Host: pickOf(s, "", "h", "fe80::1"), Port: pickOf(s, 0, 1, -1, 6222),
		IP:      pickOf(s, "", "nats-route://z:1/", "nats-route://[::1]:1", "://", "bad", "nats-route://u:p@z:1"),
		Headers: s.pick(2) == 0, LNOC: s.pick(2) == 0, LNOCU: s.pick(2) == 0, LN: s.pick(4) == 0, LameDuck: s.pick(5) == 0, RouteAccReqID: pickOf(s, "", "", "", "r"), ConnectURLs: pickOf(s, nil, []string{"c:1"}, []string{"c:1", "d:1"}),
		GossipMode: uint8(s.pick(4)), Compression: pickOf(s, "", "off", "bogus", "s2_fast", "s2_auto"), RouteAccount: pickOf(s, "", "", "", "$SYS", "A"),
		RoutePoolSize: pickOf(s, 0, 2, 3, 3, -1, 1<<40), RoutePoolIndex: pickOf(s, 0, 0, 1, 2, -1, 1<<39),
		ClientID: uint64(s.pick(8) / 7), AuthRequired: s.pick(2) == 0,
	}
}

func (s *source) connect() *wire.ConnectBody {
	if s.pick(20) == 0 {
		return nil
	}
	return &wire.ConnectBody{
		Name: pickOf(s, "P1", "P2", "T", ""), Cluster: pickOf(s, "C1", "C1", "C1", "", "Z", "_", "A"), ClusterDynamic: s.pick(2) == 0,
		User: pickOf(s, "u", "u", "x"), Pass: pickOf(s, "p", "p", ""), Lang: pickOf(s, "", "", "", "", "go"), Gateway: pickOf(s, "", "", "", "", "g\r\n'"),
		Verbose: s.pick(4) == 0, Headers: s.pick(2) == 0, LNOCU: s.pick(2) == 0, Account: pickOf(s, "", "", "", "", "A"),
	}
}
