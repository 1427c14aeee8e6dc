package spec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerSlow: peers that read late, or not at all, and peers that send slowly.
func registerSlow(s *Suite) {
	Describe("A peer that stops reading", func() {
		ended := Prepare(s, "RT-SLOW-001", func(ctx context.Context, s *Site) stall { return s.stallPeer(ctx) }).
			Also("RT-SLOW-002", "RT-SLOW-003", "RT-SLOW-004")
		slowReaderEnds(s, func(ctx context.Context) stall {
			GinkgoHelper()
			st := joined(ctx, s, ended, func(st stall) []*harness.Peer { return []*harness.Peer{st.slow, st.other} })
			Expect(st.err).NotTo(HaveOccurred(), "what led to it: two routes, clients, and a peer that stops reading")
			return st
		})
		slowReaderResumes(s)
	})
	Describe("A peer that sends slowly", func() { slowSender(s) })
}

const (
	slowPiece  = 64 << 10 // bytes of a message for a peer that does not read
	slowPieces = 384      // messages of that size: more than both systems keep for a connection
)

// stall is what was seen of a peer that stopped reading. It has interest in big messages, and a group of weight 9 whose
// other member is a client.
type stall struct {
	slow, other *harness.Peer
	err         error // it did not come so far

	open     error    // it was not closed
	served   error    // another route or a client was not served meanwhile
	toOther  []string // payloads at the other route
	toClient []string // and at a client
	sent     []string // that should be there, each once
	whole    bool     // after the end a client got every message of the group
}

// slowLimit is when a peer that takes no bytes has been closed at the latest. What buffers still take in delays it: a
// deadline is over when nothing at all could be written in its time.
func (s *Site) slowLimit() time.Duration { return 8*s.Settings().WriteDeadline + s.Patience() }

// stallPeer lets a peer stop reading, publishes more for it than buffers keep, and looks after the others until it is closed.
func (s *Site) stallPeer(ctx context.Context) (st stall) {
	word := "nr" + s.o.Nonce + ".slow."
	publisher, err1 := s.target.ConnectClient(ctx, "")
	c, err2 := s.target.ConnectClient(ctx, "")
	if st.err = errors.Join(err1, err2); st.err != nil {
		return st
	}
	defer publisher.Close()
	defer c.Close()
	orders, err1 := c.Subscribe(word + "orders")
	jobs, err2 := c.QueueSubscribe(word+"jobs", "q")
	if st.err = errors.Join(err1, err2, st.settle(ctx, s, word), c.Fence(ctx)); st.err != nil {
		return st
	}
	st.slow.StopReading()
	published := make(chan error, 1)
	go func() { published <- publishBig(publisher, word+"big", slowPieces) }()
	st.watch(ctx, s, c, word)
	st.slow.ResumeReading()
	st.err = <-published
	st.toOther, st.toClient = payloadsOn(st.other, word+"orders"), bodies(orders)
	st.whole = st.open == nil && s.groupIsLocal(ctx, c, word+"jobs", jobs)
	return st
}

// settle registers the two peers.
func (st *stall) settle(ctx context.Context, s *Site, word string) (err error) {
	if st.slow, err = s.target.Join(ctx, "A", harness.SmallReceiveBuffer()); err != nil {
		return err
	}
	if st.other, err = s.target.Join(ctx, "B"); err != nil {
		return err
	}
	return errors.Join(
		st.slow.Send(wire.NewSub(s.Account(), word+"big"), wire.NewQueueSub(s.Account(), word+"jobs", "q", 9)),
		st.other.Send(wire.NewSub(s.Account(), word+"orders")),
		st.slow.Fence(ctx), st.other.Fence(ctx),
	)
}

// watch looks after the others until the slow peer is closed, or should have been. The PONGs keep that one from being given
// up for stale.
func (st *stall) watch(ctx context.Context, s *Site, c *harness.Client, word string) {
	limit, pace := time.NewTimer(s.slowLimit()), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer pace.Stop()
	for round := 0; st.slow.Send(wire.NewPong()) == nil; round++ {
		st.serve(ctx, s, c, word, round)
		select {
		case <-pace.C:
		case <-limit.C:
			st.open = fmt.Errorf("it is still open after %v", s.slowLimit())
			return
		case <-ctx.Done():
			st.open = ctx.Err()
			return
		}
	}
}

// publishBig publishes n big messages. A client may be held up by a route that takes nothing, as long as that is open.
func publishBig(c *harness.Client, subject string, n int) error {
	for i := range n {
		if err := c.Publish(subject, slowPayload(i)); err != nil {
			return err
		}
	}
	return nil
}

// slowPayload is the i-th message. The first are small, so that a peer which stops to read has some of them whole.
func slowPayload(i int) []byte {
	const small, smallPiece = 16, 1 << 10
	size := slowPiece
	if i < small {
		size = smallPiece
	}
	return append([]byte(fmt.Sprintf("%06d", i)), strings.Repeat("x", size-6)...)
}

// serve sends a message from the client to the other route, and one back.
func (st *stall) serve(ctx context.Context, s *Site, c *harness.Client, word string, round int) {
	out, in := fmt.Sprintf("out%d", round), fmt.Sprintf("in%d", round)
	st.sent = append(st.sent, out, in)
	st.served = errors.Join(st.served,
		c.Publish(word+"orders", []byte(out)), c.Fence(ctx),
		st.other.Send(wire.NewMsg(s.Account(), word+"orders", "", []byte(in))), st.other.Fence(ctx), c.Fence(ctx),
	)
}

func payloadsOn(p *harness.Peer, subject string) (out []string) {
	for _, seen := range p.Seen() {
		if seen.Op.Kind.IsMessage() && string(seen.Op.Subject) == subject {
			out = append(out, string(seen.Op.Data()))
		}
	}
	return out
}

func bodies(sub *harness.Subscription) (out []string) {
	for _, m := range sub.Messages() {
		out = append(out, string(m.Data))
	}
	return out
}

// groupIsLocal publishes rounds of 20 messages to a group, while the target's patience lasts, until one arrives whole at the
// local member. While nine of ten members are elsewhere that happens by chance once in 10^20 times.
func (s *Site) groupIsLocal(ctx context.Context, c *harness.Client, subject string, local *harness.Subscription) bool {
	limited, cancel := context.WithTimeout(ctx, s.Patience())
	defer cancel()
	for limited.Err() == nil {
		const round = 20
		before := len(local.Messages())
		for range round {
			_ = c.Publish(subject, []byte("m"))
		}
		if c.Fence(limited) == nil && len(local.Messages()) == before+round {
			return true
		}
	}
	return false
}

// slowReaderEnds: a peer that takes no more bytes is given up, and nobody else.
func slowReaderEnds(s *Suite, ended func(context.Context) stall) {
	It("is closed when its write deadline is over", s.Req("RT-SLOW-001/closed"), Late, func(ctx SpecContext) {
		Expect(ended(ctx).open).NotTo(HaveOccurred(), "a peer that reads nothing, %d MiB of messages waiting for it, a write deadline of %v", slowPieces*slowPiece>>20, s.Settings().WriteDeadline)
	})

	It("keeps no other route and no client from being served, before it is closed and after", s.Req("RT-SLOW-002/others"), Late, func(ctx SpecContext) {
		st := ended(ctx)
		Expect(st.served).NotTo(HaveOccurred(), "fences of another route and of a client while the peer does not read")
		outs := slices.DeleteFunc(slices.Clone(st.sent), func(payload string) bool { return !strings.HasPrefix(payload, "out") })
		s.ExpectOnceEach(outs, "messages of a client reach another route once", st.toOther)
		s.ExpectOnceEach(st.sent, "messages of a client and of another route reach a client once", st.toClient)
	})

	It("has no interest any more when it is closed", s.Req("RT-SLOW-003/interest"), Late, func(ctx SpecContext) {
		st := ended(ctx)
		Expect(st.open).NotTo(HaveOccurred(), "a peer that reads nothing is closed")
		Expect(st.whole).To(BeTrue(), "messages of a group that it had members of, all at the member that is left")
	})

	It("has got the beginning of what was sent to it, in order", s.Req("RT-SLOW-004/beginning"), Late, func(ctx SpecContext) {
		st := ended(ctx)
		_, err := st.slow.Closed(ctx)
		Expect(err).NotTo(HaveOccurred(), "the end of the connection, behind what had been sent")
		got := payloadsOn(st.slow, "nr"+s.o.Nonce+".slow.big")
		Expect(got).NotTo(BeEmpty(), "messages that came before the peer's buffers were full")
		ExpectSlowPayloads(got)
	})
}

// ExpectSlowPayloads wants the messages of publishBig from the first on, each whole and in its place.
func ExpectSlowPayloads(got []string) {
	GinkgoHelper()
	for i, payload := range got {
		Expect(payload[:min(len(payload), 6)]).To(Equal(fmt.Sprintf("%06d", i)), "the number at the beginning of message %d of %d that came", i+1, len(got))
		Expect(payload == string(slowPayload(i))).To(BeTrue(), "message %d, %d bytes long, as it was published", i+1, len(payload))
	}
}

func slowReaderResumes(s *Suite) {
	It("and reads on soon has lost nothing", s.Req("RT-SLOW-005/resumed"), func(ctx SpecContext) {
		const few = slowPieces / 3
		p, other, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.Client(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("big")))
		s.Fence(ctx, p)
		p.StopReading()
		published := make(chan error, 1)
		go func() { published <- publishBig(c, s.Subject("big"), few) }()
		for range 20 {
			s.Fence(ctx, other)
		}
		p.ResumeReading()
		Expect(<-published).To(Succeed(), "a client that publishes while a peer does not read")
		s.ClientToPeers(ctx, c, p)
		got := s.peerPayloads(p)
		Expect(got).To(HaveLen(few), "messages that were published while the peer did not read, and after")
		ExpectSlowPayloads(got)
	})
}

// dribble is what was seen of a peer that sent a message byte by byte.
type dribble struct {
	slow, other *harness.Peer
	err         error // it did not come so far
	early       int   // deliveries of the message before its last byte
	served      error // another route or a client was not served meanwhile
	fenced      error // of the slow peer, at the end
	got         []string
}

// dribbleTime is how long a message takes byte by byte: well below the time in which a PONG has to come, which cannot be sent
// in between.
const dribbleTime = 600 * time.Millisecond

// dribbleMessage sends a message byte by byte while another peer and a client go on.
func (s *Site) dribbleMessage(ctx context.Context) (d dribble) {
	word := "nr" + s.o.Nonce + ".dribble."
	c, err := s.target.ConnectClient(ctx, "")
	if err != nil {
		d.err = err
		return d
	}
	defer c.Close()
	sub, err := c.Subscribe(word + "orders")
	if err == nil {
		d.slow, err = s.target.Join(ctx, "A", harness.Bystander())
	}
	if err == nil {
		d.other, err = s.target.Join(ctx, "B", harness.Bystander())
	}
	if d.err = errors.Join(err, c.Fence(ctx)); d.err != nil {
		return d
	}
	line := fmt.Appendf(nil, "RMSG %s %sorders 5\r\nhello\r\n", s.Account(), word)
	last := len(line) - 1
	pace := dribbleTime / time.Duration(len(line))
	d.slow.HoldPongs(true)
	done := make(chan error, 1)
	go func() { done <- d.slow.SendSlowly(ctx, line[:last], pace, 0) }()
	for sending := true; sending; {
		d.served = errors.Join(d.served, d.other.Fence(ctx), c.Fence(ctx))
		select {
		case d.err = <-done:
			sending = false
		case <-time.After(pace):
		}
	}
	d.early = len(sub.Messages())
	d.err = errors.Join(d.err, d.slow.SendRaw(line[last:], 0))
	d.slow.HoldPongs(false)
	d.fenced = d.slow.Fence(ctx)
	_ = c.Fence(ctx)
	d.got = bodies(sub)
	return d
}

func slowSender(s *Suite) {
	sent := Prepare(s, "RT-SLOW-006", func(ctx context.Context, s *Site) dribble { return s.dribbleMessage(ctx) }).Also("RT-SLOW-007")
	slowly := func(ctx context.Context) dribble {
		GinkgoHelper()
		d := joined(ctx, s, sent, func(d dribble) []*harness.Peer { return []*harness.Peer{d.slow, d.other} })
		Expect(d.err).NotTo(HaveOccurred(), "two routes, a client, and a message sent byte by byte")
		return d
	}

	It("is read when its message is complete", s.Req("RT-SLOW-006/delivered"), Late, func(ctx SpecContext) {
		d := slowly(ctx)
		Expect(d.early).To(Equal(0), "deliveries before the last byte")
		Expect(d.fenced).NotTo(HaveOccurred(), "the slow peer's PING behind the message")
		Expect(d.got).To(Equal([]string{"hello"}), "the message, at a client")
	})

	It("holds nobody up", s.Req("RT-SLOW-007/others"), Late, func(ctx SpecContext) {
		Expect(slowly(ctx).served).NotTo(HaveOccurred(), "fences of another route and of a client while the message came byte by byte")
	})
}
