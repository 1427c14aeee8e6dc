package spec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerIdentity: who a peer may say it is.
func registerIdentity(s *Suite) {
	Describe("A server_id in use", func() { duplicates(s) })
	Describe("Many peers", func() { manyPeers(s) })
	Describe("What belongs to the target", func() { impostors(s) })
	Describe("Cluster name", func() {
		clusterRefused(s)
		clusterAccepted(s)
		clusterDynamic(s)
	})
}

func duplicates(s *Suite) {
	It("is refused on a second connection", s.Req("RT-ID-001/second"), func(ctx SpecContext) {
		a := s.Join(ctx, "A")
		second := s.Dial(ctx, "B", harness.WithID(a.ID()))
		s.Send(second, second.Connect(), second.OwnInfo())
		s.ExpectClosed(ctx, second)
	})

	It("stays with the first connection, which works on", s.Req("RT-ID-002/first"), func(ctx SpecContext) {
		a, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(a, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, a)
		second := s.Dial(ctx, "B", harness.WithID(a.ID()))
		s.Send(second, second.Connect(), second.OwnInfo())
		s.ExpectClosed(ctx, second)

		By("a client publishing to the first connection and subscribing itself")
		s.ExpectCarries(ctx, a, c, "the first connection after a second one was refused")
	})

	It("is that of INFO where CONNECT has another name", s.Req("RT-ID-011/info-wins"), func(ctx SpecContext) {
		other := s.Dial(ctx, "B") // lends its id as a name
		a := s.Join(ctx, "A", harness.WithConnect(func(connect *wire.ConnectBody) { connect.Name = other.ID() }))

		By("the name of CONNECT being free for another peer")
		Expect(other.Register(ctx)).To(Succeed(), "a peer whose server_id was only another one's name in CONNECT")

		By("the server_id of INFO being taken")
		second := s.Dial(ctx, "C", harness.WithID(a.ID()))
		s.Send(second, second.Connect(), second.OwnInfo())
		s.ExpectClosed(ctx, second)
		s.ExpectOpen(ctx, a)
	})
}

// crowdPatience is how long one of a hundred peers may have to wait, who come at once and are all told of each other, or a client
// that has asked for thousands of things.
const crowdPatience = 20 * time.Second

func manyPeers(s *Suite) {
	It("are a hundred, each with routes of its own", s.Req("RT-ID-012/hundred"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("news"))
		s.Flush(ctx, c)
		peers, patient := make([]*harness.Peer, 100), harness.WithCrowd(ctx, crowdPatience)
		s.Together(len(peers), "a hundred peers that register and declare interest", func(i int) (err error) {
			if peers[i], err = s.target.Join(patient, fmt.Sprintf("P%d", i)); err != nil {
				return err
			}
			return errors.Join(peers[i].Send(wire.NewSub(s.Account(), s.Subject(fmt.Sprintf("orders.%d", i)))), peers[i].Fence(patient))
		})
		for i, p := range peers {
			s.Adopt(p)
			s.Publish(c, s.Subject(fmt.Sprintf("orders.%d", i)), "", "m")
		}
		s.Flush(ctx, c)
		s.Together(len(peers), "fences of a hundred peers", func(i int) error { return peers[i].Fence(patient) })
		for i, p := range peers {
			Expect(s.Own(p)).To(s.BeOps(
				wire.NewSub(s.Account(), s.Subject("news")), s.msg(fmt.Sprintf("orders.%d", i), "", "m"),
			), "the target's interest, and a publish on the interest of this one of a hundred peers")
		}
	})

	It("may have ids that differ in one letter, or in its case", s.Req("RT-ID-013/alike"), func(ctx SpecContext) {
		id := s.serverID("ALIKE")
		a, c := s.Join(ctx, "A", harness.WithID(id+"X")), s.witness(ctx)
		b := s.Join(ctx, "B", harness.WithID(id+"x"))
		short := s.Join(ctx, "C", harness.WithID(id))
		for _, p := range []*harness.Peer{a, b, short} {
			s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
		}
		s.Fence(ctx, a, b, short)
		s.Publish(c, s.Subject("orders"), "", "m")
		s.ClientToPeers(ctx, c, a, b, short)
		for _, p := range []*harness.Peer{a, b, short} {
			Expect(s.Own(p)).To(s.BeOps(s.msg("orders", "", "m")), "peers whose ids are not the same are not the same")
		}
	})
}

// Together does something n times at once and wants each to succeed.
func (s *Suite) Together(n int, what string, do func(i int) error) {
	GinkgoHelper()
	done := make(chan error, n)
	for i := range n {
		go func() { done <- do(i) }()
	}
	var all error
	for range n {
		all = errors.Join(all, <-done)
	}
	Expect(all).NotTo(HaveOccurred(), what)
}

func impostors(s *Suite) {
	It("is its server_id", s.Req("RT-ID-003/server-id"), func(ctx SpecContext) {
		p := s.Dial(ctx, "A", harness.WithID(s.Info().ServerID),
			harness.WithInfo(func(info *wire.InfoBody) { info.ServerName = "natsroute-" + s.Subject("other") }))
		s.Send(p, p.Connect(), p.OwnInfo())
		s.ExpectClosed(ctx, p)
	})

	It("is its server_name", s.Req("RT-ID-004/server-name"), func(ctx SpecContext) {
		if s.Info().ServerName == "" {
			s.NotApplicable("the target shows no server_name")
		}
		p := s.Dial(ctx, "A", harness.WithInfo(func(info *wire.InfoBody) { info.ServerName = s.Info().ServerName }))
		s.Send(p, p.Connect(), p.OwnInfo())
		s.ExpectClosed(ctx, p)
	})
}

// otherCluster is a name that no cluster of the target's user has.
func (s *Suite) otherCluster() string {
	return "natsroute-" + strings.ReplaceAll(s.Subject("other"), ".", "-")
}

func clusterRefused(s *Suite) {
	It("has to be the target's in CONNECT", s.Req("RT-ID-005/connect"), func(ctx SpecContext) {
		s.ExpectRejected(ctx, "A", harness.WithConnect(func(connect *wire.ConnectBody) { connect.Cluster = s.otherCluster() }))
	})

	It("has to be there in CONNECT", s.Req("RT-ID-006/connect-without"), func(ctx SpecContext) {
		s.ExpectRejected(ctx, "A", harness.WithConnect(func(connect *wire.ConnectBody) { connect.Cluster = "" }))
	})

	It("cannot change on a registered route", s.Req("RT-ID-009/second-connect"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, connectWith(p, func(connect *wire.ConnectBody) { connect.Cluster = s.otherCluster() }))
		s.ExpectClosed(ctx, p)
	})
}

func clusterAccepted(s *Suite) {
	It("may be left out of INFO", s.Req("RT-ID-008/info-without"), NeedsClient, func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p := s.Join(ctx, "A", harness.WithInfo(func(info *wire.InfoBody) { info.Cluster = "" }))
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "a peer whose INFO has no cluster is registered")
	})
}
