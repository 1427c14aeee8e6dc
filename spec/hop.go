package spec

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/reference/wire"
)

// registerHop: what comes over a route goes to the target's clients and no further. The mesh is full: whoever passes it
// on doubles it.
func registerHop(s *Suite) {
	Describe("One-hop rule for interest", func() {
		hopInterest(s)
		hopInterestEnds(s)
	})
	Describe("One-hop rule for messages", func() {
		hopMessages(s)
		hopQueues(s)
	})
	Describe("One-hop rule between a route that the target has accepted and one that it has dialled", func() { hopDialled(s) })
}

// hopDialled: both ends of a route are equal, whoever dialled.
func hopDialled(s *Suite) {
	It("holds for interest and messages, both ways", s.Req("RT-HOP-009/both-ways"), func(ctx SpecContext) {
		dialled, accepted := s.DialledRoute(ctx), s.Join(ctx, "B")
		ours, theirs := wire.NewSub(s.Account(), s.Subject("of.accepted")), wire.NewSub(s.Account(), s.Subject("of.dialled"))
		s.Send(accepted, ours, s.group("q", 1))
		s.Send(dialled, theirs, s.group("q", 1))
		s.Fence(ctx, accepted, dialled)
		s.Send(accepted, s.msg("of.dialled", "", "m"))
		s.Send(dialled, s.msg("of.accepted", "", "m"))
		s.Fence(ctx, accepted, dialled)
		s.Fence(ctx, accepted)
		Expect(s.Own(accepted)).To(s.BeOps(), "what came over the dialled route crossed a second hop")
		Expect(s.Own(dialled)).To(s.BeOps(), "what came over the accepted route crossed a second hop")
	})
}

func hopInterest(s *Suite) {
	// kept has A declare interest and wants B to see nothing of it.
	kept := func(ctx SpecContext, interest ...wire.Op) {
		GinkgoHelper()
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, interest...)
		s.Fence(ctx, a, b)
		Expect(s.Own(b)).To(s.BeOps(), "RS+ crossed a second hop")
	}
	It("does not send a route's interest on to another route", s.Req("RT-HOP-001/plain"), func(ctx SpecContext) {
		kept(ctx, wire.NewSub(s.Account(), s.Subject("orders")))
	})
	It("does not send a route's wildcard interest on to another route", s.Req("RT-HOP-001/wildcard"), func(ctx SpecContext) {
		kept(ctx, wire.NewSub(s.Account(), s.Subject("orders.*")), wire.NewSub(s.Account(), s.Subject("orders.>")))
	})
	It("does not send a route's queue interest on to another route", s.Req("RT-HOP-002/queue"), func(ctx SpecContext) {
		kept(ctx, wire.NewQueueSub(s.Account(), s.Subject("work"), "q", 1), wire.NewQueueSub(s.Account(), s.Subject("work"), "q", 2))
	})

	// told has A declare interest before B registers.
	told := func(ctx SpecContext, interest wire.Op) {
		GinkgoHelper()
		a := s.Join(ctx, "A")
		s.Send(a, interest)
		s.Fence(ctx, a)
		b := s.Join(ctx, "B")
		Expect(s.Own(b)).To(s.BeOps(), "a registering route was told another route's interest")
	}
	It("does not tell a registering route another route's interest", s.Req("RT-HOP-001/at-registration"), func(ctx SpecContext) {
		told(ctx, wire.NewSub(s.Account(), s.Subject("orders")))
	})
	It("does not tell a registering route another route's queue interest", s.Req("RT-HOP-002/at-registration"), func(ctx SpecContext) {
		told(ctx, wire.NewQueueSub(s.Account(), s.Subject("work"), "q", 3))
	})

	It("tells other routes nothing when a client joins a group that a route has", s.Req("RT-HOP-002/own-weight"), NeedsClient, func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Send(a, s.group("q", 5))
		s.Fence(ctx, a)
		s.QueueSubscribe(c, s.Subject("work"), "q")
		s.ClientToPeers(ctx, c, a, b)
		Expect(s.Own(a)).To(s.BeOps(s.group("q", 1)), "the weight is the number of the target's own members")
		Expect(s.Own(b)).To(s.BeOps(s.group("q", 1)), "the weight is the number of the target's own members")
	})
}

func hopInterestEnds(s *Suite) {
	It("does not send a route's RS- on to another route", s.Req("RT-HOP-003/unsub"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")), s.group("q", 2), wire.NewUnsub(s.Account(), s.Subject("orders")), s.groupEnd("q"))
		s.Fence(ctx, a, b)
		Expect(s.Own(b)).To(s.BeOps(), "RS- crossed a second hop")
	})

	It("does not tell other routes that a route's interest left with it", s.Req("RT-HOP-003/leaving"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")), s.group("q", 2))
		s.Fence(ctx, a)
		a.Leave()
		_, err := a.Closed(ctx)
		Expect(err).NotTo(HaveOccurred(), "the target did not close its side of a route that has left")
		s.Fence(ctx, b)
		Expect(s.Own(b)).To(s.BeOps(), "the interest of a route that left was none of the other's business")
	})

	It("does not send a peer's own interest back", s.Req("RT-HOP-004/echo"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")), s.group("q", 1), wire.NewUnsub(s.Account(), s.Subject("orders")), s.groupEnd("q"))
		s.Fence(ctx, a)
		Expect(s.Own(a)).To(s.BeOps(), "RS+ or RS- came back to its sender")
	})
}

func hopMessages(s *Suite) {
	const crossed = "a message crossed a second hop"

	It("does not send a route's message on to a route with interest", s.Req("RT-HOP-005/plain"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")), wire.NewSub(s.Account(), s.Subject(">")))
		s.Fence(ctx, a)
		s.Send(b, s.msg("orders", s.Subject("reply"), "m"))
		s.Fence(ctx, b, a)
		Expect(s.Own(a)).To(s.BeOps(), crossed)
	})

	It("gives a route's message to its clients and not to a route with the same interest", s.Req("RT-HOP-005/beside-a-client"), NeedsClient, func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, a)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(b, s.msg("orders", "", "from B"))
		s.PeerToClients(ctx, b, c)
		s.Publish(c, s.Subject("orders"), "", "from a client")
		s.ClientToPeers(ctx, c, a)
		Expect(s.Received(sub)).To(s.BeMessages(
			delivery{s.Subject("orders"), "", "from B"}, delivery{s.Subject("orders"), "", "from a client"},
		), "the subscriber, which shows that both messages came")
		Expect(s.Own(a)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("orders")), s.msg("orders", "", "from a client"),
		), crossed)
	})

	It("does not send a message back to its route", s.Req("RT-HOP-006/plain"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")), s.msg("orders", "", "m"))
		s.Fence(ctx, a)
		Expect(s.Own(a)).To(s.BeOps(), "a message came back to its sender")
	})

	It("does not send a route's message with headers on to a route with interest", s.Req("RT-HOP-007/plain"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, a)
		s.Send(b, s.hmsg("", "m"))
		s.Fence(ctx, b, a)
		Expect(s.Own(a)).To(s.BeOps(), crossed)
	})
}

func hopQueues(s *Suite) {
	It("may hand a message for a group on to another route when it has no member itself", s.Req("RT-HOP-008/no-local-member"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.Send(a, s.group("q", 1))
		s.Fence(ctx, a)
		s.Send(b, s.work(s.Subject("reply"), "m", "q"))
		s.Fence(ctx, b, a)
		if len(s.Own(a)) == 0 {
			s.Observe("dropped")
			return
		}
		Expect(s.Own(a)).To(s.BeOps(s.work(s.Subject("reply"), "m", "q")), "handed on once, for the group, unchanged")
		s.Observe("handed on")
	})

	It("may hand a message for a group back when only its sender has a member", s.Req("RT-HOP-008/only-the-sender"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		s.Send(a, s.group("q", 1), s.work("", "m", "q"))
		s.Fence(ctx, a)
		if len(s.Own(a)) == 0 {
			s.Observe("dropped")
			return
		}
		Expect(s.Own(a)).To(s.BeOps(s.work("", "m", "q")), "handed back once, for the group, unchanged")
		s.Observe("handed back")
	})
}
