package spec

import (
	"context"
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerAuth: user and password on the route port.
func registerAuth(s *Suite) {
	Describe("Credentials", func() {
		credentialsWanted(s)
		credentialsRefused(s)
	})
	Describe("An unauthenticated connection", func() {
		nothingBeforeConnect(s)
		authTimeout(s)
	})
}

func credentialsWanted(s *Suite) {
	It("are announced as wanted", s.Req("RT-AUTH-001/info"), WithoutRegistration, func(ctx SpecContext) {
		var info map[string]any
		Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed())
		Expect(info).To(HaveKeyWithValue("auth_required", true), "INFO of a route port that wants credentials")
	})

	It("are accepted when they are right", s.Req("RT-AUTH-002/right"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect())
		s.ExpectOpen(ctx, p)
		s.Send(p, p.OwnInfo())
		s.ExpectOpen(ctx, p)
	})
}

// wrongly makes a peer's CONNECT carry other credentials.
func wrongly(user, password, token string) harness.PeerOption {
	return harness.WithConnect(func(connect *wire.ConnectBody) {
		connect.User, connect.Pass, connect.AuthToken = user, password, token
	})
}

func credentialsRefused(s *Suite) {
	DescribeTable("are refused",
		func(ctx SpecContext, option func() harness.PeerOption) {
			p := s.Dial(ctx, "A", option())
			s.Send(p, p.Connect())
			s.ExpectClosed(ctx, p)
		},
		Entry("with a wrong password", s.Req("RT-AUTH-003/wrong-pass"), func() harness.PeerOption {
			return wrongly(s.target.User, s.target.Password+"x", "")
		}),
		Entry("with a part of the password", s.Req("RT-AUTH-003/part-of-pass"), func() harness.PeerOption {
			return wrongly(s.target.User, s.target.Password[:len(s.target.Password)/2], "")
		}),
		Entry("with a wrong user", s.Req("RT-AUTH-004/wrong-user"), func() harness.PeerOption {
			return wrongly(s.target.User+"x", s.target.Password, "")
		}),
		Entry("when there are none", s.Req("RT-AUTH-005/none"), func() harness.PeerOption {
			return wrongly("", "", "")
		}),
		Entry("when they are a token", s.Req("RT-AUTH-009/token"), func() harness.PeerOption {
			return wrongly("", "", s.target.Password)
		}),
	)
}

func nothingBeforeConnect(s *Suite) {
	DescribeTable("has to begin with CONNECT",
		func(ctx SpecContext, op func(*harness.Peer) wire.Op) {
			p := s.Dial(ctx, "A")
			s.Send(p, op(p))
			s.ExpectClosed(ctx, p)
		},
		Entry("not PING", s.Req("RT-AUTH-006/ping"), func(*harness.Peer) wire.Op { return wire.NewPing() }),
		Entry("not INFO", s.Req("RT-AUTH-006/info"), (*harness.Peer).OwnInfo),
		Entry("not RS+", s.Req("RT-AUTH-006/interest"), func(*harness.Peer) wire.Op {
			return wire.NewSub("$G", s.Subject("orders"))
		}),
	)

	It("delivers no message behind a refused CONNECT", s.Req("RT-AUTH-007/same-write"), func(ctx SpecContext) {
		friend, c := s.Join(ctx, "A"), s.witness(ctx)
		orders := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		stranger := s.Dial(ctx, "B", wrongly(s.target.User, s.target.Password+"x", ""))
		s.Send(stranger, stranger.Connect(), stranger.OwnInfo(), wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("forged")))
		s.ExpectClosed(ctx, stranger)
		s.Send(friend, wire.NewMsg(s.Account(), s.Subject("orders"), "", []byte("true")))
		s.PeerToClients(ctx, friend, c)
		Expect(s.Received(orders)).To(s.BeMessages(delivery{s.Subject("orders"), "", "true"}), "what a client gets from peers")
	})
}

func authTimeout(s *Suite) {
	limit := func(s *Site) time.Duration { return s.Settings().AuthTimeout + s.target.Patience() }
	for _, half := range []struct{ word, title, said string }{
		{"mute", "is closed when it says nothing in time", ""},
		{"half-a-line", "is closed when it says half of a CONNECT in time", `CONNECT {"user":`},
	} {
		end := Prepare(s, "RT-AUTH-008", func(ctx context.Context, s *Site) ending {
			return s.watch(ctx, limit(s), func(ctx context.Context) (*harness.Peer, error) {
				p, err := s.target.Dial(ctx, "A", harness.NoPong())
				if err == nil && half.said != "" {
					err = p.SendRaw([]byte(half.said), 0)
				}
				return p, err
			})
		})
		It(half.title, s.Req("RT-AUTH-008/"+half.word), WithoutRegistration, Late, func(ctx SpecContext) {
			if s.Settings().AuthTimeout == 0 {
				s.NotTested(report.NeedsSettings)
			}
			e := joined(ctx, s, end, ending.peers)
			s.ExpectEnded(e, limit(s.Site), "a connection that does not authenticate in time is closed")
			Expect(e.after).To(BeNumerically(">=", s.Settings().AuthTimeout*3/4), "closed before the time for CONNECT was over")
		})
	}
}
