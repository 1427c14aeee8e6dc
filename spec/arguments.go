package spec

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerArguments: arguments with an effect that no vector can show. How many there are and what they may be is shown
// by the chapter's vectors.
func registerArguments(s *Suite) {
	Describe("Arguments", func() {
		It("may name forty queue groups", s.Req("RT-ARG-010/one-member-each"), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			queues, groups := make([]string, 40), make([]*harness.Subscription, 40)
			for i := range queues {
				queues[i] = fmt.Sprintf("group%d", i)
				groups[i] = s.QueueSubscribe(c, s.Subject("orders"), queues[i])
			}
			unnamed := s.QueueSubscribe(c, s.Subject("orders"), "another")
			s.Flush(ctx, c)
			s.Send(p, wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", queues, []byte("m")))
			s.PeerToClients(ctx, p, c)
			for i, group := range groups {
				Expect(s.Received(group)).To(s.BeMessages(delivery{s.Subject("orders"), "", "m"}), "group %d of 40", i)
			}
			Expect(s.Received(unnamed)).To(s.BeMessages(), "a group that is not named")
		})

		It("may hold a weight that is no number", s.Req("RT-ARG-016/word"), NeedsClient, func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			_ = p.SendRaw(fmt.Appendf(nil, "RS+ %s %s workers many\r\n", s.Account(), s.Subject("jobs")), 0)
			s.ExpectOpen(ctx, p)
			s.Publish(c, s.Subject("jobs"), "", "m")
			s.ClientToPeers(ctx, c, p)
			if len(s.Own(p)) == 0 {
				s.Observe("the member gets nothing")
				return
			}
			Expect(s.Own(p)).To(s.BeOps(wire.NewQueueMsg(s.Account(), s.Subject("jobs"), "", []string{"workers"}, []byte("m"))), "a publish to a member without a weight")
			s.Observe("the member counts as one")
		})
	})
}
