package spec

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerInterest: plain interest, the target's and the peer's. Groups are the queue chapter's.
func registerInterest(s *Suite) {
	Describe("Interest the target announces", func() {
		interestAnnounced(s)
		interestEnded(s)
		interestLimited(s)
		interestAtRegistration(s)
		interestMeanwhile(s)
		interestUnderChurn(s)
	})
	Describe("Interest a peer declares", func() {
		interestDeclared(s)
		interestMatching(s)
		interestOdd(s)
	})
}

func interestAnnounced(s *Suite) {
	It("is one RS+ with account and subject for a first subscription", s.Req("RT-INT-001/first"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "what a client's SUB brings")
	})

	It("is not repeated for further subscriptions, of the same client or another", s.Req("RT-INT-002/further"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Subscribe(other, s.Subject("orders"))
		s.ClientToPeers(ctx, other, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "RS+ is sent when the first subscription comes, not for each")
	})

	It("has the wildcards of the subscription", s.Req("RT-INT-009/wildcards"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		for _, tokens := range []string{"*.new", "orders.*", "orders.>"} {
			s.Subscribe(c, s.Subject(tokens))
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("*.new")),
			wire.NewSub(s.Account(), s.Subject("orders.*")),
			wire.NewSub(s.Account(), s.Subject("orders.>")),
		), "wildcard interest goes out as it was made")
	})
}

func interestEnded(s *Suite) {
	It("stays while another subscription remains", s.Req("RT-INT-003/one-remains"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		first, second := s.Subscribe(c, s.Subject("orders")), s.Subscribe(c, s.Subject("orders"))
		s.Subscribe(other, s.Subject("orders"))
		s.Flush(ctx, c, other)
		s.Unsubscribe(first, second)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "RS- before the last subscription ended")
	})

	It("ends by one RS- with the last subscription", s.Req("RT-INT-004/last"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		first, last := s.Subscribe(c, s.Subject("orders")), s.Subscribe(c, s.Subject("orders"))
		s.Unsubscribe(first, last)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("orders")),
			wire.NewUnsub(s.Account(), s.Subject("orders")),
		), "what a client's last UNSUB brings")
	})

	It("ends with the client that alone held it", s.Req("RT-INT-005/client-gone"), func(ctx SpecContext) {
		p, c, leaving := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		var declared, ended []wire.Op
		for _, word := range []string{"one", "two", "three", "kept", "four"} {
			s.Subscribe(leaving, s.Subject(word))
			declared = append(declared, wire.NewSub(s.Account(), s.Subject(word)))
			if word != "kept" {
				ended = append(ended, wire.NewUnsub(s.Account(), s.Subject(word)))
			}
		}
		s.Flush(ctx, leaving)
		s.Subscribe(c, s.Subject("kept"))
		s.Flush(ctx, c)

		By("the client going away")
		leaving.Close()
		for _, op := range ended {
			s.AwaitOp(ctx, p, op, "the target did not take back the interest of a client that is gone")
		}
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(append(declared, ended...)...), "each interest that the client alone held ends once, the other stays")
	})
}

func interestAtRegistration(s *Suite) {
	It("is sent whole to a newly registered peer, each entry once", s.Req("RT-INT-007/each-once"), func(ctx SpecContext) {
		c, other := s.witness(ctx), s.Client(ctx)
		var want []wire.Op
		for _, tokens := range []string{"one", "two", "two.*", "three.>"} {
			s.Subscribe(c, s.Subject(tokens))
			s.Subscribe(other, s.Subject(tokens))
			want = append(want, wire.NewSub(s.Account(), s.Subject(tokens)))
		}
		s.Flush(ctx, c, other)

		p := s.Join(ctx, "A")
		for _, op := range want {
			s.AwaitOp(ctx, p, op, "interest that was there before the peer registered was not sent to it")
		}
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(want...), "a registered peer is sent each entry once")
	})

	It("is there before the answer to a PING behind the peer's INFO", s.Req("RT-INT-008/before-pong"), func(ctx SpecContext) {
		c := s.Client(ctx)
		var want []wire.Op
		for i := range 100 {
			subject := s.Subject(fmt.Sprintf("sync.%d", i))
			s.Subscribe(c, subject)
			want = append(want, wire.NewSub(s.Account(), subject))
		}
		s.Flush(ctx, c)
		p := s.Join(ctx, "A") // CONNECT, INFO and PING in one write; back with the PONG
		pong := ofKind(p.Seen(), wire.Pong)[0]
		early := slices.DeleteFunc(s.Own(p), func(seen harness.Seen) bool { return seen.Off > pong.Off })
		Expect(early).To(s.BeOpsInAnyOrder(want...), "interest came behind the PONG, or not at all")
	})
}

func interestDeclared(s *Suite) {
	It("brings a client's message", s.Req("RT-INT-010/raw"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		_ = p.SendRaw([]byte("RS+ "+s.Account()+" "+s.Subject("orders")+"\r\n"), 0)
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "hello")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("hello"))), "a client published on the peer's interest")
	})

	It("brings nothing more after RS-", s.Req("RT-INT-011/ended"), func(ctx SpecContext) {
		s.expectEndedByUnsub(ctx, 1, "only the first message was sent while there was interest")
	})

	It("counts once however often it is sent", s.Req("RT-INT-012/repeated"), func(ctx SpecContext) {
		s.expectEndedByUnsub(ctx, 3, "three RS+ are one interest, which one RS- ends")
	})

	It("is not needed for RS-", s.Req("RT-INT-013/unknown"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, wire.NewUnsub(s.Account(), s.Subject("never")), wire.NewQueueUnsub(s.Account(), s.Subject("never"), "q"))
		s.ExpectOpen(ctx, p)
	})

	It("is all in force when a thousand RS+ come in one write", s.Req("RT-INT-020/one-write"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		var subs, want []wire.Op
		for i := range 1000 {
			subject := s.Subject(fmt.Sprintf("many.%d", i))
			subs = append(subs, wire.NewSub(s.Account(), subject))
			want = append(want, wire.NewMsg(s.Account(), subject, "", []byte("m")))
		}
		s.Send(p, subs...)
		s.Fence(ctx, p)
		for i := range want {
			s.Publish(c, string(want[i].Subject), "", "m")
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), "a message on each of the thousand subjects")
	})
}

// interestMatching holds what a pattern of the peer stands for against messages of a client.
func interestMatching(s *Suite) {
	matches := func(ctx SpecContext, pattern, why string, match []string, others ...string) {
		GinkgoHelper()
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject(pattern)))
		s.Fence(ctx, p)
		for _, tokens := range others {
			s.Publish(c, s.Subject(tokens), "", "no")
		}
		var want []wire.Op
		for _, tokens := range match {
			s.Publish(c, s.Subject(tokens), "", "yes")
			want = append(want, wire.NewMsg(s.Account(), s.Subject(tokens), "", []byte("yes")))
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), why)
	}

	It("has * for exactly one token", s.Req("RT-INT-014/middle"), func(ctx SpecContext) {
		matches(ctx, "orders.*.new", "* is one token, no less and no more", []string{"orders.eu.new", "orders.us.new"},
			"orders.new", "orders.eu.west.new", "orders.eu.old", "orders.eu.new.x")
	})
	It("has * at the end for exactly one token", s.Req("RT-INT-014/end"), func(ctx SpecContext) {
		matches(ctx, "orders.*", "* is one token, no less and no more", []string{"orders.eu"}, "orders", "orders.eu.new", "other.eu")
	})
	It("has > for one token or more", s.Req("RT-INT-015/tail"), func(ctx SpecContext) {
		matches(ctx, "orders.>", "> is one token or more, and not none", []string{"orders.eu", "orders.eu.new", "orders.eu.new.x"}, "orders", "other.eu")
	})
	It("has * inside a longer token for itself", s.Req("RT-INT-016/star"), NeedsClient, func(ctx SpecContext) {
		matches(ctx, "orders*.new", "* is a wildcard only as a whole token", []string{"orders*.new"}, "orders.new", "ordersx.new")
	})
	It("has > inside a longer token for itself", s.Req("RT-INT-016/greater"), NeedsClient, func(ctx SpecContext) {
		matches(ctx, "orders.>x", "> is a wildcard only as a whole token", []string{"orders.>x"}, "orders.x", "orders.a.x", "orders.a")
	})
	It("keeps its case", s.Req("RT-INT-017/case"), func(ctx SpecContext) {
		matches(ctx, "Orders.new", "subjects are compared byte by byte", []string{"Orders.new"}, "orders.new", "ORDERS.NEW", "Orders.New")
	})
}

func interestOdd(s *Suite) {
	It("may have * and > inside a longer token", s.Req("RT-INT-016/accepted"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, wire.NewSub(s.Account(), s.Subject("a*b")), wire.NewSub(s.Account(), s.Subject("a.>b")), wire.NewSub(s.Account(), s.Subject("**.>>")))
		s.ExpectOpen(ctx, p)
	})

	refused := func(word, what, subject string) {
		It("gets -ERR and keeps the route for "+what, s.Req("RT-INT-018/"+word), func(ctx SpecContext) {
			p := s.Join(ctx, "A")
			s.Send(p, wire.NewSub(s.Account(), fmt.Sprintf(subject, s.Subject("a"))))
			s.Fence(ctx, p)
			Expect(len(ofKind(p.Seen(), wire.Err))).To(Equal(1), "the number of -ERR for one RS+ that no subject can match")
		})
	}
	refused("empty-first", "an empty first token", ".%s")
	refused("empty-middle", "an empty token", "%s..b")
	refused("empty-last", "an empty last token", "%s.")
	refused("behind-greater", "a token behind >", "%s.>.b")

	It("is ignored for an account that the target does not have", s.Req("RT-INT-019/open"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, wire.NewSub(unknownAccount, s.Subject("orders")), wire.NewUnsub(unknownAccount, s.Subject("orders")))
		s.ExpectOpen(ctx, p)
	})

	It("has no effect in other accounts when its own does not exist", s.Req("RT-INT-019/no-effect"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(unknownAccount, s.Subject("orders")))
		s.Send(p, wire.NewSub(s.Account(), s.Subject("witness")), wire.NewUnsub(unknownAccount, s.Subject("witness")))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "m")
		s.Publish(c, s.Subject("witness"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("witness"), "", []byte("m"))), "RS+ and RS- of an unknown account touch no other")
	})
}

// unknownAccount is the name of no account of anybody.
const unknownAccount = "NATSROUTE-NO-SUCH-ACCOUNT"

// expectEndedByUnsub declares one interest as a peer so many times and ends it by one RS-: of a message published
// before and one after, the first is right.
func (s *Suite) expectEndedByUnsub(ctx SpecContext, times int, why string) {
	GinkgoHelper()
	p, c := s.Join(ctx, "A"), s.witness(ctx)
	s.Send(p, slices.Repeat([]wire.Op{wire.NewSub(s.Account(), s.Subject("orders"))}, times)...)
	s.Fence(ctx, p)
	s.Publish(c, s.Subject("orders"), "", "before")
	s.Flush(ctx, c)
	s.Send(p, wire.NewUnsub(s.Account(), s.Subject("orders")))
	s.Fence(ctx, p)
	s.Publish(c, s.Subject("orders"), "", "after")
	s.ClientToPeers(ctx, c, p)
	Expect(s.Own(p)).To(s.BeOps(s.msg("orders", "", "before")), why)
}
