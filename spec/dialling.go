package spec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerDialling: the target in the soliciting role. A peer tells it of a third server, and that is our listener.
func registerDialling(s *Suite) {
	Describe("News of a server", func() { diallingNews(s) })
	Describe("A dialling target", func() {
		diallingGreets(s)
		diallingRoute(s)
		diallingAgain(s)
	})
}

// news is the INFO about a server with that id which listens at l.
func news(p *harness.Peer, id string, l *harness.Listener) wire.Op {
	host, port := l.Address()
	return wire.NewInfo(&wire.InfoBody{
		ServerID: id, ServerName: id, Version: "2.0.0", Proto: 2, Host: host, Port: port,
		MaxPayload: 1 << 20, Cluster: p.Info().Cluster, IP: l.URL(),
	})
}

// invite makes the target dial a listener of ours: a peer tells it of a server with the id that is returned.
func (s *Suite) invite(ctx SpecContext) (l *harness.Listener, id string) {
	GinkgoHelper()
	l, id = s.Listener(ctx), s.serverID("DIALLED")
	p := s.Join(ctx, "A")
	s.Send(p, news(p, id, l))
	return l, id
}

// acceptRoute takes connections off l until one is a route for all accounts: we have sent INFO, the target its own. The
// target's connections that are not are its to close: servers from 2.10 on open one for the system account as well, at
// the same time, and end it by -ERR when the acceptor's INFO shows no pool.
func acceptRoute(ctx context.Context, l *harness.Listener, id string, adopt func(*harness.Peer), opts ...harness.PeerOption) (*harness.Peer, error) {
	opts = append(opts[:len(opts):len(opts)], harness.WithID(id))
	for n := 1; ; n++ {
		p, err := l.Accept(ctx, fmt.Sprintf("L%d", n), opts...)
		if err != nil {
			return nil, fmt.Errorf("no dial of the target led to a route for all accounts: %w", err)
		}
		adopt(p)
		if err := p.Send(p.OwnInfo()); err != nil && !isClosed(err) {
			return nil, err
		}
		_, err = p.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Kind == wire.Info })
		switch {
		case isClosed(err), err == nil && p.Info().RouteAccount != "":
			continue
		case err != nil:
			return nil, fmt.Errorf("the target dialled and sent no INFO: %w", err)
		}
		return p, nil
	}
}

func isClosed(err error) bool {
	var closed *harness.ClosedError
	return errors.As(err, &closed)
}

// DialledRoute has the target dial us and returns the route.
func (s *Suite) DialledRoute(ctx SpecContext) *harness.Peer {
	GinkgoHelper()
	l, id := s.invite(ctx)
	p, err := acceptRoute(ctx, l, id, s.Adopt)
	Expect(err).NotTo(HaveOccurred(), "the target was told of an unknown server with an ip")
	return p
}

func diallingNews(s *Suite) {
	It("makes the target dial a server that it does not know", s.Req("RT-DIAL-001/unknown"), func(ctx SpecContext) {
		l, _ := s.invite(ctx)
		s.Dialled(ctx, l, "L")
	})

	It("makes the target dial no server that is connected", s.Req("RT-DIAL-007/connected"), func(ctx SpecContext) {
		a, known := s.Join(ctx, "A"), s.Join(ctx, "B")
		never, soon := s.twoListeners(ctx)
		s.Send(a, news(a, known.ID(), never), news(a, s.serverID("UNKNOWN"), soon))
		s.awaitDial(ctx, soon)
		s.ExpectOpen(ctx, known)
		Expect(never.Dials()).To(Equal(0), "dials for a server that is connected already; the dial for an unknown one, told of later, has come")
	})

	It("makes the target dial no server that is itself", s.Req("RT-DIAL-008/itself"), func(ctx SpecContext) {
		a, b := s.Join(ctx, "A"), s.Join(ctx, "B")
		never, soon := s.twoListeners(ctx)
		s.Send(a, news(a, s.Info().ServerID, never))
		if err := a.Fence(ctx); err != nil { // servers from 2.5 on close the route that says so
			s.ExpectClosed(ctx, a)
		}
		s.Send(b, news(b, s.serverID("UNKNOWN"), soon))
		s.awaitDial(ctx, soon)
		Expect(never.Dials()).To(Equal(0), "dials for the target itself; the dial for an unknown server, told of later, has come")
	})
}

// twoListeners needs two addresses to listen on: an operator who names one gives no other.
func (s *Suite) twoListeners(ctx SpecContext) (first, second *harness.Listener) {
	GinkgoHelper()
	if s.Target().Listen != "" {
		s.NotTested(report.NeedsListener)
	}
	return s.Listener(ctx), s.Listener(ctx)
}

// awaitDial waits until the target has dialled l and said something: what it dialled before has come by then.
func (s *Suite) awaitDial(ctx SpecContext, l *harness.Listener) {
	GinkgoHelper()
	_, err := s.Dialled(ctx, l, "L").Await(ctx, func(harness.Seen) bool { return true })
	Expect(err).NotTo(HaveOccurred(), "the target dialled and said nothing")
}

func diallingGreets(s *Suite) {
	It("sends CONNECT first, before it has our INFO", s.Req("RT-DIAL-002/first"), func(ctx SpecContext) {
		l, id := s.invite(ctx)
		p := s.Dialled(ctx, l, "L", harness.WithID(id))
		first, err := p.Await(ctx, func(harness.Seen) bool { return true })
		Expect(err).NotTo(HaveOccurred(), "the target dialled and said nothing")
		Expect(first.Op.Kind.String()).To(Equal("CONNECT"), "the first operation on a route that the target dialled")
	})

	It("says its server_id in CONNECT and INFO", s.Req("RT-DIAL-003/ids"), func(ctx SpecContext) {
		p := s.DialledRoute(ctx)
		Expect(connectOf(p).Name).To(Equal(s.Info().ServerID), "name in the target's CONNECT")
		Expect(p.Info().ServerID).To(Equal(s.Info().ServerID), "server_id in the target's INFO")
	})

	It("says no lang in CONNECT", s.Req("RT-DIAL-004/no-lang"), func(ctx SpecContext) {
		Expect(connectOf(s.DialledRoute(ctx)).Lang).To(BeEmpty(), "lang makes every acceptor take the sender for a client")
	})

	It("sends INFO when it has ours", s.Req("RT-DIAL-005/info"), func(ctx SpecContext) {
		Expect(s.DialledRoute(ctx).Info()).NotTo(BeNil(), "the target's INFO on a route that it dialled")
	})

	It("says the cluster of its INFO in CONNECT", s.Req("RT-DIAL-006/cluster"), func(ctx SpecContext) {
		p := s.DialledRoute(ctx)
		Expect(p.Info().Cluster).NotTo(BeEmpty(), "cluster in the target's INFO")
		Expect(connectOf(p).Cluster).To(Equal(p.Info().Cluster), "cluster in the target's CONNECT")
	})

	It("closes when our INFO names another cluster", s.Req("RT-DIAL-011/other-cluster"), func(ctx SpecContext) {
		l, id := s.invite(ctx)
		p := s.Dialled(ctx, l, "L", harness.WithID(id), harness.WithInfo(func(i *wire.InfoBody) { i.Cluster += "-other" }))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p)
	})
}

// connectOf is the CONNECT that came on a route which the target dialled; an empty one if none did.
func connectOf(p *harness.Peer) *wire.ConnectBody {
	if said := ofKind(p.Seen(), wire.Connect); len(said) > 0 {
		return said[0].Op.ConnectBody
	}
	return &wire.ConnectBody{}
}

func diallingRoute(s *Suite) {
	It("sends its interest when it has our INFO, without a CONNECT of ours", s.Req("RT-DIAL-009/interest"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.QueueSubscribe(c, s.Subject("work"), "q")
		s.Flush(ctx, c)
		p := s.DialledRoute(ctx)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(wire.NewSub(s.Account(), s.Subject("orders")), s.group("q", 1)), "the interest that was there before the route")
	})

	It("carries messages to us and from us", s.Req("RT-DIAL-010/both-ways"), func(ctx SpecContext) {
		p, c := s.DialledRoute(ctx), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("to.peer")))
		s.Fence(ctx, p)
		sub := s.Subscribe(c, s.Subject("to.client"))
		s.Publish(c, s.Subject("to.peer"), s.Subject("reply"), "out")
		s.ClientToPeers(ctx, c, p)
		s.Send(p, s.msg("to.client", s.Subject("reply"), "in"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("to.client")), s.msg("to.peer", s.Subject("reply"), "out"),
		), "interest and message of a client on a route that the target dialled")
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("to.client"), s.Subject("reply"), "in"}), "an RMSG on a route that the target dialled")
	})
}

func diallingAgain(s *Suite) {
	It("dials a gossiped server again when that closes", s.Req("RT-DIAL-012/gossiped"), Late, func(ctx SpecContext) {
		l, id := s.invite(ctx)
		first, err := acceptRoute(ctx, l, id, s.Adopt)
		Expect(err).NotTo(HaveOccurred(), "the target was told of an unknown server with an ip")
		first.Leave()
		_, err = acceptRoute(ctx, l, s.serverID("AGAIN"), s.Adopt)
		Expect(err).NotTo(HaveOccurred(), "a route that gossip brought was closed by the other side")
	})

	again := Prepare(s, "RT-DIAL-013", func(ctx context.Context, s *Site) redial { return s.configuredRoute(ctx) })
	It("dials a configured server again when that closes", s.Req("RT-DIAL-013/configured"), Late, func(ctx SpecContext) {
		outcome, ok := again.Await(ctx)
		Expect(ok).To(BeTrue(), "the run was cut short")
		for _, p := range outcome.peers {
			s.Adopt(p)
		}
		Expect(outcome.err).NotTo(HaveOccurred(), "a server was started with a route to us, which we closed when it had registered")
	})
}

// redial is what came of a configured route: the connections that were seen, and what failed; nil: we were dialled again.
type redial struct {
	peers []*harness.Peer
	err   error
}

// configuredRoute takes the target's configured route, closes it once it is registered, and waits for the next.
func (s *Site) configuredRoute(ctx context.Context) (out redial) {
	l := s.target.RouteListener()
	keep := func(p *harness.Peer) { out.peers = append(out.peers, p) }
	defer func() {
		for _, p := range out.peers {
			p.Leave()
		}
	}()
	first, err := acceptRoute(ctx, l, "NCONFIGURED"+strings.ToUpper(s.o.Nonce)+"X1", keep)
	if err == nil {
		first.Leave()
		_, err = acceptRoute(ctx, l, "NCONFIGURED"+strings.ToUpper(s.o.Nonce)+"X2", keep)
	}
	out.err = err
	return out
}
