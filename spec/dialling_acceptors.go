package spec

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// dialledGreeting is what the target has said on a connection that it dialled before it had a word from us but a PING.
func (s *Suite) dialledGreeting(ctx SpecContext) *harness.Peer {
	GinkgoHelper()
	l, id := s.invite(ctx)
	p := s.Dialled(ctx, l, "L", harness.WithID(id))
	s.Fence(ctx, p)
	return p
}

func diallingSaysOfItself(s *Suite) {
	DescribeTable("sends INFO with CONNECT, or holds it back until it has ours",
		func(ctx SpecContext) {
			if s.dialledGreeting(ctx).Info() != nil {
				s.Observe("INFO comes with CONNECT")
			} else {
				s.Observe("INFO waits for the acceptor's")
			}
		},
		Entry("by default", s.Req("RT-DIAL-025/order")),
		Entry("without pools and compression", s.Req("RT-DIAL-026/order")),
	)

	It("asks for no +OK", s.Req("RT-DIAL-027/verbose"), func(ctx SpecContext) {
		Expect(connectOf(s.dialledGreeting(ctx)).Verbose).To(BeFalse(), "verbose in the target's CONNECT")
	})

	It("says no tls_required on a plain connection", s.Req("RT-DIAL-028/tls-required"), func(ctx SpecContext) {
		if s.target.TLS != nil {
			s.NotApplicable("the route port speaks TLS")
		}
		Expect(connectOf(s.dialledGreeting(ctx)).TLSRequired).To(BeFalse(), "tls_required in the target's CONNECT")
	})

	It("says in CONNECT what its INFO says of headers", s.Req("RT-DIAL-029/headers"), func(ctx SpecContext) {
		Expect(connectOf(s.dialledGreeting(ctx)).Headers).To(Equal(s.Info().Headers), "headers in the target's CONNECT")
	})
	It("says in CONNECT what its INFO says of lnoc", s.Req("RT-DIAL-030/lnoc"), func(ctx SpecContext) {
		Expect(connectOf(s.dialledGreeting(ctx)).LNOC).To(Equal(s.Info().LNOC), "lnoc in the target's CONNECT")
	})
	It("says in CONNECT what its INFO says of ln", s.Req("RT-DIAL-031/ln"), func(ctx SpecContext) {
		Expect(connectOf(s.dialledGreeting(ctx)).LN).To(Equal(s.Info().LN), "ln in the target's CONNECT")
	})
}

func diallingJudges(s *Suite) {
	It("closes when our INFO has its own server_id", s.Req("RT-DIAL-032/own-id"), func(ctx SpecContext) {
		l, _ := s.invite(ctx)
		p := s.Dialled(ctx, l, "L", harness.WithID(s.Info().ServerID), s.samePool())
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p)
	})

	DescribeTable("closes when the acceptor answers with",
		func(ctx SpecContext, answer string) {
			l, _ := s.invite(ctx)
			p := s.Dialled(ctx, l, "L")
			_ = p.SendRaw([]byte(answer), 0)
			s.ExpectClosed(ctx, p)
		},
		Entry("an HTTP response", s.Req("RT-DIAL-033/http"), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
		Entry("a TLS hello", s.Req("RT-DIAL-033/tls"), clientHello),
		Entry("an INFO that is no JSON", s.Req("RT-DIAL-033/no-json"), "INFO {\"server_id\":\r\n"),
	)

	asClientPort := Prepare(s, "RT-DIAL-034", func(ctx context.Context, s *Site) (c answered) {
		l, id, err := s.lure(ctx, "RT-DIAL-034")
		if c.unseen = err; err != nil {
			return c
		}
		defer func() { _ = l.Close() }()
		clientPort := harness.WithInfo(func(i *wire.InfoBody) { i.ClientID, i.Proto = 5, 1 })
		_, c.refused = acceptRoute(ctx, l, id, func(p *harness.Peer) { c.peers = append(c.peers, p) }, clientPort)
		for _, p := range c.peers {
			p.Leave()
		}
		return c
	})
	It("takes a client port for a route port, or does not", s.Req("RT-DIAL-034/client-port"), Late, func(ctx SpecContext) {
		s.NeedsOwnListener()
		c := joined(ctx, s, asClientPort, func(c answered) []*harness.Peer { return c.peers })
		Expect(c.unseen).NotTo(HaveOccurred(), "a server at our listener was made known to the target")
		if c.refused != nil {
			s.Observe("closed")
		} else {
			s.Observe("taken for a route")
		}
	})

	It("takes an acceptor whose INFO names no cluster", s.Req("RT-DIAL-035/no-cluster"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p := s.DialledRoute(ctx, harness.WithInfo(func(i *wire.InfoBody) { i.Cluster = "" }))
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "the interest that was there before the route")
	})
}

// answered is what came of an answer to a target's dials.
type answered struct {
	peers   []*harness.Peer
	unseen  error // the target could not be made to dial
	refused error // no dial led to a route
}

func diallingWaits(s *Suite) {
	mute := Prepare(s, "RT-DIAL-036", func(ctx context.Context, s *Site) ending {
		return s.watchDialled(ctx, "MUTE", s.staleLimit(), sayNothing, harness.NoPong())
	})
	It("closes on an acceptor that never says anything", s.Req("RT-DIAL-036/mute"), Late, func(ctx SpecContext) {
		s.NeedsOwnListener()
		s.ExpectEnded(joined(ctx, s, mute, ending.peers), s.staleLimit(), "an acceptor that says nothing is given up")
	})
}

func advertised(s *Suite) {
	// its is the ip that the target should say; where the operator has not told us which it is, the one it has said first.
	its := func() string {
		if s.target.Advertised == "" {
			return s.Info().IP
		}
		return "nats-route://" + s.target.Advertised + "/"
	}
	It("says it as ip to those who dial", s.Req("RT-DIAL-037/accepted"), WithoutRegistration, func(ctx SpecContext) {
		Expect(s.Dial(ctx, "A").Info().IP).To(Equal(its()), "ip in the target's INFO")
	})
	It("says it as ip to those whom it dials", s.Req("RT-DIAL-038/dialled"), func(ctx SpecContext) {
		Expect(s.DialledRoute(ctx).Info().IP).To(Equal(its()), "ip in the target's INFO on a route that it dialled")
	})
	It("says it as host and port too", s.Req("RT-DIAL-039/host-port"), WithoutRegistration, func(ctx SpecContext) {
		if s.target.Advertised == "" {
			s.NotTested(report.NeedsLaunch)
		}
		info := s.Dial(ctx, "A").Info()
		Expect(fmt.Sprintf("%s:%d", info.Host, info.Port)).To(Equal(s.target.Advertised), "host and port in the target's INFO")
	})
}
