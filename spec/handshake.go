package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerHandshake: from the accepted connection to the registered route. What a target refuses before CONNECT, and what
// INFO and CONNECT may say, is for the most part shown by vectors.
func registerHandshake(s *Suite) {
	Describe("Greeting", func() { greeting(s) })
	Describe("Registration", func() {
		registration(s)
		registrationWithLittle(s)
	})
	Describe("What comes before CONNECT", func() { beforeConnect(s) })
	Describe("CONNECT that is refused", func() { connectRefused(s) })
	Describe("Handshake repeated", func() { handshakeRepeated(s) })
}

func greeting(s *Suite) {
	It("is an INFO, before the peer has said a word", s.Req("RT-HS-001/first"), WithoutRegistration, func(ctx SpecContext) {
		first := s.Dial(ctx, "A").Seen()[0]
		Expect(first.Op.Kind).To(Equal(wire.Info), "the first line on an accepted connection")
		Expect(first.Off).To(BeZero(), "bytes before INFO")
	})

	It("is one INFO only", s.Req("RT-HS-001/once"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect())
		s.Fence(ctx, p)
		Expect(len(ofKind(p.Seen(), wire.Info))).To(Equal(1), "INFO lines on a connection that has not registered")
	})

	It("tells server_id, host, port and max_payload", s.Req("RT-HS-002/members"), WithoutRegistration, func(ctx SpecContext) {
		var info map[string]any
		Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed(), "INFO is one JSON object")
		Expect(info["server_id"]).To(And(BeAssignableToTypeOf(""), Not(BeEmpty())), "server_id")
		Expect(info["host"]).To(And(BeAssignableToTypeOf(""), Not(BeEmpty())), "host")
		Expect(info["port"]).To(And(BeNumerically(">=", 1), BeNumerically("<=", 65535)), "port")
		Expect(info["max_payload"]).To(BeNumerically(">=", 1), "max_payload")
	})

	It("names no route port for clients", s.Req("RT-HS-019/no-route-port"), WithoutRegistration, func(ctx SpecContext) {
		info := s.Dial(ctx, "A").Info()
		Expect(info.ConnectURLs).NotTo(ContainElement(net.JoinHostPort(info.Host, strconv.Itoa(info.Port))), "where clients are told to connect")
	})

	It("tells the same server_id on every connection", s.Req("RT-HS-003/two-connections"), WithoutRegistration, func(ctx SpecContext) {
		a, b := s.Dial(ctx, "A"), s.Dial(ctx, "B")
		Expect(b.Info().ServerID).To(Equal(a.Info().ServerID), "one server has one id")
		Expect(b.Info().ServerID).To(Equal(s.Info().ServerID), "and keeps it")
	})
}

func registration(s *Suite) {
	It("is done by CONNECT and INFO: the target sends its interest", s.Req("RT-HS-004/interest-comes"), WithoutRegistration, func(ctx SpecContext) {
		if s.refusesUs() {
			s.NotTested(report.NeedsRegistration)
		}
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.QueueSubscribe(c, s.Subject("jobs"), "workers")
		s.Flush(ctx, c)
		p := s.Join(ctx, "A")
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(
			wire.NewSub(s.Account(), s.Subject("orders")),
			wire.NewQueueSub(s.Account(), s.Subject("jobs"), "workers", 1),
		), "the interest sent to a peer that has just registered")
	})

	It("is not held up by CONNECT and INFO that cross the target's INFO", s.Req("RT-HS-005/crossing"), NeedsClient, func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p, err := s.target.Open(ctx, "A")
		Expect(err).NotTo(HaveOccurred())
		s.Adopt(p)
		s.Send(p, p.Connect(), p.OwnInfo()) // as every soliciting server does, at once
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "registered peers are sent all interest")
	})

	It("is done without a CONNECT of the accepting side", s.Req("RT-HS-006/acceptor"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Fence(ctx, p)
		Expect(ofKind(p.Seen(), wire.Connect)).To(s.BeOps(), "CONNECT is the dialling side's")
	})

	It("is complete with INFO only: interest comes then, not before", s.Req("RT-HS-007/connect-alone"), func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("before"))
		s.Flush(ctx, c)
		s.Send(p, p.Connect())
		s.Fence(ctx, p)
		s.Subscribe(c, s.Subject("between"))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(), "RS+ to a peer that has not sent its INFO")

		s.Send(p, p.OwnInfo())
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(
			wire.NewSub(s.Account(), s.Subject("before")),
			wire.NewSub(s.Account(), s.Subject("between")),
		), "INFO brings all current interest")
	})

	It("may or may not be waited for by the interest of the peer", s.Req("RT-HS-008/between"), func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Send(p, p.Connect(), wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, p)
		message := wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("m"))
		if len(s.Own(p)) > 0 {
			Expect(s.Own(p)).To(s.BeOps(message), "a publish on the peer's interest")
			s.Observe("in force behind CONNECT")
			return
		}
		s.Send(p, p.OwnInfo())
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(message), "the peer's interest at the latest behind its INFO")
		s.Observe("in force behind INFO")
	})
}

func registrationWithLittle(s *Suite) {
	It("needs id, name and cluster only", s.Req("RT-HS-016/smallest"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		_ = p.SendRaw(s.smallest(p), 0)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "a peer whose INFO and CONNECT have nothing else is registered")
	})
}

// smallest is the least that a peer can say of itself: CONNECT and INFO as raw lines.
func (s *Suite) smallest(p *harness.Peer) []byte {
	connect, info := map[string]string{"name": p.ID()}, map[string]string{"server_id": p.ID()}
	if cluster := p.Info().Cluster; cluster != "" {
		connect["cluster"], info["cluster"] = cluster, cluster
	}
	if p.Info().AuthRequired {
		connect["user"], connect["pass"] = s.target.User, s.target.Password
	}
	return fmt.Appendf(nil, "CONNECT %s\r\nINFO %s\r\n", jsonText(connect), jsonText(info))
}

func jsonText(members map[string]string) []byte {
	text, _ := json.Marshal(members) // strings always marshal
	return text
}

func beforeConnect(s *Suite) {
	It("may be the peer's INFO", s.Req("RT-HS-010/info-first"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(p, p.OwnInfo(), p.Connect())
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "INFO, then CONNECT registers like CONNECT, then INFO")
	})

	It("is read, ignored or refused", s.Req("RT-HS-011/interest-first"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Dial(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")), p.Connect(), p.OwnInfo())
		var closed *harness.ClosedError
		if errors.As(p.Fence(ctx), &closed) {
			s.Observe("refused")
			return
		}
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, p)
		if len(s.Own(p)) == 0 {
			s.Observe("ignored")
			return
		}
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("m"))), "a publish on the peer's interest")
		s.Observe("read")
	})
}

func connectRefused(s *Suite) {
	It("is a client library's: it has lang", s.Req("RT-HS-012/lang"), func(ctx SpecContext) {
		s.ExpectRejected(ctx, "A", harness.WithConnect(func(connect *wire.ConnectBody) { connect.Lang = "go" }))
	})

	It("is a gateway's", s.Req("RT-HS-013/gateway"), func(ctx SpecContext) {
		s.ExpectRejected(ctx, "A", harness.WithConnect(func(connect *wire.ConnectBody) { connect.Gateway = "natsroute" }))
	})

	DescribeTable("is told so",
		func(ctx SpecContext, edit func(*wire.ConnectBody)) {
			s.ExpectTold(func(name string) *harness.Peer { return s.ExpectRejected(ctx, name, harness.WithConnect(edit)) }, ".")
		},
		Entry("for lang", s.Req("RT-HS-018/lang"), func(connect *wire.ConnectBody) { connect.Lang = "go" }),
		Entry("for a gateway", s.Req("RT-HS-018/gateway"), func(connect *wire.ConnectBody) { connect.Gateway = "natsroute" }),
	)
}

func handshakeRepeated(s *Suite) {
	DescribeTable("leaves interest of both sides in force",
		func(ctx SpecContext, again func(*harness.Peer) wire.Op) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")), again(p))
			s.ExpectOpen(ctx, p)

			By("a client publishing to the peer and subscribing itself")
			s.ExpectCarries(ctx, p, c, "what the route carries after the repetition")
		},
		Entry("CONNECT", s.Req("RT-HS-014/connect"), (*harness.Peer).Connect),
		Entry("INFO", s.Req("RT-HS-015/info"), (*harness.Peer).OwnInfo),
	)
}
