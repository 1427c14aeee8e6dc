package spec

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerReloadPinned: an account gets a connection of its own while its pool runs, by the target's configuration or by
// the peer's.
func registerReloadPinned(s *Suite) {
	Describe("An account pinned by a reload", func() {
		pinnedHere(s)
		unpinned(s)
	})
	Describe("An account pinned by a peer", func() { pinnedThere(s) })
}

// pinning is a peer with a pool and a client of the account that gets a connection of its own.
type pinning struct {
	s       *Suite
	account string
	c       *harness.Client
	pool    []*harness.Peer
	carrier *harness.Peer // the connection of the pool that carries the account
}

// pinning starts the server anew and opens a pool.
func (s *Suite) pinning(ctx SpecContext) *pinning {
	GinkgoHelper()
	if s.Info().RoutePoolSize == 0 {
		s.NotApplicable("the target has no pools")
	}
	s.Anew(ctx)
	pool := s.joinPool(ctx)
	return &pinning{
		s: s, account: harness.SetupPinned, c: s.AccountClient(ctx, harness.SetupPinned),
		pool: pool, carrier: pool[poolIndex(harness.SetupPinned, len(pool))],
	}
}

// pin makes the target pin the account, and returns the INFO by which the peer is told.
func (p *pinning) pin(ctx SpecContext) *wire.InfoBody {
	GinkgoHelper()
	mark := p.carrier.Mark()
	p.s.Change(ctx, func(setup *harness.Setup) { setup.Pinned = true })
	told, err := p.carrier.AwaitSince(ctx, mark, isPinning)
	Expect(err).NotTo(HaveOccurred(), "no INFO tells the connection that carries %s of its new one", p.account)
	return told.Op.InfoBody
}

// isPinning tells whether an INFO is about an account's new connection.
func isPinning(seen harness.Seen) bool {
	return seen.Op.Kind == wire.Info && seen.Op.InfoBody.RouteAccReqID != ""
}

// answer tells the target that the peer is ready.
func (p *pinning) answer(told *wire.InfoBody) {
	reply := *told
	reply.RouteAccount = ""
	p.s.Send(p.carrier, wire.NewInfo(&reply))
}

// own opens the account's connection, as soon as the target takes it.
func (p *pinning) own(ctx SpecContext) *harness.Peer {
	GinkgoHelper()
	s := p.s
	limited, cancel := context.WithTimeout(ctx, s.Patience())
	defer cancel()
	for n := 1; ; n++ {
		own, err := s.Target().Dial(limited, fmt.Sprintf("P%d", n), harness.WithID(p.pool[0].ID()), harness.Pooled(len(p.pool), 0), harness.PinnedTo(p.account))
		if err == nil {
			s.Adopt(own)
			if err = own.Register(limited); err == nil {
				return own
			}
		}
		if limited.Err() != nil {
			s.fail(fmt.Sprintf("the target did not take the connection of the account that it pins: %v", err))
		}
	}
}

func pinnedHere(s *Suite) {
	It("is told on the connection that carries it, and on no other", s.Req("RT-RLD-030/info"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		told := p.pin(ctx)
		Expect(told.RouteAccount).To(Equal(p.account), "route_account")
		Expect(told.RoutePoolSize).To(Equal(len(p.pool)), "route_pool_size")
		p.answer(told)
		s.Fence(ctx, p.pool...)
		for i, conn := range p.pool {
			if conn != p.carrier {
				Expect(conn.Seen()).NotTo(ContainElement(Satisfy(isPinning)), "connection %d", i)
			}
			s.ExpectOpen(ctx, conn)
		}
	})

	It("has its interest announced on its own connection from then on", s.Req("RT-RLD-031/interest"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		s.subscribed(p.c, "before")
		s.ClientToPeers(ctx, p.c, p.carrier)
		p.answer(p.pin(ctx))
		s.subscribed(p.c, "between")
		s.ClientToPeers(ctx, p.c, p.carrier)
		own := p.own(ctx)
		s.subscribed(p.c, "after")
		s.ClientToPeers(ctx, p.c, own, p.carrier)
		Expect(s.Own(own)).To(s.BeOpsInAnyOrder(
			wire.NewSub("", s.Subject("before")), wire.NewSub("", s.Subject("between")), wire.NewSub("", s.Subject("after")),
		), "all interest of the account, on its own connection")
		Expect(s.Own(p.carrier)).To(s.BeOps(wire.NewSub(p.account, s.Subject("before"))), "the connection of the pool, which has carried the account until the reload")
	})

	It("has its messages on its own connection from then on", s.Req("RT-RLD-032/messages"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		s.Send(p.carrier, wire.NewSub(p.account, s.Subject("orders")))
		s.Fence(ctx, p.carrier)
		p.answer(p.pin(ctx))
		s.expectOnOwnConnection(ctx, p, "interest that the peer declared in the pool before the reload")
	})

	It("stays on the only connection of a peer without a pool", s.Req("RT-RLD-033/no-pool"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		single := s.Join(ctx, "S")
		s.Send(single, wire.NewSub(p.account, s.Subject("orders")))
		s.Fence(ctx, single)
		p.answer(p.pin(ctx))
		p.own(ctx)
		s.subscribed(p.c, "news")
		s.Publish(p.c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, p.c, single)
		Expect(s.Own(single)).To(s.BeOps(wire.NewSub(p.account, s.Subject("news")), wire.NewMsg(p.account, s.Subject("orders"), "", []byte("m"))), "interest and message of the account that is pinned now")
		Expect(single.Seen()).NotTo(ContainElement(Satisfy(isPinning)), "an INFO about a connection that such a peer cannot have")
	})
}

func unpinned(s *Suite) {
	It("goes back to the pool when the configuration does not pin it any more", s.Req("RT-RLD-034/unpinned"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		p.answer(p.pin(ctx))
		own := p.own(ctx)
		s.subscribed(p.c, "orders")
		s.ClientToPeers(ctx, p.c, own)
		s.Change(ctx, func(setup *harness.Setup) { setup.Pinned = false })
		s.ExpectClosed(ctx, own)
		s.AwaitOp(ctx, p.carrier, wire.NewSub(p.account, s.Subject("orders")), "the account's interest, in the pool again")
		for _, conn := range p.pool {
			s.ExpectOpen(ctx, conn)
		}
	})
}

// pinnedThere: the peer has been reloaded, and says so on the connection that carries the account.
func pinnedThere(s *Suite) {
	tell := func(ctx SpecContext, p *pinning, account string) []harness.Seen {
		GinkgoHelper()
		mark := p.carrier.Mark()
		s.Send(p.carrier, wire.NewInfo(&wire.InfoBody{RoutePoolSize: len(p.pool), RouteAccount: account, RouteAccReqID: "natsroute"}))
		s.ExpectOpen(ctx, p.carrier)
		var answers []harness.Seen
		for _, seen := range p.carrier.Since(mark) {
			if isPinning(seen) {
				answers = append(answers, seen)
			}
		}
		return answers
	}

	It("is acknowledged with the peer's route_acc_add_reqid and no account", s.Req("RT-RLD-040/answer"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		answers := tell(ctx, p, p.account)
		Expect(answers).To(HaveLen(1), "INFO with route_acc_add_reqid")
		Expect(answers[0].Op.InfoBody.RouteAccReqID).To(Equal("natsroute"), "route_acc_add_reqid")
		Expect(answers[0].Op.InfoBody.RouteAccount).To(BeEmpty(), "route_account")
	})

	It("has its interest announced on its own connection from then on", s.Req("RT-RLD-041/interest"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		s.subscribed(p.c, "before")
		s.ClientToPeers(ctx, p.c, p.carrier)
		tell(ctx, p, p.account)
		s.subscribed(p.c, "between")
		s.ClientToPeers(ctx, p.c, p.carrier)
		own := p.own(ctx)
		Expect(s.Own(own)).To(s.BeOpsInAnyOrder(wire.NewSub("", s.Subject("before")), wire.NewSub("", s.Subject("between"))), "all interest of the account, on its own connection")
		Expect(s.Own(p.carrier)).To(s.BeOps(wire.NewSub(p.account, s.Subject("before"))), "the connection of the pool, which has carried the account until the peer's INFO")
	})

	It("loses the interest that the peer has declared in the pool", s.Req("RT-RLD-042/forgotten"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		s.Send(p.carrier, wire.NewSub(p.account, s.Subject("orders")))
		s.Fence(ctx, p.carrier)
		tell(ctx, p, p.account)
		s.Publish(p.c, s.Subject("orders"), "", "lost")
		s.ClientToPeers(ctx, p.c, p.carrier)
		s.expectOnOwnConnection(ctx, p, "the peer declares its interest again on the account's own connection")
	})

	It("is none when the target does not know the account", s.Req("RT-RLD-043/unknown"), func(ctx SpecContext) {
		p := s.pinning(ctx)
		tell(ctx, p, unknownAccount)
		for _, conn := range p.pool {
			s.ExpectOpen(ctx, conn)
		}
	})
}

// expectOnOwnConnection declares interest on the connection that the account now has, and wants a client's message to come there
// and nothing to come on the connection of the pool that carried the account before.
func (s *Suite) expectOnOwnConnection(ctx SpecContext, p *pinning, why string) {
	GinkgoHelper()
	own := p.own(ctx)
	s.Send(own, wire.NewSub("", s.Subject("orders")))
	s.Fence(ctx, own)
	s.Publish(p.c, s.Subject("orders"), "", "m")
	s.ClientToPeers(ctx, p.c, own, p.carrier)
	Expect(s.Own(own)).To(s.BeOps(wire.NewMsg("", s.Subject("orders"), "", []byte("m"))), "a message of the account, on its own connection")
	Expect(s.Own(p.carrier)).To(s.BeOps(), why)
}
