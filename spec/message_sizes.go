package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// bufferSizes are payload sizes around those at which servers change buffers: a byte less, the size, a byte more.
func bufferSizes() []int {
	sizes := []int{0, 1, 2}
	for _, size := range []int{512, 4 << 10, 32 << 10, 64 << 10} {
		sizes = append(sizes, size-1, size, size+1)
	}
	return sizes
}

// messageSizes: payloads from nothing to more than max_payload.
func messageSizes(s *Suite) {
	It("pass whole to a client, sizes around those of buffers", s.Req("RT-MSG-019/to-client"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		var want []delivery
		for _, size := range bufferSizes() {
			want = append(want, delivery{s.Subject("orders"), "", s.random(size)})
			s.Send(p, s.msg("orders", "", want[len(want)-1].payload))
		}
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(sub)).To(s.BeMessages(want...), "payloads of all these sizes, in order")
	})

	It("pass whole to a peer, sizes around those of buffers", s.Req("RT-MSG-019/to-peer"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, p)
		var want []wire.Op
		for _, size := range slices.DeleteFunc(bufferSizes(), func(size int) bool { return size > int(s.Info().MaxPayload) }) {
			payload := s.random(size)
			s.Publish(c, s.Subject("orders"), "", payload)
			want = append(want, s.msg("orders", "", payload))
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(want...), "payloads of all these sizes, in order")
	})

	It("may be larger than max_payload, and is then whole", s.Req("RT-MSG-020/eight-mebibytes"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		sub := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		payload := s.random(8 << 20)
		s.Send(p, s.msg("orders", "", payload), s.msg("orders", "", "behind"))
		if err := p.Fence(harness.WithPatience(ctx, 10*time.Second)); isClosed(err) {
			s.Observe("refused")
			return
		}
		s.PeerToClients(ctx, p, c)
		behind := delivery{s.Subject("orders"), "", "behind"}
		if got := s.Received(sub); len(got) == 1 {
			Expect(got).To(s.BeMessages(behind), "what follows a message that was dropped")
			s.Observe("dropped")
			return
		}
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", payload}, behind), "8 MiB, and what follows")
		s.Observe("delivered")
	})
}

// messageSubjects: subjects that clients can publish on although no subscription of theirs would have them.
func messageSubjects(s *Suite) {
	It("has * and > in its subject for ordinary tokens, to a peer", s.Req("RT-MSG-021/to-peer"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("orders.new")), wire.NewSub(s.Account(), s.Subject("orders.eu.new")), wire.NewSub(s.Account(), s.Subject("witness")))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject("orders.*"), "", "star")
		s.Publish(c, s.Subject("orders.>"), "", "tail")
		s.Publish(c, s.Subject("witness"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.msg("witness", "", "m")), "a publish goes to one subject, whatever its tokens are")
	})

	It("has * and > in its subject for ordinary tokens, to a client", s.Req("RT-MSG-021/to-client"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		exact, wild := s.Subscribe(c, s.Subject("orders.new")), s.Subscribe(c, s.Subject("orders.*"))
		s.Flush(ctx, c)
		s.Send(p, s.msg("orders.*", "", "star"), s.msg("orders.>", "", "tail"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(exact)).To(s.BeMessages(), "messages whose subjects are others")
		Expect(s.Received(wild)).To(s.BeMessages(
			delivery{s.Subject("orders.*"), "", "star"}, delivery{s.Subject("orders.>"), "", "tail"},
		), "messages whose last token is one that * stands for")
	})

	It("may have empty tokens, which close no route", s.Req("RT-MSG-022/open"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, s.msg("a..b", "", "m"), s.msg("a.", "", "m"), wire.NewMsg(s.Account(), "."+s.Subject("a"), "", []byte("m")))
		s.ExpectOpen(ctx, p)
	})

	It("may have a thousand tokens, to a peer", s.Req("RT-MSG-023/to-peer"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		tokens := deep()
		s.Send(p, wire.NewSub(s.Account(), s.Subject(tokens)))
		s.Fence(ctx, p)
		s.Publish(c, s.Subject(tokens), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.msg(tokens, "", "m")), "a publish on the peer's interest")
	})

	It("may have a thousand tokens, to a client", s.Req("RT-MSG-023/to-client"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		tokens := deep()
		sub, wild := s.Subscribe(c, s.Subject(tokens)), s.Subscribe(c, s.Subject(tokens[:len(tokens)-1]+"*"))
		s.ClientToPeers(ctx, c, p)
		s.Send(p, s.msg(tokens, "", "m"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(s.Account(), s.Subject(tokens)), wire.NewSub(s.Account(), s.Subject(tokens[:len(tokens)-1]+"*")),
		), "interest of a client")
		Expect(s.clientPayloads(sub, wild)).To(Equal([]string{"m", "m"}), "an RMSG on it, at two subscriptions")
	})
}

// deep is a thousand tokens, which together fit into every server's line.
func deep() string { return strings.TrimSuffix(strings.Repeat("t.", 1000), ".") }

// messageToMany: one message, many who want it.
func messageToMany(s *Suite) {
	It("comes to each of ten interested peers, once each", s.Req("RT-MSG-024/ten-peers"), func(ctx SpecContext) {
		c := s.witness(ctx)
		var peers []*harness.Peer
		for i := range 10 {
			p := s.Join(ctx, fmt.Sprintf("P%d", i))
			peers = append(peers, p)
			s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
			if i%2 == 0 { // in different ways, so that the lines differ
				s.Send(p, wire.NewQueueSub(s.Account(), s.Subject("orders"), fmt.Sprintf("q%d", i), 1))
			}
		}
		s.Fence(ctx, peers...)
		s.Publish(c, s.Subject("orders"), s.Subject("reply"), "1", "2")
		s.ClientToPeers(ctx, c, peers...)
		for i, p := range peers {
			var queues []string
			if i%2 == 0 {
				queues = []string{fmt.Sprintf("q%d", i)}
			}
			Expect(s.Own(p)).To(s.BeOps(
				wire.NewQueueMsg(s.Account(), s.Subject("orders"), s.Subject("reply"), queues, []byte("1")),
				wire.NewQueueMsg(s.Account(), s.Subject("orders"), s.Subject("reply"), queues, []byte("2")),
			), "two publishes, at peer "+p.Name())
		}
	})
}

// random is a payload of that size, without a pattern that a lost or doubled piece could keep.
func (s *Suite) random(size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(s.Rand().Uint32())
	}
	return string(b)
}
