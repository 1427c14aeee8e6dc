package spec

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerGossip: what the target tells routes and clients about servers that come and go. Gossip comes from other
// goroutines of a server, so that no fence brings it; that it does not come is judged when a later one has come.
func registerGossip(s *Suite) {
	Describe("Gossip to routes", func() {
		gossipForwarded(s)
		gossipHeldBack(s)
		gossipOnce(s)
		gossipReceived(s)
	})
	Describe("How far gossip goes", func() {
		gossipModes(s)
		gossipStorm(s)
	})
	Describe("Gossip to clients", func() {
		gossipClients(s)
		gossipCounted(s)
	})
}

// awaitNews waits until the target has told p about the server with that id.
func (s *Suite) awaitNews(ctx SpecContext, p *harness.Peer, id string) *wire.InfoBody {
	GinkgoHelper()
	seen, err := p.Await(ctx, func(seen harness.Seen) bool { return isNewsOf(seen, id) })
	if err != nil {
		s.failWith(report.Failure{
			Message:  "the INFO of a server that registered was not forwarded to another route",
			Expected: []string{`INFO {"server_id":"` + id + `",…}`}, Got: err.Error(), Offset: -1,
		})
	}
	return seen.Op.InfoBody
}

func isNewsOf(seen harness.Seen, id string) bool {
	return seen.Op.Kind == wire.Info && seen.Op.InfoBody.ServerID == id
}

// newsOf counts what p has been told about a server.
func newsOf(p *harness.Peer, id string) int {
	return len(slices.DeleteFunc(ofKind(p.Seen(), wire.Info), func(seen harness.Seen) bool { return !isNewsOf(seen, id) }))
}

func gossipForwarded(s *Suite) {
	// forwarded has A hear of B, which registers second with what opts say.
	forwarded := func(ctx SpecContext, opts ...harness.PeerOption) (b *harness.Peer, news *wire.InfoBody) {
		GinkgoHelper()
		a := s.Join(ctx, "A")
		b = s.Join(ctx, "B", opts...)
		return b, s.awaitNews(ctx, a, b.ID())
	}

	It("has an ip", s.Req("RT-GOS-001/with-ip"), func(ctx SpecContext) {
		_, news := forwarded(ctx)
		Expect(news.IP).NotTo(BeEmpty(), "ip in the INFO forwarded: whoever gets it dials there")
	})

	It("comes to every other route", s.Req("RT-GOS-001/every-route"), func(ctx SpecContext) {
		first, second := s.Join(ctx, "A"), s.Join(ctx, "B")
		newcomer := s.Join(ctx, "C")
		s.awaitNews(ctx, first, newcomer.ID())
		s.awaitNews(ctx, second, newcomer.ID())
	})

	It("has an ip with the peer's own address and the port of its INFO", s.Req("RT-GOS-002/address"), func(ctx SpecContext) {
		// A second loopback address as host shows whether ip is the address that the target saw.
		other := harness.WithInfo(func(i *wire.InfoBody) { i.Host = "127.0.0.2" })
		b, news := forwarded(ctx, other)
		u, err := url.Parse(news.IP)
		Expect(err).NotTo(HaveOccurred(), "ip is a URL")
		Expect(u.Scheme).To(Equal("nats-route"), "ip is nats-route://host:port, got "+news.IP)
		Expect(u.Path).To(BeElementOf("", "/"), "nothing but a slash stands behind the port, got "+news.IP)
		Expect(u.Port()).To(Equal(strconv.Itoa(b.OwnInfo().InfoBody.Port)), "the port of the peer's INFO, got "+news.IP)
		s.expectOurAddress(u.Hostname())
	})

	It("keeps an ip that the peer itself gave", s.Req("RT-GOS-003/kept"), func(ctx SpecContext) {
		var given string
		_, news := forwarded(ctx, harness.WithInfo(func(i *wire.InfoBody) {
			given = fmt.Sprintf("nats-route://localhost:%d/", i.Port)
			i.IP = given
		}))
		Expect(news.IP).To(Equal(given), "the peer knows best where it is reached")
	})

	It("keeps the peer's server_id, host and port", s.Req("RT-GOS-004/kept"), func(ctx SpecContext) {
		b, news := forwarded(ctx)
		own := b.OwnInfo().InfoBody
		Expect(fmt.Sprint(news.ServerID, " ", news.Host, " ", news.Port)).To(Equal(fmt.Sprint(own.ServerID, " ", own.Host, " ", own.Port)), "server_id, host and port in the INFO forwarded")
	})

	gossipForm(s, forwarded)
}

// gossipForm: what a forwarded INFO does not have.
func gossipForm(s *Suite, forwarded func(SpecContext, ...harness.PeerOption) (*harness.Peer, *wire.InfoBody)) {
	It("has no nonce", s.Req("RT-GOS-014/no-nonce"), func(ctx SpecContext) {
		_, news := forwarded(ctx, harness.WithInfo(func(i *wire.InfoBody) { i.Nonce = "natsroute" }))
		Expect(news.Nonce).To(BeEmpty(), "nonce in the INFO forwarded: it belongs to one connection")
	})

	It("has the members that the target does not know, or has not", s.Req("RT-GOS-015/unknown"), func(ctx SpecContext) {
		const name, value = "natsroute_unknown", `"kept"`
		_, news := forwarded(ctx, harness.WithInfo(func(i *wire.InfoBody) {
			i.Extra = map[string]json.RawMessage{name: json.RawMessage(value)}
		}))
		switch got, there := news.Extra[name]; {
		case !there:
			s.Observe("dropped")
		case string(got) == value:
			s.Observe("kept")
		default:
			s.fail("a member that the target does not know was forwarded changed: " + string(got))
		}
	})
}

// expectOurAddress wants the address from which our connections come to the target. When the target is given by a
// loopback address it is the same one; otherwise there may be translation on the way, and any address but the one in
// INFO is right.
func (s *Suite) expectOurAddress(host string) {
	GinkgoHelper()
	got, err := netip.ParseAddr(host)
	Expect(err).NotTo(HaveOccurred(), "the host of ip is the address that the target saw")
	route, err := netip.ParseAddrPort(s.Target().Route)
	if err == nil && route.Addr().IsLoopback() {
		Expect(got.Unmap()).To(Equal(route.Addr().Unmap()), "the host of ip is the address that the target saw")
		return
	}
	Expect(host).NotTo(Equal("127.0.0.2"), "the host of ip is the address that the target saw, not the host of INFO")
}

// gossipOnce: what is no news.
func gossipOnce(s *Suite) {
	// heard has C register, of which A hears, and returns how often A has been told of B.
	heard := func(ctx SpecContext, a, b *harness.Peer) int {
		GinkgoHelper()
		s.awaitNews(ctx, a, s.Join(ctx, "C").ID())
		s.Fence(ctx, a)
		return newsOf(a, b.ID())
	}

	It("comes once for each newcomer", s.Req("RT-GOS-011/once"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		Expect(heard(ctx, a, s.Join(ctx, "B"))).To(Equal(1), "INFO about a server that registered once")
	})

	It("is not repeated when the newcomer sends another INFO", s.Req("RT-GOS-012/update"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.awaitNews(ctx, a, b.ID())
		again := b.OwnInfo()
		again.InfoBody.ConnectURLs = []string{"127.0.0.1:1"}
		s.Send(b, again, again)
		s.Fence(ctx, b)
		Expect(heard(ctx, a, b)).To(Equal(1), "INFO about a server that registered once and sent INFO three times")
	})

	It("does not tell of a server that leaves", s.Req("RT-GOS-013/leaving"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		s.awaitNews(ctx, a, b.ID())
		b.Leave()
		_, err := b.Closed(ctx)
		Expect(err).NotTo(HaveOccurred(), "the target did not close its side of a route that has left")
		Expect(heard(ctx, a, b)).To(Equal(1), "INFO about a server that registered, and then left")
	})
}

func gossipHeldBack(s *Suite) {
	It("does not tell a newcomer about the routes that were there, nor about itself", s.Req("RT-GOS-005/newcomer"), func(ctx SpecContext) {
		old := s.Join(ctx, "A")
		newcomer := s.Join(ctx, "B")
		s.awaitNews(ctx, old, newcomer.ID())

		By("a third registering, of which the second hears")
		third := s.Join(ctx, "C")
		s.awaitNews(ctx, newcomer, third.ID())
		s.Fence(ctx, newcomer)
		Expect(newsOf(newcomer, old.ID())).To(Equal(0), "INFO about a route that was there before")
		Expect(newsOf(newcomer, newcomer.ID())).To(Equal(0), "INFO about the peer itself")
	})

	It("does not forward an INFO with gossip_mode 1, or does", s.Req("RT-GOS-006/mode-1"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		quiet := s.Join(ctx, "B", harness.WithInfo(func(i *wire.InfoBody) { i.GossipMode = 1 }))
		By("another registering, of which the first hears")
		third := s.Join(ctx, "C")
		s.awaitNews(ctx, a, third.ID())
		s.Fence(ctx, a)
		switch newsOf(a, quiet.ID()) {
		case 0:
			s.Observe("not forwarded")
		case 1:
			s.Observe("forwarded")
		default:
			s.fail("the INFO of a server that registered once was forwarded to one route several times")
		}
	})
}

// gossipReceived sends news of a server that cannot be dialled.
func gossipReceived(s *Suite) {
	harmless := func(word, what, ip string) {
		It("keeps the route that brings news of a server "+what, s.Req("RT-GOS-010/"+word), func(ctx SpecContext) {
			a := s.Join(ctx, "A")
			id := s.serverID("ABSENT")
			s.Send(a, wire.NewInfo(&wire.InfoBody{ServerID: id, ServerName: id, Host: "127.0.0.1", Port: a.OwnInfo().InfoBody.Port, Cluster: a.Info().Cluster, IP: ip}))
			s.ExpectOpen(ctx, a)
			By("the route still being told of another")
			s.awaitNews(ctx, a, s.Join(ctx, "B").ID())
			s.ExpectOpen(ctx, a)
		})
	}
	harmless("missing", "without an ip", "")
	harmless("no-url", "whose ip is no URL", "::%zz")
	harmless("no-port", "whose ip has no port", "nats-route://127.0.0.1/")

	It("ends the route whose peer tells the target of itself", s.Req("RT-GOS-016/own-id"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		info := a.OwnInfo()
		info.InfoBody.ServerID = s.Info().ServerID
		s.Send(a, info)
		s.ExpectClosed(ctx, a)
	})
}
