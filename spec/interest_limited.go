package spec

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// interestLimited: subscriptions that a client has limited to a number of messages.
func interestLimited(s *Suite) {
	It("ends with the last of a limited number of messages, not before, when they come over the route", s.Req("RT-INT-006/routed"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.limited(ctx, c, 3)
		message := s.msg("limited", "", "m")

		By("two messages of three")
		s.Send(p, message, message)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub()), "RS- before the limit was reached")

		By("the third")
		s.Send(p, message)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd()), "the limit was reached")
	})

	It("ends with the last of a limited number of messages, not before, when a client sends them", s.Req("RT-INT-006/local"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.limited(ctx, c, 3)

		By("two messages of three")
		s.Publish(c, s.Subject("limited"), "", "1", "2")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub()), "RS- before the limit was reached")

		By("the third")
		s.Publish(c, s.Subject("limited"), "", "3")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd()), "the limit was reached")
	})

	It("stays behind a limited number of messages while another subscription remains", s.Req("RT-INT-003/limit-of-one"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("limited"))
		s.limited(ctx, c, 2)
		s.Send(p, s.msg("limited", "", "1"), s.msg("limited", "", "2"), s.msg("limited", "", "3"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub()), "RS- while a subscription without a limit remains")
	})

	It("ends at once with a limit that has been reached already", s.Req("RT-INT-021/late"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("limited"))
		s.Flush(ctx, c)
		s.Send(p, s.msg("limited", "", "1"), s.msg("limited", "", "2"))
		s.PeerToClients(ctx, p, c)
		s.limit(sub, 2)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd()), "two of two messages had come before the limit was set")
	})

	It("ends by the limit that was set last", s.Req("RT-INT-022/raised"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.limited(ctx, c, 2)
		s.limit(sub, 4)
		s.Flush(ctx, c)
		s.Send(p, s.msg("limited", "", "1"), s.msg("limited", "", "2"), s.msg("limited", "", "3"))
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub()), "RS- by a limit that had been raised")
		s.Send(p, s.msg("limited", "", "4"))
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd()), "the last limit was reached")
	})

	It("ends by UNSUB before its limit is reached", s.Req("RT-INT-004/before-its-limit"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.limited(ctx, c, 3)
		s.Send(p, s.msg("limited", "", "1"))
		s.PeerToClients(ctx, p, c)
		s.Unsubscribe(sub)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd()), "a limited subscription that was ended early")
	})

	It("is announced anew after its limit was reached", s.Req("RT-INT-023/again"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		for range 2 {
			s.limited(ctx, c, 1)
			s.Send(p, s.msg("limited", "", "m"))
			s.PeerToClients(ctx, p, c)
		}
		again := s.Subscribe(c, s.Subject("limited"))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.limitedSub(), s.limitedEnd(), s.limitedSub(), s.limitedEnd(), s.limitedSub()), "each new first subscription")
		s.Send(p, s.msg("limited", "", "after"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(again)).To(s.BeMessages(delivery{s.Subject("limited"), "", "after"}), "the limit of an earlier subscription says nothing of a later one")
	})
}

// limited subscribes c to n messages on "limited".
func (s *Suite) limited(ctx SpecContext, c *harness.Client, n int) *harness.Subscription {
	GinkgoHelper()
	sub := s.Subscribe(c, s.Subject("limited"))
	s.limit(sub, n)
	s.Flush(ctx, c)
	return sub
}

func (s *Suite) limit(sub *harness.Subscription, n int) {
	GinkgoHelper()
	Expect(sub.AutoUnsubscribe(n)).To(Succeed(), "the client could not limit its subscription")
}

// limitedSub is how a peer is told of interest in "limited", limitedEnd of its end.
func (s *Suite) limitedSub() wire.Op { return wire.NewSub(s.Account(), s.Subject("limited")) }

func (s *Suite) limitedEnd() wire.Op { return wire.NewUnsub(s.Account(), s.Subject("limited")) }
