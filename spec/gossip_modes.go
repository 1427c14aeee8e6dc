package spec

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// Values of gossip_mode.
const (
	gossipDefault = iota
	gossipDisabled
	gossipOverride
)

// gossipModes: gossip_mode in what the target sends, and what it makes of one that it gets.
func gossipModes(s *Suite) {
	It("is no further than one step for a newcomer that the target has accepted: gossip_mode is 1", s.Req("RT-GOS-021/forwarded"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		news := s.awaitNews(ctx, a, s.Join(ctx, "B").ID())
		Expect(news.GossipMode).To(BeEquivalentTo(gossipDisabled), "gossip_mode in the INFO forwarded")
	})

	It("is said to the server that the target dials because of news with gossip_mode 1", s.Req("RT-GOS-022/copied"), func(ctx SpecContext) {
		p, _ := s.dialledInMode(ctx, gossipDisabled)
		Expect(p.Info().GossipMode).To(BeEquivalentTo(gossipDisabled), "gossip_mode in the target's own INFO: else the server that it has dialled tells everybody of it")
	})

	silent := func(word string, mode uint8) {
		It(fmt.Sprintf("ends with the target that has dialled because of news with gossip_mode %d", mode), s.Req("RT-GOS-023/"+word), func(ctx SpecContext) {
			b := s.Join(ctx, "B")
			p, id := s.dialledInMode(ctx, mode)
			s.Fence(ctx, p)
			By("another registering, of which the second hears")
			s.awaitNews(ctx, b, s.Join(ctx, "C").ID())
			s.Fence(ctx, b)
			Expect(newsOf(b, id)).To(Equal(0), "INFO about a server that the target dialled because of gossip: whoever told it tells the others")
		})
	}
	silent("default", gossipDefault)
	silent("disabled", gossipDisabled)

	It("goes on from a target that has dialled because of news with gossip_mode 2", s.Req("RT-GOS-024/override"), func(ctx SpecContext) {
		b := s.Join(ctx, "B")
		_, id := s.dialledInMode(ctx, gossipOverride)
		s.awaitNews(ctx, b, id)
	})
}

// dialledInMode has the target dial us because of news in that mode, and returns the route and the id that we have on it.
func (s *Suite) dialledInMode(ctx SpecContext, mode uint8) (p *harness.Peer, id string) {
	GinkgoHelper()
	l, id := s.Listener(ctx), s.serverID("DIALLED")
	a := s.Join(ctx, "A")
	op := news(a, id, l)
	op.InfoBody.GossipMode = mode
	s.Send(a, op)
	p, err := acceptRoute(ctx, l, id, s.Adopt)
	Expect(err).NotTo(HaveOccurred(), "the target was told of an unknown server with an ip")
	return p, id
}

// gossipStorm: what a few peers that repeat themselves must not bring about.
func gossipStorm(s *Suite) {
	It("makes no more dials than there were news, however many peers repeat them", s.Req("RT-GOS-025/eight-peers"), func(ctx SpecContext) {
		const peers, times = 8, 5
		storm, marker := s.twoListeners(ctx)
		id := s.serverID("STORM")
		var all []*harness.Peer
		for i := range peers {
			// With a pool, or the target would try each account that it has pinned as well.
			all = append(all, s.Join(ctx, fmt.Sprintf("P%d", i), harness.Pooled(s.Info().RoutePoolSize, 0)))
		}
		for _, p := range all {
			var said []wire.Op
			for _, other := range all {
				if other != p {
					said = append(said, news(p, other.ID(), storm))
				}
			}
			s.Send(p, append(said, news(p, id, storm))...)
		}
		s.Fence(ctx, all...)
		route, err := acceptRoute(ctx, storm, id, s.Adopt)
		Expect(err).NotTo(HaveOccurred(), "the target was told of an unknown server with an ip")
		s.Fence(ctx, route)

		By("all of them repeating what they said, now that the server is known")
		for _, p := range all {
			s.Send(p, slices.Repeat([]wire.Op{news(p, id, storm)}, times)...)
		}
		s.Fence(ctx, all...)
		s.Send(all[0], news(all[0], s.serverID("MARKER"), marker))
		s.awaitDial(ctx, marker)
		Expect(storm.Dials()).To(BeNumerically("<=", 2*peers), "dials for one server of which %d peers told once while it was unknown, and %d times more when it was not", peers, times)
		for _, p := range all {
			s.ExpectOpen(ctx, p)
		}
	})
}
