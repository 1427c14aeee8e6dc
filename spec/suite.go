package spec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// Suite is what specs talk to: the target, the register, and what belongs to the spec that is running. Specs run one
// after the other, so none of it is locked.
type Suite struct {
	*Site // where the running spec runs

	o       Options
	ctx     context.Context // the run's; ends it early
	corpus  *corpus.Corpus
	sites   []*Site // the first one is the operator's target
	futures []future
	stop    context.CancelFunc // ends the futures
	waiting sync.WaitGroup     // for the futures
	counter int                // of specs, for subjects
	now     current
	report  *report.Report

	again       bool // the running spec runs a second time, for the target died during the first and came back
	interrupted bool
}

// current belongs to the running spec.
type current struct {
	entry   CatalogEntry
	since   time.Duration // when it began, on the target's clock of transcripts
	prefix  string
	rand    *rand.Rand
	peers   []*harness.Peer
	status  report.Status // set when the spec ends without a judgement: not_tested, not_applicable
	reason  string
	value   string
	death   string           // how the target ended during the spec, where that is the spec's doing
	verdict types.SpecReport // what Ginkgo said of the first attempt, if that failed
	failure *report.Failure
}

// Rand is the spec's own source of data, the same for the same seed.
func (s *Suite) Rand() *rand.Rand { return s.now.rand }

// Subject returns a subject that no other spec, run or user of the target has: the spec's prefix and the tokens given.
func (s *Suite) Subject(tokens string) string { return s.now.prefix + "." + tokens }

// Join opens a registered peer: all of the target's initial interest has been read. Leaving is deferred.
func (s *Suite) Join(ctx context.Context, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p := s.Dial(ctx, name, opts...)
	if err := p.Register(ctx); err != nil {
		s.fail(fmt.Sprintf("the target did not register peer %s: %v", name, err))
	}
	return p
}

// Dial opens a route connection and reads the target's INFO; nothing has been sent. Leaving is deferred.
func (s *Suite) Dial(ctx context.Context, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p, err := s.target.Dial(ctx, name, opts...)
	if err != nil {
		s.fail(fmt.Sprintf("peer %s got no INFO from the target: %v", name, err))
	}
	s.Adopt(p)
	return p
}

// Adopt makes a peer part of the running spec: its transcript is kept, its leaving deferred.
func (s *Suite) Adopt(p *harness.Peer) {
	s.now.peers = append(s.now.peers, p)
	DeferCleanup(p.Leave)
}

// Client opens a client connection in the account of Means.Client. Closing is deferred.
func (s *Suite) Client(ctx context.Context, opts ...harness.ClientOption) *harness.Client {
	GinkgoHelper()
	return s.AccountClient(ctx, "", opts...)
}

// AccountClient opens a client connection in a named account.
func (s *Suite) AccountClient(ctx context.Context, account string, opts ...harness.ClientOption) *harness.Client {
	GinkgoHelper()
	c, err := s.target.ConnectClient(ctx, account, opts...)
	if err != nil {
		s.fail(fmt.Sprintf("no client connection: %v", err))
	}
	DeferCleanup(c.Close)
	return c
}

// witness is a client that all specs share which need no more than one: its subscriptions end with each spec.
func (s *Suite) witness(ctx context.Context) *harness.Client {
	GinkgoHelper()
	if s.shared == nil || s.shared.Closed() {
		c, err := s.target.ConnectClient(ctx, "")
		if err != nil {
			s.fail(fmt.Sprintf("no client connection: %v", err))
		}
		s.shared = c
	}
	return s.shared
}

// Listener opens a listener that the target can be told to dial. Closing is deferred.
func (s *Suite) Listener(ctx context.Context) *harness.Listener {
	GinkgoHelper()
	l, err := s.target.NewListener(ctx)
	if err != nil {
		s.fail(fmt.Sprintf("no listener: %v", err))
	}
	DeferCleanup(l.Close)
	return l
}

// Dialled waits for the target to dial l. Leaving is deferred.
func (s *Suite) Dialled(ctx context.Context, l *harness.Listener, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	p, err := l.Accept(ctx, name, opts...)
	if err != nil {
		s.fail(fmt.Sprintf("the target did not dial: %v", err))
	}
	s.Adopt(p)
	return p
}

// Own returns what the target sent to p on subjects of this spec: interest and messages. Everything else on a route
// (the system account's, other clients', keep-alive, INFO) is not the spec's business.
func (s *Suite) Own(p *harness.Peer) []harness.Seen {
	var own []harness.Seen
	for _, seen := range p.Seen() {
		if strings.HasPrefix(string(seen.Op.Subject), s.now.prefix+".") {
			own = append(own, seen)
		}
	}
	return own
}

// Fence fences each peer in turn: all that the target had queued for it is in Seen. A close fails the spec.
func (s *Suite) Fence(ctx context.Context, peers ...*harness.Peer) {
	GinkgoHelper()
	for _, p := range peers {
		if err := p.Fence(ctx); err != nil {
			s.fail(fmt.Sprintf("peer %s got no PONG for its PING: %v", p.Name(), err))
		}
	}
}

// Flush is the client's fence.
func (s *Suite) Flush(ctx context.Context, clients ...*harness.Client) {
	GinkgoHelper()
	for _, c := range clients {
		Expect(c.Fence(ctx)).To(Succeed(), "the target's client port answered no PING")
	}
}

// Send writes operations. A write that fails because the target has closed is not an error here: the look that follows
// tells.
func (s *Suite) Send(p *harness.Peer, ops ...wire.Op) { _ = p.Send(ops...) }

// ExpectOpen fences p and fails if the target closed it or said -ERR since mark 0.
func (s *Suite) ExpectOpen(ctx context.Context, p *harness.Peer) {
	GinkgoHelper()
	s.Fence(ctx, p)
	for _, seen := range p.Seen() {
		if seen.Op.Kind == wire.Err {
			s.failWith(report.Failure{
				Message:  "the target complained and kept the connection open",
				Expected: []string{"the connection stays open, no -ERR"}, Got: seen.Op.String(), Offset: -1,
			})
		}
	}
}

// ExpectClosed wants the target to close p. Texts are the -ERR texts allowed, as case-insensitive parts: they are
// checked only if an -ERR arrived, since it may be lost in the close. Without texts any -ERR or none is allowed, but not one
// that says that the target had waited for more.
func (s *Suite) ExpectClosed(ctx context.Context, p *harness.Peer, texts ...string) harness.Closing {
	GinkgoHelper()
	limited, cancel := context.WithTimeout(ctx, s.refusalLimit())
	defer cancel()
	closing, err := p.Closed(limited)
	if err != nil {
		s.failWith(report.Failure{
			Message:  "the target kept the connection open",
			Expected: closings(texts), Got: "open after " + min(s.refusalLimit(), s.target.Patience()).Round(time.Millisecond).String(), Offset: -1,
		})
	}
	if len(texts) == 0 && containsAny(closing.ErrText, gaveUp) {
		s.failWith(report.Failure{
			Message:  "the target kept the connection open, and gave it up later for another reason",
			Expected: closings(texts), Got: "-ERR '" + closing.ErrText + "', closed", Offset: -1,
		})
	}
	if closing.ErrText != "" && len(texts) > 0 && !containsAny(closing.ErrText, texts) {
		s.failWith(report.Failure{
			Message:  "the target closed the connection with another -ERR",
			Expected: closings(texts), Got: "-ERR '" + closing.ErrText + "', closed", Offset: -1,
		})
	}
	return closing
}

// refusalLimit is how long a refusal may take. A target that refuses nothing gives a connection up some time after, as stale: that
// must not be taken for a refusal.
func (s *Suite) refusalLimit() time.Duration {
	set, limit := s.Settings(), s.target.Patience()
	if stale := set.PingInterval * time.Duration(set.PingMax+1); stale > 0 {
		limit = min(limit, stale*5/6)
	}
	return limit
}

// gaveUp are parts of the -ERR by which a target ends a connection on which too little comes. That is no refusal.
var gaveUp = []string{"stale connection", "authentication timeout"}

func closings(texts []string) []string {
	if len(texts) == 0 {
		return []string{"the connection is closed"}
	}
	var out []string
	for _, t := range texts {
		out = append(out, "-ERR '…"+t+"…', closed")
	}
	return append(out, "closed, the -ERR lost in the close")
}

func containsAny(text string, parts []string) bool {
	text = strings.ToLower(text)
	for _, p := range parts {
		if strings.Contains(text, strings.ToLower(p)) {
			return true
		}
	}
	return false
}

// Observe records which way the target goes, for a MAY.
func (s *Suite) Observe(value string) { s.now.value = value }

// NotTested ends the spec: it could not be judged, for the reason word given.
func (s *Suite) NotTested(reason string) { s.end(report.NotTested, reason) }

// NotApplicable ends the spec: it says nothing about this target, for the reason given.
func (s *Suite) NotApplicable(why string) { s.end(report.NotApplicable, why) }

func (s *Suite) end(status report.Status, reason string) {
	s.now.status, s.now.reason = status, reason
	Skip(reason)
}

func (s *Suite) fail(message string) {
	GinkgoHelper()
	s.failWith(report.Failure{Message: message, Offset: -1})
}

func (s *Suite) failWith(f report.Failure) {
	GinkgoHelper()
	s.now.failure = &f
	Fail(f.Message)
}
