package harness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// HandshakeFailure is how a TLS handshake came to nothing.
type HandshakeFailure uint8

// The ways in which a handshake fails.
const (
	HandshakeRefused  HandshakeFailure = iota + 1 // the target sent an alert
	HandshakeClosed                               // the target closed the connection, by FIN or RST, and sent no alert
	HandshakeSilent                               // the target did not end its part in time
	HandshakePlain                                // what the target sent is no TLS
	HandshakeRejected                             // we do not accept what the target offers: its certificate, its version
)

func (f HandshakeFailure) String() string {
	switch f {
	case HandshakeRefused:
		return "the target refused it"
	case HandshakeClosed:
		return "the target closed the connection"
	case HandshakeSilent:
		return "the target did not answer in time"
	case HandshakePlain:
		return "the target does not speak TLS"
	case HandshakeRejected:
		return "we do not accept what the target offers"
	}
	return "it did not fail"
}

// HandshakeError says that a TLS handshake with the target failed, in either role. With TLS 1.3 a target that does not
// like our certificate lets the handshake end well and says so afterwards: look at Closing.Alert too.
type HandshakeError struct {
	Conn  string // the connection's letter
	How   HandshakeFailure
	Alert string // the target's alert in the words of crypto/tls, "bad certificate" for one; empty: none came
	Err   error  // of crypto/tls, or the context's
}

func (e *HandshakeError) Error() string {
	text := fmt.Sprintf("harness: connection %s: no TLS handshake: %v", e.Conn, e.How)
	if e.Alert != "" {
		return text + " with the alert " + Printable(e.Alert)
	}
	return text + ": " + e.Err.Error()
}

func (e *HandshakeError) Unwrap() error { return e.Err }

// Alert is the TLS alert by which the target ended a connection, during the handshake or after it, as err of a peer's or
// listener's call tells; empty: it sent none.
func Alert(err error) string {
	if failed, ok := errors.AsType[*HandshakeError](err); ok {
		return failed.Alert
	}
	if closed, ok := errors.AsType[*ClosedError](err); ok {
		return closed.Closing.Alert
	}
	return ""
}

// alertIn is the alert that crypto/tls reports: it marks one from the other end by the operation of a net.OpError.
func alertIn(err error) string {
	if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" {
		return strings.TrimPrefix(remote.Err.Error(), "tls: ")
	}
	return ""
}

// handshakeError sorts what crypto/tls says.
func handshakeError(conn string, err error) *HandshakeError {
	failed := &HandshakeError{Conn: conn, How: HandshakeRejected, Alert: alertIn(err), Err: err}
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case failed.Alert != "":
		failed.How = HandshakeRefused
	case plain:
		failed.How = HandshakePlain
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		failed.How = HandshakeSilent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), wasReset(err):
		failed.How = HandshakeClosed
	}
	return failed
}

// dialConfig is what we bring to a handshake on a connection that we dialled; nil: it stays plain.
func (t *Target) dialConfig(c *peerConfig) *tls.Config {
	if c.plain || t.TLS == nil && c.tls == nil {
		return nil
	}
	cfg := &tls.Config{}
	if t.TLS != nil {
		cfg = t.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(t.Route)
	}
	return c.editTLS(cfg)
}

// acceptConfig is what we bring to a handshake on a connection that the target dialled; nil: it stays plain. The target
// is asked for a certificate, and none is refused.
func (t *Target) acceptConfig(c *peerConfig) *tls.Config {
	if c.plain || t.TLS == nil && c.tls == nil {
		return nil
	}
	cfg := &tls.Config{ClientAuth: tls.RequestClientCert}
	if t.TLS != nil {
		cfg.Certificates, cfg.ClientCAs = t.TLS.Certificates, t.TLS.RootCAs
		cfg.MinVersion, cfg.MaxVersion = t.TLS.MinVersion, t.TLS.MaxVersion
	}
	return c.editTLS(cfg)
}

func (c *peerConfig) editTLS(cfg *tls.Config) *tls.Config {
	for _, edit := range c.tls {
		edit(cfg)
	}
	return cfg
}

// secure does a handshake on conn and closes it when that fails. The error is a *HandshakeError, or ctx's if it was
// cancelled.
func secure(ctx context.Context, name string, conn *tls.Conn) (net.Conn, error) {
	err := conn.HandshakeContext(ctx)
	if err == nil {
		return conn, nil
	}
	_ = conn.Close()
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	return nil, handshakeError(name, err)
}

// WithTLS edits the TLS configuration of this one connection, on top of Means.TLS: another certificate, MaxVersion, a
// RootCAs of nobody. Without Means.TLS the connection does a handshake all the same. Several edits are done in order. On
// a connection that we dial the edit sees a client's configuration, on one that a Listener accepts a server's.
func WithTLS(edit func(*tls.Config)) PeerOption {
	return func(c *peerConfig) { c.tls = append(c.tls, edit) }
}

// Plain leaves the connection without TLS whatever Means.TLS says, so that bytes go out and come in as they are.
func Plain() PeerOption { return func(c *peerConfig) { c.plain = true } }

// WithCertificate shows this certificate and no other. A target that asks for one names the authorities that it
// trusts; crypto/tls by itself would show none that they have not signed.
func WithCertificate(certificate tls.Certificate) PeerOption {
	return WithTLS(func(cfg *tls.Config) {
		cfg.Certificates = []tls.Certificate{certificate}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &certificate, nil
		}
	})
}

// WithoutCertificate shows none on a connection that we dial.
func WithoutCertificate() PeerOption { return WithCertificate(tls.Certificate{}) }

// TLS is the state of the connection's TLS: negotiated version, the certificates that the target has shown; nil: the
// connection is plain.
func (p *Peer) TLS() *tls.ConnectionState {
	if p.secure == nil {
		return nil
	}
	state := p.secure.ConnectionState()
	return &state
}
