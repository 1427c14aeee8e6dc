package spec

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// shutdown is what was seen of one. Peer a has interest, peer b listens to the system account.
type shutdown struct {
	a, b  *harness.Peer
	marks [2]int
	err   error // it did not come so far

	ended [2]error // a or b was not closed
	again error    // the target did not start again, or did not take a back
	back  *harness.Peer
}

func (d shutdown) peers() []*harness.Peer { return []*harness.Peer{d.a, d.b, d.back} }

// shutDownAndStart shuts the target down while it has two peers and a client, and starts it again.
func (s *Site) shutDownAndStart(ctx context.Context) (d shutdown) {
	if d.a, d.err = s.target.Join(ctx, "A"); d.err != nil {
		return d
	}
	if d.b, d.err = s.target.Join(ctx, "B"); d.err != nil {
		return d
	}
	c, err := s.target.ConnectClient(ctx, "")
	if err == nil {
		_, err = c.Subscribe("nr" + s.o.Nonce + ".shutdown.own")
	}
	if d.err = err; err != nil {
		return d
	}
	defer c.Close()
	d.err = errors.Join(
		d.b.Send(wire.NewSub(systemAccount, serverNews)),
		c.Fence(ctx), d.a.Fence(ctx), d.b.Fence(ctx),
	)
	d.marks = [2]int{d.a.Mark(), d.b.Mark()}
	if d.err == nil {
		d.err = s.Order(ctx, harness.ShutDown)
	}
	if d.err != nil {
		return d
	}
	for i, p := range []*harness.Peer{d.a, d.b} {
		_, d.ended[i] = p.Closed(ctx)
	}
	if d.again = s.Restart(ctx); d.again == nil {
		d.back, d.again = s.target.Join(ctx, "C", harness.WithID(d.a.ID()))
	}
	return d
}

func shutDown(s *Suite) {
	done := Prepare(s, "RT-LDM-010", func(ctx context.Context, s *Site) shutdown { return s.shutDownAndStart(ctx) }).Also("RT-LDM-011", "RT-LDM-012", "RT-LDM-013")
	down := func(ctx context.Context) shutdown {
		GinkgoHelper()
		d := joined(ctx, s, done, shutdown.peers)
		Expect(d.err).NotTo(HaveOccurred(), "what led to the shutdown: two routes, a client, and the order")
		return d
	}

	It("closes its routes", s.Req("RT-LDM-010/closed"), Late, func(ctx SpecContext) {
		d := down(ctx)
		Expect(errors.Join(d.ended[:]...)).NotTo(HaveOccurred(), "the end of two routes")
	})

	It("says neither INFO nor -ERR on them before", s.Req("RT-LDM-011/silent"), Late, func(ctx SpecContext) {
		d := down(ctx)
		for i, p := range []*harness.Peer{d.a, d.b} {
			said := p.Since(d.marks[i])
			Expect(append(ofKind(said, wire.Info), ofKind(said, wire.Err)...)).To(s.BeOps(), "what route %s got before it was closed", p.Name())
		}
	})

	It("tells the system account, or does not", s.Req("RT-LDM-012/system-account"), Late, func(ctx SpecContext) {
		d := down(ctx)
		s.observeSystemNews(d.b, d.marks[1], "SHUTDOWN")
		Expect(systemNews(d.a, d.marks[0])).To(BeEmpty(), "messages of the system account to a peer that has not asked for them")
	})

	It("has another server_id when it has started again, and takes its peers again", s.Req("RT-LDM-013/restarted"), Late, func(ctx SpecContext) {
		d := down(ctx)
		Expect(d.again).NotTo(HaveOccurred(), "a target that starts again, and a peer that comes back under its old server_id")
		Expect(d.back.Info().ServerID).NotTo(Equal(d.a.Info().ServerID), "server_id of the target after its restart: to its peers it is another server")
	})
}
