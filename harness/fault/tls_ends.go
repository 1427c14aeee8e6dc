package fault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// handshakeLimit is for a handshake that the box does.
const handshakeLimit = 5 * time.Second

// tlsEdit changes what the box brings to a handshake with our side in the server's place; trusted holds the authority.
type tlsEdit = func(cfg *tls.Config, trusted *x509.CertPool)

// whenDialled is for connections that we opened: the box is the server of TLS toward us.
func whenDialled(edit tlsEdit) func(*tls.Config, *x509.CertPool, bool) bool {
	return func(cfg *tls.Config, trusted *x509.CertPool, dialled bool) bool {
		if dialled {
			edit(cfg, trusted)
		}
		return dialled
	}
}

// whenAccepted is for connections that the server opened: the box is the client of TLS toward us.
func whenAccepted(edit tlsEdit) func(*tls.Config, *x509.CertPool, bool) bool {
	return func(cfg *tls.Config, trusted *x509.CertPool, dialled bool) bool {
		if !dialled {
			edit(cfg, trusted)
		}
		return !dialled
	}
}

// What a certificate has to be good for.
var (
	asClient = x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	asServer = x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSName: "127.0.0.1"}
)

// beforeItsEnd verifies a certificate as of a moment when it was valid.
func beforeItsEnd(o *x509.VerifyOptions, shown *x509.Certificate) {
	o.CurrentTime = shown.NotBefore.Add(time.Second)
	if o.CurrentTime.After(shown.NotAfter) {
		o.CurrentTime = shown.NotAfter
	}
}

// laxly verifies the certificate of the other side, but for what relax leaves out.
func laxly(want x509.VerifyOptions, relax func(*x509.VerifyOptions, *x509.Certificate)) tlsEdit {
	return func(cfg *tls.Config, trusted *x509.CertPool) {
		cfg.ClientAuth, cfg.InsecureSkipVerify = tls.RequireAnyClientCert, true
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			o := want
			o.Roots = trusted.Clone()
			relax(&o, state.PeerCertificates[0])
			_, err := state.PeerCertificates[0].Verify(o)
			return err
		}
	}
}

// endTLS ends TLS on both sides of a connection: with our side as the fault has it, with the server as is right. It
// returns our side's end.
func (b *Box) endTLS(conn net.Conn, dialled bool) net.Conn {
	certificate, err := b.Authority.Issue()
	if err != nil {
		return conn
	}
	cfg := func() *tls.Config {
		c := b.Authority.Config(certificate)
		c.ServerName, c.ClientAuth = "127.0.0.1", tls.RequireAndVerifyClientCert
		return c
	}
	ours := cfg()
	if !b.fault.TLS(ours, b.Authority.Pool(), dialled) {
		return conn
	}
	near, far, err := pair()
	if err != nil {
		return conn
	}
	front, back := tls.Server(far, ours), tls.Client(conn, cfg())
	if !dialled {
		front, back = tls.Client(far, ours), tls.Server(conn, cfg())
	}
	go join(front, back)
	return near
}

// join does the handshakes, that with our side first, and passes what is inside.
func join(front, back *tls.Conn) {
	defer func() { _, _ = front.Close(), back.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	for _, side := range []*tls.Conn{front, back} {
		if side.HandshakeContext(ctx) != nil {
			return
		}
	}
	var both sync.WaitGroup
	for _, way := range [][2]*tls.Conn{{front, back}, {back, front}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	both.Wait()
}

// readerOf reads frames.
func readerOf(frames ...Frame) io.Reader {
	var all []byte
	for _, f := range frames {
		all = slices.Concat(all, f.Raw)
	}
	return bytes.NewReader(all)
}
