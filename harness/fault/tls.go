package fault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var tlsFaults = []Fault{
	{
		Name: "info-before-hello", Title: "says INFO in plain when a peer does not begin with its hello at once", Breaks: "RT-TLS-001",
		Wire: onDialled(func(conn net.Conn) net.Conn {
			return &plainGreeter{Conn: conn, wrote: make(chan struct{}), patience: helloPatience}
		}),
	},
	{
		Name: "plain-answered", Title: "speaks plain to a peer that does", Breaks: "RT-TLS-002",
		Wire: onDialled(func(conn net.Conn) net.Conn {
			return &plainGreeter{Conn: conn, wrote: make(chan struct{}), toPlain: true}
		}),
	},
	{
		Name: "slow-hello-kept", Title: "waits for ever for the end of a handshake", Breaks: "RT-TLS-003",
		Wire: onDialled(func(conn net.Conn) net.Conn { return &endlessConn{Conn: conn, closed: make(chan struct{})} }),
	},
	{
		Name: "tls-required-unsaid", Title: "does not say tls_required in INFO", Breaks: "RT-TLS-004",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.TLSRequired = false }),
	},
	{
		Name: "tls-verify-unsaid", Title: "does not say tls_verify in INFO", Breaks: "RT-TLS-005",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.TLSVerify = false }),
	},
	{
		Name: "tls-1.2-refused", Title: "refuses TLS 1.2", Breaks: "RT-TLS-006",
		TLS: whenDialled(func(cfg *tls.Config, _ *x509.CertPool) { cfg.MinVersion = tls.VersionTLS13 }),
	},
	{
		Name: "tls-1.3-refused", Title: "refuses TLS 1.3", Breaks: "RT-TLS-007",
		TLS: whenDialled(func(cfg *tls.Config, _ *x509.CertPool) { cfg.MaxVersion = tls.VersionTLS12 }),
	},
	{
		Name: "tls-1.0-taken", Title: "speaks TLS 1.0 with a peer that has nothing newer", Breaks: "RT-TLS-008",
		TLS: whenDialled(func(cfg *tls.Config, _ *x509.CertPool) { cfg.MinVersion = tls.VersionTLS10 }),
	},
	{
		Name: "certificate-not-wanted", Title: "takes in a peer that shows no certificate", Breaks: "RT-TLS-009",
		TLS: whenDialled(func(cfg *tls.Config, _ *x509.CertPool) { cfg.ClientAuth = tls.VerifyClientCertIfGiven }),
	},
	{
		Name: "any-authority-taken", Title: "takes in a peer with a certificate of any authority", Breaks: "RT-TLS-010",
		TLS: whenDialled(laxly(asClient, func(o *x509.VerifyOptions, shown *x509.Certificate) { o.Roots.AddCert(shown) })),
	},
	{
		Name: "expired-taken", Title: "takes in a peer whose certificate has expired", Breaks: "RT-TLS-011",
		TLS: whenDialled(laxly(asClient, beforeItsEnd)),
	},
	{
		Name: "any-usage-taken", Title: "takes in a peer whose certificate is for servers only", Breaks: "RT-TLS-012",
		TLS: whenDialled(laxly(asClient, func(o *x509.VerifyOptions, _ *x509.Certificate) {
			o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		})),
	},
	{
		Name: "tls-one-way", Title: "does not read messages inside of TLS", Breaks: "RT-TLS-013",
		FromPeer: when(all(insideTLS, op(isMessage)), drop),
	},
	{
		Name: "payload-of-one-record", Title: "loses what is beyond 16 KiB of a payload inside of TLS", Breaks: "RT-TLS-014",
		FromServer: when(all(insideTLS, op(isMessage), longPayload), edit(func(_ *Link, op *wire.Op) { withPayload(op, op.Payload[:recordBound]) })),
	},
	{
		Name: "record-is-operation", Title: "loses operations that are cut into several records inside of TLS", Breaks: "RT-TLS-015",
		FromPeer: when(all(insideTLS, op(isMessage), spelled(func(f Frame) bool { return f.Reads > 2 && len(f.Raw) < recordBound })), drop),
	},
	{
		Name: "dials-in-plain", Title: "begins in plain when it dials, though its route port speaks TLS", Breaks: "RT-TLS-016",
		Wire: onAccepted(func(conn net.Conn) net.Conn {
			return otherReader{Conn: conn, Reader: io.MultiReader(plainConnect(), conn)}
		}),
	},
	{
		Name: "plain-acceptor-taken", Title: "goes on in plain with a server that it has dialled and that speaks plain", Breaks: "RT-TLS-017",
		Wire: onAccepted(func(conn net.Conn) net.Conn {
			return &plainGreeter{Conn: conn, wrote: make(chan struct{}), toPlain: true, dials: true}
		}),
	},
	{
		Name: "dials-without-certificate", Title: "shows no certificate when it dials", Breaks: "RT-TLS-018",
		TLS: whenAccepted(func(cfg *tls.Config, _ *x509.CertPool) { cfg.Certificates = nil }),
	},
	{
		Name: "connect-without-tls-required", Title: "does not say tls_required in CONNECT when it dials by TLS", Breaks: "RT-TLS-019",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.TLSRequired = false }),
	},
	{
		Name: "dialled-tls-route-not-told", Title: "announces no interest on routes that it has dialled by TLS", Breaks: "RT-TLS-020",
		FromServer: when(all(accepted, insideTLS, is(wire.Sub)), drop),
	},
	{
		Name: "acceptor-of-any-authority-taken", Title: "takes an acceptor's certificate of any authority", Breaks: "RT-TLS-021",
		TLS: whenAccepted(laxly(asServer, func(o *x509.VerifyOptions, shown *x509.Certificate) { o.Roots.AddCert(shown) })),
	},
	{
		Name: "expired-acceptor-taken", Title: "takes an acceptor's certificate that has expired", Breaks: "RT-TLS-022",
		TLS: whenAccepted(laxly(asServer, beforeItsEnd)),
	},
	{
		Name: "acceptor-of-other-host-taken", Title: "takes an acceptor's certificate that is for another host", Breaks: "RT-TLS-023",
		TLS: whenAccepted(laxly(asServer, func(o *x509.VerifyOptions, _ *x509.Certificate) { o.DNSName = "" })),
	},
	{
		Name: "unanswered-hello-kept", Title: "waits for ever for the answer to its hello", Breaks: "RT-TLS-024",
		Wire: onAccepted(func(conn net.Conn) net.Conn { return &endlessConn{Conn: conn, closed: make(chan struct{})} }),
	},
	{
		Name: "acceptor-by-name-refused", Title: "wants the acceptor's certificate for the address, also where it has dialled a name", Breaks: "RT-TLS-025",
		TLS: whenAccepted(func(*tls.Config, *x509.CertPool) {}),
	},
}

const (
	helloPatience = 3 * time.Millisecond
	recordBound   = 16 << 10 // bytes of a TLS record
)

// insideTLS picks connections of a route port with TLS.
func insideTLS(l *Link, _ Frame) bool {
	own := l.target()
	return own != nil && own.TLSRequired
}

func longPayload(_ *Link, f Frame) bool { return len(f.Op.Payload) > recordBound }

func onDialled(wrap func(net.Conn) net.Conn) func(net.Conn, bool) net.Conn {
	return func(conn net.Conn, dialled bool) net.Conn {
		if dialled {
			return wrap(conn)
		}
		return conn
	}
}

func onAccepted(wrap func(net.Conn) net.Conn) func(net.Conn, bool) net.Conn {
	return func(conn net.Conn, dialled bool) net.Conn {
		if !dialled {
			return wrap(conn)
		}
		return conn
	}
}

// otherReader is a connection with another reader.
type otherReader struct {
	net.Conn
	io.Reader
}

func (c otherReader) Read(b []byte) (int, error) { return c.Reader.Read(b) }

// greeting and plainConnect are what a server without TLS begins with.
func greeting() io.Reader {
	return readerOf(frame(wire.NewInfo(&wire.InfoBody{ServerID: "NPLAIN", Host: "127.0.0.1", Port: 1, MaxPayload: 1 << 20})))
}

func plainConnect() io.Reader {
	return readerOf(frame(wire.NewConnect(&wire.ConnectBody{Echo: true, Name: "NPLAIN"})))
}

// plainGreeter says something in plain before the other side's hello, or in answer to what is none.
type plainGreeter struct {
	net.Conn
	patience time.Duration // it speaks when that is over and nothing was written
	toPlain  bool          // it speaks when what was written first is no TLS
	dials    bool          // what it says is a dialling server's

	mu    sync.Mutex
	first byte
	wrote chan struct{} // closed when something was written
	said  io.Reader
	done  bool
}

// hello is the type of a TLS record with a handshake, its first byte.
const hello = 22

func (g *plainGreeter) Write(b []byte) (int, error) {
	g.mu.Lock()
	if g.first == 0 && len(b) > 0 {
		g.first = b[0]
		close(g.wrote)
	}
	g.mu.Unlock()
	return g.Conn.Write(b)
}

func (g *plainGreeter) Read(b []byte) (int, error) {
	if !g.done {
		g.done = true
		g.said = g.decide()
	}
	if g.said != nil {
		if n, err := g.said.Read(b); err == nil {
			return n, nil
		}
		g.said = nil
	}
	return g.Conn.Read(b)
}

// decide waits for what is written first, and is what is said in plain; nil: nothing.
func (g *plainGreeter) decide() io.Reader {
	if g.toPlain {
		return g.answerOf(time.Second)
	}
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case <-g.wrote:
		return nil
	case <-timer.C:
		return greeting()
	}
}

func (g *plainGreeter) answerOf(limit time.Duration) io.Reader {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.wrote:
	case <-timer.C:
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.first == hello:
		return nil
	case g.dials:
		return plainConnect()
	}
	return greeting()
}

// endlessConn hides that the server has closed a connection on which one side has said nothing.
type endlessConn struct {
	net.Conn
	got    bool
	said   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (c *endlessConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	switch {
	case n > 0:
		c.got = true
	case err != nil && (!c.got || !c.said.Load()) && !errors.Is(err, net.ErrClosed):
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *endlessConn) Write(b []byte) (int, error) {
	c.said.Store(true)
	return c.Conn.Write(b)
}

func (c *endlessConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
