package fault

import (
	"slices"
	"strings"

	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

var compressionFaults = []Fault{
	{
		Name: "s2-with-anybody", Title: "goes over to S2 with a peer that says it is not supported", Breaks: "RT-COMP-001",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) {
			return modeFast, isS2(own) && peer == "not supported"
		})),
	},
	{
		Name: "s2-with-off", Title: "goes over to S2 with a peer whose mode is off", Breaks: "RT-COMP-002",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeFast, isS2(own) && peer == modeOff })),
	},
	{
		Name: "off-refuses-modes", Title: "refuses a peer with a mode of S2 when its own is off", Breaks: "RT-COMP-003",
		FromPeer: when(all(dialled, modes(func(peer, own string) bool { return own == modeOff && isS2(peer) })), hangUp),
	},
	{
		Name: "s2-where-both-accept", Title: "goes over to S2 where both sides only accept it", Breaks: "RT-COMP-004",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeFast, own == modeAccept && peer == modeAccept })),
	},
	{
		Name: "accept-stays-plain", Title: "stays plain when its mode is accept and the peer's is one of S2", Breaks: "RT-COMP-005",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeOff, own == modeAccept && isS2(peer) })),
	},
	{
		Name: "accepting-peer-stays-plain", Title: "stays plain with a peer that accepts S2 when its own mode is one", Breaks: "RT-COMP-006",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeOff, isS2(own) && peer == modeAccept })),
	},
	{
		Name: "other-mode-stays-plain", Title: "stays plain with a peer whose mode of S2 is another one than its own", Breaks: "RT-COMP-007",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeOff, isS2(own) && isS2(peer) && own != peer })),
	},
	{
		Name: "unknown-mode-taken", Title: "takes a mode that nobody knows for off", Breaks: "RT-COMP-008",
		FromPeer: when(dialled, editMode(func(peer, own string) (string, bool) { return modeOff, own != modeOff && unknownMode(peer) })),
	},
	{
		Name: "unknown-mode-error-other", Title: "refuses a mode that nobody knows with another text", Breaks: "RT-COMP-009",
		FromServer: otherError("unsupported route compression mode"),
	},
	{
		Name: "mode-inside-other", Title: "names a mode inside S2 that it does not have", Breaks: "RT-COMP-010",
		FromServer: when(all(dialled, insideS2), editInfo(func(_ *Link, info *wire.InfoBody) { info.Compression = "s2_uncompressed" })),
	},
	{
		Name: "off-refuses-unknown", Title: "refuses a mode that nobody knows when its own is off", Breaks: "RT-COMP-011",
		FromPeer: when(all(dialled, modes(func(peer, own string) bool { return own == modeOff && unknownMode(peer) })), refuse),
	},
	{
		Name: "dialled-stays-plain", Title: "stays plain on routes that it opens", Breaks: "RT-COMP-012",
		FromPeer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) { info.Compression = "" })),
	},
	{
		Name: "dialled-s2-with-anybody", Title: "goes over to S2 on a route that it opens though the acceptor announces no compression", Breaks: "RT-COMP-013",
		FromPeer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) {
			if info.Compression == "" {
				info.Compression = modeFast
			}
		})),
	},
	{
		Name: "dialled-mode-not-agreed", Title: "names in its plain INFO its own mode, not the one that it goes over to", Breaks: "RT-COMP-014",
		FromServer: when(all(accepted, outsideS2), editInfo(func(l *Link, info *wire.InfoBody) {
			if own := l.target(); own != nil && isS2(info.Compression) {
				info.Compression = own.Compression
			}
		})),
	},
	{
		Name: "acceptors-unknown-mode-taken", Title: "takes an acceptor's mode that nobody knows for off", Breaks: "RT-COMP-015",
		FromPeer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) {
			if unknownMode(info.Compression) {
				info.Compression = modeOff
			}
		})),
	},
	{
		Name: "index-inside-unsaid", Title: "says no index in the INFO inside S2 of a pool that it opens", Breaks: "RT-COMP-016",
		FromServer: when(all(accepted, insideS2), editInfo(func(_ *Link, info *wire.InfoBody) { info.RoutePoolIndex = 0 })),
	},
	{
		Name: "no-info-inside", Title: "begins its S2 stream without an INFO", Breaks: "RT-COMP-017",
		FromServer: when(all(dialled, insideS2, is(wire.Info)), func(*Link, Frame) []Frame { return []Frame{frame(wire.NewPing())} }),
	},
	{
		Name: "registered-before-s2", Title: "takes a peer for registered by the INFO that asks for S2", Breaks: "RT-COMP-018",
		FromServer: once(all(dialled, insideS2, is(wire.Info)), func(l *Link, f Frame) []Frame {
			l.toServer.startS2()
			l.ToServer(frame(wire.NewInfo(l.Peer)))
			return []Frame{f}
		}),
	},
	{
		Name: "index-inside-unread", Title: "goes by the index of the INFO before S2", Breaks: "RT-COMP-019",
		FromPeer: when(all(dialled, is(wire.Info)), func(l *Link, f Frame) []Frame {
			if first, ok := l.Kept.(int); ok {
				return editInfo(func(_ *Link, info *wire.InfoBody) { info.RoutePoolIndex = first })(l, f)
			}
			l.Kept = f.Op.InfoBody.RoutePoolIndex
			return []Frame{f}
		}),
	},
	{
		Name: "large-in-s2-lost", Title: "loses messages of more than 512 KiB inside S2", Breaks: "RT-COMP-020",
		FromPeer: when(all(insideS2, op(func(op *wire.Op) bool { return isMessage(op) && op.Size > 512<<10 })), drop),
	},
	{
		Name: "hundredth-in-s2-lost", Title: "loses each hundredth message inside S2", Breaks: "RT-COMP-021",
		FromServer: when(insideS2, dropEach(op(isMessage), 100)),
	},
	{
		Name: "s2-without-compression", Title: "writes S2 that takes more bytes than what stands in it", Breaks: "RT-COMP-022",
		FromServer: once(all(dialled, insideS2), func(l *Link, f Frame) []Frame {
			l.toPeer.mu.Lock()
			defer l.toPeer.mu.Unlock()
			l.toPeer.deflate = s2.NewWriter(nil, s2.WriterConcurrency(1), s2.WriterUncompressed())
			return []Frame{f}
		}),
	},
	{
		Name: "s2-pool-told-each", Title: "announces interest on each connection of a compressed pool", Breaks: "RT-COMP-023",
		FromServer: both(when(all(dialled, insideS2, is(wire.Sub)), toSiblingsToo), when(all(dialled, insideS2, is(wire.Pong), listing), func(l *Link, f Frame) []Frame {
			var out []Frame
			for _, other := range l.siblings() {
				for _, told := range other.Told.All() {
					out = append(out, frame(told))
				}
			}
			return append(out, f)
		})),
	},
	{
		Name: "s2-pinned-with-account", Title: "names the account on a compressed connection of a pinned account", Breaks: "RT-COMP-024",
		FromServer: when(all(dialled, insideS2, isApart, op(func(op *wire.Op) bool { return op.Kind == wire.Sub || isMessage(op) })), withAccount),
	},
	{
		Name: "s2-never-stale", Title: "never gives a compressed route up whose peer answers no PING", Breaks: "RT-COMP-025",
		FromServer: when(all(dialled, insideS2, is(wire.Ping)), func(l *Link, f Frame) []Frame {
			if l.toServer.inS2() {
				l.ToServer(frame(wire.NewPong()))
			}
			return []Frame{f}
		}),
	},
	{
		Name: "uncompressed-chunks-unread", Title: "closes on chunks that are not compressed", Breaks: "RT-COMP-026",
		Chunk: closeOnChunk(func(l *Link, c Chunk) bool { return c.Kind == chunkPlain && c.number > 1 }),
	},
	{
		Name: "repeated-identifier-refused", Title: "closes when the identifier of the stream comes again", Breaks: "RT-COMP-026",
		Twin:  "An identifier comes again only in front of chunks as small as those that stay uncompressed: who cannot read the one meets the other.",
		Chunk: closeOnChunk(func(_ *Link, c Chunk) bool { return c.Kind == chunkIdentifier && c.number > 0 }),
	},
	{
		Name: "operation-cut-by-chunks-lost", Title: "closes on an operation that goes on in another chunk", Breaks: "RT-COMP-027",
		FromPeer: when(all(dialled, peerInS2, op(isMessage), spelled(func(f Frame) bool { return f.Reads > 1 && len(f.Raw) < 1024 })), hangUp),
	},
	{
		Name: "chunk-cut-by-writes-refused", Title: "closes on a chunk that does not come whole", Breaks: "RT-COMP-028",
		Chunk: closeOnChunk(func(_ *Link, c Chunk) bool { return c.Reads > 1 && len(c.Content) < 1024 }),
	},
	{
		Name: "skippable-chunks-refused", Title: "closes on chunks that may be read over", Breaks: "RT-COMP-029",
		Chunk: closeOnChunk(func(_ *Link, c Chunk) bool { return c.Kind >= chunkSkippable && c.Kind != chunkIdentifier }),
	},
	{
		Name: "plain-in-s2-read", Title: "reads over plain bytes inside of an S2 stream", Breaks: "RT-COMP-030",
		Chunk: dropChunk(func(c Chunk) bool { return 'A' <= c.Kind && c.Kind <= 'Z' }),
	},
	{
		Name: "damaged-chunks-ignored", Title: "reads over a chunk with a wrong checksum", Breaks: "RT-COMP-031",
		Chunk: dropChunk(func(c Chunk) bool { return c.damaged() }),
	},
	{
		Name: "reserved-chunks-ignored", Title: "reads over chunks of a reserved kind", Breaks: "RT-COMP-031",
		Chunk: dropChunk(func(c Chunk) bool {
			return chunkPlain < c.Kind && c.Kind < chunkSkippable && (c.Kind < 'A' || c.Kind > 'Z')
		}),
	},
	{
		Name: "s2-without-identifier-kept", Title: "keeps a route whose S2 stream does not begin with its identifier", Breaks: "RT-COMP-032",
		Mend: func(l *Link, b Broken) ([]byte, int) {
			if !l.toPeer.inS2() || l.toServer.inS2() {
				return nil, 0
			}
			return nil, len(b.Raw)
		},
	},
	{
		Name: "cut-s2-kept", Title: "keeps a compressed route whose peer has ended its stream", Breaks: "RT-COMP-033",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.toServer.inS2() {
				return nil, true
			}
			return held, false
		},
	},
	{
		Name: "s2-unanswered-kept", Title: "never closes a connection whose peer asked for S2 and sends nothing more", Breaks: "RT-COMP-034",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Dialled && l.toPeer.inS2() && !l.toServer.inS2()
		},
	},
	{
		Name: "no-s2-in-tls", Title: "stays plain inside of TLS", Breaks: "RT-COMP-035",
		FromPeer: when(all(insideTLS, is(wire.Info)), editInfo(func(_ *Link, info *wire.InfoBody) { info.Compression = "" })),
	},
}

// Modes of compression.
const (
	modeOff    = "off"
	modeAccept = "accept"
	modeFast   = "s2_fast"
)

var knownModes = []string{"", "not supported", modeOff, modeAccept, "s2_uncompressed", modeFast, "s2_better", "s2_best", "s2_auto"}

func isS2(mode string) bool { return strings.HasPrefix(mode, "s2_") }

func unknownMode(mode string) bool { return !slices.Contains(knownModes, mode) }

// editMode changes the mode in a peer's INFO, by its own and the server's.
func editMode(do func(peer, own string) (string, bool)) change {
	return editInfo(func(l *Link, info *wire.InfoBody) {
		if l.Server == nil {
			return
		}
		if mode, ok := do(info.Compression, l.Server.Compression); ok {
			info.Compression = mode
		}
	})
}

// modes picks a peer's INFO by its mode and the server's.
func modes(picked func(peer, own string) bool) condition {
	return all(ownInfo, func(l *Link, f Frame) bool {
		return l.Server != nil && picked(f.Op.InfoBody.Compression, l.Server.Compression)
	})
}

// insideS2 picks connections on which the server's stream has begun, outsideS2 others; peerInS2 is for the peer's stream.
func insideS2(l *Link, _ Frame) bool { return l.toPeer.inS2() }

func outsideS2(l *Link, _ Frame) bool { return !l.toPeer.inS2() }

func peerInS2(l *Link, _ Frame) bool { return l.toServer.inS2() }

// inS2 tells whether the stream of this direction has begun.
func (s *side) inS2() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deflate != nil
}
