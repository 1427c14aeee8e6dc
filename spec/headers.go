package spec

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerHeaders: HMSG, for a target that announces headers.
func registerHeaders(s *Suite) {
	Describe("A client's message with headers", func() { headersToPeer(s) })
	Describe("A peer's message with headers", func() { headersToClient(s) })
}

// headerBlock is how clients and servers write the header of these specs: two values under one name, whose order means
// something.
const headerBlock = "NATS/1.0\r\nX-Route: one\r\nX-Route: two\r\n\r\n"

func header() nats.Header { return nats.Header{"X-Route": {"one", "two"}} }

// hmsg is an HMSG on the spec's subject "orders" with that header.
func (s *Suite) hmsg(reply, data string, queues ...string) wire.Op {
	op := wire.NewQueueMsg(s.Account(), s.Subject("orders"), reply, queues, []byte(headerBlock+data))
	op.Kind, op.HeaderSize = wire.HMsg, len(headerBlock)
	return op
}

// hmsgWith is an HMSG on the spec's subject "orders" with a header block of its own.
func (s *Suite) hmsgWith(block, data string) wire.Op {
	op := s.msg("orders", "", block+data)
	op.Kind, op.HeaderSize = wire.HMsg, len(block)
	return op
}

// headerValue makes a block of one header, X-Route, more than 64 KiB long.
func (s *Suite) headerValue() string {
	GinkgoHelper()
	const size = 64 << 10
	if s.Info().MaxPayload < 2*size {
		s.NotApplicable("the target's max_payload leaves no room for a header block of 64 KiB")
	}
	return strings.Repeat("0123456789abcdef", size/16)
}

// PublishHeaders makes c publish to "orders" with that header.
func (s *Suite) PublishHeaders(c *harness.Client, reply, data string) {
	GinkgoHelper()
	m := &nats.Msg{Subject: s.Subject("orders"), Reply: reply, Header: header(), Data: []byte(data)}
	Expect(c.PublishMsg(m)).To(Succeed(), "the client could not publish a message with headers")
}

func headersToPeer(s *Suite) {
	// expect declares interest as a peer that was made with opts, publishes, and wants exactly one message.
	expect := func(ctx context.Context, interest, want wire.Op, why string, opts ...harness.PeerOption) {
		GinkgoHelper()
		p, c := s.Join(ctx, "A", opts...), s.witness(ctx)
		s.Send(p, interest)
		s.Fence(ctx, p)
		s.PublishHeaders(c, string(want.Reply), string(want.Data()))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want), why)
	}
	plain := func() wire.Op { return wire.NewSub(s.Account(), s.Subject("orders")) }
	queue := func() wire.Op { return wire.NewQueueSub(s.Account(), s.Subject("orders"), "q", 1) }

	It("comes as HMSG with the sizes of header and whole to a peer that has headers", s.Req("RT-HDR-001/hmsg"), func(ctx SpecContext) {
		expect(ctx, plain(), s.hmsg("", "hello"), "HMSG account subject header-size whole-size")
	})
	It("comes as RMSG without its header to a peer that has none", s.Req("RT-HDR-002/stripped"), func(ctx SpecContext) {
		expect(ctx, plain(), s.msg("orders", "", "hello"), "the header block is cut off, the size is that of the rest", harness.WithoutHeaders())
	})
	It("comes as RMSG without its header to a peer whose CONNECT alone says headers", s.Req("RT-HDR-002/connect-only"), func(ctx SpecContext) {
		inInfo := harness.WithInfo(func(i *wire.InfoBody) { i.Headers = false })
		expect(ctx, plain(), s.msg("orders", "", "hello"), "INFO decides what a peer can read", inInfo)
	})
	It("comes as RMSG without its header and with its reply to a peer that has none", s.Req("RT-HDR-002/stripped-with-reply"), func(ctx SpecContext) {
		expect(ctx, plain(), s.msg("orders", s.Subject("reply"), "hello"), "the reply stays when the header block is cut off", harness.WithoutHeaders())
	})
	It("comes as RMSG without its header and with its groups to a peer that has none", s.Req("RT-HDR-002/stripped-with-queue"), func(ctx SpecContext) {
		want := wire.NewQueueMsg(s.Account(), s.Subject("orders"), s.Subject("reply"), []string{"q"}, []byte("hello"))
		expect(ctx, queue(), want, "the groups stay when the header block is cut off", harness.WithoutHeaders())
	})
	It("comes as an empty RMSG to a peer that has no headers when it is nothing else", s.Req("RT-HDR-002/stripped-empty"), func(ctx SpecContext) {
		expect(ctx, plain(), s.msg("orders", "", ""), "nothing is left when the header block is cut off", harness.WithoutHeaders())
	})
	It("keeps its reply subject", s.Req("RT-HDR-004/reply"), func(ctx SpecContext) {
		expect(ctx, plain(), s.hmsg(s.Subject("reply"), "hello"), "HMSG account subject reply header-size whole-size")
	})
	It("names the group that it is for", s.Req("RT-HDR-004/queue"), func(ctx SpecContext) {
		expect(ctx, queue(), s.hmsg("", "hello", "q"), "HMSG account subject | queue header-size whole-size")
	})
	It("names the group that it is for behind its reply", s.Req("RT-HDR-004/reply-and-queue"), func(ctx SpecContext) {
		expect(ctx, queue(), s.hmsg(s.Subject("reply"), "hello", "q"), "HMSG account subject + reply queue header-size whole-size")
	})
	It("may be nothing but headers", s.Req("RT-HDR-007/to-peer"), func(ctx SpecContext) {
		expect(ctx, plain(), s.hmsg("", ""), "header size and whole size are equal")
	})

	It("comes to each peer in the form that it can read", s.Req("RT-HDR-010/both-forms"), func(ctx SpecContext) {
		with, without, c := s.Join(ctx, "A"), s.Join(ctx, "B", harness.WithoutHeaders()), s.witness(ctx)
		s.Send(with, plain())
		s.Send(without, plain())
		s.Fence(ctx, with, without)
		s.PublishHeaders(c, s.Subject("reply"), "hello")
		s.PublishHeaders(c, "", "again")
		s.ClientToPeers(ctx, c, with, without)
		Expect(s.Own(with)).To(s.BeOps(s.hmsg(s.Subject("reply"), "hello"), s.hmsg("", "again")), "a peer that has headers")
		Expect(s.Own(without)).To(s.BeOps(s.msg("orders", s.Subject("reply"), "hello"), s.msg("orders", "", "again")), "a peer that has none")
	})
	It("may have a block of 64 KiB", s.Req("RT-HDR-011/to-peer"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		value := s.headerValue()
		s.Send(p, plain())
		s.Fence(ctx, p)
		m := &nats.Msg{Subject: s.Subject("orders"), Header: nats.Header{"X-Route": {value}}, Data: []byte("hello")}
		Expect(c.PublishMsg(m)).To(Succeed(), "the client could not publish a message with headers")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.hmsgWith("NATS/1.0\r\nX-Route: "+value+"\r\n\r\n", "hello")), "HMSG with a block of 64 KiB")
	})

	It("is RMSG when there are none, to a peer that has headers too", s.Req("RT-HDR-003/rmsg"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", "hello", "HMSG is for messages with headers")
	})
}

func headersToClient(s *Suite) {
	// deliver sends an HMSG to a subscriber made with opts and returns what it got: exactly one message.
	deliver := func(ctx context.Context, op wire.Op, opts ...harness.ClientOption) *nats.Msg {
		GinkgoHelper()
		p, c := s.Join(ctx, "A"), s.Client(ctx, opts...)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, op)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), string(op.Reply), string(op.Data())}), "an HMSG for a local subscriber")
		return sub.Messages()[0]
	}

	It("reaches a client that has headers unchanged", s.Req("RT-HDR-005/intact"), func(ctx SpecContext) {
		m := deliver(ctx, s.hmsg("", "hello"))
		Expect(m.Header).To(Equal(header()), "the header block at the client")
	})
	It("reaches a client that has headers unchanged, with its reply", s.Req("RT-HDR-005/intact-with-reply"), func(ctx SpecContext) {
		m := deliver(ctx, s.hmsg(s.Subject("reply"), "hello"))
		Expect(m.Header).To(Equal(header()), "the header block at the client")
	})
	It("reaches a client that has none as the bare payload", s.Req("RT-HDR-006/stripped"), func(ctx SpecContext) {
		deliver(ctx, s.hmsg("", "hello"), harness.WithoutHeaderSupport())
	})
	It("may be nothing but headers", s.Req("RT-HDR-007/to-client"), func(ctx SpecContext) {
		m := deliver(ctx, s.hmsg("", ""))
		Expect(m.Header).To(Equal(header()), "the header block at the client")
	})

	It("reaches each client in the form that it can read", s.Req("RT-HDR-012/both-forms"), func(ctx SpecContext) {
		p, with, without := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx, harness.WithoutHeaderSupport())
		subs := []*harness.Subscription{s.Subscribe(with, s.Subject("orders")), s.Subscribe(without, s.Subject("orders")), s.Subscribe(with, s.Subject("*"))}
		s.Flush(ctx, with, without)
		s.Send(p, s.hmsg("", "hello"))
		s.PeerToClients(ctx, p, with, without)
		for i, sub := range subs {
			Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hello"}), "subscription %d", i)
		}
		Expect(subs[0].Messages()[0].Header).To(Equal(header()), "the header block at a client that has headers")
		Expect(subs[2].Messages()[0].Header).To(Equal(header()), "the header block at its other subscription")
	})
	It("may have a block of 64 KiB", s.Req("RT-HDR-011/to-client"), func(ctx SpecContext) {
		value := s.headerValue()
		m := deliver(ctx, s.hmsgWith("NATS/1.0\r\nX-Route: "+value+"\r\n\r\n", "hello"))
		Expect(m.Header.Get("X-Route")).To(Equal(value), "the value of 64 KiB at the client")
	})
	It("may have a status in its block", s.Req("RT-HDR-013/status"), func(ctx SpecContext) {
		m := deliver(ctx, s.hmsgWith("NATS/1.0 100 Idle\r\nX-Route: one\r\n\r\n", "hello"))
		Expect(m.Header.Get("Status")+" "+m.Header.Get("Description")).To(Equal("100 Idle"), "the first line of the block at the client")
		Expect(m.Header.Get("X-Route")).To(Equal("one"), "the header behind it")
	})
	It("is taken from a peer that has announced no headers, or refused", s.Req("RT-HDR-014/not-announced"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A", harness.WithoutHeaders()), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, s.hmsg("", "hello"))
		refused := p.Fence(ctx) != nil
		if refused {
			s.ExpectClosed(ctx, p)
		}
		s.Flush(ctx, c)
		if refused {
			Expect(s.Received(sub)).To(s.BeMessages(), "what was refused must not be delivered")
			s.Observe("refused")
			return
		}
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hello"}), "an HMSG of a peer that announced none")
		Expect(sub.Messages()[0].Header).To(Equal(header()), "the header block at the client")
		s.Observe("delivered")
	})

	It("reaches one member of a group that it names", s.Req("RT-HDR-008/one-member"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		named := []*harness.Subscription{s.QueueSubscribe(c, s.Subject("orders"), "q"), s.QueueSubscribe(c, s.Subject("orders"), "q")}
		other := s.QueueSubscribe(c, s.Subject("orders"), "other")
		s.Flush(ctx, c)
		sent := numbered(20)
		for _, payload := range sent {
			s.Send(p, s.hmsg("", payload, "q"))
		}
		s.PeerToClients(ctx, p, c)
		s.ExpectOnceEach(sent, "one member of the group named gets the message", s.clientPayloads(named...))
		Expect(s.clientPayloads(other)).To(BeEmpty(), "the other group was not named")
	})

	It("is a message without headers when the header size is 0, or is refused", s.Req("RT-HDR-009/size-zero"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		op := s.msg("orders", "", "hello")
		op.Kind = wire.HMsg
		s.Send(p, op)
		if err := p.Fence(ctx); err != nil {
			s.ExpectClosed(ctx, p)
			s.Flush(ctx, c)
			Expect(s.Received(sub)).To(s.BeMessages(), "what was refused must not be delivered")
			s.Observe("refused")
			return
		}
		s.Flush(ctx, c)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "hello"}), "an HMSG whose header block is empty")
		Expect(sub.Messages()[0].Header).To(BeEmpty(), "an empty header block brings no headers")
		s.Observe("delivered")
	})
}
