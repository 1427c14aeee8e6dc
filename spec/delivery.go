package spec

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// ClientToPeers waits until everything that c has sent so far has taken effect on the route: what the target queued for
// the peers because of it is in Seen.
func (s *Suite) ClientToPeers(ctx context.Context, c *harness.Client, peers ...*harness.Peer) {
	GinkgoHelper()
	s.Flush(ctx, c)
	s.Fence(ctx, peers...)
}

// PeerToClients waits until everything that p has sent so far has taken effect on the client port: what the target
// queued for the clients because of it is in their subscriptions.
func (s *Suite) PeerToClients(ctx context.Context, p *harness.Peer, clients ...*harness.Client) {
	GinkgoHelper()
	s.Fence(ctx, p)
	s.Flush(ctx, clients...)
}

// AwaitOp waits for an operation that no fence brings: one that comes from another goroutine of a server.
func (s *Suite) AwaitOp(ctx context.Context, p *harness.Peer, op wire.Op, why string) {
	GinkgoHelper()
	_, err := p.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Equal(&op) })
	if err != nil {
		s.failWith(report.Failure{Message: why, Expected: []string{describe(&op)}, Got: listSeen(s.Own(p)) + "; " + err.Error(), Offset: -1})
	}
}

// Subscribe makes c subscribe to a subject, until the spec ends.
func (s *Suite) Subscribe(c *harness.Client, subject string) *harness.Subscription {
	GinkgoHelper()
	sub, err := c.Subscribe(subject)
	return untilTheEnd(sub, err)
}

// QueueSubscribe makes c a member of a queue group, until the spec ends.
func (s *Suite) QueueSubscribe(c *harness.Client, subject, queue string) *harness.Subscription {
	GinkgoHelper()
	sub, err := c.QueueSubscribe(subject, queue)
	return untilTheEnd(sub, err)
}

func untilTheEnd(sub *harness.Subscription, err error) *harness.Subscription {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred(), "the client could not subscribe")
	DeferCleanup(func() { _ = sub.Unsubscribe() }) // an error: the spec has ended it already
	return sub
}

// Unsubscribe ends subscriptions.
func (s *Suite) Unsubscribe(subs ...*harness.Subscription) {
	GinkgoHelper()
	for _, sub := range subs {
		Expect(sub.Unsubscribe()).To(Succeed(), "the client could not unsubscribe")
	}
}

// Publish makes c publish. An empty reply is none.
func (s *Suite) Publish(c *harness.Client, subject, reply string, payloads ...string) {
	GinkgoHelper()
	for _, payload := range payloads {
		if reply == "" {
			Expect(c.Publish(subject, []byte(payload))).To(Succeed(), "the client could not publish")
		} else {
			Expect(c.PublishRequest(subject, reply, []byte(payload))).To(Succeed(), "the client could not publish")
		}
	}
}

// delivery is a message that a client has got, or should have.
type delivery struct{ subject, reply, payload string }

func (d delivery) String() string {
	payload := d.payload
	if len(payload) > 60 {
		payload = fmt.Sprintf("%s… (%d bytes)", payload[:60], len(payload))
	}
	if d.reply == "" {
		return fmt.Sprintf("MSG %s %q", d.subject, payload)
	}
	return fmt.Sprintf("MSG %s %s %q", d.subject, d.reply, payload)
}

// Received is what a subscription has got so far, in order.
func (s *Suite) Received(sub *harness.Subscription) []delivery {
	var got []delivery
	for _, m := range sub.Messages() {
		got = append(got, delivery{m.Subject, m.Reply, string(m.Data)})
	}
	return got
}

// deliveryMatcher compares what a subscription has got. Like opsMatcher it hands a mismatch to the report.
type deliveryMatcher struct {
	suite *Suite
	want  []delivery
}

// BeMessages matches what Received returns: exactly these messages, in this order. None: nothing at all was delivered.
func (s *Suite) BeMessages(want ...delivery) types.GomegaMatcher { return &deliveryMatcher{s, want} }

// Match compares. It fails with an error only when the actual value is not what Received returns.
func (m *deliveryMatcher) Match(actual any) (bool, error) {
	got, ok := actual.([]delivery)
	if !ok {
		return false, fmt.Errorf("BeMessages looks at []delivery, not %T", actual)
	}
	return slices.Equal(got, m.want), nil
}

// FailureMessage words the mismatch and hands its parts to the report.
func (m *deliveryMatcher) FailureMessage(actual any) string { return m.message(actual, "") }

// NegatedFailureMessage is FailureMessage for NotTo.
func (m *deliveryMatcher) NegatedFailureMessage(actual any) string { return m.message(actual, "not ") }

func (m *deliveryMatcher) message(actual any, not string) string {
	got, _ := actual.([]delivery)
	f := m.suite.mismatch(not+listDeliveries(m.want), listDeliveries(got), not == "" && len(m.want) == 1 && len(got) == 1)
	return fmt.Sprintf("expected the subscriber to get %s, it got %s", f.Expected[0], f.Got)
}

func listDeliveries(ds []delivery) string {
	texts := make([]string, len(ds))
	for i := range ds {
		texts[i] = ds[i].String()
	}
	return orNothing(texts)
}

// numbered returns n payloads that differ.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%04d", i)
	}
	return out
}

// peerPayloads are the payloads of the spec's messages that p has got.
func (s *Suite) peerPayloads(p *harness.Peer) []string {
	var out []string
	for _, seen := range s.Own(p) {
		if seen.Op.Kind.IsMessage() {
			out = append(out, string(seen.Op.Data()))
		}
	}
	return out
}

// clientPayloads are the payloads that subscriptions have got.
func (s *Suite) clientPayloads(subs ...*harness.Subscription) []string {
	var out []string
	for _, sub := range subs {
		for _, m := range sub.Messages() {
			out = append(out, string(m.Data))
		}
	}
	return out
}

// ExpectOnceEach wants every payload sent at exactly one of the receivers, once. Why says what a server author should
// look at.
func (s *Suite) ExpectOnceEach(sent []string, why string, receivers ...[]string) {
	GinkgoHelper()
	count := make(map[string]int)
	for _, got := range receivers {
		for _, payload := range got {
			count[payload]++
		}
	}
	var wrong []string
	for _, payload := range sent {
		if count[payload] != 1 {
			wrong = append(wrong, fmt.Sprintf("%q %d times", payload, count[payload]))
		}
		delete(count, payload)
	}
	for payload, n := range count {
		wrong = append(wrong, fmt.Sprintf("%q, never sent, %d times", payload, n))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		s.failWith(report.Failure{
			Message:  why,
			Expected: []string{fmt.Sprintf("each of %d messages once", len(sent))}, Got: orNothing(wrong), Offset: -1,
		})
	}
}

// binomialBounds returns the least and the greatest number of successes in n tries of probability p that chance alone
// does not leave more often than alpha, both sides together.
func binomialBounds(n int, p, alpha float64) (lo, hi int) {
	mass := func(k int) float64 {
		choose := lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
		return math.Exp(choose + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	}
	hi = n
	for below := mass(lo); below <= alpha/2; below += mass(lo) {
		lo++
	}
	for above := mass(hi); above <= alpha/2; above += mass(hi) {
		hi--
	}
	return lo, hi
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}

// serverID is the id of a server that only specs tell the target about. Like a peer's it carries the run's nonce and is
// used once.
func (s *Suite) serverID(word string) string {
	id := "N" + strings.ToUpper(strings.ReplaceAll(s.now.prefix, ".", "X")+"X"+word)
	return id + strings.Repeat("A", max(0, 56-len(id)))
}
