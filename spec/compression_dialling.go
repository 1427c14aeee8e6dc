package spec

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// dialledWith is a connection of the target to a server of ours that was told of: nothing was sent on it.
func (s *Suite) dialledWith(ctx SpecContext, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	l, id := s.Listener(ctx), s.serverID("DIALLED")
	informer, err := s.invitePool(ctx, l, id)
	Expect(err).NotTo(HaveOccurred(), "a peer with a pool that tells of another server")
	s.Adopt(informer)
	return s.Dialled(ctx, l, "L", append(opts, harness.WithID(id))...)
}

func compressionDialled(s *Suite) {
	eachPair(func(target string, peer announcement, word string) {
		row, what := 13, "stays plain"
		if agreed(target, peer.mode) != "" {
			row, what = 12, "goes over to S2"
		}
		title := fmt.Sprintf("%s with its %q and %s of the acceptor", what, target, peer)
		It(title, s.Req(fmt.Sprintf("RT-COMP-%03d/%s", row, word)), NeedsMode(target), func(ctx SpecContext) {
			p := s.dialledWith(ctx, peer.option())
			Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
			s.expectCompressed(p, agreed(target, peer.mode) != "")
			s.expectBothWays(ctx, p)
		})
	})

	for _, target := range willingToS2 {
		for _, peer := range someModes {
			word := dashed.Replace(target + "-" + peer)
			It(fmt.Sprintf("names the mode in its plain INFO: its %q with the acceptor's %q", target, peer), s.Req("RT-COMP-014/"+word), NeedsMode(target), func(ctx SpecContext) {
				p := s.dialledWith(ctx, harness.WithCompression(peer))
				Expect(p.Answer(ctx)).To(Succeed(), "the target's INFO and its PONG")
				plain := slices.DeleteFunc(ofKind(p.Seen(), wire.Info), func(seen harness.Seen) bool { return seen.S2 })
				Expect(plain).NotTo(BeEmpty(), "the target's INFO before S2")
				Expect(plain[len(plain)-1].Op.InfoBody.Compression).To(Equal(agreed(target, peer)), "compression in the last INFO before S2")
			})
		}
	}

	It("refuses an acceptor's mode that nobody knows", s.Req("RT-COMP-015/unknown"), NeedsMode(modeAccept), func(ctx SpecContext) {
		p := s.dialledWith(ctx, harness.WithInfo(func(i *wire.InfoBody) { i.Compression = unknownToAll }))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p, "unsupported route compression mode")
	})
}

func compressionDialledPool(s *Suite) {
	It("says each connection's index in the INFO inside S2", s.Req("RT-COMP-016/pool"), NeedsMode(modeAccept), func(ctx SpecContext) {
		size := s.Info().RoutePoolSize
		own := s.placeOf(ctx, s.Account(), size)
		pool := s.DialledPool(ctx, "POOL", size, size, harness.WithCompression(modeFast)).pool
		for i, p := range pool {
			s.expectCompressed(p, true)
			Expect(insideInfo(p).RoutePoolIndex).To(Equal(i), "route_pool_idx in the INFO inside S2, in order")
		}
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, pool...)
		s.inPlace(pool, own, wire.NewSub(s.Account(), s.Subject("orders")))
	})
}
