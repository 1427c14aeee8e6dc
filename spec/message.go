package spec

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/reference/wire"
)

// registerMessage: RMSG, from clients to a peer and from a peer to clients.
func registerMessage(s *Suite) {
	Describe("A client's message", func() {
		messageToPeer(s)
		messageInterest(s)
		messageToMany(s)
	})
	Describe("A peer's message", func() {
		messageToClient(s)
		messageFraming(s)
		messageDropped(s)
	})
	Describe("Messages both ways", func() { messageBothWays(s) })
	Describe("Payloads", func() { messageSizes(s) })
	Describe("A message", func() { messageSubjects(s) })
}

// msg is an RMSG on a subject of this spec in our client's account.
func (s *Suite) msg(tokens, reply, payload string) wire.Op {
	return wire.NewMsg(s.Account(), s.Subject(tokens), reply, []byte(payload))
}

// expectPublished declares interest in "orders" as a peer and publishes there as a client: exactly one RMSG is right.
func (s *Suite) expectPublished(ctx SpecContext, reply, payload, why string) {
	GinkgoHelper()
	p, c := s.Join(ctx, "A"), s.witness(ctx)
	s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
	s.Fence(ctx, p)
	s.Publish(c, s.Subject("orders"), reply, payload)
	s.ClientToPeers(ctx, c, p)
	Expect(s.Own(p)).To(s.BeOps(s.msg("orders", reply, payload)), why)
}

// expectDelivered subscribes to "orders" as a client, sends an RMSG there as a peer: exactly one message is right.
func (s *Suite) expectDelivered(ctx SpecContext, reply, payload, why string) {
	GinkgoHelper()
	p, c := s.Join(ctx, "A"), s.witness(ctx)
	sub := s.Subscribe(c, s.Subject("orders"))
	s.Flush(ctx, c)
	s.Send(p, s.msg("orders", reply, payload))
	s.PeerToClients(ctx, p, c)
	Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), reply, payload}), why)
}

func messageToPeer(s *Suite) {
	It("comes as one RMSG with account, subject, size and payload", s.Req("RT-MSG-001/plain"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", "hello", "a client published where the peer has interest")
	})
	It("keeps its reply subject", s.Req("RT-MSG-002/reply"), func(ctx SpecContext) {
		s.expectPublished(ctx, s.Subject("reply.1"), "hello", "the reply subject stands behind the subject")
	})
	It("may be empty", s.Req("RT-MSG-005/empty"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", "", "size 0, and the line end of the payload all the same")
	})
	It("may be empty with a reply subject", s.Req("RT-MSG-005/empty-with-reply"), func(ctx SpecContext) {
		s.expectPublished(ctx, s.Subject("reply.1"), "", "size 0, and the line end of the payload all the same")
	})
}

func messageInterest(s *Suite) {
	It("comes once to a peer with several entries that match", s.Req("RT-MSG-003/overlapping"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		for _, tokens := range []string{"orders.new", "orders.*", "*.new", "orders.>", ">"} {
			s.Send(p, wire.NewSub(s.Account(), s.Subject(tokens)))
		}
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders.new"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.msg("orders.new", "", "m")), "one RMSG a route, whatever number of its entries match")
	})

	It("does not come to a peer without interest in it", s.Req("RT-MSG-004/other-subject"), func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Send(a, wire.NewSub(s.Account(), s.Subject("wanted")))
		s.Fence(ctx, a)
		s.Publish(c, s.Subject("unwanted"), "", "m")
		s.Publish(c, s.Subject("wanted"), "", "m")
		s.ClientToPeers(ctx, c, a, b)
		Expect(s.Own(a)).To(s.BeOps(s.msg("wanted", "", "m")), "a route gets what it has asked for")
		Expect(s.Own(b)).To(s.BeOps(), "this route has asked for nothing")
	})
}

func messageToClient(s *Suite) {
	It("reaches a subscriber once, subject and payload unchanged", s.Req("RT-MSG-006/raw"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		_ = p.SendRaw([]byte("RMSG "+s.Account()+" "+s.Subject("orders")+" 5\r\nhello\r\n"), 0)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hello"}), "an RMSG for a local subscriber")
	})
	It("keeps its reply subject", s.Req("RT-MSG-007/reply"), func(ctx SpecContext) {
		s.expectDelivered(ctx, s.Subject("reply.1"), "hello", "the reply subject stands behind the subject")
	})
	It("may be empty", s.Req("RT-MSG-008/empty"), func(ctx SpecContext) {
		s.expectDelivered(ctx, "", "", "an RMSG of size 0 is a message")
	})
	It("may be empty with a reply subject", s.Req("RT-MSG-008/empty-with-reply"), func(ctx SpecContext) {
		s.expectDelivered(ctx, s.Subject("reply.1"), "", "an RMSG of size 0 is a message")
	})

	It("reaches every plain subscription that matches, once each", s.Req("RT-MSG-009/overlapping"), func(ctx SpecContext) {
		p, c, other := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
		exact, again := s.Subscribe(c, s.Subject("orders.new")), s.Subscribe(c, s.Subject("orders.new"))
		star, tail := s.Subscribe(other, s.Subject("*.new")), s.Subscribe(other, s.Subject("orders.>"))
		missed := s.Subscribe(other, s.Subject("orders.*.new"))
		s.Flush(ctx, c, other)
		s.Send(p, s.msg("orders.new", "", "m"))
		s.PeerToClients(ctx, p, c, other)
		want := delivery{s.Subject("orders.new"), "", "m"}
		Expect(s.Received(exact)).To(s.BeMessages(want), "a subscription to the subject")
		Expect(s.Received(again)).To(s.BeMessages(want), "a second subscription of the same client")
		Expect(s.Received(star)).To(s.BeMessages(want), "a subscription with *")
		Expect(s.Received(tail)).To(s.BeMessages(want), "a subscription with >")
		Expect(s.Received(missed)).To(s.BeMessages(), "a subscription that does not match")
	})
}

// lookalike is data that a parser which reads payloads would take for line ends and operations.
const lookalike = "\r\nPING\r\n-ERR 'x'\r\nRMSG $G a 1\r\nb\r\n\n\r"

func messageFraming(s *Suite) {
	It("ends where its size says, not at what looks like an end", s.Req("RT-MSG-010/to-client"), func(ctx SpecContext) {
		s.expectDelivered(ctx, "", lookalike, "a payload is counted, never read")
	})
	It("ends where its size says when a client sent it", s.Req("RT-MSG-010/to-peer"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", lookalike, "a payload is counted, never read")
	})

	It("takes what follows as payload until its size is reached", s.Req("RT-MSG-013/counted"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		mark := p.Mark()
		p.HoldPongs(true)
		_ = p.SendRaw([]byte("RMSG "+s.Account()+" "+s.Subject("orders")+" 14\r\nabPING\r\nPING\r\n"), 0)
		_ = p.SendRaw([]byte("\r\n"), 0)
		p.HoldPongs(false)
		s.Fence(ctx, p)
		s.Fence(ctx, p)           // a PONG too many for the first fence would satisfy it too early
		s.ExpectPongs(p, mark, 2) // of the two fences: the PINGs inside the payload are data
	})

	It("is delivered when its last byte has come, not before", s.Req("RT-MSG-013/complete"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p.HoldPongs(true)
		_ = p.SendRaw([]byte("RMSG "+s.Account()+" "+s.Subject("orders")+" 8\r\nhell"), 0)
		s.Flush(ctx, c)
		_ = p.SendRaw([]byte("o\r\n!"), 0)
		s.Flush(ctx, c)
		Expect(s.Received(sub)).To(s.BeMessages(), "a message whose line end has not come yet")
		_ = p.SendRaw([]byte("\r\n"), 0)
		p.HoldPongs(false)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hello\r\n!"}), "the message, complete")
	})

	unterminated := func(word, text, after string) {
		It("is not delivered when "+text, s.Req("RT-MSG-014/"+word), NeedsClient, func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			sub := s.Subscribe(c, s.Subject("orders"))
			s.Flush(ctx, c)
			_ = p.SendRaw([]byte("RMSG "+s.Account()+" "+s.Subject("orders")+" 5\r\nhello"+after), 0)
			s.ExpectClosed(ctx, p)
			s.Flush(ctx, c)
			Expect(s.Received(sub)).To(s.BeMessages(), "the payload did not end as its size says")
		})
	}
	unterminated("longer", "its payload goes on behind its size", "xx\r\n")
	unterminated("bare-lf", "its payload ends in a bare LF", "\nPING\r\n")
	unterminated("cr-other", "its payload ends in CR and another byte", "\rx\r\n")

	It("closes the route when its payload is not followed by CR LF", s.Req("RT-MSG-014/closed"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		_ = p.SendRaw([]byte("RMSG "+s.Account()+" "+s.Subject("orders")+" 5\r\nhelloxx\r\n"), 0)
		s.ExpectClosed(ctx, p)
	})
}

func messageDropped(s *Suite) {
	It("is dropped when nobody is interested", s.Req("RT-MSG-015/no-interest"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, s.msg("nobody", "", "m"), wire.NewQueueMsg(s.Account(), s.Subject("nobody"), s.Subject("reply"), []string{"q"}, []byte("m")))
		s.ExpectOpen(ctx, p)
	})

	It("is dropped when the target has no such account", s.Req("RT-MSG-016/open"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, wire.NewMsg(unknownAccount, s.Subject("orders"), "", []byte("m")))
		s.ExpectOpen(ctx, p)
	})

	It("reaches no other account when the target has no such account", s.Req("RT-MSG-016/no-delivery"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, wire.NewMsg(unknownAccount, s.Subject("orders"), "", []byte("astray")), s.msg("orders", "", "m"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "m"}), "only the message of the subscriber's account")
	})
}

func messageBothWays(s *Suite) {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	It("carry every byte value to a client", s.Req("RT-MSG-011/to-client"), func(ctx SpecContext) {
		s.expectDelivered(ctx, "", string(all[:]), "a payload of all byte values")
	})
	It("carry every byte value to a peer", s.Req("RT-MSG-011/to-peer"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", string(all[:]), "a payload of all byte values")
	})
	It("carry the largest payload to a client", s.Req("RT-MSG-012/to-client"), func(ctx SpecContext) {
		s.expectDelivered(ctx, "", s.largest(), "a payload as large as max_payload, or 1 MiB")
	})
	It("carry the largest payload to a peer", s.Req("RT-MSG-012/to-peer"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", s.largest(), "a payload as large as max_payload, or 1 MiB")
	})

	It("carry a request to a peer and its answer back", s.Req("RT-MSG-017/request"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("service")))
		s.Fence(ctx, p)
		answers := s.Subscribe(c, s.Subject("inbox.1"))
		s.Publish(c, s.Subject("service"), s.Subject("inbox.1"), "question")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("inbox.1")),
			s.msg("service", s.Subject("inbox.1"), "question"),
		), "the requester's interest in the answer, then the request")

		s.Send(p, s.msg("inbox.1", "", "answer"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(answers)).To(s.BeMessages(delivery{s.Subject("inbox.1"), "", "answer"}), "the answer at the requester")
	})

	const high = "\x80\xfeé世"
	It("keep bytes above 127 in subject and reply to a peer", s.Req("RT-MSG-018/to-peer"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject(high)))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject(high), s.Subject("reply."+high), "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.msg(high, s.Subject("reply."+high), "m")), "bytes above 127 are like any other")
	})
	It("keep bytes above 127 in subject and reply to a client", s.Req("RT-MSG-018/to-client"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject(high))
		s.Flush(ctx, c)
		s.Send(p, s.msg(high, s.Subject("reply."+high), "m"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject(high), s.Subject("reply." + high), "m"}), "bytes above 127 are like any other")
	})
}

// largest is a payload of the size that the target announces as its largest, at most 1 MiB.
func (s *Suite) largest() string {
	GinkgoHelper()
	size := min(int(s.Info().MaxPayload), 1<<20)
	if size <= 0 {
		s.NotApplicable("the target announces no max_payload")
	}
	return s.random(size)
}
