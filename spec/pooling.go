package spec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerPooling: one peer on several connections. Those of one account are the pinned chapter's.
func registerPooling(s *Suite) {
	Describe("A pool", func() {
		poolOpened(s)
		poolChecks(s)
		poolSizes(s)
	})
	Describe("Accounts in a pool", func() {
		poolInterest(s)
		poolMessages(s)
		poolGaps(s)
	})
	Describe("A peer with a pool", func() {
		poolIsOneServer(s)
		poolToClients(s)
	})
	Describe("A dialling target with a pool", func() {
		poolDialled(s)
		poolDialledTurns(s)
		poolCrossed(s)
		poolDialledAgain(s)
	})
	Describe("A target without pools", func() { poolRefused(s) })
}

func poolOpened(s *Suite) {
	It("has as many connections as the target says", s.Req("RT-POOL-001/whole"), func(ctx SpecContext) {
		for _, p := range s.joinPool(ctx) {
			s.ExpectOpen(ctx, p)
		}
	})
	It("is opened in any order", s.Req("RT-POOL-001/backwards"), func(ctx SpecContext) {
		size := s.Info().RoutePoolSize
		last := s.Join(ctx, "A", harness.Pooled(size, size-1))
		for i := size - 2; i >= 0; i-- {
			s.ExpectOpen(ctx, s.Join(ctx, fmt.Sprintf("A%d", i), harness.WithID(last.ID()), harness.Pooled(size, i)))
		}
		s.ExpectOpen(ctx, last)
	})

	// again dials for the last index of a pool that is whole.
	again := func(ctx SpecContext) (pool []*harness.Peer, second *harness.Peer) {
		GinkgoHelper()
		pool = s.joinPool(ctx)
		return pool, s.refused(ctx, "B", harness.WithID(pool[0].ID()), harness.Pooled(len(pool), len(pool)-1))
	}
	It("has one connection for an index", s.Req("RT-POOL-002/index-in-use"), func(ctx SpecContext) {
		pool, _ := again(ctx)
		s.ExpectOpen(ctx, pool[len(pool)-1])
	})
	It("is silent when it closes a second connection for an index", s.Req("RT-POOL-008/silent"), func(ctx SpecContext) {
		_, second := again(ctx)
		Expect(ofKind(second.Seen(), wire.Err)).To(s.BeOps(), "two servers that dial each other meet like that all the time")
	})

	It("is numbered by the side that dials", s.Req("RT-POOL-007/acceptor"), WithoutRegistration, func(ctx SpecContext) {
		var info map[string]any
		Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed())
		Expect(info).To(HaveKey("route_pool_size"))
		Expect(info).NotTo(HaveKey("route_pool_idx"), "INFO of the accepting side")
	})
}

func poolChecks(s *Suite) {
	DescribeTable("has no index outside its size",
		func(ctx SpecContext, index func(size int) int) {
			size := s.Info().RoutePoolSize
			s.refused(ctx, "A", harness.Pooled(size, index(size)))
		},
		Entry("above", s.Req("RT-POOL-003/above"), func(size int) int { return size }),
		Entry("far above", s.Req("RT-POOL-003/far-above"), func(int) int { return 1 << 30 }),
		Entry("below", s.Req("RT-POOL-003/below"), func(int) int { return -1 }),
	)
	It("names an index that it does not have", s.Req("RT-POOL-009/text"), func(ctx SpecContext) {
		size := s.Info().RoutePoolSize
		s.ExpectRefusal(ctx, []string{"Invalid route pool index"}, harness.Pooled(size, size))
	})

	DescribeTable("looks at each connection as at the first",
		func(ctx SpecContext, odd func(own *wire.InfoBody) harness.PeerOption) {
			size := s.several()
			first := s.Join(ctx, "A0", harness.Pooled(size, 0))
			s.refused(ctx, "A1", harness.WithID(first.ID()), harness.Pooled(size, 1), odd(s.Info()))
			s.ExpectOpen(ctx, first)
		},
		Entry("at the cluster of CONNECT", s.Req("RT-POOL-010/connect-cluster"), func(*wire.InfoBody) harness.PeerOption {
			return harness.WithConnect(func(c *wire.ConnectBody) { c.Cluster = s.otherCluster() })
		}),
		Entry("at the cluster of INFO", s.Req("RT-POOL-010/info-cluster"), func(*wire.InfoBody) harness.PeerOption {
			return harness.WithInfo(func(i *wire.InfoBody) { i.Cluster = s.otherCluster() })
		}),
		Entry("at a server_name that is the target's", s.Req("RT-POOL-010/server-name"), func(own *wire.InfoBody) harness.PeerOption {
			return harness.WithInfo(func(i *wire.InfoBody) { i.ServerName = own.ServerName })
		}),
	)
}

// otherSize is the next pool size above the target's that gives the account of our client another place.
func (s *Suite) otherSize() int {
	own := s.Info().RoutePoolSize
	size := own + 1
	for size < own+8 && poolIndex(s.Account(), size) == poolIndex(s.Account(), own) {
		size++
	}
	return size
}

func poolSizes(s *Suite) {
	It("may have another size than the target's", s.Req("RT-POOL-006/larger"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A", harness.Pooled(s.otherSize(), 0))
		err := p.Register(ctx)
		var closed *harness.ClosedError
		if errors.As(err, &closed) {
			s.Observe("refused")
			return
		}
		Expect(err).NotTo(HaveOccurred(), "neither accepted nor refused")
		s.Observe("accepted")
	})

	// Where one size is the rule.
	DescribeTable("of another size is refused",
		func(ctx SpecContext, change int) {
			s.ExpectRefusal(ctx, []string{"Mismatch route pool size"}, harness.Pooled(s.Info().RoutePoolSize+change, 0))
		},
		Entry("with -ERR when it is larger", s.Req("RT-POOL-011/larger"), 1),
		Entry("with -ERR when it is smaller", s.Req("RT-POOL-011/smaller"), -1),
	)

	// Where sizes may differ.
	It("goes up to the larger size when that is the peer's", s.Req("RT-POOL-012/peer-larger"), func(ctx SpecContext) {
		for _, p := range s.joinPlaces(ctx, s.otherSize(), s.otherSize()) {
			s.ExpectOpen(ctx, p)
		}
	})
	It("goes up to the larger size when that is the target's", s.Req("RT-POOL-012/target-larger"), func(ctx SpecContext) {
		for _, p := range s.joinPlaces(ctx, s.Info().RoutePoolSize, 1) {
			s.ExpectOpen(ctx, p)
		}
	})
	It("ends at the larger size when that is the peer's", s.Req("RT-POOL-013/peer-larger"), func(ctx SpecContext) {
		s.refused(ctx, "A", harness.Pooled(s.otherSize(), s.otherSize()))
	})
	It("ends at the larger size when that is the target's", s.Req("RT-POOL-013/target-larger"), func(ctx SpecContext) {
		s.refused(ctx, "A", harness.Pooled(1, s.Info().RoutePoolSize))
	})
	It("has an account on one connection whatever the sizes", s.Req("RT-POOL-014/once"), NeedsClient, func(ctx SpecContext) {
		s.placeOf(ctx, s.Account(), s.otherSize()) // it has one
		c, interest := s.witness(ctx), wire.NewSub(s.Account(), s.Subject("orders"))
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		pool := s.joinPlaces(ctx, s.otherSize(), s.otherSize())
		Expect(s.ownOfAll(pool)).To(s.BeOps(interest), "one RS+ on one of the connections")
	})
	It("has an account's place by the target's own size, or by the larger", s.Req("RT-POOL-015/place"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		pool := s.joinPlaces(ctx, s.otherSize(), s.otherSize())
		own, larger := s.placeOf(ctx, s.Account(), s.Info().RoutePoolSize), poolIndex(s.Account(), len(pool))
		switch {
		case len(s.Own(pool[own])) > 0:
			s.Observe("by the target's own size")
		case len(s.Own(pool[larger])) > 0:
			s.Observe("by the larger size")
		default:
			s.fail("interest came on neither connection")
		}
	})
}

// ownOfAll is Own of several peers, one after the other.
func (s *Suite) ownOfAll(peers []*harness.Peer) []harness.Seen {
	var all []harness.Seen
	for _, p := range peers {
		all = append(all, s.Own(p)...)
	}
	return all
}

// several is the size of the target's pool, which has to be more than one connection.
func (s *Suite) several() int {
	GinkgoHelper()
	size := s.Info().RoutePoolSize
	if size < 2 {
		s.NotApplicable("the target's pool has one connection")
	}
	return size
}

// placeOf is the index of the connection that carries an account in a pool of that size. An account with a connection of
// its own ends the spec: it is in no pool.
func (s *Suite) placeOf(ctx context.Context, account string, size int) int {
	GinkgoHelper()
	s.onlyWith(s.Info().RoutePoolSize > 0, "pooling")
	if s.isPinned(ctx, account) {
		s.NotApplicable("account " + account + " has a connection of its own")
	}
	return poolIndex(account, size)
}

// isPinned tells whether an account has a connection of its own. Of a server that somebody else runs it is found out.
func (s *Site) isPinned(ctx context.Context, account string) bool {
	if s.target.Launched() {
		return account == s.target.Pinned
	}
	if known, ok := s.apart[account]; ok {
		return known
	}
	p, err := s.target.Join(ctx, "probe", s.pinnedTo(account))
	if err == nil {
		p.Leave()
	}
	if s.apart == nil {
		s.apart = make(map[string]bool)
	}
	s.apart[account] = err == nil
	return err == nil
}

// poolIndex is the connection that carries an account: FNV-1a of 32 bits of its name, modulo the size.
func poolIndex(account string, size int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account)) // a hash never fails
	return int(h.Sum32() % uint32(size))
}
