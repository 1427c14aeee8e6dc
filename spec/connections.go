package spec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// ofKind picks the operations of one kind.
func ofKind(seen []harness.Seen, kind wire.Kind) []harness.Seen {
	var out []harness.Seen
	for _, one := range seen {
		if one.Op.Kind == kind {
			out = append(out, one)
		}
	}
	return out
}

// connectWith is p's CONNECT, changed.
func connectWith(p *harness.Peer, edit func(*wire.ConnectBody)) wire.Op {
	body := p.Connect().ConnectBody.Clone()
	edit(body)
	return wire.NewConnect(body)
}

// ExpectCarries wants a route on which p has declared interest in "orders" to carry both directions: a message of a
// client, and the interest of one.
func (s *Suite) ExpectCarries(ctx context.Context, p *harness.Peer, c *harness.Client, why string) {
	GinkgoHelper()
	s.Publish(c, s.Subject("orders"), "", "m")
	s.Subscribe(c, s.Subject("news"))
	s.ClientToPeers(ctx, c, p)
	Expect(s.Own(p)).To(s.BeOps(s.msg("orders", "", "m"), wire.NewSub(s.Account(), s.Subject("news"))), why)
}

// ExpectPongs wants n PONGs among what p has seen since the mark: one for each PING that was sent since, fences
// included. The last fence must be behind a PING whose surplus answer is looked for.
func (s *Suite) ExpectPongs(p *harness.Peer, mark, n int) {
	GinkgoHelper()
	if got := len(ofKind(p.Since(mark), wire.Pong)); got != n {
		s.failWith(report.Failure{
			Message:  "each PING is answered by one PONG",
			Expected: []string{fmt.Sprintf("%d PONG", n)}, Got: fmt.Sprintf("%d PONG", got), Offset: -1,
		})
	}
}

// closesToHear is how many connections the target has to close before it counts as silent: a healthy server may lose the text
// in the close (seen 2.1.2, 10 of 300).
const closesToHear = 8

var untold = fmt.Sprintf("no -ERR before the close, on %d connections", closesToHear)

// told is the first -ERR that the target says before it closes; false: it never does. Refused opens a connection under the
// name and has it closed.
func told(refused func(name string) *harness.Peer) (harness.Seen, bool) {
	for i := range closesToHear {
		if said := ofKind(refused(string(rune('A'+i))).Seen(), wire.Err); len(said) > 0 {
			return said[0], true
		}
	}
	return harness.Seen{}, false
}

// ExpectTold wants the target to say an -ERR before it closes, as told has it, with a text that matches.
func (s *Suite) ExpectTold(refused func(name string) *harness.Peer, text string) {
	GinkgoHelper()
	said, ok := told(refused)
	Expect(ok).To(BeTrue(), untold)
	Expect(said.Op.ErrText()).To(MatchRegexp(text), "the text of the -ERR")
}

// complaining makes peers that are registered and have sent what the target closes for.
func (s *Suite) complaining(ctx context.Context, in string) func(name string) *harness.Peer {
	return func(name string) *harness.Peer {
		p := s.Join(ctx, name)
		_ = p.SendRaw([]byte(in), 0)
		s.ExpectClosed(ctx, p)
		return p
	}
}

// ExpectRejected wants the target to close a connection for its CONNECT, made with opts.
func (s *Suite) ExpectRejected(ctx context.Context, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p := s.Dial(ctx, name, opts...)
	s.Send(p, p.Connect())
	s.ExpectClosed(ctx, p)
	return p
}

// rejoin registers a peer under the id of one that has left. The target needs a moment to forget the old connection and
// until then refuses the new one as a duplicate: it is tried again while the target's patience lasts.
func (s *Suite) rejoin(ctx context.Context, left *harness.Peer, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	limited, cancel := context.WithTimeout(ctx, s.target.Patience())
	defer cancel()
	_, _ = left.Closed(limited) // the target has closed its side too
	for {
		p, err := s.target.Dial(limited, name, append(opts[:len(opts):len(opts)], harness.WithID(left.ID()))...)
		if err == nil {
			if err = p.Register(limited); err == nil {
				s.Adopt(p)
				return p
			}
			p.Leave()
		}
		var closed *harness.ClosedError
		if !errors.As(err, &closed) || limited.Err() != nil {
			s.fail(fmt.Sprintf("the target did not take the peer back under its old server_id within %v: %v", s.target.Patience().Round(time.Millisecond), err))
		}
	}
}

// joinPool registers a peer with one connection for each index of a pool of the target's size, under one server_id.
func (s *Suite) joinPool(ctx context.Context, opts ...harness.PeerOption) []*harness.Peer {
	GinkgoHelper()
	return s.joinPlaces(ctx, s.Info().RoutePoolSize, s.Info().RoutePoolSize, opts...)
}

// joinPlaces registers the first places, from index 0 on, of a peer whose pool has a size.
func (s *Suite) joinPlaces(ctx context.Context, places, size int, opts ...harness.PeerOption) []*harness.Peer {
	GinkgoHelper()
	pool := make([]*harness.Peer, places)
	for i := range pool {
		at := append(opts[:len(opts):len(opts)], harness.Pooled(size, i))
		if i > 0 {
			at = append(at, harness.WithID(pool[0].ID()))
		}
		pool[i] = s.Join(ctx, fmt.Sprintf("A%d", i), at...)
	}
	return pool
}

// refused is a peer whose INFO, made with opts, the target does not take: it closes.
func (s *Suite) refused(ctx context.Context, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p := s.Dial(ctx, name, opts...)
	s.Send(p, p.Connect(), p.OwnInfo())
	s.ExpectClosed(ctx, p)
	return p
}

// ExpectRefusal wants the target to refuse an INFO made with opts by an -ERR with a text that has all the parts.
func (s *Suite) ExpectRefusal(ctx context.Context, parts []string, opts ...harness.PeerOption) {
	GinkgoHelper()
	said, ok := told(func(name string) *harness.Peer { return s.refused(ctx, name, opts...) })
	Expect(ok).To(BeTrue(), untold)
	text := said.Op.ErrText()
	for _, part := range parts {
		Expect(strings.ToLower(text)).To(ContainSubstring(strings.ToLower(part)), "the text of the -ERR")
	}
}

// ending is how a connection ended that a future has watched.
type ending struct {
	peer    *harness.Peer // nil: no connection, see err
	closing harness.Closing
	err     error         // the target did not close it, or never took it in
	pings   int           // that the target had sent by then
	after   time.Duration // since before the dial
}

// watch opens a connection with open and waits for the target to close it, up to a limit. It asserts nothing: it is for
// futures.
func (s *Site) watch(ctx context.Context, limit time.Duration, open func(context.Context) (*harness.Peer, error)) ending {
	began := s.target.Since()
	p, err := open(ctx)
	if err != nil {
		return ending{err: err}
	}
	e := ending{peer: p}
	e.closing, e.err = p.Closed(harness.WithPatience(ctx, limit))
	e.pings = len(ofKind(p.Seen(), wire.Ping))
	e.after = e.closing.At - began
	return e
}

// joined waits for a future and makes the peers it used the spec's own.
func joined[T any](ctx context.Context, s *Suite, f *Future[T], peers func(T) []*harness.Peer) T {
	GinkgoHelper()
	value, ok := f.Await(ctx)
	Expect(ok).To(BeTrue(), "the run ended before what was waited for")
	for _, p := range peers(value) {
		if p != nil {
			s.Adopt(p)
		}
	}
	return value
}

func (e ending) peers() []*harness.Peer { return []*harness.Peer{e.peer} }

// ExpectEnded wants the watched connection to have been closed by the target within the limit.
func (s *Suite) ExpectEnded(e ending, limit time.Duration, what string) {
	GinkgoHelper()
	if e.err != nil {
		s.failWith(report.Failure{
			Message:  what,
			Expected: []string{"closed within " + limit.Round(time.Millisecond).String()}, Got: e.err.Error(), Offset: -1,
		})
	}
}
