package spec

import (
	"context"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// inPlace wants what came on the connections of a pool: these operations on the one with that index, nothing on others.
func (s *Suite) inPlace(pool []*harness.Peer, index int, ops ...wire.Op) {
	GinkgoHelper()
	for i, p := range pool {
		if i == index {
			Expect(s.Own(p)).To(s.BeOps(ops...), "connection %d carries the account", i)
		} else {
			Expect(s.Own(p)).To(s.BeOps(), "connection %d does not carry the account", i)
		}
	}
}

func poolInterest(s *Suite) {
	It("have their interest announced on one connection", s.Req("RT-POOL-004/interest"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		pool := s.joinPool(ctx)
		s.Unsubscribe(s.Subscribe(c, s.Subject("after")))
		s.ClientToPeers(ctx, c, pool...)
		s.inPlace(pool, s.placeOf(ctx, s.Account(), len(pool)),
			wire.NewSub(s.Account(), s.Subject("before")),
			wire.NewSub(s.Account(), s.Subject("after")), wire.NewUnsub(s.Account(), s.Subject("after")))
	})

	It("have a place each by their own names", s.Req("RT-POOL-004/each-account"), Needs("accounts"), func(ctx SpecContext) {
		pool, two := s.joinPool(ctx), s.twoAccounts(ctx)
		marks := make([][]wire.Op, len(pool))
		for _, of := range []struct {
			account string
			client  *harness.Client
		}{{two.x, two.clientX}, {two.y, two.clientY}} {
			s.Subscribe(of.client, s.Subject("orders"))
			s.QueueSubscribe(of.client, s.Subject("work"), "q")
			s.ClientToPeers(ctx, of.client, pool...)
			at := s.placeOf(ctx, of.account, len(pool))
			marks[at] = append(marks[at], wire.NewSub(of.account, s.Subject("orders")), wire.NewQueueSub(of.account, s.Subject("work"), "q", 1))
		}
		for i, p := range pool {
			Expect(s.Own(p)).To(s.BeOps(marks[i]...), "connection %d", i)
		}
	})

	It("are all on the one connection of a peer without pools, beside a peer with them", s.Req("RT-POOL-016/beside"), func(ctx SpecContext) {
		pool, single, two := s.joinPool(ctx), s.Join(ctx, "B"), s.twoAccounts(ctx)
		s.Send(single, wire.NewSub(two.x, s.Subject("news")), wire.NewSub(two.y, s.Subject("news")))
		s.Fence(ctx, single)
		s.Subscribe(two.clientX, s.Subject("orders"))
		s.Publish(two.clientX, s.Subject("news"), "", "in x")
		s.Flush(ctx, two.clientX)
		s.Subscribe(two.clientY, s.Subject("orders"))
		s.Publish(two.clientY, s.Subject("news"), "", "in y")
		s.ClientToPeers(ctx, two.clientY, append(slices.Clone(pool), single)...)
		Expect(s.Own(single)).To(s.BeOps(
			wire.NewSub(two.x, s.Subject("orders")), wire.NewMsg(two.x, s.Subject("news"), "", []byte("in x")),
			wire.NewSub(two.y, s.Subject("orders")), wire.NewMsg(two.y, s.Subject("news"), "", []byte("in y")),
		), "a peer without route_pool_size has one connection for everything")
	})
}

func poolMessages(s *Suite) {
	It("have their messages on the connection that declared interest", s.Req("RT-POOL-005/messages"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		s.expectOnTheirConnections(ctx, pool, s.Account(), c)
	})
	It("have interest accepted on any connection", s.Req("RT-POOL-005/each-account"), Needs("accounts"), func(ctx SpecContext) {
		pool, two := s.joinPool(ctx), s.twoAccounts(ctx)
		s.expectOnTheirConnections(ctx, pool, two.x, two.clientX)
	})

	It("have messages accepted on any connection", s.Req("RT-POOL-017/any-connection"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		var want []delivery
		for i, p := range pool {
			payload := fmt.Sprintf("on connection %d", i)
			s.Send(p, s.msg("orders", "", payload))
			s.PeerToClients(ctx, p, c)
			want = append(want, delivery{s.Subject("orders"), "", payload})
		}
		Expect(s.Received(sub)).To(s.BeMessages(want...), "an RMSG on each connection of the pool")
	})
}

// expectOnTheirConnections declares interest of an account on each connection of a pool, in a subject of its own, and
// wants the messages of a client there and nowhere else.
func (s *Suite) expectOnTheirConnections(ctx SpecContext, pool []*harness.Peer, account string, c *harness.Client) {
	GinkgoHelper()
	for i, p := range pool {
		s.Send(p, wire.NewSub(account, s.Subject(fmt.Sprintf("orders.%d", i))))
		s.Fence(ctx, p)
	}
	for i := range pool {
		s.Publish(c, s.Subject(fmt.Sprintf("orders.%d", i)), "", "m")
	}
	s.ClientToPeers(ctx, c, pool...)
	for i, p := range pool {
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(account, s.Subject(fmt.Sprintf("orders.%d", i)), "", []byte("m"))), "connection %d", i)
	}
}

func poolGaps(s *Suite) {
	// without opens all of a pool but the connection of our client's account. One connection is no pool.
	without := func(ctx SpecContext) (rest []*harness.Peer, join func() *harness.Peer) {
		GinkgoHelper()
		size := s.several()
		missing := s.placeOf(ctx, s.Account(), size)
		id := s.serverID("GAP")
		for i := range size {
			if i != missing {
				rest = append(rest, s.Join(ctx, fmt.Sprintf("A%d", i), harness.WithID(id), harness.Pooled(size, i)))
			}
		}
		return rest, func() *harness.Peer {
			GinkgoHelper()
			return s.Join(ctx, fmt.Sprintf("A%d", missing), harness.WithID(id), harness.Pooled(size, missing))
		}
	}

	It("have their interest told to nobody while their connection is missing", s.Req("RT-POOL-004/missing"), func(ctx SpecContext) {
		rest, _ := without(ctx)
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, rest...)
		Expect(s.ownOfAll(rest)).To(s.BeOps(), "none of these connections carries the account")
	})

	It("have in the first list of their connection what is of interest by then", s.Req("RT-POOL-018/comes-late"), func(ctx SpecContext) {
		rest, join := without(ctx)
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("stays"))
		ends := s.Subscribe(c, s.Subject("ends"))
		s.Flush(ctx, c)
		s.Unsubscribe(ends)
		s.ClientToPeers(ctx, c, rest...)
		Expect(s.Own(join())).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("stays"))), "the connection opens after the interest came and went")
	})

	It("have it again when their connection comes back", s.Req("RT-POOL-019/comes-back"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		own := s.placeOf(ctx, s.Account(), len(pool))
		s.Subscribe(c, s.Subject("stays"))
		ends := s.Subscribe(c, s.Subject("ends"))
		s.ClientToPeers(ctx, c, pool...)
		pool[own].Leave()
		s.Unsubscribe(ends)
		s.Subscribe(c, s.Subject("new"))
		s.Flush(ctx, c)
		back := s.rejoin(ctx, pool[own], "B", harness.Pooled(len(pool), own))
		Expect(s.Own(back)).To(s.BeOpsInAnyOrder(
			wire.NewSub(s.Account(), s.Subject("stays")), wire.NewSub(s.Account(), s.Subject("new")),
		), "a connection of a pool is opened again under its index: it gets the interest of that moment")
	})

	It("lose with a connection the interest that was declared there, and no other", s.Req("RT-POOL-020/one-closes"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		last := len(pool) - 1
		for i, p := range pool {
			s.Send(p, wire.NewSub(s.Account(), s.Subject(fmt.Sprintf("orders.%d", i))))
			s.Fence(ctx, p)
		}
		pool[last].Leave()
		back := s.rejoin(ctx, pool[last], "B", harness.Pooled(len(pool), last))
		pool[last] = back
		for i := range pool {
			s.Publish(c, s.Subject(fmt.Sprintf("orders.%d", i)), "", "m")
		}
		s.ClientToPeers(ctx, c, pool...)
		for i, p := range pool[:last] {
			Expect(s.Own(p)).To(s.BeOps(s.msg(fmt.Sprintf("orders.%d", i), "", "m")), "connection %d has stayed", i)
		}
		Expect(s.Own(back)).To(s.BeOps(), "the interest of the connection that closed ended with it")
	})

	It("lose with a connection the groups that were declared there", s.Req("RT-POOL-020/group"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		last := len(pool) - 1
		members := s.members(ctx, "q", c)
		s.Send(pool[last], s.group("q", 9))
		s.Fence(ctx, pool[last])
		pool[last].Leave()
		s.rejoin(ctx, pool[last], "B", harness.Pooled(len(pool), last))
		sent := numbered(50)
		s.Publish(c, s.Subject("work"), "", sent...)
		s.Flush(ctx, c)
		s.ExpectOnceEach(sent, "a group whose members behind the route are gone has the local one", s.clientPayloads(members...))
	})
}

// poolIsOneServer: what is said of a server is not said for each of its connections.
func poolIsOneServer(s *Suite) {
	It("is gossiped once", s.Req("RT-POOL-021/gossiped"), func(ctx SpecContext) {
		a := s.Join(ctx, "X")
		pool := s.joinPool(ctx)
		s.awaitNews(ctx, a, s.Join(ctx, "Y").ID())
		s.Fence(ctx, a)
		Expect(newsOf(a, pool[0].ID())).To(Equal(1), "INFO about a peer of %d connections", len(pool))
	})

	It("is told of a newcomer once", s.Req("RT-POOL-022/told"), func(ctx SpecContext) {
		pool := s.joinPool(ctx)
		first, second := s.Join(ctx, "X"), s.Join(ctx, "Y")
		told := func(id string) (n int) {
			for _, p := range pool {
				n += newsOf(p, id)
			}
			return n
		}
		s.awaitOnAny(ctx, pool, "news of the second newcomer", func(seen harness.Seen) bool { return isNewsOf(seen, second.ID()) })
		s.Fence(ctx, pool...)
		Expect(told(first.ID())).To(Equal(1), "INFO about the first newcomer, on all of the %d connections", len(pool))
	})
}

// poolToClients: what clients are told of a peer with a pool.
func poolToClients(s *Suite) {
	// announced has a peer with a pool register with connect_urls, and waits until c has been told of them.
	announced := func(ctx SpecContext, c *harness.Client) ([]*harness.Peer, *clientURL) {
		GinkgoHelper()
		if len(s.Info().ConnectURLs) == 0 {
			s.NotApplicable("the target advertises no client URLs")
		}
		url := s.clientURL()
		pool := s.joinPool(ctx, harness.WithInfo(url.announce))
		s.awaitServers(ctx, c, "the connect_urls of a peer with a pool were not announced", url.in)
		return pool, url
	}

	It("has its connect_urls announced until its last connection closes", s.Req("RT-POOL-023/connect-urls"), func(ctx SpecContext) {
		c := s.Client(ctx)
		pool, url := announced(ctx, c)
		for i, p := range pool[1:] { // the target takes an index again when it has forgotten the old connection
			p.Leave()
			s.rejoin(ctx, p, fmt.Sprintf("B%d", i+1), harness.Pooled(len(pool), i+1), harness.WithInfo(url.announce)).Leave()
		}
		other := s.clientURL()
		s.Join(ctx, "X", harness.WithInfo(other.announce))
		s.awaitServers(ctx, c, "the connect_urls of another peer were not announced", other.in)
		Expect(url.in(c.Servers())).To(BeTrue(), "the connect_urls of a peer that still has one connection of its pool")
		pool[0].Leave()
		s.awaitServers(ctx, c, "the connect_urls of a peer without connections are still announced", url.notIn)
	})
	It("has its connect_urls announced once", s.Req("RT-POOL-042/listed-once"), func(ctx SpecContext) {
		c := s.Client(ctx)
		_, url := announced(ctx, c)
		other := s.clientURL()
		s.Join(ctx, "X", harness.WithInfo(other.announce))
		s.awaitServers(ctx, c, "the connect_urls of another peer were not announced", other.in)
		copies := slices.DeleteFunc(slices.Clone(c.Servers()), func(server string) bool { return server != url.address })
		Expect(copies).To(HaveLen(1), "the address of a peer in what its connections have brought to a client")
	})
	It("has its connect_urls taken back when one connection says ldm", s.Req("RT-POOL-043/lame-duck"), func(ctx SpecContext) {
		c := s.Client(ctx)
		pool, url := announced(ctx, c)
		last := pool[len(pool)-1]
		info := last.OwnInfo()
		info.InfoBody.LameDuck = true
		s.Send(last, info)
		s.awaitServers(ctx, c, "the connect_urls of a peer in lame duck mode are still announced", url.notIn)
		for _, p := range pool {
			s.ExpectOpen(ctx, p)
		}
	})
}

// awaitOnAny waits until the target has sent one of the peers, whichever, what match accepts.
func (s *Suite) awaitOnAny(ctx context.Context, peers []*harness.Peer, what string, match func(harness.Seen) bool) {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan error, len(peers))
	for _, p := range peers {
		go func() {
			_, err := p.Await(ctx, match)
			came <- err
		}()
	}
	var err error
	for range peers {
		if err = <-came; err == nil {
			return
		}
	}
	s.fail(fmt.Sprintf("%s came on no connection of a peer: %v", what, err))
}
