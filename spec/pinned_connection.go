package spec

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

func pinnedOpened(s *Suite) {
	It("stands beside the pool under one server_id", s.Req("RT-PIN-017/beside"), func(ctx SpecContext) {
		pool := s.joinPool(ctx)
		s.ExpectOpen(ctx, s.joinPinned(ctx, "P", harness.WithID(pool[0].ID())))
		for _, p := range pool {
			s.ExpectOpen(ctx, p)
		}
	})
	It("may come before the pool", s.Req("RT-PIN-017/before"), func(ctx SpecContext) {
		first := s.joinPinned(ctx, "P")
		s.ExpectOpen(ctx, s.Join(ctx, "A0", harness.WithID(first.ID()), harness.Pooled(s.Info().RoutePoolSize, 0)))
		s.ExpectOpen(ctx, first)
	})

	It("is one for each account", s.Req("RT-PIN-018/second"), func(ctx SpecContext) {
		first := s.joinPinned(ctx, "P")
		s.refused(ctx, "Q", harness.WithID(first.ID()), s.pinnedTo(s.Target().Pinned))
		s.ExpectOpen(ctx, first)
	})
	It("is closed without a word when there is one already", s.Req("RT-PIN-019/silent"), func(ctx SpecContext) {
		second := s.refused(ctx, "Q", harness.WithID(s.joinPinned(ctx, "P").ID()), s.pinnedTo(s.Target().Pinned))
		Expect(ofKind(second.Seen(), wire.Err)).To(s.BeOps(), "two servers that dial each other meet like that all the time")
	})
}

// pinnedRefused: what no connection can be dedicated to.
func pinnedRefused(s *Suite) {
	unknown := func() harness.PeerOption { return s.pinnedTo("NOACCOUNT" + strings.ToUpper(s.o.Nonce)) }
	It("is refused for an account that does not exist", s.Req("RT-PIN-020/unknown"), func(ctx SpecContext) {
		s.refused(ctx, "P", unknown())
	})
	It("is told that the account does not exist", s.Req("RT-PIN-021/unknown-text"), func(ctx SpecContext) {
		s.ExpectRefusal(ctx, []string{"Unable to lookup account", "account missing"}, unknown())
	})

	It("is refused for an account that is not pinned", s.Req("RT-PIN-022/not-pinned"), func(ctx SpecContext) {
		s.refused(ctx, "P", s.pinnedTo(s.Account()))
	})
	It("is told that the account is not pinned", s.Req("RT-PIN-023/not-pinned-text"), func(ctx SpecContext) {
		s.ExpectRefusal(ctx, []string{"No route for account", s.Account()}, s.pinnedTo(s.Account()))
	})

	It("is refused from a peer without a pool", s.Req("RT-PIN-024/no-pool"), func(ctx SpecContext) {
		s.refused(ctx, "P", harness.PinnedTo(s.Target().Pinned))
	})
	It("is refused by a server without a pool", s.Req("RT-PIN-025/no-pool-here"), func(ctx SpecContext) {
		s.refused(ctx, "P", harness.Pooled(3, 0), harness.PinnedTo(s.Account()))
	})
	It("is told that one of the two has no pool", s.Req("RT-PIN-026/no-pool-text"), func(ctx SpecContext) {
		s.ExpectRefusal(ctx, []string{"Not possible to have a dedicated route"}, harness.PinnedTo(s.Account()))
	})
}

// pinnedWithAccount sends the account all the same, where it is taken for something else.
func pinnedWithAccount(s *Suite) {
	DescribeTable("is closed when an argument too many comes",
		func(ctx SpecContext, line func(account string) string) {
			p := s.joinPinned(ctx, "P")
			_ = p.SendRaw([]byte(line(s.Target().Pinned)+"\r\n"), 0)
			s.ExpectClosed(ctx, p)
		},
		Entry("in RS+", s.Req("RT-PIN-027/interest"), func(account string) string { return "RS+ " + account + " " + s.Subject("orders") }),
		Entry("in RS+ for a group", s.Req("RT-PIN-027/group"), func(account string) string { return "RS+ " + account + " " + s.Subject("orders") + " q 1" }),
		Entry("in RS- for a group", s.Req("RT-PIN-027/group-end"), func(account string) string { return "RS- " + account + " " + s.Subject("orders") + " q" }),
	)

	It("delivers no message whose subject stands where the reply should", s.Req("RT-PIN-028/message"), func(ctx SpecContext) {
		p, c := s.joinPinned(ctx, "P"), s.pinned(ctx).client
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, wire.NewMsg(s.Target().Pinned, s.Subject("orders"), "", []byte("wrong")), s.apart("", "right"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "right"}), "RMSG account subject size is read as RMSG subject reply size")
	})
}

// pinnedGossip: news of a connection for one account say so.
func pinnedGossip(s *Suite) {
	// both registers a peer with a connection of its pool and one for the pinned account.
	both := func(ctx SpecContext, name string) []*harness.Peer {
		GinkgoHelper()
		first := s.Join(ctx, name, harness.Pooled(s.Info().RoutePoolSize, 0))
		return []*harness.Peer{first, s.joinPinned(ctx, name+"P", harness.WithID(first.ID()))}
	}
	ofAccount := func(seen harness.Seen, id string) bool {
		return isNewsOf(seen, id) && seen.Op.InfoBody.RouteAccount != ""
	}
	told := func(peers []*harness.Peer, id string) (accounts []string) {
		for _, p := range peers {
			for _, seen := range ofKind(p.Seen(), wire.Info) {
				if ofAccount(seen, id) {
					accounts = append(accounts, seen.Op.InfoBody.RouteAccount)
				}
			}
		}
		return accounts
	}

	It("is gossiped with its account", s.Req("RT-PIN-029/told"), func(ctx SpecContext) {
		a, b := both(ctx, "A"), both(ctx, "B")
		third := both(ctx, "C")
		s.awaitOnAny(ctx, a, "news of the connection for one account of a third peer", func(seen harness.Seen) bool { return ofAccount(seen, third[0].ID()) })
		s.Fence(ctx, a...)
		Expect(told(a, b[0].ID())).To(Equal([]string{s.Target().Pinned}), "route_account in what one peer was told of the connections for one account of another")
	})
	It("is not gossiped to a peer without a pool", s.Req("RT-PIN-030/no-pool"), func(ctx SpecContext) {
		single, a, b := s.Join(ctx, "X"), both(ctx, "A"), both(ctx, "B")
		s.awaitOnAny(ctx, a, "news of the connection for one account of another peer", func(seen harness.Seen) bool { return ofAccount(seen, b[0].ID()) })
		s.awaitNews(ctx, single, s.Join(ctx, "Y").ID())
		s.Fence(ctx, single)
		Expect(told([]*harness.Peer{single}, b[0].ID())).To(BeEmpty(), "INFO about a connection that a peer without a pool could not open")
	})
}

// systemAccount is the name that releases give the account in which servers talk to each other.
const systemAccount = "$SYS"

func pinnedSystem(s *Suite) {
	It("has no interest on the connections of a pool", s.Req("RT-PIN-031/pool"), func(ctx SpecContext) {
		for i, p := range s.joinPool(ctx) {
			s.Fence(ctx, p)
			for _, seen := range ofKind(p.Seen(), wire.Sub) {
				Expect(string(seen.Op.Account)).NotTo(Equal(systemAccount), "account of RS+ on connection %d", i)
			}
		}
	})

	It("has its interest without the account on its connection", s.Req("RT-PIN-032/own-connection"), func(ctx SpecContext) {
		p := s.Dial(ctx, "P", s.pinnedTo(systemAccount))
		err := p.Register(ctx)
		if isClosed(err) {
			s.NotApplicable("the target has no connection for an account named " + systemAccount)
		}
		Expect(err).NotTo(HaveOccurred(), "neither accepted nor refused, or an operation with an account")
		interest := ofKind(p.Seen(), wire.Sub)
		if len(interest) == 0 {
			s.NotApplicable("nobody at the target has interest in " + systemAccount)
		}
		for _, seen := range interest {
			Expect(string(seen.Op.Subject)).NotTo(Equal(systemAccount), "the first argument of RS+ is a subject")
		}
	})
}

// acceptAccount takes and answers the target's connections until one is for the account.
func acceptAccount(ctx context.Context, l *harness.Listener, account string, adopt func(*harness.Peer), opts ...harness.PeerOption) (*harness.Peer, error) {
	for {
		p, err := l.Accept(ctx, "L", opts...)
		if err != nil {
			return nil, err
		}
		adopt(p)
		if err := p.Answer(ctx); err != nil && !isClosed(err) {
			return nil, err
		}
		if _, of := p.Place(); of == account {
			return p, nil
		}
	}
}

func pinnedDialled(s *Suite) {
	// dialled has the target open a connection for its pinned account: a peer without a pool tells it of a server.
	dialled := func(ctx SpecContext) *harness.Peer {
		GinkgoHelper()
		l, id := s.invite(ctx)
		p, err := acceptAccount(ctx, l, s.Target().Pinned, s.Adopt, harness.WithID(id), harness.Pooled(s.Info().RoutePoolSize, 0))
		Expect(err).NotTo(HaveOccurred(), "the target did not open a connection for its pinned account")
		return p
	}

	It("opens a connection for it", s.Req("RT-PIN-033/opened"), func(ctx SpecContext) {
		p := dialled(ctx)
		s.ExpectOpen(ctx, p)
		Expect(indexOf(p)).To(Equal(0), "route_pool_idx of a connection that is in no pool")
	})
	It("opens a connection for it when news say so", s.Req("RT-PIN-034/news"), func(ctx SpecContext) {
		l, id, informer := s.Listener(ctx), s.serverID("DIALLED"), s.joinPinned(ctx, "A")
		of := news(informer, id, l)
		of.InfoBody.RoutePoolSize, of.InfoBody.RouteAccount = s.Info().RoutePoolSize, s.Target().Pinned
		s.Send(informer, of)
		p := s.Dialled(ctx, l, "L", harness.WithID(id), harness.Pooled(s.Info().RoutePoolSize, 0))
		Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
		_, account := p.Place()
		Expect(account).To(Equal(s.Target().Pinned), "route_account of the target's INFO")
	})

	It("says nothing of the account on that connection", s.Req("RT-PIN-035/both-ways"), func(ctx SpecContext) {
		p, c := dialled(ctx), s.pinned(ctx).client
		s.expectPinnedBothWays(ctx, p, c)
	})

	It("closes its connection when we have opened one by then", s.Req("RT-PIN-038/crossed"), func(ctx SpecContext) {
		l, id, informer := s.Listener(ctx), s.serverID("DIALLED"), s.joinPinned(ctx, "A")
		of := news(informer, id, l)
		of.InfoBody.RoutePoolSize, of.InfoBody.RouteAccount = s.Info().RoutePoolSize, s.Target().Pinned
		s.Send(informer, of)
		late := s.Dialled(ctx, l, "L", harness.WithID(id), harness.Pooled(s.Info().RoutePoolSize, 0))
		first := s.joinPinned(ctx, "P", harness.WithID(id))
		s.Send(late, late.OwnInfo())
		s.ExpectClosed(ctx, late)
		s.ExpectOpen(ctx, first)
	})

	It("gives that connection up when our INFO shows no pool", s.Req("RT-PIN-036/no-pool"), func(ctx SpecContext) {
		l, id, informer := s.Listener(ctx), s.serverID("DIALLED"), s.joinPinned(ctx, "A")
		of := news(informer, id, l)
		of.InfoBody.RouteAccount = s.Target().Pinned
		s.Send(informer, of)
		p := s.Dialled(ctx, l, "L", harness.WithID(id))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p, "Not possible to have a dedicated route")
	})
}

func pinnedDialledAgain(s *Suite) {
	again := Prepare(s, "RT-PIN-037", func(ctx context.Context, s *Site) reopening { return s.pinnedReopened(ctx) })
	It("opens the account's connection again when that closes", s.Req("RT-PIN-037/again"), Late, func(ctx SpecContext) {
		r := joined(ctx, s, again, reopening.peers)
		Expect(r.err).NotTo(HaveOccurred(), "a connection for one account that the target had dialled was closed by us")
	})
}

// pinnedReopened closes a connection for the pinned account that the target has dialled, and waits for the next.
func (s *Site) pinnedReopened(ctx context.Context) (r reopening) {
	l, err := s.target.NewListener(ctx)
	if err != nil {
		return reopening{err: err}
	}
	defer func() { _ = l.Close() }()
	informer, err := s.target.Join(ctx, "A")
	if err != nil {
		return reopening{err: err}
	}
	r.keep(informer)
	id := "NPINNEDAGAIN" + s.o.Nonce
	if r.err = informer.Send(news(informer, id, l)); r.err != nil {
		return r
	}
	options := []harness.PeerOption{harness.WithID(id), harness.Pooled(s.Info().RoutePoolSize, 0)}
	if r.before, r.err = acceptAccount(ctx, l, s.target.Pinned, r.keep, options...); r.err != nil {
		return r
	}
	r.before.Leave()
	r.after, r.err = acceptAccount(s.ForRedial(ctx), l, s.target.Pinned, r.keep, options...)
	return r
}

// expectPinnedBothWays wants a connection for one account to carry interest and a message of a client, and a message of the
// peer, none of which names the account.
func (s *Suite) expectPinnedBothWays(ctx context.Context, p *harness.Peer, c *harness.Client) {
	GinkgoHelper()
	s.Send(p, wire.NewSub("", s.Subject("news")))
	s.Fence(ctx, p)
	sub := s.Subscribe(c, s.Subject("orders"))
	s.Publish(c, s.Subject("news"), "", "out")
	s.ClientToPeers(ctx, c, p)
	s.Send(p, s.apart("", "in"))
	s.PeerToClients(ctx, p, c)
	Expect(s.Own(p)).To(s.BeOps(wire.NewSub("", s.Subject("orders")), wire.NewMsg("", s.Subject("news"), "", []byte("out"))), "interest and message of a client")
	Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "in"}), "an RMSG of ours")
}
