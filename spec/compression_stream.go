package spec

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// identifier begins an S2 stream, and may stand anywhere between its chunks.
const identifier = "\xff\x06\x00\x00S2sTwO"

// Types of chunks.
const (
	chunkCompressed = 0x00
	chunkPlain      = 0x01
	chunkReserved   = 0x02 // to 0x7f: of a later version, not to be read over
	chunkSkippable  = 0x80 // to 0xfd: of a later version, to be read over
	chunkPadding    = 0xfe
)

// largestBlock is what a block of the format may hold, in bytes.
const largestBlock = 4 << 20

// ignored is an operation that has no effect.
const ignored = "+OK\r\n"

// chunk is one of a stream: type, length in three bytes, content.
func chunk(kind byte, content string) string {
	n := len(content)
	return string([]byte{kind, byte(n), byte(n >> 8), byte(n >> 16)}) + content
}

// checksum is the masked CRC-32C that a chunk of data begins with.
func checksum(data string) string {
	c := crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli))
	c = (c>>15 | c<<17) + 0xa282ead8
	return string([]byte{byte(c), byte(c >> 8), byte(c >> 16), byte(c >> 24)})
}

// plainChunk holds data as it is.
func plainChunk(data string) string { return chunk(chunkPlain, checksum(data)+data) }

// compressedChunk holds data as an S2 block.
func compressedChunk(data string) string {
	return chunk(chunkCompressed, checksum(data)+string(s2.Encode(nil, []byte(data))))
}

// willing ends the spec on a target that compresses nothing, whatever a peer wants.
func (s *Suite) willing() {
	GinkgoHelper()
	if mode := s.Info().Compression; mode != modeAccept && !isS2(mode) {
		s.NotApplicable(fmt.Sprintf("the target's mode is %q", mode))
	}
}

// compressed registers a peer whose route is S2.
func (s *Suite) compressed(ctx SpecContext, name string, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	s.willing()
	p := s.Join(ctx, name, append(opts, harness.WithCompression(modeFast))...)
	s.expectCompressed(p, true)
	return p
}

// switched is a peer whose INFO has made the target go over to S2: that INFO stood in plain bytes, and no other was sent.
func (s *Suite) switched(ctx SpecContext, opts ...harness.PeerOption) *harness.Peer {
	GinkgoHelper()
	s.willing()
	p := s.Dial(ctx, "A", append(opts, harness.WithCompression(modeFast))...)
	s.Send(p, p.Connect(), p.OwnInfo())
	_, err := p.Await(ctx, func(seen harness.Seen) bool { return seen.S2 })
	Expect(err).NotTo(HaveOccurred(), "the target's first operation inside S2")
	p.StartS2()
	return p
}

func compressionSwitch(s *Suite) {
	It("begins with an INFO of the target inside S2", s.Req("RT-COMP-017/info-first"), func(ctx SpecContext) {
		p := s.switched(ctx)
		seen := p.Seen()
		first := seen[slices.IndexFunc(seen, func(one harness.Seen) bool { return one.S2 })]
		Expect(first.Op.Kind.String()).To(Equal("INFO"), "the target's first operation inside S2")
		Expect(first.Op.InfoBody.ServerID).To(Equal(s.Info().ServerID), "server_id of that INFO")
	})

	It("has interest only behind the peer's INFO inside S2", s.Req("RT-COMP-018/after-second-info"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p := s.switched(ctx)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(), "the INFO that asked for S2 registers nothing")
		s.Send(p, p.OwnInfo())
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "the INFO inside S2 does")
	})

	It("has its place by the peer's INFO inside S2", s.Req("RT-COMP-019/place"), func(ctx SpecContext) {
		size := s.Info().RoutePoolSize
		own := s.placeOf(ctx, s.Account(), size)
		if own == 0 {
			s.NotApplicable("the place of the client's account is that of an INFO without an index")
		}
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p := s.switched(ctx, harness.Pooled(size, 0))
		inside := p.OwnInfo()
		inside.InfoBody.RoutePoolIndex = own
		s.Send(p, inside)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "the route_pool_idx of the INFO inside S2 counts, solicitors say none before")
	})
}

func compressionCarries(s *Suite) {
	It("carries the largest message both ways", s.Req("RT-COMP-020/largest"), func(ctx SpecContext) {
		p, c := s.compressed(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("out")))
		s.Fence(ctx, p)
		in := s.Subscribe(c, s.Subject("in"))
		largest := s.largest()
		s.Publish(c, s.Subject("out"), "", largest)
		s.ClientToPeers(ctx, c, p)
		Expect(s.peerPayloads(p)).To(Equal([]string{largest}), "a message of %d bytes to the peer", len(largest))
		s.Send(p, s.msg("in", "", largest))
		s.PeerToClients(ctx, p, c)
		Expect(s.clientPayloads(in)).To(Equal([]string{largest}), "a message of %d bytes from the peer", len(largest))
	})

	It("carries many small messages both ways in order", s.Req("RT-COMP-021/many"), func(ctx SpecContext) {
		p, c := s.compressed(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("out")))
		s.Fence(ctx, p)
		in := s.Subscribe(c, s.Subject("in"))
		s.Flush(ctx, c)
		sent := numbered(1000)
		for _, payload := range sent {
			s.Publish(c, s.Subject("out"), "", payload)
			s.Send(p, s.msg("in", "", payload))
		}
		s.ClientToPeers(ctx, c, p)
		s.Flush(ctx, c)
		Expect(s.peerPayloads(p)).To(Equal(sent), "messages to the peer")
		Expect(s.clientPayloads(in)).To(Equal(sent), "messages from the peer")
	})

	for _, mode := range []string{modeFast, "s2_better", "s2_best"} {
		It("takes fewer bytes for what repeats itself with "+mode, s.Req("RT-COMP-022/"+dashed.Replace(mode)), NeedsMode(mode), func(ctx SpecContext) {
			p, c := s.compressed(ctx, "A"), s.witness(ctx)
			s.Send(p, wire.NewSub(s.Account(), s.Subject("out")))
			s.Fence(ctx, p)
			_, before := p.S2()
			s.Publish(c, s.Subject("out"), "", strings.Repeat("the same again ", 1000))
			s.ClientToPeers(ctx, c, p)
			_, after := p.S2()
			Expect(after.Wire-before.Wire).To(BeNumerically("<", (after.Plain-before.Plain)/2), "bytes of the stream for 15,000 that repeat themselves")
		})
	}
}

func compressionPlaces(s *Suite) {
	It("has accounts in their places of a pool", s.Req("RT-COMP-023/pool"), func(ctx SpecContext) {
		s.willing()
		s.onlyWith(s.Info().RoutePoolSize > 0, "pooling")
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		pool := s.joinPool(ctx, harness.WithCompression(modeFast))
		for _, p := range pool {
			s.expectCompressed(p, true)
		}
		s.Fence(ctx, pool...) // the first of them may be told of what the last one brought
		s.inPlace(pool, s.placeOf(ctx, s.Account(), len(pool)), wire.NewSub(s.Account(), s.Subject("orders")))
	})

	It("may stand inside TLS", s.Req("RT-COMP-035/tls"), func(ctx SpecContext) {
		s.expectBothWays(ctx, s.compressed(ctx, "A"))
	})

	It("says nothing of the account where it is for one alone", s.Req("RT-COMP-024/pinned"), func(ctx SpecContext) {
		p, c := s.compressed(ctx, "P", s.pinnedTo(s.Target().Pinned)), s.pinned(ctx).client
		s.expectPinnedBothWays(ctx, p, c)
	})
}

func compressionStale(s *Suite) {
	watch := func(ctx context.Context, s *Site, say func(context.Context, *harness.Peer) error) ending {
		return s.watch(ctx, s.staleLimit(), func(ctx context.Context) (*harness.Peer, error) {
			p, err := s.target.Dial(ctx, "A", harness.WithCompression(modeFast), harness.NoPong())
			if err == nil {
				err = say(ctx, p)
			}
			return p, err
		})
	}
	end := Prepare(s, "RT-COMP-025", func(ctx context.Context, s *Site) ending {
		return watch(ctx, s, func(ctx context.Context, p *harness.Peer) error { return p.Register(ctx) })
	})
	half := Prepare(s, "RT-COMP-034", func(ctx context.Context, s *Site) ending {
		return watch(ctx, s, func(_ context.Context, p *harness.Peer) error { return p.Send(p.Connect(), p.OwnInfo()) })
	})
	It("is closed when the peer answers no PING", s.Req("RT-COMP-025/no-pong"), Late, func(ctx SpecContext) {
		s.willing()
		e := joined(ctx, s, end, ending.peers)
		s.ExpectEnded(e, s.staleLimit(), "a peer that answers no PING inside S2 is closed")
		s.expectCompressed(e.peer, true)
		Expect(e.pings).To(BeNumerically(">", 0), "PINGs of the target before the close, after %v", e.after.Round(time.Millisecond))
	})
	It("is closed when the peer asks for it and says no more", s.Req("RT-COMP-034/no-second-info"), Late, func(ctx SpecContext) {
		s.willing()
		s.ExpectEnded(joined(ctx, s, half, ending.peers), s.staleLimit(), "a peer that sends nothing behind the INFO that asks for S2 is closed")
	})
}

// inStream has a peer on a compressed route write pieces of a stream, each in a write of its own, and tells what a
// subscriber of "orders" got. What stands for the message makes an RMSG with the payload named.
func (s *Suite) inStream(ctx SpecContext, pieces func(message func(payload string) string) []string) (*harness.Peer, *harness.Client, *harness.Subscription) {
	GinkgoHelper()
	p, c := s.compressed(ctx, "A"), s.witness(ctx)
	sub := s.Subscribe(c, s.Subject("orders"))
	s.Flush(ctx, c)
	var all [][]byte
	for _, piece := range pieces(func(payload string) string {
		return fmt.Sprintf("RMSG %s %s %d\r\n%s\r\n", s.Account(), s.Subject("orders"), len(payload), payload)
	}) {
		all = append(all, []byte(piece))
	}
	_ = p.SendWirePieces(all)
	return p, c, sub
}

func streamTaken(s *Suite) {
	DescribeTable("is read",
		func(ctx SpecContext, pieces func(message func(string) string) []string) {
			p, c, sub := s.inStream(ctx, pieces)
			s.PeerToClients(ctx, p, c)
			Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("orders"), "", "one"}, delivery{s.Subject("orders"), "", "two"}), "two messages in the stream")
		},
		Entry("with one identifier for all that follows", s.Req("RT-COMP-026/one-identifier"), func(m func(string) string) []string {
			return []string{compressedChunk(m("one")), compressedChunk(m("two"))}
		}),
		Entry("with an identifier before each chunk", s.Req("RT-COMP-026/identifiers"), func(m func(string) string) []string {
			return []string{identifier + compressedChunk(m("one")) + identifier + compressedChunk(m("two"))}
		}),
		Entry("with chunks that are not compressed", s.Req("RT-COMP-026/not-compressed"), func(m func(string) string) []string {
			return []string{plainChunk(m("one")) + compressedChunk(m("two"))}
		}),
		Entry("with several operations in a chunk", s.Req("RT-COMP-026/several"), func(m func(string) string) []string {
			return []string{compressedChunk(m("one") + m("two"))}
		}),
		Entry("with a block of 4 MiB", s.Req("RT-COMP-026/largest-block"), func(m func(string) string) []string {
			fill := strings.Repeat(ignored, (largestBlock-len(m("one")+m("two")))/len(ignored))
			return []string{compressedChunk(m("one") + fill + m("two"))}
		}),
		Entry("with an operation in two chunks", s.Req("RT-COMP-027/two-chunks"), func(m func(string) string) []string {
			all := m("one") + m("two")
			return []string{compressedChunk(all[:9]) + plainChunk(all[9:len(all)-6]) + compressedChunk(all[len(all)-6:])}
		}),
		Entry("with a byte in a chunk", s.Req("RT-COMP-027/bytes"), func(m func(string) string) []string {
			var all strings.Builder
			for _, b := range []byte(m("one") + m("two")) {
				all.WriteString(plainChunk(string(b)))
			}
			return []string{all.String()}
		}),
		Entry("with a chunk in several writes", s.Req("RT-COMP-028/cuts"), func(m func(string) string) []string {
			all := identifier + compressedChunk(m("one")+m("two"))
			return []string{all[:3], all[3:12], all[12:15], all[15:20], all[20:]}
		}),
		Entry("with padding and chunks that may be read over", s.Req("RT-COMP-029/skipped"), func(m func(string) string) []string {
			return []string{chunk(chunkPadding, "\x00\x00\x00") + compressedChunk(m("one")) + chunk(chunkSkippable, "later") + compressedChunk(m("two"))}
		}),
	)
}

func streamBroken(s *Suite) {
	// refused has the peer write what cannot be read, in front of a message.
	refused := func(ctx SpecContext, pieces func(message func(string) string) []string) {
		GinkgoHelper()
		p, c, sub := s.inStream(ctx, pieces)
		s.ExpectClosed(ctx, p)
		s.Flush(ctx, c)
		Expect(s.Received(sub)).To(s.BeMessages(), "nothing of what cannot be read is delivered, nor what stands behind it")
	}
	DescribeTable("ends the route",
		refused,
		Entry("with plain bytes", s.Req("RT-COMP-030/plain"), func(m func(string) string) []string { return []string{m("plain")} }),
		Entry("with a wrong checksum", s.Req("RT-COMP-031/checksum"), func(m func(string) string) []string {
			return []string{chunk(chunkPlain, checksum("other")+m("damaged")) + compressedChunk(m("behind"))}
		}),
		Entry("with a wrong checksum of a block", s.Req("RT-COMP-031/block-checksum"), func(m func(string) string) []string {
			return []string{chunk(chunkCompressed, checksum("other")+string(s2.Encode(nil, []byte(m("damaged"))))) + compressedChunk(m("behind"))}
		}),
		Entry("with a block that is none", s.Req("RT-COMP-031/block"), func(m func(string) string) []string {
			return []string{chunk(chunkCompressed, checksum(m("damaged"))+"\x20\xff\xff\xff\xff\xff") + compressedChunk(m("behind"))}
		}),
		Entry("with a block that holds more than 4 MiB", s.Req("RT-COMP-031/block-too-large"), func(m func(string) string) []string {
			return []string{compressedChunk(m("too large") + strings.Repeat(ignored, 2*largestBlock/len(ignored))), compressedChunk(m("behind"))}
		}),
		Entry("with a chunk of a kind to come", s.Req("RT-COMP-031/reserved"), func(m func(string) string) []string {
			return []string{chunk(chunkReserved, "later") + compressedChunk(m("behind"))}
		}),
		Entry("with another identifier", s.Req("RT-COMP-031/identifier"), func(m func(string) string) []string {
			return []string{chunk(0xff, "natsr!") + compressedChunk(m("behind"))}
		}),
	)

	It("has to begin with its identifier", s.Req("RT-COMP-032/no-identifier"), func(ctx SpecContext) {
		p := s.switched(ctx)
		_ = p.SendWire([]byte(plainChunk("PING\r\n")), 0)
		s.ExpectClosed(ctx, p)
	})

	for _, cut := range []struct {
		word, where string
		at          int
	}{
		{"identifier", "inside its identifier", 4},
		{"between", "behind its identifier", 10},
		{"length", "inside the length of a chunk", 12},
		{"checksum", "inside a checksum", 16},
		{"block", "inside a block", 30},
	} {
		It("that ends "+cut.where+" ends the route", s.Req("RT-COMP-033/"+cut.word), func(ctx SpecContext) {
			p, c, sub := s.inStream(ctx, func(m func(string) string) []string {
				return []string{(identifier + plainChunk(m("cut")))[:cut.at]}
			})
			Expect(p.CloseWrite()).To(Succeed())
			s.ExpectClosed(ctx, p)
			s.Flush(ctx, c)
			Expect(s.Received(sub)).To(s.BeMessages(), "a message that did not come whole")
		})
	}
}
