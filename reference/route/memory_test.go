package route

import (
	"fmt"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/reference/wire"
)

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
		for _, pattern := range []string{"w%d.*", "w%d.*.>", "w%d.x.*.x", "*.w%d.>"} {
			pattern = fmt.Sprintf(pattern, i)
			receive(n, now, 1, wire.NewSub("$G", pattern), wire.NewUnsub("$G", pattern))
		}
	}
	if wild := n.accounts["$G"].wild; wild.star != nil || len(wild.next) != 0 {
		t.Errorf("the tree keeps places where nothing is: %d tokens, * %v", len(wild.next), wild.star)
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

// TestKeptIsKept holds that no more is given back than has to be: a node under steady load would begin anew each time.
func TestKeptIsKept(t *testing.T) {
	o := output{actions: make([]Action, kept), ops: make([]*wire.Op, kept)}
	o.reset()
	if cap(o.actions) != kept || len(o.ops) != kept || len(o.actions) != 0 {
		t.Errorf("%d actions and %d operations are kept of %d each", cap(o.actions), len(o.ops), kept)
	}
}

// TestResultsAreKept holds what the cache is for: it keeps results until it is full, and of subjects up to the longest allowed.
func TestResultsAreKept(t *testing.T) {
	n, now := newTestNode(t, 1)
	n.Step(now, Subscribe{Sub: 1, Account: "$G", Subject: ">"})
	a := n.accounts["$G"]
	for size, kept := range map[int]bool{maxCachedSubject: true, maxCachedSubject + 1: false} {
		subject := strings.Repeat("s", size)
		receive(n, now, 1, wire.NewMsg("$G", subject, "", nil))
		if got := a.cache[subject] != nil; got != kept {
			t.Errorf("the result for a subject of %d bytes is kept: %v", size, got)
		}
	}
	for i := range maxCached - 1 {
		receive(n, now, 1, wire.NewMsg("$G", fmt.Sprint(i), "", nil))
	}
	if got := len(a.cache); got != maxCached {
		t.Errorf("%d results cached, want %d", got, maxCached)
	}
	receive(n, now, 1, wire.NewMsg("$G", "one.more", "", nil))
	if got := len(a.cache); got != 1 {
		t.Errorf("%d results cached after the cache was full, want it begun anew", got)
	}
}
