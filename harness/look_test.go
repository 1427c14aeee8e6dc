package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLookSaysWhatItSaw(t *testing.T) {
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }
	for _, tc := range []struct {
		name   string
		script func(net.Conn)
		want   []string // all of these are in the sentence
	}{
		{"silent", drain, []string{"accepts connections but sends nothing within 2s", "neither HTTP nor TLS", "--tlsca"}},
		{"closes at once", func(net.Conn) {}, []string{"closes them without a word"}},
		{"resets at once", reset, []string{"closes them without a word"}},
		{"client port", greets(`INFO {"server_id":"T","client_id":7,"host":"h","port":1}` + "\r\n"), []string{"a client port (INFO has client_id)", "--client"}},
		{"leaf port", greets(`INFO {"server_id":"T","client_id":7,"info_on_connect":true}` + "\r\n"), []string{"a leaf node port"}},
		{"gateway port", greets(`INFO {"server_id":"T","gateway":"G"}` + "\r\n"), []string{"a gateway port"}},
		{"other text", greets("SSH-2.0-\x1b[31mOpenSSH\r\n"), []string{`what is not an INFO: "SSH-2.0-\x1b[31mOpenSSH\r\n"`}},
		{"other op", greets("PING\r\n"), []string{`what is not an INFO: "PING\r\n"`}},
		{"HTTP unasked", greets("HTTP/1.1 400 Bad Request\r\n\r\n"), []string{"an HTTP server", `"HTTP/1.1 400 Bad Request"`}},
		{"INFO no JSON", greets("INFO {\"server_id\":\r\n"), []string{"no line with one JSON object", `INFO {\"server_id\":\r\n`}},
		{"INFO an array", greets("INFO []\r\n"), []string{"no line with one JSON object"}},
		{"half a line", greets(`INFO {"server_id":`), []string{"ended no line within 2s"}},
		{"half a line, closed", func(c net.Conn) { _, _ = c.Write([]byte("INFO {")) }, []string{`sent "INFO {" and closed`}},
		{"refuses", greets("-ERR 'maximum connections exceeded'\r\n"), []string{"refuses with", "maximum connections exceeded"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, tc.script)
			wantSentence(t, f.target(t), append(tc.want, f.address())...)
		})
	}
}

// wantSentence wants Look to fail within 5 s with a *NotARoute that says all of want.
func wantSentence(t *testing.T, tg *Target, want ...string) {
	t.Helper()
	began := time.Now()
	info, err := tg.Look(t.Context())
	took := time.Since(began)
	var other *NotARoute
	if info != nil || !errors.As(err, &other) {
		t.Fatalf("Look = %v, %v; want a *NotARoute", info, err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if took > 5*time.Second {
		t.Errorf("that took %v", took)
	}
	for _, c := range err.Error() {
		if c < ' ' || c > '~' && c != '…' {
			t.Errorf("%q holds an unescaped %q", err, c)
		}
	}
}

func TestLookClosedPort(t *testing.T) {
	f := startFake(t, drain)
	tg := f.target(t)
	_ = f.Close()
	wantSentence(t, tg, f.address(), "connection refused", "is the server running, is this its cluster port?")
}

func TestLookUnknownHost(t *testing.T) {
	tg := value[*Target](t)(External(Means{Route: "no-such-host.invalid:6222"}))
	wantSentence(t, tg, "cannot be resolved")
}

func TestLookHTTPServer(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	tg := value[*Target](t)(External(Means{Route: s.Listener.Addr().String()}))
	wantSentence(t, tg, "an HTTP server", "nothing within 2s", `"HTTP/1.1 404 Not Found"`)
}

func TestLookTLSServer(t *testing.T) {
	t.Parallel()
	cert, pool := selfSigned(t)
	f := startFake(t, func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert})
		if secure.Handshake() == nil {
			greets(fakeINFO)(secure)
		}
	})
	t.Run("asked in plain", func(t *testing.T) {
		wantSentence(t, f.target(t), "nothing within 2s, and answers a TLS handshake", "a route port with TLS waits for a handshake first", "--tlsca")
	})
	with := func(cfg *tls.Config) *Target {
		tg := value[*Target](t)(External(Means{Route: f.address(), TLS: cfg}))
		t.Cleanup(func() { must(t, tg.Close()) })
		return tg
	}
	t.Run("unknown authority", func(t *testing.T) {
		wantSentence(t, with(&tls.Config{}), "certificate is not accepted", "--tlsca")
	})
	t.Run("wrong name", func(t *testing.T) {
		wantSentence(t, with(&tls.Config{RootCAs: pool, ServerName: "other.example"}), "certificate is not accepted: it is not valid for \"other.example\"")
	})
	t.Run("without a certificate of ours", func(t *testing.T) {
		wantSentence(t, with(&tls.Config{RootCAs: pool}), "ended the TLS connection", "--tlscert")
	})
	t.Run("as it wants", func(t *testing.T) {
		tg := with(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}})
		info, err := tg.Look(t.Context())
		must(t, err)
		if info == nil {
			t.Error("no INFO")
		}
		p := value[*Peer](t)(tg.Dial(deadline(t), "A"))
		if !p.Connect().ConnectBody.TLSRequired {
			t.Error("CONNECT over TLS does not say tls_required")
		}
		p.Leave()
	})
}

func TestLookPlainServerWithTLS(t *testing.T) {
	f := startFake(t, greets(fakeINFO))
	tg := value[*Target](t)(External(Means{Route: f.address(), TLS: &tls.Config{}}))
	wantSentence(t, tg, `no TLS server, for it answered the TLS handshake with "INFO "`, "leave out --tlsca")
}

func TestLookEndsWithItsContext(t *testing.T) {
	f := startFake(t, drain)
	_, err := f.target(t).Look(brief(t))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Look = %v, want the context's error", err)
	}
}

func TestLookReadsSplitINFO(t *testing.T) {
	f := startFake(t, func(c net.Conn) {
		for i := range len(fakeINFO) {
			_, _ = c.Write([]byte(fakeINFO[i : i+1]))
		}
		drain(c)
	})
	tg := f.target(t)
	info, err := tg.Look(t.Context())
	must(t, err)
	if info.ServerID != "T" || tg.Info() != info || tg.RTT() <= 0 {
		t.Errorf("INFO %+v, kept %v, RTT %v", info, tg.Info() == info, tg.RTT())
	}
}

func TestAlive(t *testing.T) {
	f := startFake(t, greets(fakeINFO))
	tg := f.target(t)
	must(t, tg.Alive(deadline(t)))
	_ = f.Close()
	if err := tg.Alive(deadline(t)); err == nil {
		t.Error("alive although nothing listens")
	}
	mute := startFake(t, drain).target(t)
	if err := mute.Alive(brief(t)); err == nil {
		t.Error("alive although no INFO came")
	}
}

// A target with TLS dials with TLS.
func TestListenerSpeaksTLS(t *testing.T) {
	cert, pool := selfSigned(t)
	tg := value[*Target](t)(External(Means{
		Route: "127.0.0.1:6222", TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}},
	}))
	defer func() { must(t, tg.Close()) }()
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	dialled := make(chan error, 1)
	go func() {
		c, err := tls.Dial("tcp", l.socket.Addr().String(), &tls.Config{RootCAs: pool})
		if err == nil {
			_, err = c.Write([]byte("PING\r\n"))
			_ = c.Close()
		}
		dialled <- err
	}()
	p := value[*Peer](t)(l.Accept(deadline(t), "L", NoPong())) // a PONG to a closed socket brings a reset
	must(t, <-dialled)
	closing, err := p.Closed(deadline(t))
	if err != nil || closing.Reset || len(p.Seen()) != 1 {
		t.Errorf("%+v, %v, %d operations", closing, err, len(p.Seen()))
	}
}

// selfSigned makes a certificate for 127.0.0.1, for both ends.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := value[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der := value[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	parsed := value[*x509.Certificate](t)(x509.ParseCertificate(der))
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
