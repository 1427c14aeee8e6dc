package spec

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerDisconnect: what ends with a connection, and what outlives it.
func registerDisconnect(s *Suite) {
	Describe("A peer that has gone", func() {
		interestGone(s)
		groupMembersGone(s)
	})
	Describe("The end of a connection", func() { ends(s) })
	Describe("A peer that comes back", func() { comesBack(s) })
}

func interestGone(s *Suite) {
	It("has left no interest behind for its next connection", s.Req("RT-DIS-001/same-id"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("old")))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("old"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("old"), "", []byte("m"))), "a publish while the peer was there")

		p.Leave()
		back := s.rejoin(ctx, p, "B")
		s.Send(back, wire.NewSub(s.Account(), s.Subject("new")))
		s.Fence(ctx, back)
		s.Publish(c, s.Subject("old"), "", "m")
		s.Publish(c, s.Subject("new"), "", "m")
		s.ClientToPeers(ctx, c, back)
		Expect(s.Own(back)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("new"), "", []byte("m"))), "interest belongs to the connection it was declared on")
	})

	It("takes nothing of the others' interest along", s.Req("RT-DIS-003/others-stay"), func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Send(b, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, a, b)
		a.Leave()
		s.rejoin(ctx, a, "C") // the target has forgotten a
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, b)
		Expect(s.Own(b)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("m"))), "interest of a peer that stayed")
	})
}

func groupMembersGone(s *Suite) {
	gone := func(ctx SpecContext, leave func(*harness.Peer)) {
		GinkgoHelper()
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		workers := s.QueueSubscribe(c, s.Subject("jobs"), "workers")
		s.Flush(ctx, c)
		s.Send(p, wire.NewQueueSub(s.Account(), s.Subject("jobs"), "workers", 9))
		s.Fence(ctx, p)
		leave(p)
		_, _ = p.Closed(ctx) // it is over on both sides, or on ours
		s.awaitWhole(ctx, c, workers)

		before := len(workers.Messages())
		s.Publish(c, s.Subject("jobs"), "", numbered(200)...)
		s.Flush(ctx, c)
		Expect(workers.Messages()[before:]).To(HaveLen(200), "messages of the group after its other members have gone with their route")
	}

	It("is chosen for its queue groups no more", s.Req("RT-DIS-002/all-local"), func(ctx SpecContext) {
		gone(ctx, (*harness.Peer).Leave)
	})
	It("is chosen for its queue groups no more when its connection was reset", s.Req("RT-DIS-007/reset"), func(ctx SpecContext) {
		gone(ctx, (*harness.Peer).Reset)
	})
}

// awaitWhole publishes rounds of 20 messages to a group until one arrives whole at the local member: those of a member
// that has gone with its route are then forgotten. While nine of ten members are remote a round arrives whole by chance
// once in 10^20 times.
func (s *Suite) awaitWhole(ctx context.Context, c *harness.Client, local *harness.Subscription) {
	GinkgoHelper()
	limited, cancel := context.WithTimeout(ctx, s.target.Patience())
	defer cancel()
	const round = 20
	for limited.Err() == nil {
		before := len(local.Messages())
		s.Publish(c, s.Subject("jobs"), "", numbered(round)...)
		s.Flush(ctx, c)
		if len(local.Messages()) == before+round {
			return
		}
	}
	s.failWith(report.Failure{
		Message:  "messages of a queue group are still chosen to go to a route that has ended",
		Expected: []string{fmt.Sprintf("%d of %d messages at the member that is left", round, round)},
		Got:      fmt.Sprintf("%d messages in all", len(local.Messages())), Offset: -1,
	})
}

func ends(s *Suite) {
	It("is followed by that of the other direction", s.Req("RT-DIS-004/half-close"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		Expect(p.CloseWrite()).To(Succeed())
		s.ExpectClosed(ctx, p)
	})

	DescribeTable("loses a message that it cuts short",
		func(ctx SpecContext, cut string) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			orders := s.Subscribe(c, s.Subject("orders"))
			s.Flush(ctx, c)
			_ = p.SendRaw(fmt.Appendf(nil, "RMSG %s %s 5\r\nwhole\r\n", s.Account(), s.Subject("orders")), 0)
			s.Fence(ctx, p)
			_ = p.SendRaw(fmt.Appendf(nil, "RMSG %s %s 5\r\n%s", s.Account(), s.Subject("orders"), cut), 0)
			Expect(p.CloseWrite()).To(Succeed())
			s.ExpectClosed(ctx, p)
			s.Flush(ctx, c)
			Expect(s.Received(orders)).To(s.BeMessages(delivery{s.Subject("orders"), "", "whole"}), "a message is delivered whole or not at all")
		},
		Entry("in its payload", s.Req("RT-DIS-005/payload"), "cu"),
		Entry("before its line end", s.Req("RT-DIS-005/line-end"), "short"),
		Entry("within its line end", s.Req("RT-DIS-005/within-line-end"), "short\r"),
	)
}

func comesBack(s *Suite) {
	It("is registered again under its old server_id", s.Req("RT-DIS-006/same-id"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("before"))
		s.ClientToPeers(ctx, c, p)
		p.Leave()
		back := s.rejoin(ctx, p, "B")
		s.Subscribe(c, s.Subject("after"))
		s.ClientToPeers(ctx, c, back)
		Expect(s.Own(back)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("before")),
			wire.NewSub(s.Account(), s.Subject("after")),
		), "the interest sent to a peer that has come back")
	})
}
