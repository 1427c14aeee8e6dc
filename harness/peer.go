package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

// Peer is one route connection under our hand. A goroutine reads and keeps everything that the target sends; the
// target's PINGs are answered unless NoPong. Safe for concurrent use.
//
// A peer says nothing by itself but those PONGs: INFO and CONNECT go out with Register, or with Send where a spec wants
// another order.
type Peer struct {
	name       string
	target     *Target
	cfg        peerConfig
	id         string
	conn       net.Conn
	secure     *tls.Conn // below conn; nil: there is no TLS
	transcript *Transcript

	writing sync.Mutex // one write at a time; SendPieces holds it over all of them. Taken before mu
	deflate *s2.Writer // what StartS2 has begun; nil: we write plain bytes. Guarded by writing

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced whenever something below changes
	in        incoming
	pings     int            // PONGs that the PINGs we sent should bring
	announced *wire.InfoBody // our last INFO about ourselves; nil: none was sent
	held      bool           // see HoldPongs
	owed      int            // PINGs of the target not answered yet
	deflated  S2Count        // of what we sent
	left      bool           // we closed it
	resumed   chan struct{}  // closed by ResumeReading; nil: reading goes on

	wake chan struct{} // tells answer that owed or held changed
	done chan struct{} // closed when the reader has ended
}

// Seen is one operation that the target sent. It is shared by all who look at it and never changes.
type Seen struct {
	Op  wire.Op       // a deep copy
	Raw []byte        // its bytes as received
	At  time.Duration // since the target was made
	Off int64         // offset of Raw in the stream, as it is without S2
	S2  bool          // Raw stood inside an S2 stream
}

// Closing is how a connection ended.
type Closing struct {
	ErrText string // text of the last -ERR that came before, unquoted; empty: none
	Reset   bool   // RST instead of FIN: both are "closed"
	Cut     bool   // the target's bytes end inside an operation
	Alert   string // the TLS alert that the target ended it with, "certificate required" for one; empty: none came
	At      time.Duration
}

// startPeer takes conn over, TLS included, and starts to read it. The error says that the target is closed; conn then is
// too.
func startPeer(t *Target, name string, conn net.Conn, dialled bool, c peerConfig) (*Peer, error) {
	p := &Peer{
		name: name, target: t, conn: conn, cfg: c, id: c.id,
		transcript: newTranscript(name, t.start, c.secret(t)),
		changed:    make(chan struct{}),
		wake:       make(chan struct{}, 1),
		done:       make(chan struct{}),
	}
	if p.id == "" {
		p.id = t.ids.next()
	}
	p.in = newIncoming(name, dialled)
	p.in.bystander = c.bystander
	p.in.mayS2 = c.compression
	if c.leaf != nil {
		p.in.parser = newLeafParser()
	}
	if c.smallReceive {
		shrinkReceive(conn)
	}
	if c.leaf == nil {
		p.secure, _ = conn.(*tls.Conn)
		p.conn = t.within(conn, dialled)
	}
	how := "accepted from"
	if dialled {
		how = "opened to"
	}
	p.transcript.note("%s %s", how, conn.RemoteAddr())
	if err := t.track(p, 2); err != nil {
		_ = conn.Close()
		return nil, err
	}
	go p.read()
	go p.answer()
	return p, nil
}

// Name is the connection's letter in transcripts.
func (p *Peer) Name() string { return p.name }

// ID is the server_id that we announce, unless WithInfo changes it.
func (p *Peer) ID() string { return p.id }

// Transcript is the record of this connection.
func (p *Peer) Transcript() *Transcript { return p.transcript }

// Info is the first INFO that came on this connection; nil: none yet. It must not be changed.
func (p *Peer) Info() *wire.InfoBody {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.info
}

// targetInfo is what we know of the target: its INFO on this connection, else the last one on any.
func (p *Peer) targetInfo() *wire.InfoBody {
	if info := p.Info(); info != nil {
		return info
	}
	if info := p.target.Info(); info != nil {
		return info
	}
	return &wire.InfoBody{}
}

// Connect is the CONNECT that Register would send: our id as name, the operator's credentials, and the cluster name
// of the target's INFO, without which servers from 2.5 on refuse it.
func (p *Peer) Connect() wire.Op {
	var body *wire.ConnectBody
	if p.cfg.leaf != nil {
		body = p.leafConnect()
	} else {
		body = p.routeConnect()
	}
	for _, edit := range p.cfg.connect {
		edit(body)
	}
	return wire.NewConnect(body)
}

func (p *Peer) routeConnect() *wire.ConnectBody {
	info := p.targetInfo()
	return &wire.ConnectBody{
		Echo: true, User: p.target.User, Pass: p.target.Password, TLSRequired: p.secure != nil,
		Headers: info.Headers && !p.cfg.noHeaders, Name: p.id, Cluster: info.Cluster,
	}
}

// OwnInfo is the INFO that Register would send: a 2.0 server with a fresh id, no pool, no compression, no client URLs,
// at a loopback port that refuses connections.
func (p *Peer) OwnInfo() wire.Op {
	info := p.targetInfo()
	host, port := p.target.announce(p.conn.RemoteAddr())
	body := &wire.InfoBody{
		ServerID: p.id, ServerName: p.id, Version: "2.0.0", Proto: 2, Host: host, Port: port,
		Headers: info.Headers && !p.cfg.noHeaders, MaxPayload: 1 << 20, Cluster: info.Cluster,
	}
	for _, edit := range p.cfg.info {
		edit(body)
	}
	return wire.NewInfo(body)
}

// Register sends CONNECT, INFO and PING in one write and waits for the PONG: the target has then sent all interest it
// had when it took us in.
//
// With compression chosen by both ends the PING goes out in S2, with a second INFO: see WithCompression.
func (p *Peer) Register(ctx context.Context) error {
	switch {
	case p.cfg.leaf != nil:
		return p.fence(ctx, p.Connect())
	case p.cfg.compression:
		return p.registerCompressed(ctx)
	}
	return p.fence(ctx, p.Connect(), p.OwnInfo())
}

// Fence sends PING and waits for its PONG: all that the target had queued for this connection before is then in Seen.
// The error is a *ClosedError if the target closed, a *MalformedError if its bytes cannot be read any more, ctx's
// error if no PONG came.
//
// PONGs carry no name, so they are counted: the fence waits for as many as PINGs were sent (Send, Fence, Register) or
// declared (SendRaw, SendPieces). A surplus PONG that came before the fence's PING does not satisfy it.
func (p *Peer) Fence(ctx context.Context) error { return p.fence(ctx) }

func (p *Peer) fence(ctx context.Context, before ...wire.Op) error {
	began := time.Now()
	want, err := p.ping(before)
	if err != nil {
		return err
	}
	answered := 0
	err = p.wait(ctx, "a PONG", func() bool { answered = p.in.pongs; return answered >= want })
	if err == nil && len(before) == 0 {
		p.target.rtt.fence(time.Since(began))
	}
	return err
}

// ping writes operations and a PING, and returns the number of the PONG that answers it.
func (p *Peer) ping(before []wire.Op) (int, error) {
	b := p.encode(append(before[:len(before):len(before)], wire.NewPing()))
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	want := p.expect(countPings(before) + 1)
	p.applyMode(before)
	p.mu.Unlock()
	return want, p.write(b)
}

// expect counts PINGs about to be sent, and returns the number of the PONG that answers the last. A surplus of PONGs that
// came before them counts as nobody's. mu is held.
func (p *Peer) expect(pongs int) int {
	if pongs > 0 {
		p.pings = max(p.pings, p.in.pongs) + pongs
	}
	return p.pings
}

// Await waits for the first operation that match accepts, from the first one received on. match must not call back
// into the peer.
func (p *Peer) Await(ctx context.Context, match func(Seen) bool) (Seen, error) {
	return p.AwaitSince(ctx, 0, match)
}

// AwaitSince is Await among the operations after a mark.
func (p *Peer) AwaitSince(ctx context.Context, mark int, match func(Seen) bool) (Seen, error) {
	var found Seen
	err := p.wait(ctx, "an operation", func() bool {
		for ; mark < len(p.in.seen); mark++ {
			if match(p.in.seen[mark]) {
				found = p.in.seen[mark]
				return true
			}
		}
		return false
	})
	return found, err
}

// Seen returns the operations received so far, in order. The caller must not change it.
func (p *Peer) Seen() []Seen { return p.Since(0) }

// Mark is the number of operations received so far.
func (p *Peer) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.in.seen)
}

// Since returns the operations received after a mark, in order. The caller must not change it.
func (p *Peer) Since(mark int) []Seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.in.seen)
	return p.in.seen[min(mark, n):n:n]
}

// Received returns the first 64 KiB that the target sent, as they came (inside of TLS and S2 where there is any):
// operations or not. The caller owns the copy.
func (p *Peer) Received() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.in.start)
}

// Malformed is the first error in the target's own bytes, a *MalformedError; nil: all of them parse.
func (p *Peer) Malformed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.broken
}

// Closed waits until the target has closed the connection, by FIN or RST, and tells how. Everything that the target
// sent before is then in Seen. The error is ctx's: the connection is still open; ErrLeft: we closed it; or a
// *MalformedError: we gave it up, for what the target sent is not what TLS carries.
func (p *Peer) Closed(ctx context.Context) (Closing, error) {
	ctx, cancel := p.target.bounded(ctx)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		return Closing{}, fmt.Errorf("harness: connection %s is still open: %w", p.name, ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.in.closing != nil:
		return *p.in.closing, nil
	case p.in.broken != nil:
		return Closing{}, p.in.broken
	}
	return Closing{}, ErrLeft
}

// wait waits until ready, called with mu held, is true. Otherwise it tells what makes waiting longer useless.
func (p *Peer) wait(ctx context.Context, what string, ready func() bool) error {
	ctx, cancel := p.target.bounded(ctx)
	defer cancel()
	for {
		p.mu.Lock()
		ok, err, changed := ready(), p.hopeless(), p.changed
		p.mu.Unlock()
		switch {
		case ok:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("harness: connection %s: %s did not come: %w", p.name, what, ctx.Err())
		}
	}
}

// hopeless is the reason why nothing more will come; nil: it may. mu is held.
func (p *Peer) hopeless() error {
	switch {
	case p.in.broken != nil:
		return p.in.broken
	case p.in.flood != nil:
		return p.in.flood
	case p.in.closing != nil:
		return &ClosedError{Conn: p.name, Closing: *p.in.closing}
	case p.left:
		return ErrLeft
	}
	return nil
}

// announceChange wakes all who wait. mu is held.
func (p *Peer) announceChange() {
	close(p.changed)
	p.changed = make(chan struct{})
}
