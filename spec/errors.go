package spec

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/reference/wire"
)

// registerErrors: what a fault on a connection ends, and what it must not touch.
func registerErrors(s *Suite) {
	Describe("-ERR", func() { errorSaid(s) })
	Describe("A refused operation", func() { errorsContained(s) })
	Describe("A stranger on the route port", func() { strangers(s) })
}

func errorSaid(s *Suite) {
	It("for bytes that begin no operation says so", s.Req("RT-ERR-002/text"), func(ctx SpecContext) {
		s.ExpectTold(s.complaining(ctx, "XYZZY\r\n"), "(?i)unknown protocol operation")
	})
}

func errorsContained(s *Suite) {
	DescribeTable("ends what its connection can do",
		func(ctx SpecContext, refused string) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			orders := s.Subscribe(c, s.Subject("orders"))
			s.Flush(ctx, c)
			s.Send(p, wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("before")))
			s.Fence(ctx, p)

			By("a refused operation and another message in one write")
			refused = strings.NewReplacer("ACC", s.Account(), "SUBJECT", s.Subject("orders")).Replace(refused)
			_ = p.SendRaw(fmt.Appendf(nil, "%sRMSG %s %s 5\r\nafter\r\n", refused, s.Account(), s.Subject("orders")), 0)
			s.ExpectClosed(ctx, p)
			s.Flush(ctx, c)
			Expect(s.Received(orders)).To(s.BeMessages(delivery{s.Subject("orders"), "", "before"}), "nothing behind a refused operation is read")
		},
		Entry("bytes that begin no operation", s.Req("RT-ERR-003/unknown-operation"), "XYZZY\r\n"),
		Entry("an argument too few", s.Req("RT-ERR-003/argument-count"), "RMSG ACC 1\r\n"),
		Entry("a payload longer than its size", s.Req("RT-ERR-003/payload-end"), "RMSG ACC SUBJECT 2\r\nlonger\r\n"),
	)

	It("harms neither other routes nor clients", s.Req("RT-ERR-004/others"), func(ctx SpecContext) {
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		orders := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(a, wire.NewSub(s.Account(), s.Subject("news")))
		s.Fence(ctx, a)
		_ = b.SendRaw([]byte("XYZZY\r\n"), 0)
		s.ExpectClosed(ctx, b)

		By("the other peer and the client exchanging messages")
		s.Send(a, wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("order")))
		s.PeerToClients(ctx, a, c)
		s.Publish(c, s.Subject("news"), "", "news")
		s.ClientToPeers(ctx, c, a)
		Expect(s.Received(orders)).To(s.BeMessages(delivery{s.Subject("orders"), "", "order"}))
		Expect(s.Own(a)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject("orders")),
			wire.NewMsg(s.Account(), s.Subject("news"), "", []byte("news")),
		))
	})
}

// clientHello is the start of a TLS handshake: record header, handshake header, version 1.2, the rest zeros.
const clientHello = "\x16\x03\x01\x00\x44\x01\x00\x00\x40\x03\x03"

func strangers(s *Suite) {
	DescribeTable("is refused",
		func(ctx SpecContext, in string) {
			if s.target.TLS != nil {
				s.NotApplicable("the route port speaks TLS")
			}
			p := s.Dial(ctx, "A")
			_ = p.SendRaw([]byte(in), 0)
			s.ExpectClosed(ctx, p)
		},
		Entry("an HTTP request", s.Req("RT-ERR-005/http"), WithoutRegistration, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		Entry("a TLS hello", s.Req("RT-ERR-005/tls"), WithoutRegistration, clientHello+strings.Repeat("\x00", 62)),
	)
}
