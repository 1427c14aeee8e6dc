package spec

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/reference/wire"
)

// registerLeafPinned: lines about leafs on a connection that is dedicated to one account.
func registerLeafPinned(s *Suite) {
	Describe("On a connection for one account", func() {
		leafInterestApart(s)
		leafMessagesApart(s)
	})
}

func leafInterestApart(s *Suite) {
	for _, k := range []leafKnowledge{knowsOrigins, knowsUnsubs} {
		It("leaf interest carries no account, of a peer with "+knowledgeWords[k], s.Req("RT-LEAF-007/"+knowledgeWords[k]), func(ctx SpecContext) {
			if k == knowsUnsubs {
				s.needsOriginsApart()
			}
			p, c := s.joinPinned(ctx, "A", k.announcing()), s.pinned(ctx).client
			ends := s.origin()
			if k == knowsOrigins {
				ends = ""
			}
			s.Send(p, asLeaf(wire.NewSub("", s.Subject("orders")), s.origin()), asLeaf(wire.NewQueueSub("", s.Subject("work"), "q", 2), s.origin()))
			s.Fence(ctx, p)
			for range 2 {
				s.Publish(c, s.Subject("orders"), "", "m")
				s.Publish(c, s.Subject("work"), s.Subject("reply"), "m")
				s.ClientToPeers(ctx, c, p)
				s.Send(p, asLeaf(wire.NewUnsub("", s.Subject("orders")), ends), asLeaf(wire.NewQueueUnsub("", s.Subject("work"), "q"), ends))
				s.Fence(ctx, p)
			}
			Expect(s.Own(p)).To(s.BeOps(
				s.apart("", "m"), wire.NewQueueMsg("", s.Subject("work"), s.Subject("reply"), []string{"q"}, []byte("m")),
			), "messages on LS+ origin subject and LS+ origin subject queue weight, none after LS-")
		})
	}
}

func leafMessagesApart(s *Suite) {
	arrives := func(word, reply string, header bool, queues ...string) {
		It("LMSG carries no account: "+word, s.Req("RT-LEAF-012/"+word), func(ctx SpecContext) {
			p, c := s.joinPinned(ctx, "A", knowsOrigins.announcing()), s.pinned(ctx).client
			plain, member := s.Subscribe(c, s.Subject("orders")), s.QueueSubscribe(c, s.Subject("orders"), "q")
			s.Flush(ctx, c)
			to := s.subjectOrNone(reply)
			s.Send(p, s.leafMessage(s.apart(to, leafPayload, queues...), header))
			s.PeerToClients(ctx, p, c)
			want := []delivery{{s.Subject("orders"), to, leafPayload}}
			Expect(s.Received(plain)).To(s.BeMessages(want...), "a plain subscriber of the account")
			if len(queues) == 0 {
				want = nil
			}
			Expect(s.Received(member)).To(s.BeMessages(want...), "a member of a group of the account")
		})
	}
	arrives("plain", "", false)
	arrives("reply", "reply", false)
	arrives("queue", "", false, "q")
	arrives("reply-and-queue", "reply", false, "q")
	arrives("header", "", true)
}
