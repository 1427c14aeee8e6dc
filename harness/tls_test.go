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
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

func authority(t *testing.T) *Authority {
	t.Helper()
	return value[*Authority](t)(NewAuthority())
}

func issued(t *testing.T, a *Authority, edits ...CertificateEdit) tls.Certificate {
	t.Helper()
	return value[tls.Certificate](t)(a.Issue(edits...))
}

func TestAuthorityIssues(t *testing.T) {
	a, other := authority(t), authority(t)
	verify := func(c tls.Certificate, host string, usage x509.ExtKeyUsage) error {
		_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	good := issued(t, a)
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if err := verify(good, host, usage); err != nil {
				t.Errorf("good, as %s for usage %d: %v", host, usage, err)
			}
		}
	}
	for _, tc := range []struct {
		name string
		with tls.Certificate
		host string
		want any
	}{
		{"expired", issued(t, a, Expired()), "localhost", &x509.CertificateInvalidError{}},
		{"not yet valid", issued(t, a, NotYetValid()), "localhost", &x509.CertificateInvalidError{}},
		{"for clients only", issued(t, a, ForUsage(x509.ExtKeyUsageClientAuth)), "localhost", &x509.CertificateInvalidError{}},
		{"for another host", issued(t, a, ForHosts("other.example", "192.0.2.1")), "localhost", &x509.HostnameError{}},
		{"of another authority", issued(t, other), "localhost", &x509.UnknownAuthorityError{}},
	} {
		if err := verify(tc.with, tc.host, x509.ExtKeyUsageServerAuth); !errors.As(err, tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if err := verify(issued(t, a, ForHosts("other.example", "192.0.2.1")), "192.0.2.1", x509.ExtKeyUsageServerAuth); err != nil {
		t.Errorf("the host it is for: %v", err)
	}
}

func TestAuthorityWritesFiles(t *testing.T) {
	a := authority(t)
	dir := t.TempDir()
	ca, cert, key, err := a.WriteFiles(dir)
	must(t, err)
	pair := value[tls.Certificate](t)(tls.LoadX509KeyPair(cert, key))
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(value[[]byte](t)(os.ReadFile(ca))) || !pool.Equal(a.Pool()) {
		t.Error("ca.pem is not the authority")
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool}); err != nil {
		t.Error(err)
	}
	if _, _, _, err := a.WriteFiles(filepath.Join(dir, "missing")); err == nil {
		t.Error("wrote into a directory that is not there")
	}
}

// secureFake is a route port as a server with TLS has it: it wants a client certificate of the authority.
func secureFake(t *testing.T, a *Authority, edit func(*tls.Config)) *Target {
	t.Helper()
	cfg := a.Config(issued(t, a))
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	edit(cfg)
	f := startFake(t, func(c net.Conn) {
		secure := tls.Server(c, cfg)
		if secure.Handshake() == nil {
			_, _ = secure.Write([]byte(fakeINFO))
			drain(secure)
		}
	})
	tg := value[*Target](t)(External(Means{Route: f.address(), TLS: a.Config(issued(t, a))}))
	t.Cleanup(func() { must(t, tg.Close()) })
	return tg
}

func TestOpenWithTLS(t *testing.T) {
	a := authority(t)
	tg := secureFake(t, a, func(*tls.Config) {})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p := value[*Peer](t)(tg.Open(deadline(t), "A", WithTLS(func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version })))
		info := value[*wire.InfoBody](t)(p.Greeting(deadline(t)))
		state := p.TLS()
		if state == nil || state.Version != version || len(state.PeerCertificates) != 1 || tg.Info() != info {
			t.Errorf("%s: %+v, INFO %+v", tls.VersionName(version), state, tg.Info())
		}
		if !strings.HasPrefix(string(p.Received()), "INFO {") {
			t.Errorf("received %q", p.Received())
		}
		p.Leave()
	}
	if p, err := tg.Dial(deadline(t), "A", Plain()); err == nil {
		t.Errorf("a TLS port greeted a plain connection: %s", p.Received())
	}
}

// refusal is how a target says that it does not want our TLS, in the handshake or after it.
func refusal(t *testing.T, tg *Target, opts ...PeerOption) error {
	t.Helper()
	p, err := tg.Open(deadline(t), "A", opts...)
	if err == nil {
		_, err = p.Greeting(deadline(t))
	}
	return err
}

func TestTargetRefusesOurCertificate(t *testing.T) {
	a, other := authority(t), authority(t)
	tg := secureFake(t, a, func(*tls.Config) {})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		with := func(o PeerOption) error {
			return refusal(t, tg, o, WithTLS(func(c *tls.Config) { c.MaxVersion = version }))
		}
		for _, tc := range []struct {
			name, alert string
			err         error
		}{
			{"none", "certificate required", with(WithoutCertificate())},
			{"another authority's", "unknown certificate authority", with(WithCertificate(issued(t, other)))},
			{"expired", "expired certificate", with(WithCertificate(issued(t, a, Expired())))},
			{"wrong usage", "bad certificate", with(WithCertificate(issued(t, a, ForUsage(x509.ExtKeyUsageServerAuth))))},
		} {
			alert := Alert(tc.err)
			if version == tls.VersionTLS12 && tc.name == "none" {
				tc.alert = "handshake failure" // TLS 1.2 has no word of its own for it
			}
			if alert != tc.alert {
				t.Errorf("%s, %s: %v", tls.VersionName(version), tc.name, tc.err)
			}
			var during *HandshakeError
			if errors.As(tc.err, &during) != (version == tls.VersionTLS12) || during != nil && during.How != HandshakeRefused {
				t.Errorf("%s, %s: refused at the wrong time: %v", tls.VersionName(version), tc.name, tc.err)
			}
		}
	}
}

func TestHandshakeFailures(t *testing.T) {
	a, other := authority(t), authority(t)
	at := func(f *fake) *Target {
		tg := value[*Target](t)(External(Means{Route: f.address(), TLS: a.Config(issued(t, a))}))
		t.Cleanup(func() { must(t, tg.Close()) })
		return tg
	}
	silent := at(startFake(t, drain))
	_, tooLate := silent.Open(WithPatience(t.Context(), 50*time.Millisecond), "A")
	closes := at(startFake(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }))
	plain := at(startFake(t, greets(fakeINFO)))
	old := secureFake(t, a, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	for _, tc := range []struct {
		name string
		err  error
		how  HandshakeFailure
	}{
		{"silent", tooLate, HandshakeSilent},
		{"closes", refusal(t, closes), HandshakeClosed},
		{"plain", refusal(t, plain), HandshakePlain},
		{"untrusted", refusal(t, old, WithTLS(func(c *tls.Config) { c.RootCAs = other.Pool() })), HandshakeRejected},
		{"too old", refusal(t, old, WithTLS(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })), HandshakeRefused},
	} {
		var failed *HandshakeError
		if !errors.As(tc.err, &failed) || failed.How != tc.how || failed.Conn != "A" {
			t.Errorf("%s: %v", tc.name, tc.err)
		}
	}
	if !errors.Is(tooLate, context.DeadlineExceeded) {
		t.Errorf("%v does not unwrap to the context's error", tooLate)
	}
}

// A connection that was good TLS may go on as something else.
func TestTargetLeavesTLS(t *testing.T) {
	a := authority(t)
	cfg := a.Config(issued(t, a))
	f := startFake(t, func(c net.Conn) {
		secure := tls.Server(c, cfg)
		_ = secure.Handshake()
		_, _ = secure.Write([]byte(fakeINFO))
		_, _ = c.Write([]byte("PING\r\n"))
		drain(c)
	})
	tg := value[*Target](t)(External(Means{Route: f.address(), TLS: cfg}))
	t.Cleanup(func() { must(t, tg.Close()) })
	p := value[*Peer](t)(tg.Open(deadline(t), "A"))
	value[*wire.InfoBody](t)(p.Greeting(deadline(t)))
	_, err := p.Closed(deadline(t))
	var broken *MalformedError
	if !errors.As(err, &broken) || p.Malformed() == nil {
		t.Errorf("%v", err)
	}
}

func TestPlainAndKnock(t *testing.T) {
	a := authority(t)
	tg := secureFake(t, a, func(*tls.Config) {})
	p := value[*Peer](t)(tg.Knock(deadline(t), "A", []byte("GET / HTTP/1.1\r\n\r\n")))
	closing := value[Closing](t)(p.Closed(deadline(t)))
	if p.TLS() != nil || closing.Alert != "" {
		t.Errorf("TLS %v, %+v", p.TLS(), closing)
	}
	greeting := startFake(t, greets(fakeINFO)).target(t)
	p = value[*Peer](t)(greeting.Knock(deadline(t), "B", []byte("SUB a 1\r\n")))
	value[*wire.InfoBody](t)(p.Greeting(deadline(t)))
	if string(p.Received()) != fakeINFO {
		t.Errorf("received %q", p.Received())
	}
	if err := refusal(t, startFake(t, greets("HTTP/1.0 400\r\n\r\n")).target(t)); err == nil {
		t.Error("HTTP was taken for an INFO")
	}
}

// dialTLS is a target that dials us: it tells how its handshake ended, the first read included.
func dialTLS(t *testing.T, l *Listener, cfg *tls.Config) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		c, err := tls.Dial("tcp", l.socket.Addr().String(), cfg)
		if err == nil {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		ended <- err
	}()
	return ended
}

func TestListenerChoosesItsCertificate(t *testing.T) {
	a, other := authority(t), authority(t)
	tg := value[*Target](t)(External(Means{Route: "127.0.0.1:6222", TLS: a.Config(issued(t, a))}))
	t.Cleanup(func() { must(t, tg.Close()) })
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	for _, tc := range []struct {
		name  string
		show  tls.Certificate
		alert string
	}{
		{"wrong host", issued(t, a, ForHosts("other.example")), "bad certificate"},
		{"unknown authority", issued(t, other), "bad certificate"},
		{"expired", issued(t, a, Expired()), "bad certificate"},
	} {
		ended := dialTLS(t, l, &tls.Config{RootCAs: a.Pool(), ServerName: "localhost"})
		_, err := l.Accept(deadline(t), "L", WithCertificate(tc.show))
		if alert := Alert(err); alert != tc.alert || <-ended == nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	for _, shown := range []int{0, 1} {
		with := &tls.Config{RootCAs: a.Pool(), ServerName: "localhost", Certificates: slices.Repeat([]tls.Certificate{issued(t, a)}, shown)}
		ended := dialTLS(t, l, with)
		p := value[*Peer](t)(l.Accept(deadline(t), "L", WithTLS(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })))
		if state := p.TLS(); len(state.PeerCertificates) != shown || state.Version != tls.VersionTLS12 {
			t.Errorf("%d certificates, %s", len(state.PeerCertificates), tls.VersionName(state.Version))
		}
		must(t, p.Send(wire.NewPing()))
		must(t, <-ended)
	}
	ended := dialTLS(t, l, &tls.Config{RootCAs: a.Pool(), ServerName: "localhost"})
	p := value[*Peer](t)(l.Accept(deadline(t), "L", Plain()))
	must(t, p.wait(deadline(t), "a hello", func() bool { return len(p.in.start) > 0 }))
	if hello := p.Received(); hello[0] != 0x16 {
		t.Errorf("received %x", hello)
	}
	must(t, p.Send(p.OwnInfo()))
	if err := <-ended; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the dialler took a plain INFO: %v", err)
	}
}

// launchWith starts a real nats-server with a configuration of the test's own, or says by name why it has not run.
func launchWith(t *testing.T, version, config string, m Means) *Target {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path, err := NatsServer(ctx, version)
	var missing *BuildError
	if errors.As(err, &missing) {
		t.Skipf("not run: %v", err)
	}
	must(t, err)
	file := filepath.Join(t.TempDir(), "server.conf")
	must(t, os.WriteFile(file, []byte(config), 0o600))
	command := fmt.Sprintf("'%s' -c '%s' -a 127.0.0.1 -p {{.ClientPort}} --cluster nats://127.0.0.1:{{.RoutePort}}", path, file)
	tg := value[*Target](t)(Launch(ctx, LaunchConfig{Command: command, Means: m}))
	t.Cleanup(func() { must(t, tg.Close()) })
	return tg
}

func TestRealServersWithTLS(t *testing.T) {
	for _, version := range realVersions {
		t.Run(version, func(t *testing.T) {
			a, other := authority(t), authority(t)
			ca, cert, key, err := a.WriteFiles(t.TempDir())
			must(t, err)
			name := "name: C,"
			if releaseOf(version)[1] < 2 {
				name = ""
			}
			tg := launchWith(t, version,
				fmt.Sprintf("cluster { %s tls { ca_file: %q, cert_file: %q, key_file: %q, timeout: 1 } }", name, ca, cert, key),
				Means{TLS: a.Config(issued(t, a))})
			p := value[*Peer](t)(tg.Open(deadline(t), "A"))
			info := value[*wire.InfoBody](t)(p.Greeting(deadline(t)))
			must(t, p.Register(deadline(t)))
			if !info.TLSRequired || p.TLS().Version != tls.VersionTLS13 {
				t.Errorf("INFO %+v, %s", info, tls.VersionName(p.TLS().Version))
			}
			if alert := Alert(refusal(t, tg, WithoutCertificate())); alert != "certificate required" {
				t.Errorf("without a certificate: alert %q", alert)
			}
			if alert := Alert(refusal(t, tg, WithCertificate(issued(t, other)))); alert == "" {
				t.Error("with another authority's certificate: no alert")
			}
			silent := value[*Peer](t)(tg.Open(deadline(t), "B", Plain()))
			value[Closing](t)(silent.Closed(deadline(t)))
			if len(silent.Received()) != 0 {
				t.Errorf("to silence the target said %q", silent.Received())
			}
			t.Run("dials", func(t *testing.T) { dialsWithTLS(t, tg, p, a) })
		})
	}
}

// dialsWithTLS makes the target dial a listener, by news of another server.
func dialsWithTLS(t *testing.T, tg *Target, p *Peer, a *Authority) {
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	host, port := l.Address()
	news := p.OwnInfo().InfoBody.Clone()
	news.ServerID, news.ServerName, news.Host, news.Port, news.IP = "THIRD", "THIRD", host, port, l.URL()
	must(t, p.Send(wire.NewInfo(news)))
	dialled := value[*Peer](t)(l.Accept(deadline(t), "L"))
	_, err := dialled.Await(deadline(t), func(s Seen) bool { return s.Op.Kind == wire.Connect })
	must(t, err)
	if shown := dialled.TLS().PeerCertificates; len(shown) != 1 {
		t.Errorf("the target has shown %d certificates", len(shown))
	}
	dialled.Leave()
	news.ServerID, news.ServerName = "FOURTH", "FOURTH"
	must(t, p.Send(wire.NewInfo(news)))
	if _, err := l.Accept(deadline(t), "M", WithCertificate(issued(t, a, Expired()))); Alert(err) == "" {
		t.Errorf("the target took an expired certificate: %v", err)
	}
}
