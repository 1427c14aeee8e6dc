package harness

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/natsroute/natsroute/reference/wire"
)

// Open opens a route connection and does the TLS handshake where Means.TLS or the options ask for one. It waits for
// nothing more: what the target sends, an INFO or anything else, is in Seen and Received when it comes. name is the
// connection's letter in transcripts.
//
// The error is a *NotARoute when no TCP connection came about, a *HandshakeError when the handshake failed, or ctx's.
func (t *Target) Open(ctx context.Context, name string, opts ...PeerOption) (*Peer, error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	conn, err := t.dialPort(ctx)
	if err != nil {
		return nil, err
	}
	c := configured(opts)
	if cfg := t.dialConfig(&c); cfg != nil {
		if conn, err = secure(ctx, name, tls.Client(conn, cfg)); err != nil {
			return nil, err
		}
	}
	return startPeer(t, name, conn, true, c)
}

// Greeting waits for the INFO by which a target begins a connection that we opened, and remembers it as the target's.
// The error is a *NotARoute when something else came first, and otherwise one of those that Fence has.
func (p *Peer) Greeting(ctx context.Context) (*wire.InfoBody, error) {
	first, err := p.Await(ctx, func(Seen) bool { return true })
	if err != nil {
		return nil, err
	}
	if first.Op.Kind != wire.Info {
		return nil, p.target.place(notInfo(first.Raw))
	}
	p.target.learn(first.Op.InfoBody, p.conn.RemoteAddr())
	return first.Op.InfoBody, nil
}

// Knock opens a TCP connection, without TLS, and sends b at once, before anything of the target's was read: what a stray
// client, a scanner or a web browser does. What came back is in Received, how it ended Closed tells. That the target
// has closed while b was written is no error.
func (t *Target) Knock(ctx context.Context, name string, b []byte, opts ...PeerOption) (*Peer, error) {
	p, err := t.Open(ctx, name, append(opts[:len(opts):len(opts)], Plain())...)
	if err != nil {
		return nil, err
	}
	err = p.SendRaw(b, 0)
	if closed := (*ClosedError)(nil); errors.As(err, &closed) {
		err = nil
	}
	return p, err
}
