package spec

import (
	"context"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// dialled is what the target has opened toward one listener of ours.
type dialled struct {
	pool  []*harness.Peer // connections for all accounts, by index
	apart []*harness.Peer // those of one account
}

func (d *dialled) all() []*harness.Peer { return append(slices.Clone(d.pool), d.apart...) }

// invitePool tells the target of a server with a pool that listens at l. The peer that does has a pool itself: from one
// without, the target takes that the other may not know of accounts with connections of their own, and tries.
func (s *Site) invitePool(ctx context.Context, l *harness.Listener, id string) (*harness.Peer, error) {
	size := s.Info().RoutePoolSize
	p, err := s.target.Join(ctx, "A", harness.Pooled(size, 0), harness.Bystander())
	if err != nil {
		return nil, err
	}
	of := news(p, id, l)
	of.InfoBody.RoutePoolSize = size
	return p, p.Send(of)
}

// acceptPool takes and answers the target's connections until n of them are for all accounts. We show a pool of that
// size; 0: none. What the target opens for one account is answered too and does not count.
func acceptPool(ctx context.Context, l *harness.Listener, n int, opts ...harness.PeerOption) (d dialled, err error) {
	for len(d.pool) < n {
		p, err := l.Accept(ctx, fmt.Sprintf("L%d", len(d.all())), opts...)
		if err != nil {
			return d, fmt.Errorf("the target opened %d connections of %d for all accounts: %w", len(d.pool), n, err)
		}
		if err := p.Answer(ctx); err != nil && !isClosed(err) {
			return d, fmt.Errorf("the target dialled and answered neither INFO nor PING: %w", err)
		} else if _, account := p.Place(); account != "" || isClosed(err) {
			d.apart = append(d.apart, p)
		} else {
			d.pool = append(d.pool, p)
		}
	}
	slices.SortStableFunc(d.pool, func(a, b *harness.Peer) int { return indexOf(a) - indexOf(b) })
	return d, nil
}

func indexOf(p *harness.Peer) int {
	index, _ := p.Place()
	return index
}

// DialledPool has the target dial a server of ours whose pool has a size, until n connections are there.
func (s *Suite) DialledPool(ctx SpecContext, word string, size, n int, opts ...harness.PeerOption) dialled {
	GinkgoHelper()
	l, id := s.Listener(ctx), s.serverID(word)
	informer, err := s.invitePool(ctx, l, id)
	Expect(err).NotTo(HaveOccurred(), "a peer with a pool that tells of another server")
	s.Adopt(informer)
	d, err := acceptPool(ctx, l, n, append(opts, harness.WithID(id), harness.Pooled(size, 0))...)
	for _, p := range d.all() {
		s.Adopt(p)
	}
	Expect(err).NotTo(HaveOccurred(), "the target was told of a server with a pool of %d", size)
	return d
}

func poolDialled(s *Suite) {
	whole := func(ctx SpecContext) []*harness.Peer {
		GinkgoHelper()
		size := s.Info().RoutePoolSize
		return s.DialledPool(ctx, "POOL", size, size).pool
	}

	It("opens as many connections as the pool has and numbers them from 0", s.Req("RT-POOL-024/whole"), func(ctx SpecContext) {
		pool := whole(ctx)
		for i, p := range pool {
			Expect(indexOf(p)).To(Equal(i), "route_pool_idx of the target's INFO, in order")
			s.ExpectOpen(ctx, p)
		}
	})
	It("says its pool's size on each", s.Req("RT-POOL-025/size"), func(ctx SpecContext) {
		for i, p := range whole(ctx) {
			Expect(p.Info().RoutePoolSize).To(Equal(s.Info().RoutePoolSize), "route_pool_size on connection %d", i)
		}
	})
	It("says CONNECT on each", s.Req("RT-POOL-026/connect"), func(ctx SpecContext) {
		for i, p := range whole(ctx) {
			Expect(p.Seen()[0].Op.Kind.String()).To(Equal("CONNECT"), "the first operation on connection %d", i)
		}
	})
	It("is one server on all", s.Req("RT-POOL-027/one-id"), func(ctx SpecContext) {
		for i, p := range whole(ctx) {
			Expect(p.Info().ServerID).To(Equal(s.Info().ServerID), "server_id in INFO on connection %d", i)
			Expect(connectOf(p).Name).To(Equal(s.Info().ServerID), "name in CONNECT on connection %d", i)
		}
	})

	It("has an account's interest on its connection", s.Req("RT-POOL-028/interest"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		pool := whole(ctx)
		s.Subscribe(c, s.Subject("after"))
		s.ClientToPeers(ctx, c, pool...)
		s.inPlace(pool, s.placeOf(ctx, s.Account(), len(pool)), wire.NewSub(s.Account(), s.Subject("before")), wire.NewSub(s.Account(), s.Subject("after")))
	})
	It("has an account's messages where interest was declared", s.Req("RT-POOL-028/messages"), func(ctx SpecContext) {
		pool, c := whole(ctx), s.witness(ctx)
		s.expectOnTheirConnections(ctx, pool, s.Account(), c)
	})

	It("opens as many connections as the larger pool has", s.Req("RT-POOL-031/acceptor-larger"), func(ctx SpecContext) {
		n := s.otherSize()
		Expect(indexOf(s.DialledPool(ctx, "POOL", n, n).pool[n-1])).To(Equal(n-1), "route_pool_idx of the last connection")
	})
	It("opens as many connections as its own pool has when that is the larger one", s.Req("RT-POOL-031/acceptor-smaller"), func(ctx SpecContext) {
		n := s.Info().RoutePoolSize
		Expect(indexOf(s.DialledPool(ctx, "POOL", 1, n).pool[n-1])).To(Equal(n-1), "route_pool_idx of the last connection")
	})
}

// poolDialledTurns: what our INFO, or our silence, makes of the target's dials.
func poolDialledTurns(s *Suite) {
	// first takes the target's first connection to a server with a pool; nothing was sent on it.
	first := func(ctx SpecContext, opts ...harness.PeerOption) (*harness.Listener, *harness.Peer) {
		GinkgoHelper()
		l, id := s.Listener(ctx), s.serverID("POOL")
		informer, err := s.invitePool(ctx, l, id)
		Expect(err).NotTo(HaveOccurred(), "a peer with a pool that tells of another server")
		s.Adopt(informer)
		return l, s.Dialled(ctx, l, "L", append(opts, harness.WithID(id))...)
	}

	It("opens a further connection only when its PING on the one before is answered", s.Req("RT-POOL-029/after-pong"), func(ctx SpecContext) {
		s.needTwoListeners()
		size := s.several()
		l, p := first(ctx, harness.Pooled(size, 0))
		p.HoldPongs(true)
		Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG on its first connection")
		_, err := p.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Kind == wire.Ping })
		Expect(err).NotTo(HaveOccurred(), "the target's PING behind its INFO")

		By("a whole pool being opened elsewhere")
		s.DialledPool(ctx, "OTHER", size, size)
		Expect(l.Dials()).To(Equal(1), "connections opened before the PONG on the first")

		By("the PONG")
		p.HoldPongs(false)
		s.Dialled(ctx, l, "L2", harness.WithID(p.ID()))
	})

	It("refuses an acceptor's INFO with an index", s.Req("RT-POOL-030/index"), func(ctx SpecContext) {
		_, p := first(ctx, harness.Pooled(s.Info().RoutePoolSize, 1))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p, "Route pool index should not be set")
	})

	It("refuses an acceptor with another size", s.Req("RT-POOL-032/mismatch"), func(ctx SpecContext) {
		_, p := first(ctx, harness.Pooled(s.otherSize(), 0))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p, "Mismatch route pool size")
	})

	It("opens one connection to an acceptor without a pool", s.Req("RT-POOL-033/no-pool"), func(ctx SpecContext) {
		s.needTwoListeners()
		l, p := first(ctx)
		Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")

		By("a whole pool being opened elsewhere")
		size := s.Info().RoutePoolSize
		s.DialledPool(ctx, "OTHER", size, size)
		Expect(l.Dials()).To(Equal(1), "connections for all accounts to a server without a pool")
		s.ExpectOpen(ctx, p)
	})
	It("has every account on its one connection to an acceptor without a pool", s.Req("RT-POOL-034/everything"), func(ctx SpecContext) {
		_, p := first(ctx)
		Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
		two := s.twoAccounts(ctx)
		s.Subscribe(two.clientX, s.Subject("x"))
		s.Flush(ctx, two.clientX)
		s.Subscribe(two.clientY, s.Subject("y"))
		s.ClientToPeers(ctx, two.clientY, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(two.x, s.Subject("x")), wire.NewSub(two.y, s.Subject("y"))), "interest of two accounts")
	})
}

// poolCrossed: the peer that the target dials has come by itself in the meantime.
func poolCrossed(s *Suite) {
	// crossed registers the first places of a peer's pool after the target has dialled it, and before the peer answers there.
	crossed := func(ctx SpecContext, places int) (pool []*harness.Peer, late *harness.Peer) {
		GinkgoHelper()
		size := s.several()
		late = s.dialledWith(ctx, harness.Pooled(size, 0))
		return s.joinPlaces(ctx, places, size, harness.WithID(late.ID())), late
	}

	It("closes a connection to a peer whose pool is whole by then", s.Req("RT-POOL-040/whole"), func(ctx SpecContext) {
		pool, late := crossed(ctx, s.Info().RoutePoolSize)
		s.Send(late, late.OwnInfo())
		s.ExpectClosed(ctx, late)
		for _, p := range pool {
			s.ExpectOpen(ctx, p)
		}
	})
	It("gives a connection the index that is free by then", s.Req("RT-POOL-041/free"), func(ctx SpecContext) {
		pool, late := crossed(ctx, s.Info().RoutePoolSize-1)
		Expect(late.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
		Expect(indexOf(late)).To(Equal(len(pool)), "route_pool_idx in the target's INFO, %d connections being there", len(pool))
		c := s.witness(ctx)
		all := append(slices.Clone(pool), late)
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, all...)
		s.inPlace(all, s.placeOf(ctx, s.Account(), len(all)), wire.NewSub(s.Account(), s.Subject("orders")))
	})
}

// needTwoListeners ends the spec where there is one address to listen on.
func (s *Suite) needTwoListeners() {
	if s.Target().Listen != "" {
		s.NotTested(report.NeedsListener)
	}
}

// reopening is a connection that the target had dialled, and that it dialled again when we closed it.
type reopening struct {
	before, after *harness.Peer
	all           []*harness.Peer // with those two
	err           error           // a step that did not come about
}

func (r *reopening) keep(p *harness.Peer) { r.all = append(r.all, p) }

func (r reopening) peers() []*harness.Peer { return r.all }

func poolDialledAgain(s *Suite) {
	again := Prepare(s, "RT-POOL-035", func(ctx context.Context, s *Site) reopening { return s.poolReopened(ctx) })
	It("opens a connection of its pool again when that closes, under its index", s.Req("RT-POOL-035/again"), Late, func(ctx SpecContext) {
		r := joined(ctx, s, again, reopening.peers)
		Expect(r.err).NotTo(HaveOccurred(), "one connection of a pool that the target had dialled was closed by us")
		Expect(indexOf(r.after)).To(Equal(indexOf(r.before)), "route_pool_idx of the new connection")
	})
}

// poolReopened closes one connection of a pool that the target has dialled, and waits for the next.
func (s *Site) poolReopened(ctx context.Context) (r reopening) {
	l, err := s.target.NewListener(ctx)
	if err != nil {
		return reopening{err: err}
	}
	defer func() { _ = l.Close() }()
	size, id := s.Info().RoutePoolSize, "NREOPENED"+s.o.Nonce
	informer, err := s.invitePool(ctx, l, id)
	if err != nil {
		return reopening{err: err}
	}
	r.keep(informer)
	open := func(ctx context.Context, n int) (last *harness.Peer) {
		d, err := acceptPool(ctx, l, n, harness.WithID(id), harness.Pooled(size, 0))
		r.all = append(r.all, d.all()...)
		if r.err = err; err != nil {
			return nil
		}
		return d.pool[n-1]
	}
	if r.before = open(ctx, size); r.err == nil {
		r.before.Leave()
		r.after = open(s.ForRedial(ctx), 1)
	}
	return r
}

// poolRefused: a server that was told to have no pools meets one that has.
func poolRefused(s *Suite) {
	It("announces no size", s.Req("RT-POOL-036/info"), WithoutRegistration, func(ctx SpecContext) {
		Expect(s.Dial(ctx, "A").Info().RoutePoolSize).To(Equal(0), "route_pool_size of a server without pools")
	})

	It("takes one connection of a peer's pool and closes the others", s.Req("RT-POOL-037/second"), func(ctx SpecContext) {
		first := s.Join(ctx, "A0", harness.Pooled(3, 0))
		s.refused(ctx, "A1", harness.WithID(first.ID()), harness.Pooled(3, 1))
		s.ExpectOpen(ctx, first)
	})
	It("has every account on the one connection of a peer with a pool", s.Req("RT-POOL-038/everything"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A0", harness.Pooled(3, 0)), s.twoAccounts(ctx)
		s.Subscribe(two.clientX, s.Subject("x"))
		s.Flush(ctx, two.clientX)
		s.Subscribe(two.clientY, s.Subject("y"))
		s.ClientToPeers(ctx, two.clientY, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(two.x, s.Subject("x")), wire.NewSub(two.y, s.Subject("y"))), "interest of two accounts")
	})
	It("opens one connection to a server with a pool", s.Req("RT-POOL-039/dials-once"), func(ctx SpecContext) {
		once, soon := s.twoListeners(ctx)
		informer, id := s.Join(ctx, "A"), s.serverID("POOL")
		s.Send(informer, news(informer, id, once))
		p := s.Dialled(ctx, once, "L", harness.WithID(id), harness.Pooled(3, 0))
		Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
		s.Send(informer, news(informer, s.serverID("UNKNOWN"), soon))
		s.awaitDial(ctx, soon)
		Expect(once.Dials()).To(Equal(1), "connections of a server without pools; the dial for an unknown one, told of later, has come")
		s.ExpectOpen(ctx, p)
	})
}
