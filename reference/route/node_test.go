package route

import (
	"fmt"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestNode is a node with that many registered peers: P1 on connection 1, and so on.
func newTestNode(t testing.TB, peers int) (*Node, time.Time) {
	t.Helper()
	n, err := New(Config{ID: "T", Cluster: "C1", Dialect: wire.Latest()})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	for i := 1; i <= peers; i++ {
		id, name := ConnID(i), fmt.Sprint("P", i)
		n.Step(now, Accepted{Conn: id, IP: "10.0.0.1"})
		connect := wire.NewConnect(&wire.ConnectBody{Name: name, Cluster: "C1"})
		n.Step(now, Received{Conn: id, Op: &connect})
		info := wire.NewInfo(&wire.InfoBody{ServerID: name, Cluster: "C1", Headers: true})
		n.Step(now, Received{Conn: id, Op: &info})
	}
	if len(n.routes) != peers {
		t.Fatalf("%d routes, want %d", len(n.routes), peers)
	}
	return n, now
}

// receive steps n with operations of connection id and returns the actions of the last.
func receive(n *Node, now time.Time, id ConnID, ops ...wire.Op) (last []Action) {
	for i := range ops {
		last = n.Step(now, Received{Conn: id, Op: &ops[i]})
	}
	return last
}

// TestQueueWeights counts who is chosen: 1 local member against routes of weight 2 and 7. With 10,000 messages a share that
// is off by more than five standard deviations (at most 250) means that the choice is wrong.
func TestQueueWeights(t *testing.T) {
	n, now := newTestNode(t, 2)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "j", Queue: "q"})
	receive(n, now, 1, wire.NewQueueSub("$G", "j", "q", 5), wire.NewQueueSub("$G", "j", "q", 2))
	receive(n, now, 2, wire.NewQueueSub("$G", "*", "q", 7))
	counts := map[string]int{}
	const messages = 10_000
	for range messages {
		actions := n.Step(now, Publish{Account: "$G", Subject: []byte("j")})
		if len(actions) != 1 {
			t.Fatalf("a group was served %d times", len(actions))
		}
		counts[fmt.Sprint(actions[0].Kind == Deliver, actions[0].Conn)]++
	}
	for who, share := range map[string]int{"true 0": 1000, "false 1": 2000, "false 2": 7000} {
		if got := counts[who]; got < share-250 || got > share+250 {
			t.Errorf("%s was chosen %d times, want about %d", who, got, share)
		}
	}
}

// TestLocalMembersShare counts which of three local members gets what a route sends.
func TestLocalMembersShare(t *testing.T) {
	n, now := newTestNode(t, 1)
	for i := range 3 {
		n.Step(now, Subscribe{Sub: SubID(i), Account: "$G", Subject: "j", Queue: "q"})
	}
	var counts [3]int
	for range 9_000 {
		for _, a := range receive(n, now, 1, wire.NewQueueMsg("$G", "j", "", []string{"q"}, nil)) {
			counts[a.Sub]++
		}
	}
	for id, got := range counts {
		if got < 2750 || got > 3250 {
			t.Errorf("member %d got %d of 9000, want about 3000", id, got)
		}
	}
}

// TestHotPathAllocatesNothing guards the promise of the package for messages both ways.
func TestHotPathAllocatesNothing(t *testing.T) {
	n, now := newTestNode(t, 2)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "a.*"})
	n.Step(now, Subscribe{Sub: 2, Account: "$G", Subject: "a.b", Queue: "q"})
	for id := range ConnID(2) {
		receive(n, now, id+1, wire.NewSub("$G", "a.b"), wire.NewQueueSub("$G", "a.b", "q", 2), wire.NewQueueSub("$G", "a.>", "r", 2))
	}
	op := wire.NewQueueMsg("$G", "a.b", "r", []string{"q", "none"}, []byte("0123456789abcdef"))
	if got := testing.AllocsPerRun(1000, func() { n.Step(now, Received{Conn: 1, Op: &op}) }); got != 0 {
		t.Errorf("a routed message allocates %v times", got)
	}
	subject, payload := []byte("a.b"), []byte("NATS/1.0\r\n\r\nbody")
	if got := testing.AllocsPerRun(1000, func() {
		n.Step(now, Publish{Account: "$G", Subject: subject, HeaderSize: 12, Payload: payload})
	}); got != 0 {
		t.Errorf("a published message allocates %v times", got)
	}
}

// TestDeliverSharesTheMessage holds that no byte of a payload is copied.
func TestDeliverSharesTheMessage(t *testing.T) {
	n, now := newTestNode(t, 1)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "a"})
	op := wire.NewMsg("$G", "a", "", []byte("payload"))
	actions := n.Step(now, Received{Conn: 1, Op: &op})
	if len(actions) != 1 || actions[0].Op != &op {
		t.Fatalf("got %+v, want the very operation that was received", actions)
	}
}

// TestPeersChooseNoMemory bounds what a peer can make the node keep by naming things.
func TestPeersChooseNoMemory(t *testing.T) {
	n, now := newTestNode(t, 1)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: ">"})
	for i := range 3 * maxCached {
		receive(n, now, 1, wire.NewMsg("$G", fmt.Sprint("subject.", i), "", nil))
		receive(n, now, 1, wire.NewMsg(fmt.Sprint("account", i), "a", "", nil))
		receive(n, now, 1, wire.NewSub(fmt.Sprint("account", i), "a"), wire.NewUnsub(fmt.Sprint("account", i), "a"))
	}
	if got := len(n.accounts["$G"].cache); got > maxCached {
		t.Errorf("%d results cached, want at most %d", got, maxCached)
	}
	if len(n.accounts) != 1 {
		t.Errorf("%d accounts kept, want 1", len(n.accounts))
	}
	dials := 0
	for i := range 2 * maxLearned {
		info := wire.NewInfo(&wire.InfoBody{ServerID: fmt.Sprint("X", i), IP: fmt.Sprintf("nats-route://10.0.0.1:%d/", i+1)})
		dials += len(receive(n, now, 1, info))
	}
	if dials != maxLearned {
		t.Errorf("%d servers that a peer spoke of are dialled, want %d", dials, maxLearned)
	}
}

// TestBurstsAreGivenBack registers a peer with a great deal of interest, and looks what the node keeps of the actions.
func TestBurstsAreGivenBack(t *testing.T) {
	n, now := newTestNode(t, 0)
	const subs = 3 * kept
	for i := range SubID(subs) {
		n.Step(now, Subscribe{Sub: i, Account: "$G", Subject: fmt.Sprint("s.", i)})
	}
	n.Step(now, Accepted{Conn: 1})
	connect, info := wire.NewConnect(&wire.ConnectBody{Cluster: "C1"}), wire.NewInfo(&wire.InfoBody{ServerID: "P"})
	if got := len(receive(n, now, 1, connect, info)); got != subs {
		t.Fatalf("%d actions, want one for each of %d subjects", got, subs)
	}
	n.Step(now, Tick{})
	if len(n.out.ops) > kept || cap(n.out.actions) > kept {
		t.Errorf("%d operations and %d actions are kept, want at most %d", len(n.out.ops), cap(n.out.actions), kept)
	}
}

// TestMessagesInParts holds that a part, which New has asked not to get, is not taken for a message.
func TestMessagesInParts(t *testing.T) {
	d := wire.Latest()
	d.Limits.Buffered = 4096
	if _, err := New(Config{ID: "T", Cluster: "C1", Dialect: d}); err == nil {
		t.Error("New takes a dialect that gives messages in parts")
	}
	n, now := newTestNode(t, 1)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "a"})
	first, last := wire.NewMsg("$G", "a", "", []byte("xx")), wire.NewMsg("$G", "a", "", []byte("yy"))
	first.Size, first.More = 4, true
	last.Size, last.Offset = 4, 2
	if got := append(receive(n, now, 1, first), receive(n, now, 1, last)...); len(got) != 0 {
		t.Errorf("parts caused %+v", got)
	}
}

func TestAddresses(t *testing.T) {
	for ip, want := range map[string]string{
		"nats-route://127.0.0.1:6222/":          "127.0.0.1:6222",
		"nats-route://127.0.0.1:6222":           "127.0.0.1:6222",
		"nats-route://user:pa@ss@a.example:1/":  "a.example:1",
		"nats://[fd00::3]:6222/":                "[fd00::3]:6222",
		"nats-route://fd00::3:6222/":            "",
		"nats-route://[fd00::3:6222/":           "",
		"nats-route://a.example/":               "",
		"nats-route://a.example:/":              "",
		"nats-route://:6222/":                   "",
		"nats-route://a.example:port/":          "",
		"127.0.0.1:6222":                        "",
		"":                                      "",
		"nats-route://a.example:6222/some/path": "a.example:6222",
	} {
		if got := addressOf(ip); got != want {
			t.Errorf("addressOf(%q) = %q, want %q", ip, got, want)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := Config{ID: "T", Cluster: "C1", Dialect: wire.Latest()}
	for name, spoil := range map[string]func(*Config){
		"no id":              func(c *Config) { c.ID = "" },
		"no cluster name":    func(c *Config) { c.Cluster = "" },
		"reserved name":      func(c *Config) { c.Cluster = "_" },
		"route without port": func(c *Config) { c.Routes = []Dial{{Address: "a"}} },
		"bad advertise":      func(c *Config) { c.Advertise = "a" },
		"negative interval":  func(c *Config) { c.PingInterval = -1 },
		"negative ping max":  func(c *Config) { c.PingMax = -1 },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New does not mind", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

// TestParserErrors holds which errors of the parser have a text and which end the connection in silence, before and behind
// the gate.
func TestParserErrors(t *testing.T) {
	syntax := func(token wire.Token, op wire.Kind, offset int64) error {
		return &wire.SyntaxError{Token: token, Op: op, Offset: offset}
	}
	for _, tc := range []struct {
		err            error
		gated, ungated cause
	}{
		{&wire.StateError{Token: wire.ConnectRequired}, connectMissing, connectMissing},
		{syntax(wire.UnknownOp, wire.None, 0), connectMissing, unknownOperation},
		{syntax(wire.UnknownOp, wire.None, 1), unknownOperation, unknownOperation}, // it began like CONNECT
		{syntax(wire.MissingDelimiter, wire.Sub, 3), connectMissing, unknownOperation},
		{syntax(wire.PayloadTerminator, wire.Msg, 9), connectMissing, unknownOperation},
		{syntax(wire.ArgumentCount, wire.Sub, 9), connectMissing, badArguments},
		{syntax(wire.BadIndicator, wire.Msg, 9), connectMissing, badArguments},
		{syntax(wire.BadSize, wire.Msg, 9), connectMissing, badArguments},
		{syntax(wire.BadHeaderSize, wire.HMsg, 9), connectMissing, badArguments},
		{syntax(wire.BadJSON, wire.Info, 9), connectMissing, badArguments},
		{syntax(wire.BadJSON, wire.Connect, 9), badArguments, badArguments},
		{&wire.LimitError{Token: wire.LineTooLong, Op: wire.Connect}, lineTooLong, lineTooLong},
		{&wire.LimitError{Token: wire.LineTooLong, Op: wire.Sub}, connectMissing, lineTooLong},
		{&wire.LimitError{Token: wire.PayloadTooLong, Op: wire.Msg}, connectMissing, badArguments},
		{io.ErrUnexpectedEOF, badArguments, badArguments},
		{nil, badArguments, badArguments},
	} {
		n, _ := newTestNode(t, 0)
		for s, want := range map[state]cause{greeted: tc.gated, connected: tc.ungated, solicited: tc.ungated, registered: tc.ungated} {
			if got := n.explain(&conn{state: s}, tc.err); got != want {
				t.Errorf("%v when %s: %+v, want %+v", tc.err, stateNames[s], closings[got], closings[want])
			}
		}
	}
}

// TestForeignEventPanics holds that a mistake of the caller's does not pass in silence.
func TestForeignEventPanics(t *testing.T) {
	n, now := newTestNode(t, 0)
	defer func() {
		if recover() == nil {
			t.Error("Step took an event by pointer without a word")
		}
	}()
	n.Step(now, &Tick{})
}
