package spec

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

func queueChoice(s *Suite) {
	const why = "a group gets each message once, wherever its members are"

	It("sends each message to one of two routes", s.Req("RT-QUE-020/two-routes"), func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Send(a, s.group("q", 1))
		s.Send(b, s.group("q", 1))
		s.Fence(ctx, a, b)
		sent := numbered(100)
		s.Publish(c, s.Subject("work"), "", sent...)
		s.ClientToPeers(ctx, c, a, b)
		s.ExpectOnceEach(sent, why, s.peerPayloads(a), s.peerPayloads(b))
	})

	It("sends each message to a member on the target or to one behind a route", s.Req("RT-QUE-021/local-and-route"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		members := s.members(ctx, "q", c)
		s.Send(p, s.group("q", 1))
		s.Fence(ctx, p)
		sent := numbered(100)
		s.Publish(c, s.Subject("work"), "", sent...)
		s.ClientToPeers(ctx, c, p)
		s.Flush(ctx, c) // what the target does behind the route's message
		s.ExpectOnceEach(sent, why, s.peerPayloads(p), s.clientPayloads(members...))
	})
}

// queueShares: who of a group gets how many of 1,000 messages. What is drawn by weight leaves the bounds once in a million
// runs.
func queueShares(s *Suite) {
	share := func(ctx SpecContext, weightsA, weightsB []int) {
		GinkgoHelper()
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		for i := range weightsA {
			s.Send(a, s.group("q", weightsA[i]))
			s.Send(b, s.group("q", weightsB[i]))
		}
		last := len(weightsA) - 1
		s.expectShares(ctx, c, []*harness.Peer{a, b}, []int{weightsA[last], weightsB[last]})
	}

	It("follows the weights", s.Req("RT-QUE-022/nine-to-one"), func(ctx SpecContext) {
		share(ctx, []int{9}, []int{1})
	})
	It("follows changed weights", s.Req("RT-QUE-023/turned-round"), func(ctx SpecContext) {
		share(ctx, []int{1, 9}, []int{9, 1})
	})
	It("follows the weights of three routes", s.Req("RT-QUE-022/three-routes"), func(ctx SpecContext) {
		c := s.witness(ctx)
		peers, weights := []*harness.Peer{s.Join(ctx, "A"), s.Join(ctx, "B"), s.Join(ctx, "C")}, []int{5, 3, 2}
		for i, p := range peers {
			s.Send(p, s.group("q", weights[i]))
		}
		s.expectShares(ctx, c, peers, weights)
	})
	It("counts each local member as one", s.Req("RT-QUE-026/three-and-three"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, s.group("q", 3))
		s.expectShares(ctx, c, []*harness.Peer{p}, []int{3}, s.members(ctx, "q", c, c, c)...)
	})
	It("leaves out no local member", s.Req("RT-QUE-027/every-member"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		members := s.members(ctx, "q", c, c, other, other)
		for _, payload := range numbered(400) {
			s.Send(p, s.work("", payload, "q"))
		}
		s.PeerToClients(ctx, p, c, other)
		for i, member := range members { // of four who are drawn alike one gets none of 400 once in 10^49 runs
			Expect(s.Received(member)).NotTo(BeEmpty(), fmt.Sprintf("messages of 400 to member %d of 4: a member that is never chosen is none", i+1))
		}
	})
}

// expectShares publishes 1,000 messages for the group "q" and wants each to reach one member: a route by its weight, each
// local member, all of them c's, by one.
func (s *Suite) expectShares(ctx SpecContext, c *harness.Client, peers []*harness.Peer, weights []int, members ...*harness.Subscription) {
	GinkgoHelper()
	s.Fence(ctx, peers...)
	sent := numbered(1000)
	s.Publish(c, s.Subject("work"), "", sent...)
	s.ClientToPeers(ctx, c, peers...)
	total := len(members)
	for _, w := range weights {
		total += w
	}
	receivers := [][]string{s.clientPayloads(members...)}
	for i, p := range peers {
		got := s.peerPayloads(p)
		receivers = append(receivers, got)
		lo, hi := binomialBounds(len(sent), float64(weights[i])/float64(total), 1e-6/float64(len(peers)))
		Expect(len(got)).To(And(BeNumerically(">=", lo), BeNumerically("<=", hi)), fmt.Sprintf(
			"messages of %d to route %s, whose weight is %d of %d", len(sent), p.Name(), weights[i], total))
	}
	s.ExpectOnceEach(sent, "a group gets each message once, wherever its members are", receivers...)
}

// queueWeightBelowOne sends what some releases do not survive.
func queueWeightBelowOne(s *Suite) {
	for _, weight := range []struct{ word, text string }{{"zero", "0"}, {"negative", "-3"}, {"no-number", "abc"}} {
		It("survives the weight "+weight.text, s.Req("RT-QUE-024/"+weight.word), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			s.below(ctx, p, c, weight.text)
			s.ExpectOpen(ctx, p)
		})
	}

	It("takes a weight below 1 as 1, or never chooses the group", s.Req("RT-QUE-025/zero"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sent := s.below(ctx, p, c, "0")
		switch got := s.peerPayloads(p); len(got) {
		case 0:
			s.Observe("never chosen")
		case len(sent):
			s.ExpectOnceEach(sent, "a weight of 1 brings each message once", got)
			s.Observe("counts as 1")
		default:
			s.fail(fmt.Sprintf("of %d messages for a lone group of weight 0 %d came: all or none is right", len(sent), len(got)))
		}
	})
}

// below declares a group of the weight given and publishes ten messages on its subject, which it returns.
func (s *Suite) below(ctx SpecContext, p *harness.Peer, c *harness.Client, weight string) []string {
	GinkgoHelper()
	_ = p.SendRaw([]byte("RS+ "+s.Account()+" "+s.Subject("work")+" q "+weight+"\r\n"), 0)
	s.Fence(ctx, p)
	sent := numbered(10)
	s.Publish(c, s.Subject("work"), "", sent...)
	s.ClientToPeers(ctx, c, p)
	return sent
}

// queueLimited: members whose client has limited them to a number of messages.
func queueLimited(s *Suite) {
	It("lose a member whose limited number of messages has come", s.Req("RT-QUE-028/limit"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.limit(s.QueueSubscribe(c, s.Subject("work"), "q"), 2)
		s.Flush(ctx, c)
		s.Send(p, s.work("", "1", "q"))
		s.PeerToClients(ctx, p, c)
		s.QueueSubscribe(c, s.Subject("work"), "other")
		s.Flush(ctx, c)
		s.Send(p, s.work("", "2", "q"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1), s.group("other", 1), s.groupEnd("q")), "the group's only member got the last of two messages")
	})

	It("have a lower weight when the limited number of messages of a member has come", s.Req("RT-QUE-028/others-stay"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		limited := s.QueueSubscribe(c, s.Subject("work"), "q")
		s.limit(limited, 1)
		s.Flush(ctx, c)
		s.QueueSubscribe(other, s.Subject("work"), "q")
		s.Flush(ctx, other)
		for range 100 { // one of two is drawn: it is never the limited one once in 10^30 runs
			if len(s.Received(limited)) > 0 {
				break
			}
			s.Send(p, s.work("", "m", "q"))
			s.PeerToClients(ctx, p, c)
		}
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(s.group("q", 1), s.group("q", 2), s.group("q", 1)), "a member of two got the last of its messages")
	})
}

func queueUnderChurn(s *Suite) {
	It("have the right weight in the end when eight clients join and leave at once", s.Req("RT-QUE-029/one-group"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		held := s.churn(ctx, []string{s.Subject("work")}, "q", 100)[s.Subject("work")]
		s.Fence(ctx, p)
		last := s.groupEnd("q")
		if held > 0 {
			last = s.group("q", held)
		}
		own := s.Own(p)
		Expect(own[len(own)-1:]).To(s.BeOps(last), "what the peer was told last of a group that many clients changed")
	})

	It("have the right weights in the end when eight clients join and leave many groups at once", s.Req("RT-QUE-029/many-groups"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		var subjects []string
		for i := range 20 {
			subjects = append(subjects, s.Subject(fmt.Sprintf("work.%d", i)))
		}
		held := s.churn(ctx, subjects, "q", 100)
		s.Fence(ctx, p)
		told := map[string]int{}
		for _, seen := range s.Own(p) {
			told[string(seen.Op.Subject)] = 0
			if seen.Op.Kind == wire.Sub {
				told[string(seen.Op.Subject)] = seen.Op.Weight
			}
		}
		for _, subject := range subjects {
			Expect(told[subject]).To(Equal(held[subject]), "the weight told last of the group on "+subject+", none counting as 0, against its members")
		}
	})
}

// queueNames: what may be the name of a group.
func queueNames(s *Suite) {
	named := func(word, what, queue string, others ...string) {
		It("may be called "+what, s.Req("RT-QUE-030/"+word), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			member := s.QueueSubscribe(c, s.Subject("work"), queue)
			for _, other := range others {
				s.QueueSubscribe(c, s.Subject("work"), other)
			}
			s.ClientToPeers(ctx, c, p)
			Expect(s.Own(p)[:1]).To(s.BeOps(s.group(queue, 1)), "the group's RS+")
			s.Send(p, s.work("", "m", queue))
			s.PeerToClients(ctx, p, c)
			Expect(s.clientPayloads(member)).To(Equal([]string{"m"}), "a message for the group, at its member")
		})
	}
	named("case", "the same as another in another case", "Workers", "workers", "WORKERS")
	named("wildcards", "> or *", ">", "*")
	named("dots", "..a..", "..a..", "a")
	named("high", "by bytes above 127", "\x80\xfeé世", "é")
	named("number", "by a number", "12", "1", "2")
}
