package server_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/reference/server"
)

// TestRouteTLS checks two members whose routes speak TLS.
func TestRouteTLS(t *testing.T) {
	a := newAuthority(t)
	_, _, ca, cb := join(t, server.Config{Seed: 1, RouteTLS: a.config(t)})
	t.Run("to the dialler", func(t *testing.T) { checkTraffic(t, ca, cb, true) })
	t.Run("to the dialled", func(t *testing.T) { checkTraffic(t, cb, ca, true) })
}

// TestRouteTLSGreeting checks that INFO comes within TLS, and says so.
func TestRouteTLSGreeting(t *testing.T) {
	a := newAuthority(t)
	s := start(t, server.Config{Cluster: "C", RouteTLS: a.config(t)})
	conn, err := tls.Dial("tcp", s.RouteAddr(), a.config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "INFO {") || !strings.Contains(line, `"tls_required":true,"tls_verify":true`) {
		t.Errorf("the first line is %q, %v", line, err)
	}
}

// TestRouteTLSStrangers checks that nobody who does not do TLS as it must be gets to see a line.
func TestRouteTLSStrangers(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	s := start(t, server.Config{Cluster: "C", RouteTLS: ours.config(t), RouteTLSTimeout: 100 * time.Millisecond})
	anonymous, foreign := ours.config(t), theirs.config(t)
	anonymous.Certificates = nil
	foreign.RootCAs = ours.pool
	for name, speak := range map[string]func(net.Conn) io.Reader{
		"silence": func(c net.Conn) io.Reader { return c },
		"plain bytes": func(c net.Conn) io.Reader {
			io.WriteString(c, "CONNECT {\"name\":\"X\",\"cluster\":\"C\"}\r\n")
			return c
		},
		"half a hello": func(c net.Conn) io.Reader {
			io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
			return c
		},
		"no certificate":        func(c net.Conn) io.Reader { return tls.Client(c, named(anonymous)) },
		"a foreign certificate": func(c net.Conn) io.Reader { return tls.Client(c, named(foreign)) },
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.RouteAddr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			got, err := io.ReadAll(speak(conn))
			if len(got) > 0 || isTimeout(err) {
				t.Errorf("got %q, %v; want nothing and the end", got, err)
			}
		})
	}
}

func named(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.ServerName = "localhost"
	return cfg
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

// TestRouteTLSDialler checks whom a dialler trusts: an authority that it knows and a certificate that bears the name it dialled.
func TestRouteTLSDialler(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	good := ours.config(t)
	misnamed := ours.config(t)
	misnamed.ServerName = "elsewhere"
	for _, c := range []struct {
		name string
		cfg  *tls.Config
		want string // in the log
	}{
		{"good", good, "TLS handshake complete"},
		{"unknown authority", theirs.config(t), "certificate signed by unknown authority"},
		{"another name", misnamed, "not elsewhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, server.Config{Cluster: "C", RouteTLS: good})
			lines := make(chan string, 1000)
			start(t, server.Config{
				Cluster: "C", Routes: []string{"nats-route://" + strings.Replace(s.RouteAddr(), "127.0.0.1", "localhost", 1)},
				RouteTLS: c.cfg, ReconnectDelay: time.Minute, Log: func(line string) { lines <- line },
			})
			await(t, lines, func(line string) bool { return strings.Contains(line, c.want) })
		})
	}
}

// TestRouteTLSNeedsACertificate checks that a configuration which cannot work is refused.
func TestRouteTLSNeedsACertificate(t *testing.T) {
	for _, cfg := range []server.Config{
		{RouteTLS: &tls.Config{RootCAs: x509.NewCertPool()}},
		{RouteTLSTimeout: -1},
	} {
		if _, err := server.New(cfg); err == nil || !strings.Contains(err.Error(), "RouteTLS") {
			t.Errorf("New: %v", err)
		}
	}
}

// TestCloseDuringHandshake checks that the end of the server ends handshakes in both roles.
func TestCloseDuringHandshake(t *testing.T) {
	before := goleak.IgnoreCurrent()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := start(t, server.Config{
		Cluster: "C", RouteTLS: newAuthority(t).config(t), RouteTLSTimeout: time.Minute, Routes: []string{"nats-route://" + silent.Addr().String()},
	})
	dialled, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	if _, err := dialled.Read(make([]byte, 1)); err != nil { // its hello
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.RouteAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Close()
	goleak.VerifyNone(t, before)
}
