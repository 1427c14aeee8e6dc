package spec

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerLeaf: interest and messages that carry the origin of a leaf node. Of a peer's nothing needs a leaf node; what the
// target sends comes from one of ours at its leafnode port.
func registerLeaf(s *Suite) {
	Describe("Leaf interest of a peer", func() {
		leafInterestTaken(s)
		leafShares(s)
		leafKinds(s)
	})
	Describe("A peer's message from a leaf", func() { leafMessagesTaken(s) })
	registerLeafPort(s)
	registerLeafPinned(s)
}

// leafKnowledge is what a peer has announced of its understanding of leafs; each kind knows what those before know.
type leafKnowledge int

const (
	knowsNoLeafs  leafKnowledge = iota
	knowsOrigins                // lnoc: LS+ and LMSG
	knowsUnsubs                 // lnocu: the origin in LS-
	knowsSentinel               // ln: the origin _
)

const (
	sentinelOrigin  = "_"
	leafPayload     = "from a leaf"
	leafHeaderBlock = "NATS/1.0\r\nA: b\r\n\r\n"
)

// announcing makes a peer announce what it knows of leafs, as servers do.
func (k leafKnowledge) announcing() harness.PeerOption {
	return harness.WithInfo(func(info *wire.InfoBody) {
		info.LNOC, info.LNOCU, info.LN = k >= knowsOrigins, k >= knowsUnsubs, k >= knowsSentinel
	})
}

// JoinKnowing is Join for a peer that knows so much of leafs. A target that does not announce it itself need not know what to
// do with it.
func (s *Suite) JoinKnowing(ctx SpecContext, name string, k leafKnowledge, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	info := s.Info()
	if k == knowsUnsubs && !info.LNOCU || k == knowsSentinel && !info.LN {
		s.NotApplicable("the target does not announce what the peer would")
	}
	return s.Join(ctx, name, append(opts, k.announcing())...)
}

// origin is the name of a leaf cluster that only this spec has.
func (s *Suite) origin() string { return strings.ReplaceAll(s.now.prefix, ".", "-") }

// asLeaf turns interest into that of a leaf with that origin; empty: LS- without.
func asLeaf(op wire.Op, origin string) wire.Op {
	op.Origin = []byte(origin)
	switch op.Kind {
	case wire.Sub:
		op.Kind = wire.LeafSub
	case wire.Unsub:
		op.Kind = wire.LeafUnsub
	case wire.Msg, wire.HMsg:
		op.Kind = wire.LeafMsg
	}
	return op
}

// sub and unsub are interest in one of the spec's subjects, in the client's account; a group's where it has a name.
func (s *Suite) sub(tokens, queue string, weight int) wire.Op {
	return wire.NewQueueSub(s.Account(), s.Subject(tokens), queue, weight)
}

func (s *Suite) unsub(tokens, queue string) wire.Op {
	return wire.NewQueueUnsub(s.Account(), s.Subject(tokens), queue)
}

// takes makes a client publish "m" on "orders" and returns what of it p gets.
func (s *Suite) takes(ctx SpecContext, p *harness.Peer, c *harness.Client) []harness.Seen {
	GinkgoHelper()
	before := len(s.Own(p))
	s.Publish(c, s.Subject("orders"), "", "m")
	s.ClientToPeers(ctx, c, p)
	return s.Own(p)[before:]
}

func leafInterestTaken(s *Suite) {
	begunAndEnded := func(id, title string, k leafKnowledge, queue, origin string, brings func() wire.Op) {
		It(title, s.Req(id), func(ctx SpecContext) {
			p, c := s.JoinKnowing(ctx, "A", k), s.witness(ctx)
			from := origin
			if from == "" {
				from = s.origin()
			}
			weight, ends := 0, from
			if queue != "" {
				weight = 2
			}
			if k < knowsUnsubs {
				ends = ""
			}
			s.Send(p, asLeaf(s.sub("orders", queue, weight), from))
			s.Fence(ctx, p)
			Expect(s.takes(ctx, p, c)).To(s.BeOps(brings()), "a client published on LS+ of a peer")
			s.Send(p, asLeaf(s.unsub("orders", queue), ends))
			s.Fence(ctx, p)
			Expect(s.takes(ctx, p, c)).To(s.BeOps(), "a client published after LS-")
		})
	}
	plain := func() wire.Op { return s.msg("orders", "", "m") }
	grouped := func() wire.Op {
		return wire.NewQueueMsg(s.Account(), s.Subject("orders"), "", []string{"q"}, []byte("m"))
	}
	begunAndEnded("RT-LEAF-001/plain", "brings a client's message as RMSG, until LS- without an origin", knowsOrigins, "", "", plain)
	begunAndEnded("RT-LEAF-001/group", "brings a client's message for a group as RMSG, until LS- without an origin", knowsOrigins, "q", "", grouped)
	begunAndEnded("RT-LEAF-002/plain", "ends by LS- with its origin, once the peer has announced lnocu", knowsUnsubs, "", "", plain)
	begunAndEnded("RT-LEAF-002/group", "ends for a group by LS- with its origin, once the peer has announced lnocu", knowsUnsubs, "q", "", grouped)
	begunAndEnded("RT-LEAF-003/plain", "may have the origin _, once the peer has announced ln", knowsSentinel, "", sentinelOrigin, plain)
	begunAndEnded("RT-LEAF-003/group", "may have the origin _ for a group, once the peer has announced ln", knowsSentinel, "q", sentinelOrigin, grouped)

	It("goes to no other peer", s.Req("RT-LEAF-004/one-hop"), func(ctx SpecContext) {
		a, b := s.JoinKnowing(ctx, "A", knowsOrigins), s.JoinKnowing(ctx, "B", knowsOrigins)
		s.Send(a, asLeaf(s.sub("orders", "", 0), s.origin()), asLeaf(s.sub("work", "q", 1), s.origin()))
		s.Fence(ctx, a, b)
		late := s.JoinKnowing(ctx, "C", knowsOrigins)
		s.Fence(ctx, late)
		Expect(s.Own(b)).To(s.BeOps(), "LS+ crossed a second hop")
		Expect(s.Own(late)).To(s.BeOps(), "LS+ crossed a second hop, to a peer that came later")
	})
}

func leafShares(s *Suite) {
	It("has its share of a group's messages by its weight", s.Req("RT-LEAF-008/shares"), func(ctx SpecContext) {
		peers, weights := []*harness.Peer{s.JoinKnowing(ctx, "A", knowsOrigins), s.JoinKnowing(ctx, "B", knowsOrigins)}, []int{9, 1}
		for i, p := range peers {
			s.Send(p, asLeaf(s.group("q", weights[i]), s.origin()))
		}
		s.expectShares(ctx, s.witness(ctx), peers, weights)
	})
}

// leafKinds: once a peer has announced lnocu, each origin's interest is an entry of its own, and so is that of clients.
func leafKinds(s *Suite) {
	stays := func(word, title string, ends func() wire.Op, want ...string) {
		It(title, s.Req("RT-LEAF-005/"+word), func(ctx SpecContext) {
			p, c := s.JoinKnowing(ctx, "A", knowsUnsubs), s.witness(ctx)
			s.Send(p, s.sub("orders", "", 0), asLeaf(s.sub("orders", "", 0), s.origin()), asLeaf(s.sub("work", "q", 1), s.origin()), ends())
			s.Fence(ctx, p)
			s.Publish(c, s.Subject("work"), "", "m")
			s.ClientToPeers(ctx, c, p)
			Expect(s.takes(ctx, p, c)).To(s.BeOps(s.msg("orders", "", "m")), "what is left of two interests in one subject brings one message")
			Expect(s.Own(p)).To(s.ContainOp(wire.NewQueueMsg(s.Account(), s.Subject("work"), "", []string{"q"}, []byte("m"))), "a group that nobody has ended")
		})
	}
	stays("rs-minus", "stays when RS- ends the same subject for clients", func() wire.Op { return s.unsub("orders", "") })
	stays("ls-minus", "leaves the interest of clients when LS- ends it", func() wire.Op { return asLeaf(s.unsub("orders", ""), s.origin()) })
	stays("other-origin", "stays when LS- ends the same subject for another origin", func() wire.Op { return asLeaf(s.unsub("orders", ""), "other") })

	It("ends with the last of its kinds", s.Req("RT-LEAF-006/last"), func(ctx SpecContext) {
		p, c := s.JoinKnowing(ctx, "A", knowsUnsubs), s.witness(ctx)
		s.Send(p, s.sub("orders", "", 0), asLeaf(s.sub("orders", "", 0), s.origin()), asLeaf(s.sub("orders", "", 0), "other"))
		s.Send(p, s.unsub("orders", ""), asLeaf(s.unsub("orders", ""), s.origin()))
		s.Fence(ctx, p)
		Expect(s.takes(ctx, p, c)).To(s.BeOps(s.msg("orders", "", "m")), "the interest of one of two origins is left")
		s.Send(p, asLeaf(s.unsub("orders", ""), "other"))
		s.Fence(ctx, p)
		Expect(s.takes(ctx, p, c)).To(s.BeOps(), "no interest is left")
	})
}

func leafMessagesTaken(s *Suite) {
	arrives := func(word, title string, reply string, header bool, queues []string, member bool) {
		It(title, s.Req("RT-LEAF-010/"+word), func(ctx SpecContext) {
			p, c := s.JoinKnowing(ctx, "A", knowsOrigins), s.witness(ctx)
			one, work := s.Subscribe(c, s.Subject("orders")), s.QueueSubscribe(c, s.Subject("orders"), "q")
			s.Flush(ctx, c)
			to := s.subjectOrNone(reply)
			s.Send(p, s.leafMessage(wire.NewQueueMsg(s.Account(), s.Subject("orders"), to, queues, []byte(leafPayload)), header))
			s.PeerToClients(ctx, p, c)
			message := []delivery{{s.Subject("orders"), to, leafPayload}}
			Expect(s.Received(one)).To(s.BeMessages(message...), "a plain subscriber")
			if !member {
				message = nil
			}
			Expect(s.Received(work)).To(s.BeMessages(message...), "a member of a group")
			if got := one.Messages()[0].Header.Get("A"); header {
				Expect(got).To(Equal("b"), "the header of the message")
			}
		})
	}
	arrives("plain", "comes to subscribers", "", false, nil, false)
	arrives("reply", "comes to subscribers with its reply", "reply", false, nil, false)
	arrives("queue", "comes to a member of the group that it names", "", false, []string{"q"}, true)
	arrives("reply-and-queue", "comes to a member of the group that it names, with its reply", "reply", false, []string{"other", "q"}, true)
	arrives("header", "comes with its header", "", true, nil, false)
	arrives("header-reply-and-queue", "comes with header and reply to a member of the group that it names", "reply", true, []string{"q"}, true)

	It("goes to no other peer", s.Req("RT-LEAF-011/one-hop"), func(ctx SpecContext) {
		a, b, c := s.JoinKnowing(ctx, "A", knowsOrigins), s.JoinKnowing(ctx, "B", knowsOrigins), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		s.Send(b, s.sub("orders", "", 0), asLeaf(s.sub("orders", "", 0), "other"))
		s.Fence(ctx, a, b)
		s.Send(a, asLeaf(s.msg("orders", "", "m"), s.origin()))
		s.PeerToClients(ctx, a, c)
		s.Fence(ctx, b)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "m"}), "a subscriber of the target's")
		Expect(ofKind(s.Own(b), wire.Msg)).To(s.BeOps(), "LMSG crossed a second hop as RMSG")
		Expect(ofKind(s.Own(b), wire.LeafMsg)).To(s.BeOps(), "LMSG crossed a second hop")
	})
}

// subjectOrNone is a subject of the spec's own; empty for no tokens.
func (s *Suite) subjectOrNone(tokens string) string {
	if tokens == "" {
		return ""
	}
	return s.Subject(tokens)
}

// leafMessage is a message with leafPayload as one of a leaf, with a header block where one is asked for.
func (s *Suite) leafMessage(msg wire.Op, header bool) wire.Op {
	op := asLeaf(msg, s.origin())
	if header {
		op.Payload = []byte(leafHeaderBlock + leafPayload)
		op.HeaderSize, op.Size = len(leafHeaderBlock), len(op.Payload)
	}
	return op
}
