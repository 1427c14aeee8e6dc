package spec

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// staleUnregistered: peers that never get as far as INFO.
func staleUnregistered(s *Suite) {
	mute := Prepare(s, "RT-KA-009", func(ctx context.Context, s *Site) ending { return s.watchMute(ctx) })
	It("is also one whose peer has never said anything", s.Req("RT-KA-009/mute"), WithoutRegistration, Late, func(ctx SpecContext) {
		e := joined(ctx, s, mute, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that says nothing from the start is closed")
	})

	unpinged := Prepare(s, "RT-KA-010", func(ctx context.Context, s *Site) ending { return s.watchMute(ctx) })
	It("is pinged before it is given up, or not, while its INFO is awaited", s.Req("RT-KA-010/mute"), WithoutRegistration, Late, func(ctx SpecContext) {
		e := joined(ctx, s, unpinged, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that says nothing from the start is closed")
		if e.pings == 0 {
			s.Observe("not pinged")
			return
		}
		s.Observe("pinged")
	})

	connected := Prepare(s, "RT-KA-011", func(ctx context.Context, s *Site) ending {
		return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
			p, err := s.target.Dial(ctx, "A", harness.NoPong())
			if err == nil {
				err = p.Send(p.Connect())
			}
			return p, err
		})
	})
	It("is also one whose peer has said CONNECT and then nothing", s.Req("RT-KA-011/connect-only"), WithoutRegistration, Late, func(ctx SpecContext) {
		e := joined(ctx, s, connected, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that says CONNECT and no INFO is closed")
	})
}

// watchMute opens a connection, says nothing and waits for its end.
func (s *Site) watchMute(ctx context.Context) ending {
	return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
		return s.target.Dial(ctx, "A", harness.NoPong())
	})
}

// lifeShown: peers that do enough to be kept.
func lifeShown(s *Suite) {
	going := Prepare(s, "RT-KA-012", func(ctx context.Context, s *Site) pinged {
		began := s.target.Since()
		p, err := s.target.Join(ctx, "A", harness.Bystander())
		if err != nil {
			return pinged{err: err}
		}
		return pinged{peer: p, began: began, err: awaitPings(harness.WithPatience(ctx, 3*s.pingLimit()), p, 3)}
	})
	It("is asked for again at each interval, and not much more often", s.Req("RT-KA-012/third"), Late, func(ctx SpecContext) {
		got := joined(ctx, s, going, func(p pinged) []*harness.Peer { return []*harness.Peer{p.peer} })
		Expect(got.err).NotTo(HaveOccurred(), "the third PING to a peer that answers")
		pings := ofKind(got.peer.Seen(), wire.Ping)
		for i := range pings[1:] {
			Expect(pings[i+1].At-pings[i].At).To(BeNumerically("<=", s.pingLimit()), "between two PINGs")
		}
		// Two PINGs may be read together where the first was kept waiting: what is sure is that none is read before it was sent.
		Expect(pings[2].At-got.began).To(BeNumerically(">=", s.Settings().PingInterval*3/2), "from the dial to the third PING: two intervals, and the time to the first")
	})

	late := Prepare(s, "RT-KA-013", func(ctx context.Context, s *Site) []ending { return s.answerLate(ctx) })
	It("is shown by PONGs that come just before the limit", s.Req("RT-KA-013/late"), Late, func(ctx SpecContext) {
		both := joined(ctx, s, late, peersOf)
		s.ExpectEnded(both[1], s.staleLimit(), "a peer that answers no PING is closed: only then can one that answers be seen to outlive it")
		Expect(both[0].err).NotTo(HaveOccurred(), "the peer that answered when all but the last allowed PING was open")
	})
}

// awaitPings waits for n PINGs of the target.
func awaitPings(ctx context.Context, p *harness.Peer, n int) error {
	_, err := p.Await(ctx, func(seen harness.Seen) bool {
		if seen.Op.Kind == wire.Ping {
			n--
		}
		return n == 0
	})
	return err
}

// answerLate registers a peer that answers its PINGs only when as many are open as may be, and beside it one that answers
// none. When that has ended it fences the first.
func (s *Site) answerLate(ctx context.Context) []ending {
	p, err := s.target.Join(ctx, "A", harness.Bystander())
	if err != nil {
		return []ending{{err: err}, {err: err}}
	}
	p.HoldPongs(true)
	other := make(chan ending, 1)
	go func() { other <- s.watchSilent(ctx) }()
	err = awaitPings(harness.WithPatience(ctx, s.staleLimit()), p, s.Settings().PingMax)
	p.HoldPongs(false)
	end := <-other
	if err == nil {
		err = p.Fence(ctx)
	}
	return []ending{{peer: p, err: err}, end}
}

// lifeNotShown: peers that say something, and not what was asked for.
func lifeNotShown(s *Suite) {
	ahead := Prepare(s, "RT-KA-014", func(ctx context.Context, s *Site) ending {
		return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
			p, err := s.target.Join(ctx, "A", harness.NoPong())
			if err == nil {
				err = p.Send(slices.Repeat([]wire.Op{wire.NewPong()}, 20)...)
			}
			return p, err
		})
	})
	It("is not shown by PONGs sent ahead", s.Req("RT-KA-014/ahead"), Late, func(ctx SpecContext) {
		e := joined(ctx, s, ahead, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that answers no PING is closed, although it sent PONGs before it was asked")
	})

	busy := Prepare(s, "RT-KA-015", func(ctx context.Context, s *Site) ending { return s.watchBusy(ctx) })
	It("is shown by messages and PINGs of the peer, or by PONGs alone", s.Req("RT-KA-015/no-pong"), Late, func(ctx SpecContext) {
		e := joined(ctx, s, busy, ending.peers)
		Expect(e.peer).NotTo(BeNil(), "a peer that registers and sends messages and PINGs")
		if e.err != nil {
			s.ExpectOpen(ctx, e.peer)
			s.Observe("kept")
			return
		}
		s.Observe("closed")
	})

	dialled := Prepare(s, "RT-KA-016", func(ctx context.Context, s *Site) ending { return s.watchDialledSilent(ctx) })
	It("is missed in a peer that the target has dialled too", s.Req("RT-KA-016/no-pong"), Late, func(ctx SpecContext) {
		s.NeedsOwnListener()
		e := joined(ctx, s, dialled, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a dialled peer that answers no PING is closed")
		Expect(e.pings).To(BeNumerically(">=", s.Settings().PingMax), "PINGs sent before the close: the peer was given up too early")
	})
}

// watchSilent registers a peer that answers no PING and waits for its end.
func (s *Site) watchSilent(ctx context.Context) ending {
	return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
		return s.target.Join(ctx, "A", harness.NoPong())
	})
}

// watchBusy registers a peer that answers each PING with a message and a PING of its own.
func (s *Site) watchBusy(ctx context.Context) ending {
	traffic := []wire.Op{wire.NewMsg(s.Account(), "nr"+s.o.Nonce+".busy", "", []byte("m")), wire.NewPing()}
	return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
		p, err := s.target.Join(ctx, "A", harness.NoPong())
		for n := 1; err == nil && n <= s.Settings().PingMax; n++ {
			if err = awaitPings(harness.WithPatience(ctx, s.staleLimit()), p, n); err == nil {
				err = p.Send(traffic...)
			}
		}
		return p, err
	})
}

// watchDialledSilent has the target dial a peer that answers no PING.
func (s *Site) watchDialledSilent(ctx context.Context) ending {
	l, id, err := s.lure(ctx, "STALE")
	if err != nil {
		return ending{err: err}
	}
	defer func() { _ = l.Close() }()
	return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
		return acceptRoute(ctx, l, id, func(*harness.Peer) {}, harness.NoPong(), harness.Bystander())
	})
}
