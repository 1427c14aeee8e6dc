package spec

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerControlLine: operations that arrive in pieces. How a line may be written is shown by the chapter's vectors.
func registerControlLine(s *Suite) {
	Describe("An operation cut into segments", func() {
		cutShort(s)
		cutInterest(s)
		cutMessages(s)
	})
}

// cut splits a text at its carets and puts in what only the running spec knows: ACC, the client's account, and PRE, what
// the spec's subjects begin with.
func (s *Suite) cut(text string) [][]byte {
	text = strings.NewReplacer("ACC", s.Account(), "PRE", s.now.prefix).Replace(text)
	var pieces [][]byte
	for _, piece := range strings.Split(text, "^") {
		pieces = append(pieces, []byte(piece))
	}
	return pieces
}

// thirds cuts an operation at two places of its text and between CR and LF.
func thirds(op wire.Op) [][]byte {
	b := op.AppendTo(nil)
	n := len(b) - 1
	return [][]byte{b[:n/3], b[n/3 : 2*n/3], b[2*n/3 : n], b[n:]}
}

func cutShort(s *Suite) {
	It("is read: PING", s.Req("RT-LINE-015/ping"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		mark := p.Mark()
		_ = p.SendPieces(s.cut("PI^NG^\r^\n"), 1)
		s.Fence(ctx, p)
		s.Fence(ctx, p)
		s.ExpectPongs(p, mark, 3)
	})

	It("is read: PONG and +OK", s.Req("RT-LINE-015/pong-ok"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		_ = p.SendPieces(s.cut("P^ONG\r^\n+^OK\r\n"), 0)
		s.ExpectOpen(ctx, p)
	})

	It("is read: -ERR", s.Req("RT-LINE-015/err"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		_ = p.SendPieces(s.cut("-E^RR 'A Peer's^ Complaint'\r^\n"), 0)
		s.ExpectClosed(ctx, p)
	})

	It("is read: CONNECT and INFO", s.Req("RT-LINE-015/handshake"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		_ = p.SendPieces(thirds(p.Connect()), 0)
		_ = p.SendPieces(thirds(p.OwnInfo()), 0)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "a peer whose CONNECT and INFO came in pieces is registered")
	})
}

func cutInterest(s *Suite) {
	// published is what a client's publish behind the pieces brings to the peer.
	published := func(ctx context.Context, text string, before ...wire.Op) []harness.Seen {
		GinkgoHelper()
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		if len(before) > 0 {
			s.Send(p, before...)
		}
		_ = p.SendPieces(s.cut(text), 0)
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, p)
		return s.Own(p)
	}

	DescribeTable("declares interest",
		func(ctx SpecContext, text string) {
			want := wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("m"))
			if strings.Contains(strings.ReplaceAll(text, "^", ""), "workers") {
				want = wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", []string{"workers"}, []byte("m"))
			}
			if strings.HasPrefix(text, "L") {
				s.onlyWith(s.Info().LNOC, "leaf operations")
			}
			Expect(published(ctx, text)).To(s.BeOps(want), "a publish on interest declared in pieces")
		},
		Entry("RS+", s.Req("RT-LINE-015/rs-plus"), NeedsClient, "RS^+ ACC PRE.ord^ers\r^\n"),
		Entry("RS+ between its arguments", s.Req("RT-LINE-015/rs-plus-arguments"), NeedsClient, "RS+^ ACC^ PRE.orders^\r\n"),
		Entry("RS+ with queue and weight", s.Req("RT-LINE-015/rs-plus-queue"), NeedsClient, "RS+ ACC PRE.orders wor^kers 1^2\r^\n"),
		Entry("LS+", s.Req("RT-LINE-015/ls-plus"), NeedsClient, "L^S+ leaf ACC PRE.ord^ers\r^\n"),
	)

	DescribeTable("ends interest",
		func(ctx SpecContext, text, queue string) {
			before := wire.NewSub(s.Account(), s.Subject("orders"))
			if queue != "" {
				before = wire.NewQueueSub(s.Account(), s.Subject("orders"), queue, 1)
			}
			Expect(published(ctx, text, before)).To(s.BeOps(), "a publish on interest ended in pieces")
		},
		Entry("RS-", s.Req("RT-LINE-015/rs-minus"), NeedsClient, "R^S- ACC PRE.ord^ers\r^\n", ""),
		Entry("RS- with queue", s.Req("RT-LINE-015/rs-minus-queue"), NeedsClient, "RS- ACC PRE.orders^ work^ers\r^\n", "workers"),
	)
}

// onlyWith ends the spec on a target that does not offer what it is about.
func (s *Suite) onlyWith(offered bool, what string) {
	if !offered {
		s.NotApplicable("the target does not offer " + what)
	}
}

// emptyHeader is a header block without headers, of twelve bytes.
const emptyHeader = "NATS/1.0\r\n\r\n"

func cutMessages(s *Suite) {
	DescribeTable("delivers a message",
		func(ctx SpecContext, text string) {
			s.onlyWith(s.Info().Headers || text[0] != 'H', "headers")
			s.onlyWith(s.Info().LNOC || text[0] != 'L', "leaf operations")
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			plain, workers := s.Subscribe(c, s.Subject("orders")), s.QueueSubscribe(c, s.Subject("orders"), "workers")
			s.Flush(ctx, c)
			_ = p.SendPieces(s.cut(text), 0)
			s.PeerToClients(ctx, p, c)

			want := delivery{s.Subject("orders"), "", "0123456789"}
			whole := strings.ReplaceAll(text, "^", "")
			if strings.Contains(whole, "reply") {
				want.reply = s.Subject("reply")
			}
			Expect(s.Received(plain)).To(s.BeMessages(want), "a message that arrived in pieces, at a plain subscriber")
			if strings.Contains(whole, "workers") {
				Expect(s.Received(workers)).To(s.BeMessages(want), "a message that arrived in pieces, at the group it names")
			} else {
				Expect(s.Received(workers)).To(s.BeMessages(), "a message that arrived in pieces, at a group it does not name")
			}
		},
		Entry("RMSG in name, size and payload", s.Req("RT-LINE-015/rmsg"), NeedsClient, "RM^SG ACC PRE.orders 1^0\r\n0123^456789\r\n"),
		Entry("RMSG in its line ends", s.Req("RT-LINE-015/rmsg-line-ends"), NeedsClient, "RMSG ACC PRE.orders 10\r^\n0123456789^\r^\n"),
		Entry("RMSG around its payload", s.Req("RT-LINE-015/rmsg-payload"), NeedsClient, "RMSG ACC PRE.orders 10\r\n^0^123456789^\r\n"),
		Entry("RMSG with reply", s.Req("RT-LINE-015/rmsg-reply"), NeedsClient, "RMSG ACC PRE.orders^ PRE.re^ply 1^0\r\n0123456789\r\n"),
		Entry("RMSG with a queue", s.Req("RT-LINE-015/rmsg-queue"), NeedsClient, "RMSG ACC PRE.orders |^ work^ers^ 10\r\n0123456789\r\n"),
		Entry("RMSG with reply and queue", s.Req("RT-LINE-015/rmsg-reply-queue"), NeedsClient, "RMSG ACC PRE.orders +^ PRE.reply ^workers 10^\r\n0123456789\r\n"),
		Entry("HMSG", s.Req("RT-LINE-015/hmsg"), NeedsClient, "HM^SG ACC PRE.orders 12^ 22\r\n"+emptyHeader[:5]+"^"+emptyHeader[5:]+"0123456789\r\n"),
		Entry("HMSG around its header block", s.Req("RT-LINE-015/hmsg-block"), NeedsClient, "HMSG ACC PRE.orders 1^2 22\r\n^"+emptyHeader+"^0123456789\r\n"),
		Entry("LMSG", s.Req("RT-LINE-015/lmsg"), NeedsClient, "L^MSG leaf ACC PRE.orders 0 1^0\r\n01234^56789\r\n"),
	)
}
