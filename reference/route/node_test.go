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

// TestSilentMembersArePassedOver counts which members of a group get a client's message that one of them, with echo off, may not.
func TestSilentMembersArePassedOver(t *testing.T) {
	n, now := newTestNode(t, 0)
	const publisher = 7
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "j", Queue: "q", Client: publisher})
	n.Step(now, Subscribe{Sub: 2, Account: "$G", Subject: "j", Queue: "q", Client: publisher, NoEcho: true})
	n.Step(now, Subscribe{Sub: 3, Account: "$G", Subject: "j", Queue: "q", Client: 8, NoEcho: true})
	n.Step(now, Subscribe{Sub: 4, Account: "$G", Subject: "j", Queue: "q", Client: 8})
	var counts [5]int
	for range 9_000 {
		actions := n.Step(now, Publish{Account: "$G", Subject: []byte("j"), Client: publisher})
		if len(actions) != 1 {
			t.Fatalf("a group was served %d times", len(actions))
		}
		counts[actions[0].Sub]++
	}
	for sub, want := range [...]int{1: 3000, 2: 0, 3: 3000, 4: 3000} {
		if got := counts[sub]; got < want-250 || got > want+250 || want == 0 && got != 0 {
			t.Errorf("member %d got %d of 9000, want about %d", sub, got, want)
		}
	}
}

// TestLeafWeights counts which leaf of a group gets a message that nobody else is there for: two of ours and one of a peer's.
func TestLeafWeights(t *testing.T) {
	n, now := newTestNode(t, 1)
	n.Step(now, LeafJoined{Client: 1, Account: "$G", Cluster: "L1"})
	n.Step(now, LeafJoined{Client: 2, Account: "$G", Cluster: "L2"})
	n.Step(now, Subscribe{Sub: 1, Client: 1, Account: "$G", Subject: "j", Queue: "q", Weight: 1})
	n.Step(now, Subscribe{Sub: 2, Client: 2, Account: "$G", Subject: "*", Queue: "q", Weight: 2})
	theirs := wire.NewQueueSub("$G", "j", "q", 7)
	theirs.Kind, theirs.Origin = wire.LeafSub, []byte("L3")
	receive(n, now, 1, theirs)
	counts := map[string]int{}
	for range 10_000 {
		actions := n.Step(now, Publish{Account: "$G", Subject: []byte("j")})
		if len(actions) != 1 {
			t.Fatalf("a group was served %d times", len(actions))
		}
		counts[fmt.Sprint("leaf ", actions[0].Leaf, ", route ", actions[0].Conn)]++
	}
	for who, share := range map[string]int{"leaf 1, route 0": 1000, "leaf 2, route 0": 2000, "leaf 0, route 1": 7000} {
		if got := counts[who]; got < share-250 || got > share+250 {
			t.Errorf("%s was chosen %d times, want about %d", who, got, share)
		}
	}
}

// TestDeadlineBeforeTheFirstStep holds that a node with routes wants to be stepped at once, and one without them never.
func TestDeadlineBeforeTheFirstStep(t *testing.T) {
	for _, routes := range [][]Dial{nil, {{Address: "10.0.0.2:6222"}}} {
		n, err := New(Config{ID: "T", Cluster: "C1", Dialect: wire.Latest(), Routes: routes})
		if err != nil {
			t.Fatal(err)
		}
		if due, ok := n.Deadline(); ok != (routes != nil) || !due.IsZero() {
			t.Errorf("with the routes %v: %v, %v", routes, due, ok)
		}
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

// TestLeafsOfAnInterestAreCounted holds that interest is announced as leafs' no longer than they have a part in it.
func TestLeafsOfAnInterestAreCounted(t *testing.T) {
	n, now := newTestNode(t, 0)
	n.Step(now, LeafJoined{Client: 10, Account: "$G", Cluster: "L"})
	for _, queue := range []string{"", "q"} {
		n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: "a", Queue: queue})
		i := n.subs[1].interest
		for _, step := range []struct {
			ev   Event
			want bool
		}{
			{Tick{}, false},
			{Subscribe{Sub: 2, Client: 10, Account: "$G", Subject: "a", Queue: queue}, true},
			{Subscribe{Sub: 3, Client: 10, Account: "$G", Subject: "a", Queue: queue}, true},
			{Unsubscribe{Sub: 2}, true},
			{Unsubscribe{Sub: 3}, false},
		} {
			n.Step(now, step.ev)
			if got := i.shared(); got != step.want {
				t.Errorf("queue %q: leafs have a part after %+v: %v", queue, step.ev, got)
			}
		}
		n.Step(now, Unsubscribe{Sub: 1})
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
