package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// How long Look waits, so that the whole of it, probes included, takes less than 5 s.
const (
	connectLimit = 2 * time.Second // for TCP and TLS
	silenceLimit = 2 * time.Second // for the INFO
	probeLimit   = 800 * time.Millisecond
)

const clusterPortHint = "give the address of its cluster port (in nats-server: cluster { listen }, often port 6222)"

// Look opens one connection, reads the target's INFO and closes again. Its error is a *NotARoute that says what was seen
// instead, within 5 s; to tell that, a port that says nothing is asked on further connections whether it speaks HTTP
// or TLS. The error is ctx's if that ends first.
func (t *Target) Look(ctx context.Context) (*wire.InfoBody, error) {
	began := time.Now()
	info, remote, err := t.greeting(ctx, silenceLimit)
	if s, ok := errors.AsType[*silence](err); ok {
		err = t.place(t.probe(ctx, s.Saw))
	}
	if err != nil {
		return nil, orContext(ctx, err)
	}
	t.rtt.greeting(time.Since(began))
	t.learn(info, remote)
	return info, nil
}

// Alive opens a connection and wants an INFO within the deadline of ctx. When a process that we launched does not answer
// since it is just ending, Exited tells so by the time Alive returns.
func (t *Target) Alive(ctx context.Context) error {
	limit := silenceLimit
	if at, ok := ctx.Deadline(); ok {
		limit = time.Until(at)
	}
	_, _, err := t.greeting(ctx, limit)
	if err != nil && t.engine != nil {
		t.engine.awaitEnd(ctx)
	}
	return err
}

// greeting reads the INFO of a fresh connection.
func (t *Target) greeting(ctx context.Context, limit time.Duration) (*wire.InfoBody, net.Addr, error) {
	dialing, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	conn, err := t.connect(dialing)
	if err != nil {
		return nil, nil, orContext(ctx, t.place(err))
	}
	conn = t.within(conn, true)
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetReadDeadline(time.Now().Add(limit))
	info, err := readInfo(conn, limit)
	if err == nil {
		err = checkInfo(info)
	}
	return info, conn.RemoteAddr(), orContext(ctx, t.place(err))
}

// place says in a *NotARoute which address it is about.
func (t *Target) place(err error) error {
	if other, ok := errors.AsType[*NotARoute](err); ok {
		other.Address = t.Route
	}
	return err
}

// orContext prefers ctx's error to one that its end has caused.
func orContext(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// silence is a connection on which nothing came: the reason to look closer.
type silence struct{ *NotARoute }

func (s *silence) Unwrap() error { return s.NotARoute }

const closesAtOnce = "accepts connections and closes them without a word"

func silent(saw string) error {
	return &silence{&NotARoute{Saw: saw, Hint: clusterPortHint}}
}

// readInfo reads the first operation of a connection, which has to be an INFO.
func readInfo(conn net.Conn, limit time.Duration) (*wire.InfoBody, error) {
	in := newIncoming("", true)
	buf := make([]byte, 32<<10)
	var got []byte // the first bytes, to be shown
	for {
		n, err := conn.Read(buf)
		got = append(got, buf[:min(n, 256-len(got))]...)
		in.take(buf[:n], 0)
		switch {
		case len(in.seen) > 0 && in.seen[0].Op.Kind == wire.Info:
			return in.seen[0].Op.InfoBody, nil
		case len(in.seen) > 0, in.broken != nil:
			return nil, notInfo(got)
		case err != nil && len(got) == 0:
			return nil, wordless(err, limit)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, &NotARoute{Saw: fmt.Sprintf("began with %s but ended no line within %v", Printable(string(got)), limit), Hint: clusterPortHint}
		case err != nil:
			return nil, &NotARoute{Saw: fmt.Sprintf("sent %s and closed the connection", Printable(string(got))), Hint: clusterPortHint}
		}
	}
}

// wordless says how a connection was on which not one byte came.
func wordless(err error, limit time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return silent(fmt.Sprintf("accepts connections but sends nothing within %v", limit))
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" { // crypto/tls's word for an alert
		return &NotARoute{
			Saw:  "ended the TLS connection with " + Printable(alert.Err.Error()),
			Hint: "route ports want a client certificate: --tlscert, --tlskey",
		}
	}
	return silent(closesAtOnce)
}

// notInfo tells what else than INFO a port began with.
func notInfo(got []byte) error {
	text := string(got)
	switch {
	case hasPrefixFold(text, "HTTP/"):
		return &NotARoute{Saw: "an HTTP server, which sent " + Printable(firstLine(text)), Hint: clusterPortHint}
	case hasPrefixFold(text, "INFO"):
		return &NotARoute{Saw: "its INFO is no line with one JSON object: " + Printable(text), Hint: clusterPortHint}
	case hasPrefixFold(text, "-ERR"):
		return &NotARoute{Saw: "refuses with " + Printable(firstLine(text)), Hint: "see the target's log and limits"}
	}
	return &NotARoute{Saw: "sent what is not an INFO: " + Printable(text), Hint: clusterPortHint}
}

// checkInfo finds the other ports of a NATS server, which begin with an INFO as well.
func checkInfo(info *wire.InfoBody) error {
	switch {
	case info.ClientID != 0:
		if info.InfoOnConnect {
			return &NotARoute{Saw: "a leaf node port (INFO has client_id and info_on_connect)", Hint: clusterPortHint}
		}
		return &NotARoute{Saw: "a client port (INFO has client_id)", Hint: clusterPortHint + ", and this one as --client"}
	case info.Gateway != "":
		return &NotARoute{Saw: "a gateway port (INFO has gateway)", Hint: clusterPortHint}
	}
	return nil
}

// cannotConnect says why no TCP connection came about.
func cannotConnect(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*net.DNSError](err); ok && ctx.Err() == nil {
		return &NotARoute{Saw: "the host cannot be resolved", Hint: "is its name right?"}
	}
	switch {
	case wasRefused(err):
		return &unopened{&NotARoute{Saw: "connection refused", Hint: "is the server running, is this its cluster port?"}}
	case wasReset(err): // before the system told us of the connection
		return silent(closesAtOnce)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &unopened{&NotARoute{Saw: "no answer to a TCP connection", Hint: "is the address right, does a firewall drop packets?"}}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &NotARoute{Saw: "no connection: " + err.Error(), Hint: "is the address right?"}
}

// unopened marks what a server shows while it starts: it refuses, or on a machine that is busy takes long to accept.
type unopened struct{ *NotARoute }

func (e *unopened) Unwrap() error { return e.NotARoute }

func isUnopened(err error) bool {
	_, ok := errors.AsType[*unopened](err)
	return ok
}

// handshake does the TLS handshake of a dialling server.
func (t *Target) handshake(ctx context.Context, conn net.Conn) (net.Conn, error) {
	secure := tls.Client(conn, t.dialConfig(&peerConfig{}))
	err := secure.HandshakeContext(ctx)
	if err == nil {
		return secure, nil
	}
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return nil, &NotARoute{
			Saw:  "no TLS server, for it answered the TLS handshake with " + Printable(string(plain.RecordHeader[:])),
			Hint: "leave out --tlsca, --tlscert and --tlskey for a route port without TLS",
		}
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return nil, &NotARoute{Saw: "its TLS certificate is not accepted: " + certificateFault(untrusted), Hint: "give its authority with --tlsca"}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &NotARoute{Saw: "accepts connections but does not answer a TLS handshake", Hint: "is TLS configured there?"}
	case errors.Is(err, io.EOF), wasReset(err):
		return nil, &NotARoute{Saw: "closed the connection during the TLS handshake", Hint: "is TLS configured there, does it accept our certificate (--tlscert, --tlskey)?"}
	}
	return nil, &NotARoute{Saw: "the TLS handshake failed: " + err.Error(), Hint: "see --tlsca, --tlscert, --tlskey"}
}

// certificateFault words the fault without what the certificate says of itself, but for names, escaped.
func certificateFault(err *tls.CertificateVerificationError) string {
	if name, ok := errors.AsType[x509.HostnameError](err.Err); ok {
		return "it is not valid for " + Printable(name.Host)
	}
	return err.Err.Error()
}
