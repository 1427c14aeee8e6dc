package spec

import (
	"context"
	"errors"
	"fmt"
	"net"
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
		diallingSaysOfItself(s)
		diallingRoute(s)
		diallingJudges(s)
		diallingWaits(s)
	})
	Describe("A target that may dial again", func() {
		diallingAgain(s)
		diallingWithoutPause(s)
		configuredAgain(s)
	})
	Describe("A target with an address of its own", func() { advertised(s) })
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
func (s *Suite) invite(ctx SpecContext, edits ...func(*wire.InfoBody)) (l *harness.Listener, id string) {
	GinkgoHelper()
	l, id = s.Listener(ctx), s.serverID("DIALLED")
	s.inviteTo(ctx, l, id, edits...)
	return l, id
}

// inviteTo makes the target dial that listener.
func (s *Suite) inviteTo(ctx SpecContext, l *harness.Listener, id string, edits ...func(*wire.InfoBody)) {
	GinkgoHelper()
	p := s.Join(ctx, "A")
	told := news(p, id, l).InfoBody
	for _, edit := range edits {
		edit(told)
	}
	s.Send(p, wire.NewInfo(told))
}

// acceptRoute takes connections off l until one is a route for all accounts: we have sent INFO, the target its own. The
// target's connections that are not are its to close: servers from 2.10 on open one for the system account as well, at
// the same time, and end it by -ERR when the acceptor's INFO shows no pool.
func acceptRoute(ctx context.Context, l *harness.Listener, id string, adopt func(*harness.Peer), opts ...harness.PeerOption) (*harness.Peer, error) {
	opts = append(opts[:len(opts):len(opts)], harness.WithID(id))
	for n := 1; n <= mostRefused; n++ {
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
	return nil, fmt.Errorf("%d dials of the target led to no route for all accounts: it closed them, or they were for one account", mostRefused)
}

// mostRefused is how many connections of one target may lead to no route: a healthy one has a few for single accounts.
const mostRefused = 64

func isClosed(err error) bool {
	var closed *harness.ClosedError
	return errors.As(err, &closed)
}

// DialledRoute has the target dial us and returns the route.
func (s *Suite) DialledRoute(ctx SpecContext, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	l, id := s.invite(ctx)
	return s.routeAt(ctx, l, id, opts...)
}

// routeAt is the route that the target opens to a listener of which it has been told.
func (s *Suite) routeAt(ctx SpecContext, l *harness.Listener, id string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p, err := acceptRoute(ctx, l, id, s.Adopt, opts...)
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

	It("makes the target dial no server that it has dialled before", s.Req("RT-DIAL-007/dialled"), func(ctx SpecContext) {
		known := s.DialledRoute(ctx)
		never, soon := s.twoListeners(ctx)
		a := s.Join(ctx, "B")
		s.Send(a, news(a, known.ID(), never), news(a, s.serverID("UNKNOWN"), soon))
		s.awaitDial(ctx, soon)
		s.ExpectOpen(ctx, known)
		Expect(never.Dials()).To(Equal(0), "dials for a server that was dialled and is connected; the dial for an unknown one, told of later, has come")
	})

	DescribeTable("makes the target dial the address that it gives",
		func(ctx SpecContext, host string, write func(ip string) string) {
			l := s.listenerOn(ctx, host)
			id := s.serverID("DIALLED")
			s.inviteTo(ctx, l, id, func(i *wire.InfoBody) { i.IP = write(i.IP) })
			s.Dialled(ctx, l, "L")
		},
		Entry("without a slash at its end", s.Req("RT-DIAL-014/no-slash"), "", func(ip string) string { return strings.TrimSuffix(ip, "/") }),
		Entry("with a name for its host", s.Req("RT-DIAL-015/name"), "127.0.0.1", func(ip string) string { return strings.Replace(ip, "127.0.0.1", "localhost", 1) }),
		Entry("of IPv6", s.Req("RT-DIAL-016/v6"), "::1", func(ip string) string { return ip }),
		Entry("with a user and a password", s.Req("RT-DIAL-017/user"), "", func(ip string) string { return strings.Replace(ip, "://", "://joe:secret@", 1) }),
	)

	It("makes the target dial a server whose first address refused", s.Req("RT-DIAL-018/again"), func(ctx SpecContext) {
		gone, there := s.twoListeners(ctx)
		id := s.serverID("DIALLED")
		a := s.Join(ctx, "A")
		first, then := news(a, id, gone), news(a, id, there)
		Expect(gone.Close()).To(Succeed())
		s.Send(a, first)
		s.ExpectOpen(ctx, a)
		By("the news with another address, until that is dialled")
		Eventually(func() int {
			s.Send(a, then)
			s.ExpectOpen(ctx, a)
			return there.Dials()
		}).WithContext(ctx).WithTimeout(s.target.Patience()).Should(BeNumerically(">", 0), "dials for a server whose first address refused")
	})

	It("makes the target dial no peer that is connected and tells of itself", s.Req("RT-DIAL-040/own-ip"), func(ctx SpecContext) {
		never, soon := s.twoListeners(ctx)
		known, a := s.Join(ctx, "A", harness.WithInfo(func(i *wire.InfoBody) { i.IP = never.URL() })), s.Join(ctx, "B")
		s.Send(known, known.OwnInfo())
		s.ExpectOpen(ctx, known)
		s.Send(a, news(a, s.serverID("UNKNOWN"), soon))
		s.awaitDial(ctx, soon)
		Expect(never.Dials()).To(Equal(0), "dials for a peer that is connected; the dial for an unknown server, told of later, has come")
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

// listenerOn is a listener on a host of loopback of our choice; empty: on the target's.
func (s *Suite) listenerOn(ctx SpecContext, host string) *harness.Listener {
	GinkgoHelper()
	if host == "" {
		return s.Listener(ctx)
	}
	if s.target.Listen != "" || s.target.Advertise != "" {
		s.NotTested(report.NeedsListener)
	}
	l, err := s.target.ListenAt(ctx, net.JoinHostPort(host, "0"))
	if err != nil {
		s.NotApplicable("this machine has no loopback address " + host)
	}
	DeferCleanup(l.Close)
	return l
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
		p := s.Dialled(ctx, l, "L", harness.WithID(id), s.samePool(), harness.WithInfo(func(i *wire.InfoBody) { i.Cluster += "-other" }))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p)
	})
}

// samePool makes an acceptor show a pool of the target's size: to one without, a target gives up at once what it has opened
// for one account, which is often the first of its connections.
func (s *Site) samePool() harness.PeerOption { return harness.Pooled(s.Info().RoutePoolSize, 0) }

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
