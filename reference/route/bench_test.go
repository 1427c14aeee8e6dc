package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// BenchmarkRouted is the path of a message from a route to local subscriptions.
func BenchmarkRouted(b *testing.B) {
	for _, subs := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d-plain", subs), func(b *testing.B) {
			n, now := newTestNode(b, 1)
			for i := range subs {
				n.Step(now, Subscribe{Sub: SubID(i), Account: "$G", Subject: "orders.new"})
			}
			op := wire.NewMsg("$G", "orders.new", "", []byte("0123456789abcdef"))
			benchReceived(b, n, now, subs, &op)
		})
	}
	b.Run("queue", func(b *testing.B) {
		n, now := newTestNode(b, 1)
		for i := range 3 {
			n.Step(now, Subscribe{Sub: SubID(i), Account: "$G", Subject: "orders.*", Queue: "q"})
		}
		op := wire.NewQueueMsg("$G", "orders.new", "_INBOX.1", []string{"q"}, []byte("0123456789abcdef"))
		benchReceived(b, n, now, 1, &op)
	})
}

// BenchmarkPublish is the path of a client's message to routes.
func BenchmarkPublish(b *testing.B) {
	n, now := newTestNode(b, 2)
	for _, id := range []ConnID{1, 2} {
		plain := wire.NewSub("$G", "orders.>")
		n.Step(now, Received{Conn: id, Op: &plain})
		queue := wire.NewQueueSub("$G", "orders.new", "q", 3)
		n.Step(now, Received{Conn: id, Op: &queue})
	}
	subject, payload := []byte("orders.new"), []byte("0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		if got := len(n.Step(now, Publish{Account: "$G", Subject: subject, Payload: payload})); got != 2 {
			b.Fatalf("%d actions, want 2", got)
		}
	}
}

// BenchmarkInterest is a peer's RS+ and RS- of a new subject.
func BenchmarkInterest(b *testing.B) {
	n, now := newTestNode(b, 1)
	sub, unsub := wire.NewSub("$G", "orders.new.1"), wire.NewUnsub("$G", "orders.new.1")
	b.ReportAllocs()
	for b.Loop() {
		n.Step(now, Received{Conn: 1, Op: &sub})
		n.Step(now, Received{Conn: 1, Op: &unsub})
	}
}

// benchReceived repeats one message, which must cause that number of actions.
func benchReceived(b *testing.B, n *Node, now time.Time, actions int, op *wire.Op) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if got := len(n.Step(now, Received{Conn: 1, Op: op})); got != actions {
			b.Fatalf("%d actions, want %d", got, actions)
		}
	}
}
