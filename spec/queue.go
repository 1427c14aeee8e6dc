package spec

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerQueue: queue groups, whose weight is the number of members behind a server.
func registerQueue(s *Suite) {
	Describe("Queue groups the target announces", func() {
		queueAnnounced(s)
		queueEnded(s)
		queueBeside(s)
		queueLimited(s)
		queueUnderChurn(s)
	})
	Describe("Queue groups of a peer", func() {
		queueRequested(s)
		queueInterest(s)
	})
	Describe("Members on the target", func() { queueLocal(s) })
	Describe("Queue groups of any name", func() { queueNames(s) })
	Describe("Choosing among members", func() {
		queueChoice(s)
		queueShares(s)
		queueWeightBelowOne(s)
	})
}

// group is RS+ for a group on the spec's subject "work", and groupEnd its RS-.
func (s *Suite) group(queue string, weight int) wire.Op {
	return wire.NewQueueSub(s.Account(), s.Subject("work"), queue, weight)
}

func (s *Suite) groupEnd(queue string) wire.Op {
	return wire.NewQueueUnsub(s.Account(), s.Subject("work"), queue)
}

// work is an RMSG on that subject. No queues: for plain subscribers only.
func (s *Suite) work(reply, payload string, queues ...string) wire.Op {
	return wire.NewQueueMsg(s.Account(), s.Subject("work"), reply, queues, []byte(payload))
}

func queueAnnounced(s *Suite) {
	It("have weight 1 with their first member", s.Req("RT-QUE-001/first"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.QueueSubscribe(c, s.Subject("work"), "q")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1)), "what a group's first member brings")
	})

	It("have the member count as weight, told as members join", s.Req("RT-QUE-002/join"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		for _, member := range []*harness.Client{c, other, c} { // members of two connections count alike
			s.QueueSubscribe(member, s.Subject("work"), "q")
			s.Flush(ctx, member)
		}
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1), s.group("q", 2), s.group("q", 3)), "each member that joins raises the weight by one")
	})

	It("have the member count as weight, told as members leave", s.Req("RT-QUE-003/leave"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		var members []*harness.Subscription
		for range 3 {
			members = append(members, s.QueueSubscribe(c, s.Subject("work"), "q"))
		}
		s.Unsubscribe(members[0], members[1])
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			s.group("q", 1), s.group("q", 2), s.group("q", 3), s.group("q", 2), s.group("q", 1),
		), "each member that leaves others behind lowers the weight by one")
	})

	It("come to a newly registered peer once each, with their current weight", s.Req("RT-QUE-006/at-registration"), func(ctx SpecContext) {
		c := s.witness(ctx)
		for _, queue := range []string{"q1", "q2", "q1", "q1"} {
			s.QueueSubscribe(c, s.Subject("work"), queue)
		}
		s.Flush(ctx, c)
		p := s.Join(ctx, "A")
		want := []wire.Op{s.group("q1", 3), s.group("q2", 1)}
		for _, op := range want {
			s.AwaitOp(ctx, p, op, "a group that was there before the peer registered was not sent to it with its weight")
		}
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(want...), "a registered peer is sent each group once")
	})
}

func queueEnded(s *Suite) {
	It("end by RS- with the queue and without a weight", s.Req("RT-QUE-004/last"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		member := s.QueueSubscribe(c, s.Subject("work"), "q")
		s.Unsubscribe(member)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1), s.groupEnd("q")), "what the last member's leaving brings")
	})

	It("end with the client that held all members", s.Req("RT-QUE-005/client-gone"), func(ctx SpecContext) {
		p, leaving := s.Join(ctx, "A"), s.Client(ctx)
		for range 3 {
			s.QueueSubscribe(leaving, s.Subject("work"), "q")
		}
		s.ClientToPeers(ctx, leaving, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1), s.group("q", 2), s.group("q", 3)), "each member that joins raises the weight by one")

		By("the client going away")
		leaving.Close()
		s.AwaitOp(ctx, p, s.groupEnd("q"), "the target did not end the group of a client that is gone")
		s.Fence(ctx, p)
		// Whether the weights 2 and 1 are told on the way is up to the server; real ones do not.
		own := s.Own(p)
		Expect(own[len(own)-1:]).To(s.BeOps(s.groupEnd("q")), "RS- must be the last word on the group")
	})
}

// queueBeside: entries of one subject that are kept apart.
func queueBeside(s *Suite) {
	It("are kept apart on one subject", s.Req("RT-QUE-007/two-groups"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		first := s.QueueSubscribe(c, s.Subject("work"), "q1")
		second := s.QueueSubscribe(c, s.Subject("work"), "q2")
		s.Unsubscribe(first, second)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q1", 1), s.group("q2", 1), s.groupEnd("q1"), s.groupEnd("q2")), "each group has RS+ and RS- of its own")
	})

	It("are kept apart from plain interest in the subject", s.Req("RT-QUE-008/plain-and-queue"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		plain := s.Subscribe(c, s.Subject("work"))
		member := s.QueueSubscribe(c, s.Subject("work"), "q")
		s.Unsubscribe(plain, member)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("work")), s.group("q", 1),
			wire.NewUnsub(s.Account(), s.Subject("work")), s.groupEnd("q"),
		), "plain and queue interest have RS+ and RS- of their own")
	})
}

// queueRequested: the form of a client's message to what a peer has declared.
func queueRequested(s *Suite) {
	form := func(id, text string, interest func() []wire.Op, replies bool, queues ...string) {
		It(text, s.Req(id), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			s.Send(p, interest()...)
			s.Fence(ctx, p)
			reply := ""
			if replies {
				reply = s.Subject("reply")
			}
			s.Publish(c, s.Subject("work"), reply, "m")
			s.ClientToPeers(ctx, c, p)
			Expect(s.Own(p)).To(s.BeOps(s.work(reply, "m", queues...)), "one RMSG that names the groups chosen: | queues, or + reply queues")
		})
	}
	one := func() []wire.Op { return []wire.Op{s.group("q", 1)} }
	two := func() []wire.Op { return []wire.Op{s.group("q1", 1), s.group("q2", 1)} }
	withPlain := func() []wire.Op { return []wire.Op{wire.NewSub(s.Account(), s.Subject("work")), s.group("q", 1)} }

	form("RT-QUE-009/bar", "get RMSG with | and the group", one, false, "q")
	form("RT-QUE-010/plus", "get RMSG with +, the reply and the group", one, true, "q")
	form("RT-QUE-011/with-plain", "get one RMSG together with plain interest", withPlain, false, "q")
	form("RT-QUE-011/with-plain-and-reply", "get one RMSG with the reply together with plain interest", withPlain, true, "q")
	form("RT-QUE-012/two-groups", "get one RMSG that names two of them", two, false, "q1", "q2")
	form("RT-QUE-012/two-groups-and-reply", "get one RMSG with the reply that names two of them", two, true, "q1", "q2")
}

func queueInterest(s *Suite) {
	// after declares, takes back, and returns what a client's publish then brings.
	after := func(ctx SpecContext, ops ...wire.Op) []harness.Seen {
		GinkgoHelper()
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, ops...)
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("work"), "", "m")
		s.ClientToPeers(ctx, c, p)
		return s.Own(p)
	}

	It("end by RS- with the queue, plain interest stays", s.Req("RT-QUE-017/group-ends"), func(ctx SpecContext) {
		plain := wire.NewSub(s.Account(), s.Subject("work"))
		Expect(after(ctx, plain, s.group("q", 1), s.groupEnd("q"))).To(s.BeOps(s.work("", "m")), "the group is gone, plain interest is not")
	})
	It("end by RS- with the queue, other groups stay", s.Req("RT-QUE-017/other-group-stays"), func(ctx SpecContext) {
		Expect(after(ctx, s.group("q1", 1), s.group("q2", 1), s.groupEnd("q1"))).To(s.BeOps(s.work("", "m", "q2")), "one group is gone, the other is not")
	})
	It("stay when plain interest ends", s.Req("RT-QUE-018/plain-ends"), func(ctx SpecContext) {
		plain, end := wire.NewSub(s.Account(), s.Subject("work")), wire.NewUnsub(s.Account(), s.Subject("work"))
		Expect(after(ctx, plain, s.group("q", 1), end)).To(s.BeOps(s.work("", "m", "q")), "plain interest is gone, the group is not")
	})
	It("stay when RS- without a queue finds no plain interest", s.Req("RT-QUE-018/no-plain"), func(ctx SpecContext) {
		end := wire.NewUnsub(s.Account(), s.Subject("work"))
		Expect(after(ctx, s.group("q", 2), end)).To(s.BeOps(s.work("", "m", "q")), "RS- without a queue is not for groups")
	})
	It("end by one RS- whatever their weight was", s.Req("RT-QUE-019/one-end"), func(ctx SpecContext) {
		Expect(after(ctx, s.group("q", 2), s.group("q", 5), s.groupEnd("q"))).To(s.BeOps(), "RS+ replaces the weight, one RS- ends the group")
	})
	It("get one message, whatever their weight", s.Req("RT-QUE-019/one-message"), func(ctx SpecContext) {
		Expect(after(ctx, s.group("q", 3), s.group("q", 2))).To(s.BeOps(s.work("", "m", "q")), "a weight is no number of messages")
	})
}

// queueLocal: whom on the target an RMSG of a peer reaches.
func queueLocal(s *Suite) {
	It("get a message that names their group, one of them each", s.Req("RT-QUE-013/one-member"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		members := s.members(ctx, "q", c, c, other)
		sent := numbered(50)
		for _, payload := range sent {
			s.Send(p, s.work("", payload, "q"))
		}
		s.PeerToClients(ctx, p, c, other)
		s.ExpectOnceEach(sent, "an RMSG that names a group reaches exactly one member of it", s.clientPayloads(members...))
	})

	It("get a message that names their group although another route has members too", s.Req("RT-QUE-013/members-elsewhere"), func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		members := s.members(ctx, "q", c)
		s.Send(a, s.group("q", 9))
		s.Fence(ctx, a)
		sent := numbered(20)
		for _, payload := range sent {
			s.Send(b, s.work("", payload, "q"))
		}
		s.PeerToClients(ctx, b, c)
		s.Fence(ctx, a)
		s.ExpectOnceEach(sent, "the origin chose this server for the group: its own member gets the message", s.clientPayloads(members...))
		Expect(s.peerPayloads(a)).To(BeEmpty(), "a message for a group with a local member was handed on to another route")
	})

	It("get a message that names two groups, one of each", s.Req("RT-QUE-014/two-groups"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		first, second := s.members(ctx, "q1", c, c), s.members(ctx, "q2", c, c)
		sent := numbered(20)
		for _, payload := range sent {
			s.Send(p, s.work("", payload, "q1", "q2"))
		}
		s.PeerToClients(ctx, p, c)
		s.ExpectOnceEach(sent, "one member of the group named first gets the message", s.clientPayloads(first...))
		s.ExpectOnceEach(sent, "one member of the group named last gets the message", s.clientPayloads(second...))
	})

	It("leave plain subscribers theirs", s.Req("RT-QUE-015/plain-too"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		members := s.members(ctx, "q", c, c)
		plain, wild := s.Subscribe(c, s.Subject("work")), s.Subscribe(other, s.Subject("*"))
		s.Flush(ctx, c, other)
		s.Send(p, s.work(s.Subject("reply"), "m", "q"))
		s.PeerToClients(ctx, p, c, other)
		want := delivery{s.Subject("work"), s.Subject("reply"), "m"}
		Expect(s.Received(plain)).To(s.BeMessages(want), "plain subscribers get every message")
		Expect(s.Received(wild)).To(s.BeMessages(want), "plain subscribers get every message")
		s.ExpectOnceEach([]string{"m"}, "one member of the group gets it too", s.clientPayloads(members...))
	})

	unnamed := func(word, text string, queues ...string) {
		It(text, s.Req("RT-QUE-016/"+word), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			members := s.members(ctx, "q", c, c)
			plain := s.Subscribe(c, s.Subject("work"))
			s.ClientToPeers(ctx, c, p) // which knows of the group
			s.Send(p, s.work("", "m", queues...))
			s.PeerToClients(ctx, p, c)
			Expect(s.Received(plain)).To(s.BeMessages(delivery{s.Subject("work"), "", "m"}), "the plain subscriber, which shows that the message came")
			Expect(s.clientPayloads(members...)).To(BeEmpty(), "the group was not named: its member was chosen elsewhere")
		})
	}
	unnamed("no-list", "get nothing of a message without a queue list")
	unnamed("other-group", "get nothing of a message that names another group", "other")
}

// members makes a member of a group on "work" of each client named; a client named twice stands beside itself.
func (s *Suite) members(ctx SpecContext, queue string, clients ...*harness.Client) []*harness.Subscription {
	GinkgoHelper()
	var subs []*harness.Subscription
	for _, c := range clients {
		subs = append(subs, s.QueueSubscribe(c, s.Subject("work"), queue))
	}
	s.Flush(ctx, slices.Compact(clients)...)
	return subs
}
