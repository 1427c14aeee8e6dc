package spec

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
		gossipReceived(s)
	})
	Describe("Gossip to clients", func() { gossipClients(s) })
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
}

func gossipClients(s *Suite) {
	It("adds the connect_urls of a peer that registers", s.Req("RT-GOS-007/added"), func(ctx SpecContext) {
		s.announced(ctx, s.Client(ctx))
	})

	It("takes the connect_urls back when the peer leaves", s.Req("RT-GOS-008/leaving"), func(ctx SpecContext) {
		c := s.Client(ctx)
		p, address := s.announced(ctx, c)
		p.Leave()
		s.awaitServers(ctx, c, "the connect_urls of a peer that has left are still announced", func(servers []string) bool { return !lists(servers, address) })
	})

	It("takes the connect_urls back when the peer says ldm, and keeps the route", s.Req("RT-GOS-009/lame-duck"), func(ctx SpecContext) {
		c := s.Client(ctx)
		p, address := s.announced(ctx, c)
		info := p.OwnInfo()
		info.InfoBody.LameDuck = true
		s.Send(p, info)
		s.awaitServers(ctx, c, "the connect_urls of a peer in lame duck mode are still announced", func(servers []string) bool { return !lists(servers, address) })
		s.ExpectOpen(ctx, p)
	})
}

// announced has a peer register with connect_urls and waits until c has been told of them. The address is one of many
// loopback addresses, so that no two specs announce the same.
//
// A server that is told not to advertise has no connect_urls in its own INFO and forwards none (seen 2.1.2, 2.15.2).
func (s *Suite) announced(ctx SpecContext, c *harness.Client) (p *harness.Peer, address string) {
	GinkgoHelper()
	if len(s.Info().ConnectURLs) == 0 {
		s.NotApplicable("the target advertises no client URLs")
	}
	host := fmt.Sprintf("127.%d.%d.%d", 1+s.Rand().IntN(250), 1+s.Rand().IntN(250), 1+s.Rand().IntN(250))
	p = s.Join(ctx, "A", harness.WithInfo(func(i *wire.InfoBody) {
		address = fmt.Sprintf("%s:%d", host, i.Port)
		i.ConnectURLs = []string{address}
	}))
	s.awaitServers(ctx, c, "the connect_urls of a peer that registered were not announced to a client", func(servers []string) bool { return lists(servers, address) })
	return p, address
}

// awaitServers waits until the URLs that the client has been told of are as wanted.
func (s *Suite) awaitServers(ctx SpecContext, c *harness.Client, why string, match func([]string) bool) {
	GinkgoHelper()
	servers, err := c.AwaitServers(ctx, match)
	if err != nil {
		s.failWith(report.Failure{Message: why, Got: "the client knows " + strings.Join(servers, ", ") + ": " + err.Error(), Offset: -1})
	}
}

// lists tells whether an address is among client URLs, with or without a scheme.
func lists(servers []string, address string) bool {
	return slices.ContainsFunc(servers, func(url string) bool { return url == address || strings.HasSuffix(url, "://"+address) })
}
