package harness

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

// WithCompression announces this mode in INFO's compression member: off, accept, s2_fast, s2_better, s2_best, s2_auto,
// s2_uncompressed, or what no server knows. Where the mode and the target's together mean S2 (2.10 and later: two S2 modes, or one and
// accept), Register, Join, Answer and AcceptPool do the switch, and Seen and the transcript hold what stands inside the
// S2 stream. The target's own switch is followed whenever it comes.
//
// For another order: Send CONNECT and INFO, look for Seen.S2, StartS2; SendWire goes past the stream.
func WithCompression(mode string) PeerOption {
	return func(c *peerConfig) {
		c.compression = true
		WithInfo(func(info *wire.InfoBody) { info.Compression = mode })(c)
	}
}

// s2Modes are the modes that mean an S2 stream, with how to write it. On a connection without delay s2_auto is fast.
var s2Modes = map[string][]s2.WriterOption{
	"s2_auto":         nil,
	"s2_fast":         nil,
	"s2_better":       {s2.WriterBetterCompression()},
	"s2_best":         {s2.WriterBestCompression()},
	"s2_uncompressed": {s2.WriterUncompressed()},
}

// s2Block is how much is compressed at a time, in bytes. Servers take more, which costs a writer megabytes.
const s2Block = 64 << 10

// chosenMode is the S2 mode in which we write when the two ends announce these; empty: none.
func chosenMode(ours, theirs string) string {
	_, we := s2Modes[ours]
	_, they := s2Modes[theirs]
	switch {
	case we && (they || theirs == "accept"):
		return ours
	case they && ours == "accept":
		return theirs
	}
	return ""
}

// Compression is the S2 mode that follows from what both ends have announced, or would; empty: the connection stays
// plain, or the target has announced nothing yet.
func (p *Peer) Compression() string {
	theirs := p.Info()
	if !p.cfg.compression || theirs == nil {
		return ""
	}
	return chosenMode(p.OwnInfo().InfoBody.Compression, theirs.Compression)
}

// registerCompressed is Register for a peer with WithCompression, once the target's INFO is there. A server reads what
// stands behind the INFO that asks for S2, in the same read, as plain bytes (2.10.27, 2.15.2): so nothing is sent until
// its own switch was seen.
func (p *Peer) registerCompressed(ctx context.Context) error {
	if err := p.awaitInfo(ctx); err != nil {
		return err
	}
	if p.Compression() == "" {
		return p.fence(ctx, p.Connect(), p.OwnInfo())
	}
	if err := p.Send(p.Connect(), p.OwnInfo()); err != nil {
		return err
	}
	switched := func() bool { return p.in.placed != nil }
	if err := p.wait(ctx, "an S2 stream that begins with INFO", switched); err != nil {
		return err
	}
	p.StartS2()
	return p.fence(ctx, p.OwnInfo())
}

// answerCompressed is Answer for a peer with WithCompression: the target that dialled answers our INFO with one in plain
// bytes that names the mode it has chosen, and has then gone over to S2.
func (p *Peer) answerCompressed(ctx context.Context) error {
	if err := p.Send(p.OwnInfo()); err != nil {
		return err
	}
	if err := p.awaitInfo(ctx); err != nil {
		return err
	}
	if p.Compression() == "" {
		return p.fence(ctx)
	}
	p.StartS2()
	if err := p.fence(ctx, p.OwnInfo()); err != nil {
		return err
	}
	return p.wait(ctx, "the target's INFO inside S2", func() bool { return p.in.placed != nil })
}

func (p *Peer) awaitInfo(ctx context.Context) error {
	return p.wait(ctx, "the target's INFO", func() bool { return p.in.info != nil })
}

// StartS2 makes all that we send from now on S2: each write a stream of its own, as servers do.
func (p *Peer) StartS2() {
	mode := p.Compression()
	p.writing.Lock()
	defer p.writing.Unlock()
	p.transcript.note("we go over to S2")
	options := append(slices.Clone(s2Modes[mode]), s2.WriterConcurrency(1), s2.WriterBlockSize(s2Block))
	p.deflate = s2.NewWriter(nil, options...)
}

// SendWire writes bytes as they are, also past an S2 stream that StartS2 has begun. Otherwise it is SendRaw.
func (p *Peer) SendWire(b []byte, pongs int) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	p.expect(pongs)
	p.mu.Unlock()
	return p.put(b, nil)
}

// SendWirePieces is SendWire for pieces, with a gap between them as SendPieces leaves it, so that most arrive in reads of their
// own.
func (p *Peer) SendWirePieces(pieces [][]byte) error {
	for i, piece := range pieces {
		if i > 0 {
			gap := time.NewTimer(pacing)
			select {
			case <-gap.C:
			case <-p.done:
				gap.Stop()
			}
		}
		if err := p.SendWire(piece, 0); err != nil {
			return err
		}
	}
	return nil
}

// S2Count is how much of one direction was compressed, in bytes.
type S2Count struct {
	Wire  int64 // on the wire
	Plain int64 // inside the stream
}

// S2 tells what was compressed so far. Zero: that direction has not gone over to S2.
func (p *Peer) S2() (sent, received S2Count) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deflated, p.in.inflated
}

func (c *S2Count) add(wire, plain int) {
	c.Wire += int64(wire)
	c.Plain += int64(plain)
}

// compress returns b as an S2 stream, and the bytes to record for it. writing is held.
func (p *Peer) compress(b []byte) []byte {
	var out bytes.Buffer
	p.deflate.Reset(&out)
	_, _ = p.deflate.Write(b) // neither fails: the buffer takes everything
	_ = p.deflate.Close()
	p.mu.Lock()
	p.deflated.add(out.Len(), len(b))
	p.mu.Unlock()
	return out.Bytes()
}

// streamStart is the first byte of an S2 stream: no operation begins with it.
const streamStart = 0xff

// inflater reads the S2 stream that a target has gone over to.
type inflater struct {
	stream *s2.Reader
	source io.Reader
	taken  int   // bytes of source since lately
	err    error // of source
}

// newInflater begins with bytes of the stream that were read already.
func newInflater(begun []byte, rest io.Reader) *inflater {
	z := &inflater{source: io.MultiReader(bytes.NewReader(bytes.Clone(begun)), rest)}
	z.stream = s2.NewReader(readerFunc(z.read), s2.ReaderAllocBlock(64<<10))
	return z
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func (z *inflater) read(b []byte) (int, error) {
	n, err := z.source.Read(b)
	z.taken += n
	z.err = err
	return n, err
}

func (z *inflater) Read(b []byte) (int, error) {
	n, err := z.stream.Read(b)
	if err != nil && z.err != nil {
		if errors.Is(err, s2.ErrCorrupt) { // s2's word for a stream that ends inside a block
			return n, &cutError{z.err}
		}
		return n, z.err
	}
	return n, err
}

// lately is the number of bytes taken off the wire since it was last called.
func (z *inflater) lately() int {
	n := z.taken
	z.taken = 0
	return n
}

// cutError is the end of a connection inside an S2 block.
type cutError struct{ error }

func (e *cutError) Unwrap() error { return e.error }

// isS2 tells whether err says that bytes are no S2 stream.
func isS2(err error) bool {
	for _, fault := range []error{s2.ErrCorrupt, s2.ErrCRC, s2.ErrUnsupported, s2.ErrTooLarge} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}
