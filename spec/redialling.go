package spec

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// redialPause is more time than releases let pass between two dials of one address: they wait a second.
const redialPause = 1300 * time.Millisecond

// ForRedial is a context for what the target does only after such a pause.
func (s *Site) ForRedial(ctx context.Context) context.Context {
	return harness.WithPatience(ctx, redialPause+s.target.Patience())
}

func diallingAgain(s *Suite) {
	It("dials a gossiped server again when that closes", s.Req("RT-DIAL-012/gossiped"), Late, func(ctx SpecContext) {
		l, id := s.invite(ctx)
		s.routeAt(ctx, l, id).Leave()
		_, err := acceptRoute(s.ForRedial(ctx), l, s.serverID("AGAIN"), s.Adopt)
		Expect(err).NotTo(HaveOccurred(), "a route that gossip brought was closed by the other side")
	})
}

// burst is so many dials in so short a time that there were no pauses between them. Releases that wait, up to a tenth of a second on
// each connection, do not come to that; those that do not dial a thousand times a second and more, and so fast at least for a
// moment on a machine that is busy.
type burst struct {
	dials  int
	within time.Duration
}

var (
	single = burst{8, 20 * time.Millisecond} // of one connection, and the system account's
	// of a pool, each connection of which is dialled again (seen 2.15.2: 33 a second)
	pooled = burst{100, time.Second}
)

// watchDials is how long a listener is watched.
const watchDials = 2 * time.Second

// rate is how often a listener was dialled that closes every connection.
type rate struct {
	peers []*harness.Peer
	dials []time.Duration // of watchDials, or less when there was a burst
	burst burst           // what would have no pauses
	err   error           // there was none
}

// densest is the shortest time in which there were as many dials as a burst has; false: there was no burst.
func (r rate) densest() (shortest time.Duration, ok bool) {
	for i := r.burst.dials - 1; i < len(r.dials); i++ {
		if d := r.dials[i] - r.dials[i-r.burst.dials+1]; !ok || d < shortest {
			shortest, ok = d, true
		}
	}
	return shortest, ok && shortest < r.burst.within
}

// dialRate takes the next dial and those of watchDials behind it, or until there is a burst, does something on each
// connection and closes it.
func (s *Site) dialRate(ctx context.Context, l *harness.Listener, b burst, do func(context.Context, *harness.Peer), opts ...harness.PeerOption) (r rate) {
	r.burst = b
	shut := func(p *harness.Peer) {
		do(ctx, p)
		p.Leave()
		if len(r.peers) < 3 { // enough to be shown
			r.peers = append(r.peers, p)
		}
	}
	p, err := l.Accept(s.ForRedial(ctx), "L", opts...)
	if err != nil {
		r.err = err
		return r
	}
	before, end := l.Dials()-1, s.target.Since()+watchDials
	for ; err == nil; p, err = l.Accept(harness.WithPatience(ctx, end-s.target.Since()), "L", opts...) {
		shut(p)
		r.dials = l.DialTimes()[before:]
		if _, ok := r.densest(); ok {
			break
		}
	}
	return r
}

// ExpectPaused wants a listener that closes every connection to be dialled again with pauses.
func (s *Suite) ExpectPaused(r rate) {
	GinkgoHelper()
	Expect(r.err).NotTo(HaveOccurred())
	if shortest, ok := r.densest(); ok {
		s.failWith(report.Failure{
			Message:  "a server that closes every connection is dialled again with pauses",
			Expected: []string{fmt.Sprintf("fewer than %d dials within %v", r.burst.dials, r.burst.within)},
			Got:      fmt.Sprintf("%d dials within %v", r.burst.dials, shortest.Round(10*time.Microsecond)), Offset: -1,
		})
	}
}

// greets is what an acceptor does that closes behind its INFO.
func greets(_ context.Context, p *harness.Peer) { _ = p.Send(p.OwnInfo()) }

// turnsAway is what an acceptor does that does not like the target's credentials.
func turnsAway(_ context.Context, p *harness.Peer) {
	_ = p.Send(p.OwnInfo(), wire.NewErr("Authorization Violation"))
}

func diallingWithoutPause(s *Suite) {
	pool := func(s *Site) harness.PeerOption { return harness.Pooled(s.Info().RoutePoolSize, 0) }
	none := func(*Site) harness.PeerOption { return harness.WithInfo(func(*wire.InfoBody) {}) }
	for _, closes := range []struct {
		id, word, title string
		burst           burst
		do              func(context.Context, *harness.Peer)
		as              func(*Site) harness.PeerOption
	}{
		{"RT-DIAL-019", "mute", "that closes without a word", single, func(context.Context, *harness.Peer) {}, none},
		{"RT-DIAL-020", "no-pool", "without pools that closes behind its INFO", single, greets, none},
		{"RT-DIAL-022", "error", "that answers with its INFO and -ERR", pooled, turnsAway, pool},
	} {
		dialled := Prepare(s, closes.id, func(ctx context.Context, s *Site) rate {
			l, id, err := s.lure(ctx, closes.id)
			if err != nil {
				return rate{err: err}
			}
			defer func() { _ = l.Close() }()
			return s.dialRate(ctx, l, closes.burst, closes.do, harness.WithID(id), closes.as(s))
		})
		It("dials a gossiped server "+closes.title+" with pauses", s.Req(closes.id+"/"+closes.word), Late, func(ctx SpecContext) {
			s.NeedsOwnListener()
			s.ExpectPaused(joined(ctx, s, dialled, func(r rate) []*harness.Peer { return r.peers }))
		})
	}
}

// configured is what came of a configured route.
type configured struct {
	peers   []*harness.Peer
	err     error             // it was not dialled again when the first route was closed
	connect *wire.ConnectBody // of the target, on the first route
	rate    rate              // of a server that closes behind its INFO
	refused error             // it was not dialled again when it had refused dials
}

// redialled has the configured route of the site dialled again and again.
func (s *Site) redialled(ctx context.Context) (out configured) {
	l := s.target.RouteListener()
	keep := func(p *harness.Peer) { out.peers = append(out.peers, p) }
	defer func() {
		for _, p := range out.peers {
			p.Leave()
		}
	}()
	p, err := acceptRoute(ctx, l, s.strangerID("CONFIGURED1"), keep)
	if err == nil {
		out.connect = connectOf(p)
		p.Leave()
		p, err = acceptRoute(s.ForRedial(ctx), l, s.strangerID("CONFIGURED2"), keep)
	}
	if out.err = err; err != nil {
		return out
	}
	p.Leave()
	out.rate = s.dialRate(ctx, l, single, greets, harness.WithID(s.strangerID("CONFIGURED3")))
	out.refused = s.refuse(ctx, l, keep)
	return out
}

// refuse closes the listener, so that dials are refused, and listens again after redialPause.
func (s *Site) refuse(ctx context.Context, l *harness.Listener, keep func(*harness.Peer)) error {
	host, port := l.Address()
	_ = l.Close()
	waiting := time.NewTimer(redialPause)
	defer waiting.Stop()
	select {
	case <-waiting.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	again, err := s.target.ListenAt(ctx, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer func() { _ = again.Close() }()
	_, err = acceptRoute(s.ForRedial(ctx), again, s.strangerID("CONFIGURED4"), keep)
	return err
}

func configuredAgain(s *Suite) {
	future := Prepare(s, "RT-DIAL-013", func(ctx context.Context, s *Site) configured { return s.redialled(ctx) }).Also("RT-DIAL-023", "RT-DIAL-024", "RT-AUTH-020")
	outcome := func(ctx context.Context) configured {
		GinkgoHelper()
		c := joined(ctx, s, future, func(c configured) []*harness.Peer { return c.peers })
		Expect(c.err).NotTo(HaveOccurred(), "a server was started with a route to us, which we closed when it had registered")
		return c
	}
	It("dials a configured server again when that closes", s.Req("RT-DIAL-013/configured"), Late, func(ctx SpecContext) {
		outcome(ctx)
	})
	It("dials a configured server without pools that closes behind its INFO with pauses", s.Req("RT-DIAL-023/configured"), Late, func(ctx SpecContext) {
		s.ExpectPaused(outcome(ctx).rate)
	})
	It("dials a configured server again that has refused its dials", s.Req("RT-DIAL-024/refused"), Late, func(ctx SpecContext) {
		Expect(outcome(ctx).refused).NotTo(HaveOccurred(), "a server is started with a route to us; for a while we did not listen")
	})
	It("shows a configured server the user and the password of its URL", s.Req("RT-AUTH-020/url"), Late, func(ctx SpecContext) {
		connect := outcome(ctx).connect
		if s.target.RouteAs.User == "" {
			s.NotTested(report.NeedsLaunch) // what stands in the URL is the operator's secret
		}
		Expect(connect.User).To(Equal(s.target.RouteAs.User), "user in the target's CONNECT")
		Expect(connect.Pass == s.target.RouteAs.Password).To(BeTrue(), "pass in the target's CONNECT is that of the route's URL")
	})
}
