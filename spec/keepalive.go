package spec

import (
	"bytes"
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerKeepAlive: PING and PONG where one write or one wait is not enough to see it, and what happens to a peer that
// does not answer. The plain cases are vectors.
func registerKeepAlive(s *Suite) {
	Describe("PING of a peer", func() { pingAnswered(s) })
	Describe("PING of the target", func() { pingSent(s) })
	Describe("Stale connection", func() {
		stale(s)
		staleUnregistered(s)
	})
	Describe("Life", func() {
		lifeShown(s)
		lifeNotShown(s)
	})
}

func pingAnswered(s *Suite) {
	It("is answered", s.Req("RT-KA-001/registered"), WithoutPong, func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect(), p.OwnInfo())
		s.Fence(ctx, p)
		s.Fence(ctx, p)
		s.ExpectPongs(p, 0, 2)
	})

	It("is answered a hundred times for a hundred of them", s.Req("RT-KA-002/hundred"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		mark := p.Mark()
		_ = p.SendRaw(bytes.Repeat([]byte("PING\r\n"), 100), 100)
		s.Fence(ctx, p)
		s.Fence(ctx, p)
		s.ExpectPongs(p, mark, 102)
	})

	It("is answered once between CONNECT and INFO", s.Req("RT-KA-003/waiting"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect())
		s.Fence(ctx, p)
		s.Send(p, p.OwnInfo())
		s.Fence(ctx, p)
		s.Fence(ctx, p)
		s.ExpectPongs(p, 0, 3)
	})

	It("is answered once between CONNECT and INFO of the same write", s.Req("RT-KA-003/one-write"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect(), wire.NewPing(), p.OwnInfo())
		s.Fence(ctx, p)
		s.Fence(ctx, p)
		s.ExpectPongs(p, 0, 3)
	})
}

// staleLimit is when a peer that answers no PING has been closed at the latest: each PING may come a fifth late, one
// more is due before the close, and the close itself takes its time.
func (s *Site) staleLimit() time.Duration {
	set := s.Settings()
	return set.PingInterval*time.Duration(set.PingMax+1)*6/5 + s.target.Patience()
}

// pinged is what the future of RT-KA-005 brings.
type pinged struct {
	began time.Duration // before the dial
	peer  *harness.Peer
	err   error // no PING came in time
}

// pingLimit is when the first PING has come at the latest.
func (s *Site) pingLimit() time.Duration { return s.Settings().PingInterval*6/5 + s.target.Patience() }

func pingSent(s *Suite) {
	first := Prepare(s, "RT-KA-005", func(ctx context.Context, s *Site) pinged {
		p, err := s.target.Join(ctx, "A", harness.Bystander())
		if err != nil {
			return pinged{err: err}
		}
		_, err = p.Await(harness.WithPatience(ctx, s.pingLimit()), func(seen harness.Seen) bool { return seen.Op.Kind == wire.Ping })
		return pinged{peer: p, err: err}
	})

	It("comes within its interval", s.Req("RT-KA-005/first"), Late, func(ctx SpecContext) {
		got := joined(ctx, s, first, func(p pinged) []*harness.Peer { return []*harness.Peer{p.peer} })
		if got.err != nil {
			s.failWith(report.Failure{
				Message:  "the target sends PING by itself",
				Expected: []string{"PING within " + s.pingLimit().String()}, Got: got.err.Error(), Offset: -1,
			})
		}
	})
}

func stale(s *Suite) {
	silent := func(ctx context.Context, s *Site) ending { return s.watchSilent(ctx) }

	closing := Prepare(s, "RT-KA-006", silent)
	It("is one whose peer has left the allowed number of PINGs unanswered", s.Req("RT-KA-006/no-pong"), Late, func(ctx SpecContext) {
		e := joined(ctx, s, closing, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that answers no PING is closed")
		Expect(e.pings).To(BeNumerically(">=", s.Settings().PingMax), "PINGs sent before the close: the peer was given up too early")
	})

	texts := Prepare(s, "RT-KA-007", func(ctx context.Context, s *Site) []ending { return oftenAtOnce(ctx, s, silent) })
	It("is told so", s.Req("RT-KA-007/text"), Late, func(ctx SpecContext) {
		s.ExpectAllTold(joined(ctx, s, texts, peersOf), s.staleLimit(), "a peer that answers no PING is closed", "(?i)stale connection")
	})

	alive := Prepare(s, "RT-KA-008", func(ctx context.Context, s *Site) []ending { return s.outlive(ctx, silent) })
	It("is none whose peer answers every PING and says nothing else", s.Req("RT-KA-008/pong-only"), Late, func(ctx SpecContext) {
		both := joined(ctx, s, alive, peersOf)
		s.ExpectEnded(both[1], s.staleLimit(), "a peer that answers no PING is closed: only then can one that answers be seen to outlive it")
		Expect(both[0].err).NotTo(HaveOccurred(), "the peer that answered every PING, when another one had been closed for answering none")
	})
}

// outlive registers a peer that answers PINGs, then one that answers none, waits for the end of the second and fences
// the first.
func (s *Site) outlive(ctx context.Context, silent func(context.Context, *Site) ending) []ending {
	p, err := s.target.Join(ctx, "A", harness.Bystander())
	if err != nil {
		return []ending{{err: err}, {err: fmt.Errorf("not tried: %w", err)}}
	}
	other := silent(ctx, s)
	return []ending{{peer: p, err: p.Fence(ctx)}, other}
}

// oftenAtOnce does at the same time, closesToHear times, what makes the target close a connection.
func oftenAtOnce[T any](ctx context.Context, s *Site, do func(context.Context, *Site) T) []T {
	out := make([]T, closesToHear)
	done := make(chan struct{}, len(out))
	for i := range out {
		go func() {
			out[i] = do(ctx, s)
			done <- struct{}{}
		}()
	}
	for range out {
		<-done
	}
	return out
}

// ExpectAllTold wants each connection of oftenAtOnce to end within the limit, one at least with an -ERR, and each -ERR with a text
// that matches.
func (s *Suite) ExpectAllTold(all []ending, limit time.Duration, what, text string) {
	GinkgoHelper()
	var said []string
	for _, e := range all {
		s.ExpectEnded(e, limit, what)
		if e.closing.ErrText != "" {
			said = append(said, e.closing.ErrText)
		}
	}
	Expect(said).NotTo(BeEmpty(), untold)
	Expect(said).To(HaveEach(MatchRegexp(text)))
}

func peersOf(all []ending) []*harness.Peer {
	var peers []*harness.Peer
	for _, e := range all {
		peers = append(peers, e.peer)
	}
	return peers
}
