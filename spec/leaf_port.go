package spec

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerLeafPort: what the target makes of a leaf node at its leafnode port, which we play.
func registerLeafPort(s *Suite) {
	Describe("Interest of a leaf", func() {
		leafAnnounced(s)
		leafAnnouncedAside(s)
	})
	Describe("A leaf's message", func() { leafPublished(s) })
	Describe("A message for a group", func() { leafGroups(s) })
	Describe("A peer's message for a leaf", func() { leafDelivered(s) })
}

// leafOf is a leaf's cluster: the spec's own, or none.
type leafOf bool

const (
	withCluster    leafOf = true
	withoutCluster leafOf = false
)

// Leaf connects a leaf to the target's leafnode port, in the account of our client. Leaving is deferred.
func (s *Suite) Leaf(ctx SpecContext, name string, cluster leafOf) *harness.Peer {
	GinkgoHelper()
	if cluster {
		return s.leafOf(ctx, name, s.origin())
	}
	return s.leafOf(ctx, name, "")
}

func (s *Suite) leafOf(ctx SpecContext, name, cluster string) *harness.Peer {
	GinkgoHelper()
	l, err := s.Target().JoinLeaf(ctx, name, "", harness.LeafCluster(cluster))
	if err != nil {
		s.fail(fmt.Sprintf("leaf %s did not come into the target's leafnode port: %v", name, err))
	}
	s.Adopt(l)
	return l
}

// LeafToPeers waits until everything that the leaf has sent has taken effect on routes.
func (s *Suite) LeafToPeers(ctx SpecContext, l *harness.Peer, peers ...*harness.Peer) {
	GinkgoHelper()
	s.Fence(ctx, l)
	s.Fence(ctx, peers...)
}

// as is how a peer of that knowledge is told of interest, or sent a message, of a leaf of the spec's own cluster or of none.
func (s *Suite) as(k leafKnowledge, cluster leafOf, op wire.Op) wire.Op {
	switch {
	case cluster == withoutCluster && k >= knowsSentinel && !op.Kind.IsMessage():
		return asLeaf(op, sentinelOrigin)
	case cluster == withoutCluster || k == knowsNoLeafs:
		return op
	case op.Kind == wire.Unsub && k < knowsUnsubs:
		return asLeaf(op, "")
	}
	return asLeaf(op, s.origin())
}

// knowledgeWords names the kinds of peers in results.
var knowledgeWords = map[leafKnowledge]string{
	knowsNoLeafs: "no-leafs", knowsOrigins: "lnoc", knowsUnsubs: "lnocu", knowsSentinel: "ln",
}

// forEachKnowledge makes a spec for each kind of peer, with the requirement that its form is of.
func (s *Suite) forEachKnowledge(title, word string, rows map[leafKnowledge]string, run func(SpecContext, leafKnowledge)) {
	for k := knowsNoLeafs; k <= knowsSentinel; k++ {
		if row := rows[k]; row != "" {
			It(title+", to a peer with "+knowledgeWords[k], s.Req(row+"/"+knowledgeWords[k]+"-"+word), func(ctx SpecContext) { run(ctx, k) })
		}
	}
}

// Rows of the forms in which a peer is told of leaf interest, by what it knows.
var (
	withClusterRows    = map[leafKnowledge]string{knowsNoLeafs: "RT-LEAF-020", knowsOrigins: "RT-LEAF-021", knowsUnsubs: "RT-LEAF-022", knowsSentinel: "RT-LEAF-022"}
	withoutClusterRows = map[leafKnowledge]string{knowsNoLeafs: "RT-LEAF-020", knowsOrigins: "RT-LEAF-023", knowsUnsubs: "RT-LEAF-023", knowsSentinel: "RT-LEAF-024"}
)

// allRows has one row for each kind of peer.
func allRows(row string) map[leafKnowledge]string {
	return map[leafKnowledge]string{knowsNoLeafs: row, knowsOrigins: row, knowsUnsubs: row, knowsSentinel: row}
}

// needsOriginsApart ends a spec of releases that announce lnocu: those up to 2.10.7 count leaf interest wrongly.
func (s *Suite) needsOriginsApart() {
	if !s.Info().LNOCU {
		s.NotApplicable("the target does not announce lnocu")
	}
}

func leafAnnounced(s *Suite) {
	for _, cluster := range []leafOf{withCluster, withoutCluster} {
		of, word, rows := "with a cluster", "cluster", withClusterRows
		if cluster == withoutCluster {
			of, word, rows = "without a cluster", "none", withoutClusterRows
		}
		s.forEachKnowledge("is announced, and ended in the form that fits, of a leaf "+of, word, rows, func(ctx SpecContext, k leafKnowledge) {
			p, l := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", cluster)
			s.Send(l, onLeafPort(s.sub("orders", "", 0)), onLeafPort(s.sub("work", "q", 1)), onLeafPort(s.unsub("orders", "")), onLeafPort(s.unsub("work", "q")))
			s.LeafToPeers(ctx, l, p)
			Expect(s.Own(p)).To(s.BeOps(
				s.as(k, cluster, s.sub("orders", "", 0)), s.as(k, cluster, s.sub("work", "q", 1)),
				s.as(k, cluster, s.unsub("orders", "")), s.as(k, cluster, s.unsub("work", "q")),
			), "a leaf's interest, and its end")
		})
		s.forEachKnowledge("has its weight, of a leaf "+of, word, allRows("RT-LEAF-029"), func(ctx SpecContext, k leafKnowledge) {
			s.needsOriginsApart()
			p, l := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", cluster)
			s.Send(l, onLeafPort(s.sub("work", "q", 2)), onLeafPort(s.sub("work", "q", 5)), onLeafPort(s.sub("work", "q", 1)), onLeafPort(s.sub("work", "q", 3)), onLeafPort(s.unsub("work", "q")))
			s.LeafToPeers(ctx, l, p)
			Expect(s.Own(p)).To(s.BeOps(
				s.as(k, cluster, s.sub("work", "q", 2)), s.as(k, cluster, s.sub("work", "q", 5)), s.as(k, cluster, s.sub("work", "q", 1)), s.as(k, cluster, s.sub("work", "q", 3)),
				s.as(k, cluster, s.unsub("work", "q")),
			), "a leaf's group that grows, shrinks, and ends")
		})
		s.forEachKnowledge("is ended when the leaf goes away, of a leaf "+of, word+"-gone", rows, func(ctx SpecContext, k leafKnowledge) {
			p, l := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", cluster)
			s.Send(l, onLeafPort(s.sub("orders", "", 0)), onLeafPort(s.sub("work", "q", 1)))
			s.LeafToPeers(ctx, l, p)
			l.Leave()
			s.AwaitOp(ctx, p, s.as(k, cluster, s.unsub("orders", "")), "the interest of a leaf that is gone")
			s.AwaitOp(ctx, p, s.as(k, cluster, s.unsub("work", "q")), "the group of a leaf that is gone")
		})
		s.forEachKnowledge("is in the first list of a new peer, of a leaf "+of, word, allRows("RT-LEAF-034"), func(ctx SpecContext, k leafKnowledge) {
			s.needsOriginsApart()
			l := s.Leaf(ctx, "L", cluster)
			s.Send(l, onLeafPort(s.sub("orders", "", 0)), onLeafPort(s.sub("work", "q", 1)), onLeafPort(s.sub("work", "q", 3)))
			s.Fence(ctx, l)
			p := s.JoinKnowing(ctx, "A", k)
			s.Fence(ctx, p)
			Expect(s.Own(p)).To(s.BeOpsInAnyOrder(s.as(k, cluster, s.sub("orders", "", 0)), s.as(k, cluster, s.sub("work", "q", 3))), "a leaf's interest, which was there before")
		})
	}
}

// onLeafPort is interest, or a message, without its account: as a leafnode port has it.
func onLeafPort(op wire.Op) wire.Op {
	op.Account = nil
	return op
}

func leafAnnouncedAside(s *Suite) {
	It("is announced once for all leafs of a cluster", s.Req("RT-LEAF-025/two-leafs"), func(ctx SpecContext) {
		p, one, two := s.JoinKnowing(ctx, "A", knowsUnsubs), s.Leaf(ctx, "L", withCluster), s.Leaf(ctx, "M", withCluster)
		for _, l := range []*harness.Peer{one, two} {
			s.Send(l, onLeafPort(s.sub("orders", "", 0)))
			s.LeafToPeers(ctx, l, p)
		}
		s.Send(one, onLeafPort(s.unsub("orders", "")))
		s.LeafToPeers(ctx, one, p)
		Expect(s.Own(p)).To(s.BeOps(asLeaf(s.sub("orders", "", 0), s.origin())), "two leafs of one cluster, of which one still has the interest")
		s.Send(two, onLeafPort(s.unsub("orders", "")))
		s.LeafToPeers(ctx, two, p)
		Expect(s.Own(p)).To(s.BeOps(asLeaf(s.sub("orders", "", 0), s.origin()), asLeaf(s.unsub("orders", ""), s.origin())), "the last leaf's interest has ended")
	})

	It("is announced beside that of clients, and ended beside it", s.Req("RT-LEAF-026/client-and-leaf"), func(ctx SpecContext) {
		p, l, c := s.JoinKnowing(ctx, "A", knowsUnsubs), s.Leaf(ctx, "L", withCluster), s.witness(ctx)
		s.Send(l, onLeafPort(s.sub("orders", "", 0)), onLeafPort(s.sub("work", "q", 1)), onLeafPort(s.sub("work", "q", 3)))
		s.LeafToPeers(ctx, l, p)
		sub, member := s.Subscribe(c, s.Subject("orders")), s.QueueSubscribe(c, s.Subject("work"), "q")
		s.ClientToPeers(ctx, c, p)
		s.Unsubscribe(sub, member)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)[3:]).To(s.BeOps(s.sub("orders", "", 0), s.sub("work", "q", 1), s.unsub("orders", ""), s.unsub("work", "q")), "a client's interest where a leaf has some")
		s.Send(l, onLeafPort(s.unsub("orders", "")), onLeafPort(s.unsub("work", "q")))
		s.LeafToPeers(ctx, l, p)
		Expect(s.Own(p)[7:]).To(s.BeOps(asLeaf(s.unsub("orders", ""), s.origin()), asLeaf(s.unsub("work", "q"), s.origin())), "the leaf's interest, which was left")
	})

	for _, k := range []leafKnowledge{knowsNoLeafs, knowsOrigins} {
		It("may end that of clients in the same subject, to a peer with "+knowledgeWords[k], s.Req("RT-LEAF-036/"+knowledgeWords[k]), func(ctx SpecContext) {
			p, l, c := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", withCluster), s.witness(ctx)
			s.Send(l, onLeafPort(s.sub("orders", "", 0)))
			s.LeafToPeers(ctx, l, p)
			s.Subscribe(c, s.Subject("orders"))
			s.ClientToPeers(ctx, c, p)
			before := len(s.Own(p))
			s.Send(l, onLeafPort(s.unsub("orders", "")))
			s.LeafToPeers(ctx, l, p)
			if len(s.Own(p)[before:]) == 0 {
				s.Observe("the last of them ends it")
				return
			}
			Expect(s.Own(p)[before:]).To(s.BeOps(s.as(k, withCluster, s.unsub("orders", ""))), "the leaf's interest has ended, a client's has not")
			s.Observe("the first of them ends it")
		})
	}

	It("is announced in subjects by which leafs find loops", s.Req("RT-LEAF-027/lds"), func(ctx SpecContext) {
		p, l := s.JoinKnowing(ctx, "A", knowsOrigins), s.Leaf(ctx, "L", withCluster)
		loop := "$LDS." + s.origin()
		s.Send(l, wire.NewSub("", loop))
		s.LeafToPeers(ctx, l, p)
		Expect(p.Seen()).To(s.ContainOp(asLeaf(wire.NewSub(s.Account(), loop), s.origin())), "the subject under $LDS that a leaf subscribes to is how another server sees a loop")
	})

	for _, k := range []leafKnowledge{knowsOrigins, knowsUnsubs} {
		It("is written with single blanks, to a peer with "+knowledgeWords[k], s.Req("RT-LEAF-037/"+knowledgeWords[k]), func(ctx SpecContext) {
			s.needsOriginsApart()
			p, l := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", withCluster)
			s.Send(p, s.sub("news", "", 0))
			s.Fence(ctx, p)
			s.Send(l, onLeafPort(s.sub("orders", "", 0)), onLeafPort(s.sub("work", "q", 1)), onLeafPort(s.unsub("orders", "")), onLeafPort(s.unsub("work", "q")), onLeafPort(s.msg("news", s.Subject("reply"), "m")))
			s.LeafToPeers(ctx, l, p)
			for _, seen := range s.Own(p) {
				line, _, err := readLine(seen.Raw)
				Expect(err).NotTo(HaveOccurred(), "a line about a leaf, read by the strict grammar")
				Expect(line.canonical()).To(BeTrue(), "upper case, single blanks, plain numbers in %q", line.raw)
			}
		})
	}

	It("makes INFO tell where leafs may connect", s.Req("RT-LEAF-028/urls"), WithoutRegistration, func(ctx SpecContext) {
		Expect(s.Dial(ctx, "A").Info().LeafNodeURLs).NotTo(BeEmpty(), "leafnode_urls of a server with a leafnode port")
	})
}

func leafPublished(s *Suite) {
	forms := []struct {
		word, reply string
		queues      []string
		header      bool
	}{{"plain", "", nil, false}, {"reply", "reply", nil, false}, {"queue", "", []string{"q"}, false}, {"reply-and-queue", "reply", []string{"q"}, false}, {"header", "", nil, true}}
	for _, form := range forms {
		message := func() wire.Op {
			reply := form.reply
			if reply != "" {
				reply = s.Subject(reply)
			}
			op := wire.NewQueueMsg(s.Account(), s.Subject("orders"), reply, form.queues, []byte(leafPayload))
			if form.header {
				op.Payload = []byte(leafHeaderBlock + leafPayload)
				op.Kind, op.HeaderSize, op.Size = wire.HMsg, len(leafHeaderBlock), len(op.Payload)
			}
			return op
		}
		comes := func(cluster leafOf) func(SpecContext, leafKnowledge) {
			return func(ctx SpecContext, k leafKnowledge) {
				p, l := s.JoinKnowing(ctx, "A", k), s.Leaf(ctx, "L", cluster)
				interest := s.sub("orders", "", 0)
				if form.queues != nil {
					interest = s.sub("orders", "q", 1)
				}
				s.Send(p, interest)
				s.Fence(ctx, p)
				s.Send(l, onLeafPort(message()))
				s.LeafToPeers(ctx, l, p)
				Expect(s.Own(p)).To(s.BeOps(s.as(k, cluster, message())), "a message that a leaf has sent")
			}
		}
		s.forEachKnowledge("of a leaf with a cluster goes out in the form that fits: "+form.word, form.word,
			map[leafKnowledge]string{knowsNoLeafs: "RT-LEAF-030", knowsOrigins: "RT-LEAF-031"}, comes(withCluster))
		s.forEachKnowledge("of a leaf without a cluster goes out as a client's: "+form.word, form.word+"-none",
			map[leafKnowledge]string{knowsOrigins: "RT-LEAF-032", knowsSentinel: "RT-LEAF-032"}, comes(withoutCluster))
	}

	It("does not go to a group's members of its own origin behind a route", s.Req("RT-LEAF-033/own-origin"), func(ctx SpecContext) {
		s.needsOriginsApart()
		same, other, l := s.JoinKnowing(ctx, "A", knowsOrigins), s.JoinKnowing(ctx, "B", knowsOrigins), s.Leaf(ctx, "L", withCluster)
		s.Send(same, asLeaf(s.sub("orders", "q", 5), s.origin()))
		s.Send(other, asLeaf(s.sub("orders", "q", 1), "other"))
		s.Fence(ctx, same, other)
		sent := numbered(20)
		for _, payload := range sent {
			s.Send(l, onLeafPort(wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", []string{"q"}, []byte(payload))))
		}
		s.LeafToPeers(ctx, l, same, other)
		Expect(s.Own(same)).To(s.BeOps(), "the peer with members of the origin that the messages come from")
		s.ExpectOnceEach(sent, "the peer with a member of another origin", s.peerPayloads(other))
	})
}

// leafGroups: members behind leafs are farther away than those who are clients of the cluster.
func leafGroups(s *Suite) {
	It("goes to members that are clients before those behind leafs", s.Req("RT-LEAF-035/clients-first"), func(ctx SpecContext) {
		s.needsOriginsApart()
		near, far, c := s.JoinKnowing(ctx, "A", knowsOrigins), s.JoinKnowing(ctx, "B", knowsOrigins), s.witness(ctx)
		s.Send(near, s.sub("orders", "q", 1))
		s.Send(far, asLeaf(s.sub("orders", "q", 5), s.origin()))
		s.Fence(ctx, near, far)
		sent := numbered(20)
		s.Publish(c, s.Subject("orders"), "", sent...)
		s.ClientToPeers(ctx, c, near, far)
		Expect(s.Own(far)).To(s.BeOps(), "the peer with members behind leafs")
		s.ExpectOnceEach(sent, "the peer with a member that is its client", s.peerPayloads(near))
	})
}

func leafDelivered(s *Suite) {
	It("comes to leafs with interest", s.Req("RT-LEAF-040/rmsg"), func(ctx SpecContext) {
		p, l, m := s.JoinKnowing(ctx, "A", knowsOrigins), s.Leaf(ctx, "L", withCluster), s.Leaf(ctx, "M", withoutCluster)
		for _, leaf := range []*harness.Peer{l, m} {
			s.Send(leaf, onLeafPort(s.sub("orders", "", 0)))
			s.Fence(ctx, leaf)
		}
		s.Send(p, s.msg("orders", s.Subject("reply"), "m"))
		s.Fence(ctx, p, l, m)
		for _, leaf := range []*harness.Peer{l, m} {
			Expect(ofKind(s.Own(leaf), wire.Msg)).To(s.BeOps(onLeafPort(s.msg("orders", s.Subject("reply"), "m"))), "a peer's RMSG, at leaf %s", leaf.Name())
		}
	})

	It("does not go back to the origin that it comes from", s.Req("RT-LEAF-041/own-origin"), func(ctx SpecContext) {
		p, same, other, none := s.JoinKnowing(ctx, "A", knowsOrigins), s.Leaf(ctx, "L", withCluster), s.leafOf(ctx, "M", s.origin()+"-x"), s.Leaf(ctx, "N", withoutCluster)
		for _, leaf := range []*harness.Peer{same, other, none} {
			s.Send(leaf, onLeafPort(s.sub("orders", "", 0)))
			s.Fence(ctx, leaf)
		}
		s.Send(p, asLeaf(s.msg("orders", "", "m"), s.origin()))
		s.Fence(ctx, p, same, other, none)
		Expect(ofKind(s.Own(same), wire.Msg)).To(s.BeOps(), "a leaf of the cluster that the message comes from")
		Expect(ofKind(s.Own(other), wire.Msg)).To(s.BeOps(onLeafPort(s.msg("orders", "", "m"))), "a leaf of another cluster")
		Expect(ofKind(s.Own(none), wire.Msg)).To(s.BeOps(onLeafPort(s.msg("orders", "", "m"))), "a leaf without a cluster")
	})

	It("comes to a group that has members at a leaf only", s.Req("RT-LEAF-042/group"), func(ctx SpecContext) {
		p, l := s.JoinKnowing(ctx, "A", knowsOrigins), s.Leaf(ctx, "L", withCluster)
		s.Send(l, onLeafPort(s.sub("orders", "q", 1)))
		s.Fence(ctx, l)
		s.Send(p, wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", []string{"q"}, []byte("m")))
		s.Fence(ctx, p, l)
		Expect(ofKind(s.Own(l), wire.Msg)).To(s.BeOps(onLeafPort(wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", []string{"q"}, []byte("m")))), "a peer's RMSG that names the group")
	})
}
