package spec

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerPinned: accounts with a connection of their own. No operation on it carries an account, in either direction.
func registerPinned(s *Suite) {
	Describe("A pinned account", func() {
		pinnedInterest(s)
		pinnedApart(s)
		pinnedMessages(s)
		pinnedReceives(s)
		pinnedWeights(s)
	})
	Describe("A connection for one account", func() {
		pinnedOpened(s)
		pinnedRefused(s)
		pinnedWithAccount(s)
		pinnedGossip(s)
	})
	Describe("The system account", func() { pinnedSystem(s) })
	Describe("A dialling target with a pinned account", func() {
		pinnedDialled(s)
		pinnedDialledAgain(s)
	})
}

// pinned is the target's pinned account and one of its others, by their names on routes, with a client of each.
type pinned struct {
	account, other string
	client, beside *harness.Client
}

func (s *Suite) pinned(ctx SpecContext) pinned {
	GinkgoHelper()
	account := s.Target().Pinned
	var others []string
	for name := range s.Target().Accounts {
		if name != account {
			others = append(others, name)
		}
	}
	other := slices.Min(others)
	return pinned{account, other, s.AccountClient(ctx, account), s.AccountClient(ctx, other)}
}

// pinnedTo makes a peer with a pool dedicate a connection to an account.
func (s *Site) pinnedTo(account string) harness.PeerOption {
	size := s.Info().RoutePoolSize
	return harness.WithInfo(func(i *wire.InfoBody) { i.RoutePoolSize, i.RouteAccount = size, account })
}

// joinPinned registers a connection for the target's pinned account.
func (s *Suite) joinPinned(ctx SpecContext, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	return s.Join(ctx, name, append(opts, s.pinnedTo(s.Target().Pinned))...)
}

// apart is a message of a pinned account on its connection.
func (s *Suite) apart(reply, data string, queues ...string) wire.Op {
	return wire.NewQueueMsg("", s.Subject("orders"), reply, queues, []byte(data))
}

func pinnedInterest(s *Suite) {
	It("has its interest announced without the account", s.Req("RT-PIN-001/interest"), func(ctx SpecContext) {
		c := s.pinned(ctx).client
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		p := s.joinPinned(ctx, "P")
		s.Unsubscribe(s.Subscribe(c, s.Subject("after")))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub("", s.Subject("before")), wire.NewSub("", s.Subject("after")), wire.NewUnsub("", s.Subject("after")),
		), "RS+ subject, RS- subject")
	})

	It("has its groups announced without the account", s.Req("RT-PIN-002/groups"), func(ctx SpecContext) {
		c := s.pinned(ctx).client
		first := s.QueueSubscribe(c, s.Subject("work"), "q")
		s.Flush(ctx, c)
		p := s.joinPinned(ctx, "P")
		second := s.QueueSubscribe(c, s.Subject("work"), "q")
		s.ClientToPeers(ctx, c, p)
		s.Unsubscribe(first)
		s.ClientToPeers(ctx, c, p)
		s.Unsubscribe(second)
		s.ClientToPeers(ctx, c, p)
		group := func(weight int) wire.Op { return wire.NewQueueSub("", s.Subject("work"), "q", weight) }
		Expect(s.Own(p)).To(s.BeOps(group(1), group(2), group(1), wire.NewQueueUnsub("", s.Subject("work"), "q")), "RS+ subject queue weight, RS- subject queue")
	})

	It("has its interest again when its connection comes back", s.Req("RT-PIN-003/comes-back"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		s.Subscribe(c, s.Subject("stays"))
		ends := s.Subscribe(c, s.Subject("ends"))
		s.ClientToPeers(ctx, c, p)
		p.Leave()
		s.Unsubscribe(ends)
		s.Flush(ctx, c)
		back := s.rejoin(ctx, p, "B", s.pinnedTo(s.Target().Pinned))
		Expect(s.Own(back)).To(s.BeOps(wire.NewSub("", s.Subject("stays"))), "the interest of that moment")
	})
}

// pinnedApart: what goes over the connection of an account goes over no other, and the other way round.
func pinnedApart(s *Suite) {
	It("has no interest on the connections of the pool", s.Req("RT-PIN-004/pool"), func(ctx SpecContext) {
		c := s.pinned(ctx).client
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		pool := s.joinPool(ctx)
		p := s.joinPinned(ctx, "P", harness.WithID(pool[0].ID()))
		s.Subscribe(c, s.Subject("after"))
		s.ClientToPeers(ctx, c, append(slices.Clone(pool), p)...)
		Expect(s.ownOfAll(pool)).To(s.BeOps(), "the account has a connection of its own")
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub("", s.Subject("before")), wire.NewSub("", s.Subject("after"))), "and there it is")
	})
	It("has its interest told to nobody while its connection is missing", s.Req("RT-PIN-004/missing"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.pinned(ctx).client
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, pool...)
		Expect(s.ownOfAll(pool)).To(s.BeOps(), "the account has a connection of its own, which is not there")
	})

	It("has nobody else's interest on its connection", s.Req("RT-PIN-005/others"), func(ctx SpecContext) {
		p, two, c := s.joinPinned(ctx, "P"), s.pinned(ctx), s.witness(ctx)
		s.Subscribe(two.beside, s.Subject("orders"))
		s.Flush(ctx, two.beside)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Subscribe(two.client, s.Subject("orders"))
		s.ClientToPeers(ctx, two.client, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub("", s.Subject("orders"))), "one interest, that of the account")
	})

	It("is with the others on the one connection of a peer without a pool", s.Req("RT-PIN-006/no-pool"), func(ctx SpecContext) {
		two := s.pinned(ctx)
		s.Subscribe(two.client, s.Subject("before"))
		s.Flush(ctx, two.client)
		p := s.Join(ctx, "A")
		s.joinPinned(ctx, "P") // somebody else has a connection for it
		s.Send(p, wire.NewSub(two.account, s.Subject("news")))
		s.Fence(ctx, p)
		s.Subscribe(two.client, s.Subject("orders"))
		s.Publish(two.client, s.Subject("news"), "", "out")
		s.ClientToPeers(ctx, two.client, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(two.account, s.Subject("before")), wire.NewSub(two.account, s.Subject("orders")),
			wire.NewMsg(two.account, s.Subject("news"), "", []byte("out")),
		), "with the account in every operation")
	})
	It("takes messages from a peer without a pool", s.Req("RT-PIN-006/no-pool-in"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.pinned(ctx)
		sub := s.Subscribe(two.client, s.Subject("orders"))
		s.Flush(ctx, two.client)
		s.Send(p, wire.NewMsg(two.account, s.Subject("orders"), "", []byte("in")))
		s.PeerToClients(ctx, p, two.client)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "in"}), "an RMSG with the account")
	})
}

func pinnedMessages(s *Suite) {
	// published declares interest on the account's connection, has a client of the account publish, and wants one operation.
	published := func(ctx SpecContext, interest, want wire.Op, publish func(*harness.Client)) {
		GinkgoHelper()
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		s.Send(p, interest)
		s.Fence(ctx, p)
		publish(c)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want), "a message on the connection of its account")
	}
	plain := func() wire.Op { return wire.NewSub("", s.Subject("orders")) }
	queue := func() wire.Op { return wire.NewQueueSub("", s.Subject("orders"), "q", 1) }
	message := func(reply string) func(*harness.Client) {
		return func(c *harness.Client) { s.Publish(c, s.Subject("orders"), reply, "hi") }
	}
	withHeaders := func(reply string) func(*harness.Client) {
		return func(c *harness.Client) { s.PublishHeaders(c, reply, "hi") }
	}
	hmsg := func(reply string, queues ...string) wire.Op {
		op := s.hmsg(reply, "hi", queues...)
		op.Account = nil
		return op
	}

	It("has its messages without the account", s.Req("RT-PIN-007/plain"), func(ctx SpecContext) {
		published(ctx, plain(), s.apart("", "hi"), message(""))
	})
	It("has its messages without the account, with their reply", s.Req("RT-PIN-007/reply"), func(ctx SpecContext) {
		published(ctx, plain(), s.apart(s.Subject("reply"), "hi"), message(s.Subject("reply")))
	})
	It("has its messages for a group without the account", s.Req("RT-PIN-008/queue"), func(ctx SpecContext) {
		published(ctx, queue(), s.apart("", "hi", "q"), message(""))
	})
	It("has its messages for a group without the account, with their reply", s.Req("RT-PIN-008/reply-and-queue"), func(ctx SpecContext) {
		published(ctx, queue(), s.apart(s.Subject("reply"), "hi", "q"), message(s.Subject("reply")))
	})
	It("has its messages with headers without the account", s.Req("RT-PIN-009/plain"), func(ctx SpecContext) {
		published(ctx, plain(), hmsg(""), withHeaders(""))
	})
	It("has its messages with headers for a group without the account, with their reply", s.Req("RT-PIN-009/reply-and-queue"), func(ctx SpecContext) {
		published(ctx, queue(), hmsg(s.Subject("reply"), "q"), withHeaders(s.Subject("reply")))
	})

	It("has no more messages for interest that RS- without the account has ended", s.Req("RT-PIN-010/ended"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		s.Send(p, plain(), queue(), wire.NewUnsub("", s.Subject("orders")))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "one")
		s.ClientToPeers(ctx, c, p)
		s.Send(p, wire.NewQueueUnsub("", s.Subject("orders"), "q"))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "two")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.apart("", "one", "q")), "RS- subject ends plain interest, RS- subject queue that of the group")
	})

	It("has no messages of others on its connection", s.Req("RT-PIN-011/others"), func(ctx SpecContext) {
		p, two, c := s.joinPinned(ctx, "P"), s.pinned(ctx), s.witness(ctx)
		s.Send(p, plain(), wire.NewSub("", s.Subject(">")))
		s.Fence(ctx, p)
		s.Publish(two.beside, s.Subject("orders"), "", "other")
		s.Flush(ctx, two.beside)
		s.Publish(c, s.Subject("orders"), "", "global")
		s.Flush(ctx, c)
		s.Publish(two.client, s.Subject("orders"), "", "hi")
		s.ClientToPeers(ctx, two.client, p)
		Expect(s.Own(p)).To(s.BeOps(s.apart("", "hi")), "interest on the connection of an account is interest in that account")
	})
}

// pinnedReceives: what the target does with messages on the connection of an account.
func pinnedReceives(s *Suite) {
	It("takes messages without the account", s.Req("RT-PIN-012/plain-and-reply"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, s.apart("", "one"), s.apart(s.Subject("reply"), "two"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(
			delivery{s.Subject("orders"), "", "one"}, delivery{s.Subject("orders"), s.Subject("reply"), "two"},
		), "RMSG subject size, RMSG subject reply size")
	})
	It("takes messages for a group without the account", s.Req("RT-PIN-013/queues"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		named, other := s.QueueSubscribe(c, s.Subject("orders"), "q"), s.QueueSubscribe(c, s.Subject("orders"), "other")
		s.Flush(ctx, c)
		s.Send(p, s.apart("", "none"), s.apart("", "one", "q"), s.apart(s.Subject("reply"), "two", "q"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(named)).To(s.BeMessages(
			delivery{s.Subject("orders"), "", "one"}, delivery{s.Subject("orders"), s.Subject("reply"), "two"},
		), "RMSG subject | queue size, RMSG subject + reply queue size")
		Expect(s.Received(other)).To(s.BeMessages(), "the other group was not named")
	})
	It("takes messages with headers without the account", s.Req("RT-PIN-014/headers"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		op := s.hmsg(s.Subject("reply"), "hi")
		op.Account = nil
		s.Send(p, op)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), s.Subject("reply"), "hi"}), "HMSG subject reply header-size whole-size")
		Expect(sub.Messages()[0].Header).To(Equal(header()), "the header block at the client")
	})
	It("keeps its messages from the clients of others", s.Req("RT-PIN-015/others"), func(ctx SpecContext) {
		p, two, c := s.joinPinned(ctx, "P"), s.pinned(ctx), s.witness(ctx)
		mine, beside, global := s.Subscribe(two.client, s.Subject("orders")), s.Subscribe(two.beside, s.Subject("orders")), s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, two.client, two.beside, c)
		s.Send(p, s.apart("", "hi"))
		s.PeerToClients(ctx, p, two.client, two.beside, c)
		Expect(s.Received(mine)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hi"}), "the account of the connection")
		Expect(append(s.Received(beside), s.Received(global)...)).To(s.BeMessages(), "a message crossed from one account to another")
	})
}

func pinnedWeights(s *Suite) {
	It("has its groups chosen by weight", s.Req("RT-PIN-016/nine-to-one"), func(ctx SpecContext) {
		a, b, c := s.joinPinned(ctx, "A"), s.joinPinned(ctx, "B"), s.pinned(ctx).client
		s.Send(a, wire.NewQueueSub("", s.Subject("orders"), "q", 9))
		s.Send(b, wire.NewQueueSub("", s.Subject("orders"), "q", 1))
		s.Fence(ctx, a, b)
		sent := numbered(1000)
		s.Publish(c, s.Subject("orders"), "", sent...)
		s.ClientToPeers(ctx, c, a, b)
		toA := s.peerPayloads(a)
		s.ExpectOnceEach(sent, "a group gets each message once, wherever its members are", toA, s.peerPayloads(b))
		lo, hi := binomialBounds(len(sent), 0.9, 1e-6)
		Expect(len(toA)).To(And(BeNumerically(">=", lo), BeNumerically("<=", hi)), fmt.Sprintf(
			"messages of %d to the weight 9, the other being 1: drawn by weight, chance leaves these bounds once in a million runs", len(sent)))
	})
}
