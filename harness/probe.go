package harness

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"
)

const tlsHint = "a route port with TLS waits for a handshake first (--tlsca, --tlscert, --tlskey)"

// probe asks a port that said nothing whether it speaks HTTP or TLS, each on a connection of its own, and words what it
// saw. Both questions are such that a server of another kind merely drops the connection.
func (t *Target) probe(ctx context.Context, saw string) error {
	if t.TLS != nil {
		return &NotARoute{Saw: "the TLS handshake was done, then " + saw, Hint: "is this a route port, does it accept our certificate (--tlscert, --tlskey)?"}
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	secure := make(chan bool, 1)
	go func() { secure <- speaksTLS(ctx, t.Route) }()
	status := askHTTP(ctx, t.Route)
	switch {
	case <-secure:
		return &NotARoute{Saw: saw + ", and answers a TLS handshake", Hint: tlsHint + ", if this is one"}
	case status != "":
		return &NotARoute{Saw: "an HTTP server: " + saw + "; to a HEAD request it answers " + Printable(status), Hint: clusterPortHint}
	}
	return &NotARoute{Saw: saw + ", and answers neither HTTP nor TLS", Hint: "this is not a NATS route port, or one whose TLS answers nobody without the right certificate: " + tlsHint}
}

// askHTTP returns the status line of an HTTP answer; empty: there was none.
func askHTTP(ctx context.Context, address string) string {
	conn, end, err := dialProbe(ctx, address)
	if err != nil {
		return ""
	}
	defer end()
	if _, err := fmt.Fprintf(conn, "HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address); err != nil {
		return ""
	}
	var got []byte
	buf := make([]byte, 256)
	for len(got) < len(buf) {
		n, err := conn.Read(buf[:len(buf)-len(got)])
		got = append(got, buf[:n]...)
		if err != nil {
			break
		}
	}
	if !hasPrefixFold(string(got), "HTTP/") {
		return ""
	}
	return firstLine(string(got))
}

// speaksTLS tells whether the port answers a ClientHello with a TLS record, be it an alert.
func speaksTLS(ctx context.Context, address string) bool {
	conn, end, err := dialProbe(ctx, address)
	if err != nil {
		return false
	}
	defer end()
	first := &firstBytes{Conn: conn}
	_ = tls.Client(first, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	const alert, handshake = 0x15, 0x16
	return len(first.got) >= 2 && (first.got[0] == alert || first.got[0] == handshake) && first.got[1] == 3
}

// firstBytes remembers the first bytes read.
type firstBytes struct {
	net.Conn
	got []byte
}

func (f *firstBytes) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if room := 2 - len(f.got); room > 0 {
		f.got = append(f.got, b[:min(n, room)]...)
	}
	return n, err
}

// dialProbe opens a connection that lives as long as ctx at most.
func dialProbe(ctx context.Context, address string) (conn net.Conn, end func(), err error) {
	var d net.Dialer
	conn, err = d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimRight(line, "\r")
}
