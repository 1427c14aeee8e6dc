package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerPooling: one peer on several connections.
func registerPooling(s *Suite) {
	Describe("A pool", func() { poolOpened(s) })
	Describe("Accounts in a pool", func() { poolAccounts(s) })
}

func poolOpened(s *Suite) {
	It("has as many connections as the target says", s.Req("RT-POOL-001/whole"), func(ctx SpecContext) {
		for _, p := range s.joinPool(ctx) {
			s.ExpectOpen(ctx, p)
		}
	})

	It("has one connection for an index", s.Req("RT-POOL-002/index-in-use"), func(ctx SpecContext) {
		pool := s.joinPool(ctx)
		last := len(pool) - 1
		second := s.Dial(ctx, "B", harness.WithID(pool[0].ID()), pooled(len(pool), last))
		s.Send(second, second.Connect(), second.OwnInfo())
		s.ExpectClosed(ctx, second)
		s.ExpectOpen(ctx, pool[last])
	})

	DescribeTable("has no index outside its size",
		func(ctx SpecContext, index func() int) {
			p := s.Dial(ctx, "A", pooled(s.Info().RoutePoolSize, index()))
			s.Send(p, p.Connect(), p.OwnInfo())
			s.ExpectClosed(ctx, p)
		},
		Entry("above", s.Req("RT-POOL-003/above"), func() int { return s.Info().RoutePoolSize }),
		Entry("below", s.Req("RT-POOL-003/below"), func() int { return -1 }),
	)

	It("may have another size than the target's", s.Req("RT-POOL-006/larger"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A", pooled(s.Info().RoutePoolSize+2, 0))
		err := p.Register(ctx)
		var closed *harness.ClosedError
		if errors.As(err, &closed) {
			s.Observe("refused")
			return
		}
		Expect(err).NotTo(HaveOccurred(), "neither accepted nor refused")
		s.Observe("accepted")
	})

	It("is numbered by the side that dials", s.Req("RT-POOL-007/acceptor"), WithoutRegistration, func(ctx SpecContext) {
		var info map[string]any
		Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed())
		Expect(info).To(HaveKey("route_pool_size"))
		Expect(info).NotTo(HaveKey("route_pool_idx"), "INFO of the accepting side")
	})
}

// poolIndex is the connection that carries an account: FNV-1a of 32 bits of its name, modulo the size.
func poolIndex(account string, size int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account)) // a hash never fails
	return int(h.Sum32() % uint32(size))
}

func poolAccounts(s *Suite) {
	It("have their interest announced on one connection", s.Req("RT-POOL-004/interest"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		pool := s.joinPool(ctx)
		s.Subscribe(c, s.Subject("after"))
		s.ClientToPeers(ctx, c, pool...)
		for i, p := range pool {
			if i == poolIndex(s.Account(), len(pool)) {
				Expect(s.Own(p)).To(s.BeOps(
					wire.NewSub(s.Account(), s.Subject("before")),
					wire.NewSub(s.Account(), s.Subject("after")),
				), "connection %d carries account %s", i, s.Account())
			} else {
				Expect(s.Own(p)).To(s.BeOps(), "connection %d does not carry account %s", i, s.Account())
			}
		}
	})

	It("have their messages on the connection that declared interest", s.Req("RT-POOL-005/messages"), func(ctx SpecContext) {
		pool, c := s.joinPool(ctx), s.witness(ctx)
		for i, p := range pool {
			s.Send(p, wire.NewSub(s.Account(), s.Subject(fmt.Sprintf("orders.%d", i))))
			s.Fence(ctx, p)
		}
		for i := range pool {
			s.Publish(c, s.Subject(fmt.Sprintf("orders.%d", i)), "", "m")
		}
		s.ClientToPeers(ctx, c, pool...)
		for i, p := range pool {
			Expect(s.Own(p)).To(s.BeOps(
				wire.NewMsg(s.Account(), s.Subject(fmt.Sprintf("orders.%d", i)), "", []byte("m")),
			), "connection %d", i)
		}
	})
}
