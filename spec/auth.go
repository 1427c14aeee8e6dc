package spec

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"

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
	Describe("An authenticated connection", func() {
		authLasts(s)
		authAgain(s)
	})
	Describe("A target that dials", func() { credentialsShown(s) })
}

// limitToAuthenticate is when a connection without CONNECT has been closed at the latest.
func (s *Site) limitToAuthenticate() time.Duration {
	return s.Settings().AuthTimeout + s.target.Patience()
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

	It("are taken to the letter", s.Req("RT-AUTH-012/odd"), WithoutRegistration, func(ctx SpecContext) {
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect())
		s.ExpectOpen(ctx, p)
	})
}

// wrongly makes a peer's CONNECT carry other credentials.
func wrongly(user, password, token string) harness.PeerOption {
	return harness.WithConnect(func(connect *wire.ConnectBody) {
		connect.User, connect.Pass, connect.AuthToken = user, password, token
	})
}

// passwordInOtherCase is the password with each of its letters in the other case.
func (s *Suite) passwordInOtherCase() string {
	other := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s.target.Password)
	if other == s.target.Password {
		s.NotApplicable("there are no letters in the password")
	}
	return other
}

func credentialsRefused(s *Suite) {
	DescribeTable("are refused",
		func(ctx SpecContext, option func() harness.PeerOption) {
			s.ExpectRejected(ctx, "A", option())
		},
		Entry("with a wrong password", s.Req("RT-AUTH-003/wrong-pass"), func() harness.PeerOption {
			return wrongly(s.target.User, s.target.Password+"x", "")
		}),
		Entry("with a part of the password", s.Req("RT-AUTH-003/part-of-pass"), func() harness.PeerOption {
			return wrongly(s.target.User, s.target.Password[:len(s.target.Password)/2], "")
		}),
		Entry("with the password in another case", s.Req("RT-AUTH-003/other-case"), func() harness.PeerOption {
			return wrongly(s.target.User, s.passwordInOtherCase(), "")
		}),
		Entry("with a long password that differs in its last byte", s.Req("RT-AUTH-013/last-byte"), WithoutRegistration, func() harness.PeerOption {
			last := len(s.target.Password) - 1
			return wrongly(s.target.User, s.target.Password[:last]+"?", "")
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

	It("are refused with a word", s.Req("RT-AUTH-014/text"), func(ctx SpecContext) {
		s.ExpectTold(func(name string) *harness.Peer { return s.ExpectRejected(ctx, name, wrongly("", "", "")) }, "(?i)authorization violation")
	})
}

func nothingBeforeConnect(s *Suite) {
	DescribeTable("has to begin with CONNECT",
		func(ctx SpecContext, op func(*harness.Peer) wire.Op) {
			p := s.Dial(ctx, "A")
			s.Send(p, op(p))
			closing := s.ExpectClosed(ctx, p)
			Expect(ofKind(p.Seen(), wire.Pong)).To(s.BeOps(), "what a connection gets to read that has not authenticated")
			Expect(closing.ErrText).NotTo(MatchRegexp("(?i)timeout"), "the operation closes the connection, not the end of the time for CONNECT")
		},
		Entry("not PING", s.Req("RT-AUTH-006/ping"), func(*harness.Peer) wire.Op { return wire.NewPing() }),
		Entry("not PONG", s.Req("RT-AUTH-006/pong"), func(*harness.Peer) wire.Op { return wire.NewPong() }),
		Entry("not +OK", s.Req("RT-AUTH-006/ok"), func(*harness.Peer) wire.Op { return wire.Op{Kind: wire.OK} }),
		Entry("not RMSG", s.Req("RT-AUTH-006/message"), func(*harness.Peer) wire.Op {
			return wire.NewMsg("$G", s.Subject("orders"), "", []byte("m"))
		}),
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

// unauthenticated opens a connection that says no more than that, and waits for its end.
func (s *Site) unauthenticated(ctx context.Context, said string) ending {
	return s.watch(ctx, s.limitToAuthenticate(), func(ctx context.Context) (*harness.Peer, error) {
		p, err := s.target.Dial(ctx, "A", harness.NoPong())
		if err == nil && said != "" {
			err = p.SendRaw([]byte(said), 0)
		}
		return p, err
	})
}

// needsAuthTimeout ends a spec about the time to authenticate where nobody knows how long it is.
func (s *Suite) needsAuthTimeout() {
	if s.Settings().AuthTimeout == 0 {
		s.NotTested(report.NeedsSettings)
	}
}

func authTimeout(s *Suite) {
	for _, half := range []struct{ word, title, said string }{
		{"mute", "is closed when it says nothing in time", ""},
		{"half-a-line", "is closed when it says half of a CONNECT in time", `CONNECT {"user":`},
	} {
		end := Prepare(s, "RT-AUTH-008", func(ctx context.Context, s *Site) ending { return s.unauthenticated(ctx, half.said) })
		It(half.title, s.Req("RT-AUTH-008/"+half.word), WithoutRegistration, Late, func(ctx SpecContext) {
			s.needsAuthTimeout()
			e := joined(ctx, s, end, ending.peers)
			s.ExpectEnded(e, s.limitToAuthenticate(), "a connection that does not authenticate in time is closed")
			Expect(e.after).To(BeNumerically(">=", s.Settings().AuthTimeout*3/4), "closed before the time for CONNECT was over")
		})
	}

	texts := Prepare(s, "RT-AUTH-015", func(ctx context.Context, s *Site) []ending {
		return oftenAtOnce(ctx, s, func(ctx context.Context, s *Site) ending { return s.unauthenticated(ctx, "") })
	})
	It("is told that its time is over", s.Req("RT-AUTH-015/text"), WithoutRegistration, Late, func(ctx SpecContext) {
		s.needsAuthTimeout()
		s.ExpectAllTold(joined(ctx, s, texts, peersOf), s.limitToAuthenticate(), "a connection that does not authenticate in time is closed", "(?i)authentication timeout")
	})

	It("is sent no interest", s.Req("RT-AUTH-016/interest"), func(ctx SpecContext) {
		stranger, friend, c := s.Dial(ctx, "A"), s.Join(ctx, "B"), s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.ClientToPeers(ctx, c, friend)
		Expect(s.Own(friend)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))))
		Expect(s.Own(stranger)).To(s.BeOps(), "what a connection gets to read that has not authenticated")
	})
}

func authLasts(s *Suite) {
	alive := Prepare(s, "RT-AUTH-010", func(ctx context.Context, s *Site) []ending {
		return s.outlive(ctx, func(ctx context.Context, s *Site) ending { return s.unauthenticated(ctx, "") })
	})
	It("is not closed when the time for CONNECT is over", s.Req("RT-AUTH-010/outlives"), Late, func(ctx SpecContext) {
		s.needsAuthTimeout()
		both := joined(ctx, s, alive, peersOf)
		s.ExpectEnded(both[1], s.limitToAuthenticate(), "a connection that does not authenticate in time is closed: only then can one that did be seen to outlive it")
		Expect(both[0].err).NotTo(HaveOccurred(), "the peer that had authenticated, when another one had been closed for not doing so")
	})

	It("ends with another CONNECT whose password is wrong", s.Req("RT-AUTH-011/again"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, connectWith(p, func(connect *wire.ConnectBody) { connect.Pass += "x" }))
		s.ExpectClosed(ctx, p)
	})
}

func authAgain(s *Suite) {
	It("may or may not have to show credentials in another CONNECT", s.Req("RT-AUTH-021/left-out"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, connectWith(p, func(connect *wire.ConnectBody) { connect.User, connect.Pass = "", "" }))
		if isClosed(p.Fence(ctx)) {
			s.Observe("refused without")
			return
		}
		s.ExpectOpen(ctx, p)
		s.Observe("those of the first count on")
	})
}

func credentialsShown(s *Suite) {
	// shown is the CONNECT of the target when it is told of a server that wants credentials, or does not.
	shown := func(ctx SpecContext, wanted bool) *wire.ConnectBody {
		GinkgoHelper()
		l, id := s.Listener(ctx), s.serverID("DIALLED")
		teller := s.Join(ctx, "A")
		op := news(teller, id, l)
		op.InfoBody.AuthRequired = wanted
		s.Send(teller, wire.NewInfo(op.InfoBody))
		p := s.Dialled(ctx, l, "L", harness.WithID(id))
		_, err := p.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Kind == wire.Connect })
		Expect(err).NotTo(HaveOccurred(), "the target dialled and sent no CONNECT")
		return connectOf(p)
	}

	DescribeTable("shows its own user and password to a server that wants them",
		func(ctx SpecContext) {
			connect := shown(ctx, true)
			Expect(connect.User).To(Equal(s.target.User), "user in the target's CONNECT")
			Expect(connect.Pass == s.target.Password).To(BeTrue(), "pass in the target's CONNECT is the password of the cluster")
		},
		Entry("plain ones", s.Req("RT-AUTH-017/gossiped")),
		Entry("odd ones", s.Req("RT-AUTH-018/odd")),
	)

	It("shows neither to a server that wants none", s.Req("RT-AUTH-019/not-asked"), func(ctx SpecContext) {
		connect := shown(ctx, false)
		Expect(connect.User).To(BeEmpty(), "user in the target's CONNECT")
		Expect(connect.Pass == "").To(BeTrue(), "there is no pass in the target's CONNECT")
	})
}
