package spec

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerHostile: what anybody may send who reaches the port, on purpose or by mistake. Whatever comes of his own
// connection, other routes and clients go on.
func registerHostile(s *Suite) {
	Describe("A stranger", func() { strangersHarmless(s) })
	Describe("An operation that never ends", func() {
		cutOff(s)
		endless(s)
	})
	Describe("A crowd", func() { crowds(s) })
	Describe("A peer that means harm", func() {
		deepBodies(s)
		manyNews(s)
		misplaced(s)
		deadly(s)
	})
}

// bystanders are a route and a client that a hostile connection must not harm.
type bystanders struct {
	suite *Suite
	peer  *harness.Peer
	c     *harness.Client
}

// bystanders registers a route with an interest of its own. They are opened before the harm is done.
func (s *Suite) bystanders(ctx context.Context) bystanders {
	GinkgoHelper()
	b := bystanders{s, s.Join(ctx, "B"), s.witness(ctx)}
	s.Send(b.peer, wire.NewSub(s.Account(), s.Subject("orders")))
	s.Fence(ctx, b.peer)
	return b
}

// ExpectUnharmed wants both to go on as if nothing had been.
func (b bystanders) ExpectUnharmed(ctx context.Context) {
	GinkgoHelper()
	b.suite.ExpectCarries(ctx, b.peer, b.c, "what the route of another peer carries afterwards")
}

func strangersHarmless(s *Suite) {
	// knock opens a connection, inside of TLS where there is TLS, and sends the bytes behind the target's INFO.
	knock := func(ctx context.Context, in string) *harness.Peer {
		GinkgoHelper()
		p := s.Dial(ctx, "A")
		_ = p.SendRaw([]byte(in), 0)
		return p
	}
	DescribeTable("is refused and harms nobody",
		func(ctx SpecContext, in func() string) {
			others := s.bystanders(ctx)
			s.ExpectClosed(ctx, knock(ctx, in()))
			others.ExpectUnharmed(ctx)
		},
		Entry("a client of NATS", s.Req("RT-HOST-001/client"), func() string {
			return "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"go\",\"version\":\"1.55.0\",\"protocol\":1,\"headers\":true}\r\n" +
				"SUB " + s.Subject("orders") + " 1\r\nPUB " + s.Subject("orders") + " 2\r\nhi\r\nPING\r\n"
		}),
		Entry("SSH", s.Req("RT-HOST-001/ssh"), func() string { return "SSH-2.0-OpenSSH_9.9\r\n" }),
		Entry("Redis", s.Req("RT-HOST-001/redis"), func() string { return "*1\r\n$4\r\nPING\r\n" }),
		Entry("MQTT", s.Req("RT-HOST-001/mqtt"), func() string { return "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00" }),
		Entry("a proxy that tells of its client", s.Req("RT-HOST-001/proxy"), func() string { return "PROXY TCP4 127.0.0.1 127.0.0.1 40000 6222\r\n" }),
		Entry("zeros", s.Req("RT-HOST-001/zeros"), func() string { return strings.Repeat("\x00", 4096) }),
		Entry("random bytes", s.Req("RT-HOST-001/random"), func() string { return "\xff" + s.random(4095) }),
	)
}

func cutOff(s *Suite) {
	DescribeTable("but with its connection harms nobody, wherever it is cut",
		func(ctx SpecContext, text string) {
			s.onlyWith(s.Info().Headers || text[0] != 'H', "headers")
			s.onlyWith(s.Info().LNOC || text[0] != 'L', "leaf operations")
			others := s.bystanders(ctx)
			whole := s.cut(text)[0]
			for end := 1; end < len(whole); end += 1 + len(whole)/16 {
				p := s.Dial(ctx, "A")
				s.Send(p, p.Connect(), p.OwnInfo())
				_ = p.SendRaw(whole[:end], 0)
				p.Leave()
				_, _ = p.Closed(ctx) // the target has seen the end
			}
			others.ExpectUnharmed(ctx)
		},
		Entry("CONNECT", s.Req("RT-HOST-002/connect"), "CONNECT {\"verbose\":false,\"name\":\"X\"}\r\n"),
		Entry("INFO", s.Req("RT-HOST-002/info"), "INFO {\"server_id\":\"X\",\"connect_urls\":[]}\r\n"),
		Entry("PING", s.Req("RT-HOST-002/ping"), "PING\r\n"),
		Entry("-ERR", s.Req("RT-HOST-002/err"), "-ERR 'A Complaint'\r\n"),
		Entry("RS+", s.Req("RT-HOST-002/rs-plus"), "RS+ ACC PRE.orders workers 3\r\n"),
		Entry("RS-", s.Req("RT-HOST-002/rs-minus"), "RS- ACC PRE.orders workers\r\n"),
		Entry("RMSG", s.Req("RT-HOST-002/rmsg"), "RMSG ACC PRE.orders + PRE.reply workers 10\r\n0123456789\r\n"),
		Entry("HMSG", s.Req("RT-HOST-002/hmsg"), "HMSG ACC PRE.orders 12 22\r\n"+emptyHeader+"0123456789\r\n"),
		Entry("LS+", s.Req("RT-HOST-002/ls-plus"), "LS+ leaf ACC PRE.orders workers 3\r\n"),
		Entry("LMSG", s.Req("RT-HOST-002/lmsg"), "LMSG leaf ACC PRE.orders 0 10\r\n0123456789\r\n"),
	)
}

func endless(s *Suite) {
	It("is given up before it has a megabyte: a line", s.Req("RT-HOST-003/line"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		_ = p.SendRaw(append([]byte("RS- "+s.Account()+" "), bytes.Repeat([]byte("a"), 1<<20)...), 0)
		By("the line ending after all, so that a target which has kept it answers the PING behind it")
		_ = p.SendRaw([]byte("\r\n"), 0)
		if p.Fence(ctx) == nil {
			s.failWith(report.Failure{
				Message:  "the target kept a line of a megabyte and read it",
				Expected: []string{"the connection is closed"}, Got: "a PONG behind the line", Offset: -1,
			})
		}
		s.ExpectClosed(ctx, p)
	})
}

const crowd = 200

func crowds(s *Suite) {
	DescribeTable("of two hundred connections keeps nobody out and harms nobody",
		func(ctx SpecContext, do func(*harness.Peer)) {
			others := s.bystanders(ctx)
			var all []*harness.Peer
			for range crowd {
				p, err := s.target.Open(ctx, "A")
				Expect(err).NotTo(HaveOccurred(), "connection %d of %d", len(all)+1, crowd)
				DeferCleanup(p.Leave)
				do(p)
				all = append(all, p)
			}
			others.ExpectUnharmed(ctx)
			s.Join(ctx, "C")
		},
		Entry("that say nothing", s.Req("RT-HOST-004/idle"), func(*harness.Peer) {}),
		Entry("that break off inside of CONNECT", s.Req("RT-HOST-004/broken-off"), func(p *harness.Peer) {
			_ = p.SendRaw([]byte("CONNECT {\"na"), 0)
			p.Leave()
		}),
	)
}

func deepBodies(s *Suite) {
	DescribeTable("may nest JSON deeply and harms nobody",
		func(ctx SpecContext, before string) {
			others := s.bystanders(ctx)
			p := s.Dial(ctx, "A")
			s.Send(p, p.Connect())
			_ = p.SendRaw([]byte(before+strings.Repeat("[", 30_000)+strings.Repeat("]", 30_000)+"}\r\n"), 0)
			_ = p.Fence(ctx) // it is refused, or ignored
			others.ExpectUnharmed(ctx)
		},
		Entry("in INFO", s.Req("RT-HOST-005/info"), `INFO {"server_id":"X","x":`),
		Entry("in CONNECT", s.Req("RT-HOST-005/connect"), `CONNECT {"name":"X","x":`),
	)
}

func manyNews(s *Suite) {
	It("may tell of two hundred servers that refuse and harms nobody", s.Req("RT-HOST-006/refusing"), func(ctx SpecContext) {
		others, p := s.bystanders(ctx), s.Join(ctx, "A")
		closed := p.OwnInfo().InfoBody.Port // nothing listens there
		var ops []wire.Op
		for i := range crowd {
			id := s.serverID(fmt.Sprintf("NOBODY%d", i))
			ops = append(ops, wire.NewInfo(&wire.InfoBody{
				ServerID: id, ServerName: id, Host: "127.0.0.1", Port: closed, Cluster: p.Info().Cluster, IP: fmt.Sprintf("nats-route://127.0.0.1:%d/", closed),
			}))
		}
		s.Send(p, ops...)
		s.ExpectOpen(ctx, p)
		others.ExpectUnharmed(ctx)
	})

	It("may tell of a server at the target's own address and harms nobody", s.Req("RT-HOST-012/self"), func(ctx SpecContext) {
		others, p := s.bystanders(ctx), s.Join(ctx, "A")
		id, info := s.serverID("ITSELF"), s.Info()
		s.Send(p, wire.NewInfo(&wire.InfoBody{
			ServerID: id, ServerName: id, Host: info.Host, Port: info.Port, Cluster: info.Cluster, IP: "nats-route://" + s.target.Route + "/",
		}))
		s.ExpectOpen(ctx, p)
		others.ExpectUnharmed(ctx)
	})
}

// misplaced sends what belongs to other ports, or to servers of 1.x.
func misplaced(s *Suite) {
	DescribeTable("may send on its route what belongs elsewhere and harms nobody",
		func(ctx SpecContext, in string) {
			others, p := s.bystanders(ctx), s.Join(ctx, "A")
			_ = p.SendRaw(s.cut(in)[0], 0)
			_ = p.Fence(ctx) // it is refused, ignored, or done to the peer's own interest
			others.ExpectUnharmed(ctx)
		},
		Entry("interest of a server of 1.x", s.Req("RT-HOST-011/old"), "SUB PRE.orders  RSID:1:2\r\nUNSUB RSID:1:2\r\n"),
		Entry("operations of a client", s.Req("RT-HOST-011/client"), "SUB PRE.orders workers 1\r\nPUB PRE.orders 2\r\nhi\r\nUNSUB 1\r\n"),
		Entry("a header message of a client", s.Req("RT-HOST-011/hpub"), "HPUB PRE.orders 12 14\r\n"+emptyHeader+"hi\r\n"),
		Entry("interest of a gateway", s.Req("RT-HOST-011/gateway"), "A- ACC\r\nA+ ACC\r\n"),
	)
}

// deadly: what some release has not survived, or what takes much memory.
func deadly(s *Suite) {
	alone := func(ctx SpecContext, in string) {
		GinkgoHelper()
		others, p := s.bystanders(ctx), s.Join(ctx, "A")
		_ = p.SendRaw(bytes.Join(s.cut(in), nil), 0)
		p.Leave()
		_, _ = p.Closed(ctx)
		others.ExpectUnharmed(ctx)
	}
	DescribeTable("may announce a payload of a gigabyte and harms nobody",
		alone,
		Entry("RMSG", s.Req("RT-HOST-007/rmsg"), "RMSG ACC PRE.orders 999999999\r\nthe start of it"),
	)
	DescribeTable("may leave out the arguments and harms nobody",
		alone,
		Entry("LS+", s.Req("RT-HOST-008/ls-plus"), "LS+ \r\n"),
	)
	DescribeTable("may write sizes beyond 63 bits and harms nobody",
		alone,
		Entry("2 to the 63rd less one", s.Req("RT-HOST-009/max"), "RMSG ACC PRE.orders 9223372036854775807\r\n"),
		Entry("of 21 digits", s.Req("RT-HOST-009/digits"), "RMSG ACC PRE.orders 999999999999999999999\r\n"),
	)
	It("may declare a weight of 0 and harms nobody", s.Req("RT-HOST-010/publish"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		_ = p.SendRaw(bytes.Join(s.cut("RS+ ACC PRE.work workers 0\r\n"), nil), 0)
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("work"), "", "m")
		s.Flush(ctx, c)
		s.ExpectOpen(ctx, p)
	})
}
