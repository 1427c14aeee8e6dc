package spec

import (
	"bytes"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/reference/wire"
)

// registerOrder: what comes first stays first.
func registerOrder(s *Suite) {
	Describe("Order of messages", func() {
		messagesInOrder(s)
		messagesAcross(s)
	})
	Describe("Order of interest", func() { interestInOrder(s) })
	Describe("One segment", func() { oneSegment(s) })
}

func messagesInOrder(s *Suite) {
	It("is kept from a peer to a subscriber", s.Req("RT-ORD-001/two-subjects"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		all := s.Subscribe(c, s.Subject("orders.*"))
		s.Flush(ctx, c)
		var sent []wire.Op
		var want []delivery
		for i, payload := range numbered(200) {
			subject := s.Subject(fmt.Sprintf("orders.%d", i%2))
			sent = append(sent, wire.NewMsg(s.Account(), subject, "", []byte(payload)))
			want = append(want, delivery{subject, "", payload})
		}
		s.Send(p, sent...)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(all)).To(s.BeMessages(want...), "messages of one route connection")
	})

	It("is kept from a client to a peer", s.Req("RT-ORD-002/two-subjects"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("orders.*")))
		s.Fence(ctx, p)
		var want []wire.Op
		for i, payload := range numbered(200) {
			subject := s.Subject(fmt.Sprintf("orders.%d", i%2))
			s.Publish(c, subject, "", payload)
			want = append(want, wire.NewMsg(s.Account(), subject, "", []byte(payload)))
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), "messages of one client")
	})
}

// messagesAcross: streams that could stand in each other's way.
func messagesAcross(s *Suite) {
	It("is kept while messages stream both ways at once", s.Req("RT-ORD-007/both-ways"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("to.peer")))
		sub := s.Subscribe(c, s.Subject("to.client"))
		s.ClientToPeers(ctx, c, p)
		mark := p.Mark()
		sent := numbered(2000)
		done := make(chan error, 1)
		go func() {
			for _, payload := range sent {
				if err := p.Send(s.msg("to.client", "", payload)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		s.Publish(c, s.Subject("to.peer"), "", sent...)
		Expect(<-done).To(Succeed(), "a peer that sends while the target does")
		s.PeerToClients(ctx, p, c)
		s.Fence(ctx, p)
		Expect(s.clientPayloads(sub)).To(Equal(sent), "messages of the peer at a subscriber")
		var got []string
		for _, seen := range p.Since(mark) {
			if string(seen.Op.Subject) == s.Subject("to.peer") {
				got = append(got, string(seen.Op.Data()))
			}
		}
		Expect(got).To(Equal(sent), "messages of the client at the peer")
	})

	It("is kept among messages with headers and without", s.Req("RT-ORD-008/to-client"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		sent := numbered(100)
		for i, payload := range sent {
			if i%2 == 0 {
				s.Send(p, s.msg("orders", "", payload))
			} else {
				s.Send(p, s.hmsg("", payload))
			}
		}
		s.PeerToClients(ctx, p, c)
		Expect(s.clientPayloads(sub)).To(Equal(sent), "RMSG and HMSG in turn")
	})
}

func interestInOrder(s *Suite) {
	It("lets interest take effect before the PONG to a PING behind it", s.Req("RT-ORD-003/fenced"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		var interest, want []wire.Op
		for i := range 50 {
			subject := s.Subject(fmt.Sprintf("orders.%d", i))
			interest = append(interest, wire.NewSub(s.Account(), subject))
			want = append(want, wire.NewMsg(s.Account(), subject, "", []byte("m")))
		}
		s.Send(p, interest...)
		s.Fence(ctx, p)
		for _, op := range want {
			s.Publish(c, string(op.Subject), "", "m")
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), "publishes right after the PONG")
	})

	It("puts RS+ for a reply subject before the request", s.Req("RT-ORD-004/request"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("service")))
		s.Fence(ctx, p)
		s.Subscribe(c, s.Subject("inbox"))
		s.Publish(c, s.Subject("service"), s.Subject("inbox"), "request")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("inbox")),
			wire.NewMsg(s.Account(), s.Subject("service"), s.Subject("inbox"), []byte("request")),
		), "a responder that answers at once must find the interest in the reply")
	})

	It("is that of the client's SUB and UNSUB", s.Req("RT-ORD-005/in-turn"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		var want []wire.Op
		for range 20 {
			s.Unsubscribe(s.Subscribe(c, s.Subject("orders")))
			want = append(want, wire.NewSub(s.Account(), s.Subject("orders")), wire.NewUnsub(s.Account(), s.Subject("orders")))
		}
		s.Subscribe(c, s.Subject("orders"))
		want = append(want, wire.NewSub(s.Account(), s.Subject("orders")))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), "one client's SUB and UNSUB of one subject")
	})
}

func oneSegment(s *Suite) {
	It("with many operations is processed whole and in order", s.Req("RT-ORD-006/mixed"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		orders := s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, p)
		mark := p.Mark()
		_ = p.SendRaw(bytes.Join([][]byte{
			fmt.Appendf(nil, "RS+ %s %s\r\n", s.Account(), s.Subject("ended")),
			fmt.Appendf(nil, "RMSG %s %s 5\r\nfirst\r\nPING\r\n", s.Account(), s.Subject("orders")),
			fmt.Appendf(nil, "RS+ %s %s\r\nPONG\r\n", s.Account(), s.Subject("kept")),
			fmt.Appendf(nil, "RS- %s %s\r\n", s.Account(), s.Subject("ended")),
			fmt.Appendf(nil, "RMSG %s %s 6\r\nsecond\r\nPING\r\n", s.Account(), s.Subject("orders")),
		}, nil), 2)
		s.PeerToClients(ctx, p, c)
		s.Publish(c, s.Subject("ended"), "", "lost")
		s.Publish(c, s.Subject("kept"), "", "m")
		s.ClientToPeers(ctx, c, p)

		s.ExpectPongs(p, mark, 4)
		Expect(s.Received(orders)).To(s.BeMessages(
			delivery{s.Subject("orders"), "", "first"}, delivery{s.Subject("orders"), "", "second"},
		), "the two messages in the segment")
		Expect(p.Since(mark)).To(s.ContainOp(wire.NewMsg(s.Account(), s.Subject("kept"), "", []byte("m"))), "interest declared in the segment")
		Expect(p.Since(mark)).NotTo(s.ContainOp(wire.NewMsg(s.Account(), s.Subject("ended"), "", []byte("lost"))), "interest declared and ended in the segment")
	})
}
