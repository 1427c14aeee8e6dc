package harness

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"time"
)

// smallReceive is what SmallReceiveBuffer asks the system for, in bytes. Systems give about twice as much.
const smallReceive = 4 << 10

// SmallReceiveBuffer makes the system keep few bytes that we have not read, so that StopReading is soon felt by the
// target.
func SmallReceiveBuffer() PeerOption { return func(c *peerConfig) { c.smallReceive = true } }

func shrinkReceive(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetReadBuffer(smallReceive) // a larger one is only slower to fill
	}
}

// StopReading takes nothing more off the connection, but for a read that is under way: 32 KiB at most, or one block of an
// S2 stream. The target can send on until the buffers of both systems are full. PINGs are not seen, so not answered. Sending goes on as before.
func (p *Peer) StopReading() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed == nil && !p.left {
		p.resumed = make(chan struct{})
		p.transcript.note("we stop reading")
	}
}

// ResumeReading goes on where StopReading stopped: what the target sent in the meantime comes in now.
func (p *Peer) ResumeReading() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resumeReading()
}

// resumeReading is ResumeReading with mu held.
func (p *Peer) resumeReading() {
	if p.resumed != nil {
		p.transcript.note("we read on")
		close(p.resumed)
		p.resumed = nil
	}
}

// mayRead waits while reading is stopped.
func (p *Peer) mayRead() {
	p.mu.Lock()
	resumed := p.resumed
	p.mu.Unlock()
	if resumed != nil {
		<-resumed
	}
}

// SendSlowly writes b one byte at a time with a gap of pace before each but the first, which takes len(b) times pace
// unless ctx ends or the target closes. Nothing else, PONGs included, is written in between. pongs and errors are those
// of SendRaw; ctx's error says that the rest of b was not sent.
func (p *Peer) SendSlowly(ctx context.Context, b []byte, pace time.Duration, pongs int) error {
	return p.sendPaced(ctx, slices.Collect(slices.Chunk(b, 1)), pace, pongs)
}
