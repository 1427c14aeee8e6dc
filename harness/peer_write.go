package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

const (
	writeLimit = 10 * time.Second     // for a target that takes no bytes
	pacing     = 2 * time.Millisecond // between the pieces of SendPieces: then most of them arrive as reads of their own
)

// Send writes operations in their canonical form, in one write. PINGs among them are counted for Fence.
//
// Sending to a target that has closed returns a *ClosedError, after everything that the target sent has been read.
func (p *Peer) Send(ops ...wire.Op) error {
	b := p.encode(ops)
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	p.expect(countPings(ops))
	p.applyMode(ops)
	p.mu.Unlock()
	return p.write(b)
}

// SendRaw writes bytes as they are, in one write. pongs is the number of PONGs they should bring, so that Fence counts
// right. Errors are those of Send.
func (p *Peer) SendRaw(b []byte, pongs int) error {
	return p.SendPieces([][]byte{b}, pongs)
}

// SendPieces writes each piece in a write of its own with a pacing gap between them. Nothing else, PONGs included, is
// written between the pieces. Whether they arrive as separate reads is up to the network: most do.
func (p *Peer) SendPieces(pieces [][]byte, pongs int) error {
	return p.sendPaced(context.Background(), pieces, pacing, pongs)
}

// sendPaced writes each piece in a write of its own with a gap between them.
func (p *Peer) sendPaced(ctx context.Context, pieces [][]byte, pace time.Duration, pongs int) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	p.expect(pongs)
	p.mu.Unlock()
	for i, piece := range pieces {
		if i > 0 {
			gap := time.NewTimer(pace)
			select {
			case <-gap.C:
			case <-p.done:
			case <-ctx.Done():
				return fmt.Errorf("harness: connection %s: %d of %d pieces were sent: %w", p.name, i, len(pieces), ctx.Err())
			}
		}
		if err := p.write(piece); err != nil {
			return err
		}
	}
	return nil
}

// HoldPongs keeps back the answers to the target's PINGs, or sends those kept back and goes on answering: for a while in
// which our bytes end inside an operation, and a PONG would be read as a part of it.
func (p *Peer) HoldPongs(hold bool) {
	p.writing.Lock() // no answer is on its way now
	defer p.writing.Unlock()
	p.mu.Lock()
	p.held = hold
	p.mu.Unlock()
	p.wakeAnswer()
}

// answer sends the PONGs that the target's PINGs ask for. It is not the reader that does, for the reader must go on
// reading while a write waits for the target.
func (p *Peer) answer() {
	defer p.target.running.Done()
	for {
		select {
		case <-p.wake:
			p.writing.Lock()
			if b := p.dueAnswers(); len(b) > 0 {
				_ = p.write(b) // a failure shows at the next Send or Fence
			}
			p.writing.Unlock()
		case <-p.done:
			return
		}
	}
}

func (p *Peer) dueAnswers() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		return nil
	}
	var b []byte
	for ; p.owed > 0; p.owed-- {
		b = append(b, "PONG\r\n"...)
	}
	return b
}

func (p *Peer) wakeAnswer() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// write writes b with writing held, in S2 once StartS2 was called.
func (p *Peer) write(b []byte) error {
	if p.deflate == nil {
		return p.put(b, nil)
	}
	return p.put(p.compress(b), b)
}

// put writes b with writing held; inside is what stands inside of it where it is S2. It is recorded first, so that no
// answer stands before it in the transcript.
func (p *Peer) put(b, inside []byte) error {
	if err := p.ended(); err != nil {
		return err
	}
	if inside == nil {
		p.transcript.wrote(b)
	} else {
		p.transcript.inside('>', inside, len(b))
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	n, err := p.conn.Write(b)
	if err == nil {
		return nil
	}
	p.transcript.note("only %d of these %d bytes could be written", n, len(b))
	if errors.Is(err, os.ErrDeadlineExceeded) && p.ended() == nil {
		return fmt.Errorf("harness: connection %s: the target took no bytes for %v: %w", p.name, writeLimit, err)
	}
	// The connection is gone, so the reader is about to see its end: let it read what came before.
	p.ResumeReading()
	limit := time.NewTimer(writeLimit)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
	}
	if ended := p.ended(); ended != nil {
		return ended
	}
	return fmt.Errorf("harness: connection %s: %w", p.name, err)
}

// ended is the *ClosedError or ErrLeft that says why nothing can be sent; nil: it can.
func (p *Peer) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.in.closing != nil:
		return &ClosedError{Conn: p.name, Closing: *p.in.closing}
	case p.left:
		return ErrLeft
	}
	return nil
}

func (p *Peer) encode(ops []wire.Op) []byte {
	var b []byte
	for i := range ops {
		begin := len(b)
		b = ops[i].AppendTo(b)
		if p.cfg.leaf != nil {
			toLeaf(b[begin:])
		}
	}
	return b
}

func countPings(ops []wire.Op) int {
	n := 0
	for i := range ops {
		if ops[i].Kind == wire.Ping {
			n++
		}
	}
	return n
}
