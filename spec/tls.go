package spec

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerTLS: a route port that speaks TLS, and the target that dials another.
func registerTLS(s *Suite) {
	Describe("A route port with TLS", func() {
		tlsHello(s)
		tlsGreeting(s)
		tlsVersions(s)
		tlsPeersCertificate(s)
		tlsCarries(s)
	})
	Describe("A target that dials by TLS", func() {
		tlsDials(s)
		tlsAcceptorsCertificate(s)
	})
}

// onlyVersion makes one connection speak this version of TLS.
func onlyVersion(version uint16) harness.PeerOption {
	return harness.WithTLS(func(cfg *tls.Config) { cfg.MinVersion, cfg.MaxVersion = version, version })
}

// issue makes a certificate of the authority that the target trusts.
func (s *Suite) issue(edits ...harness.CertificateEdit) tls.Certificate {
	GinkgoHelper()
	if s.target.Authority == nil {
		s.NotTested(report.NeedsLaunch) // the authority is the operator's, who keeps its key
	}
	return issuedBy(s.target.Authority, edits...)
}

func issuedBy(authority *harness.Authority, edits ...harness.CertificateEdit) tls.Certificate {
	GinkgoHelper()
	certificate, err := authority.Issue(edits...)
	Expect(err).NotTo(HaveOccurred(), "a certificate of our own")
	return certificate
}

// unknown is the authority of nobody.
func unknown() *harness.Authority {
	GinkgoHelper()
	authority, err := harness.NewAuthority()
	Expect(err).NotTo(HaveOccurred(), "an authority of our own")
	return authority
}

// ExpectNoBytes wants the target to have sent nothing that a peer without TLS could read: nothing at all, or a TLS
// alert.
func (s *Suite) ExpectNoBytes(p *harness.Peer) {
	GinkgoHelper()
	const alert = 21 // the type of a record, its first byte
	if got := p.Received(); len(got) > 0 && got[0] != alert {
		s.failWith(report.Failure{
			Message:  "the target sends nothing that is no TLS",
			Expected: []string{"nothing", "a TLS alert"}, Got: harness.Printable(string(got)), Offset: -1,
		})
	}
}

func tlsHello(s *Suite) {
	It("says nothing before the peer's hello", s.Req("RT-TLS-001/silence"), func(ctx SpecContext) {
		mute, err := s.target.Knock(ctx, "A", nil)
		Expect(err).NotTo(HaveOccurred())
		s.Adopt(mute)
		for _, name := range []string{"B", "C", "D", "E", "F", "G"} {
			s.Join(ctx, name) // came later and is done: six handshakes are time enough for a greeting
		}
		s.ExpectNoBytes(mute)
	})

	DescribeTable("is closed to plain bytes",
		func(ctx SpecContext, in string) {
			p, err := s.target.Knock(ctx, "A", []byte(in))
			Expect(err).NotTo(HaveOccurred())
			s.Adopt(p)
			s.ExpectClosed(ctx, p)
			s.ExpectNoBytes(p)
		},
		Entry("CONNECT", s.Req("RT-TLS-002/connect"), WithoutRegistration, "CONNECT {\"tls_required\":true,\"name\":\"X\"}\r\n"),
		Entry("INFO", s.Req("RT-TLS-002/info"), WithoutRegistration, "INFO {\"server_id\":\"X\"}\r\n"),
		Entry("PING", s.Req("RT-TLS-002/ping"), WithoutRegistration, "PING\r\n"),
		Entry("an HTTP request", s.Req("RT-TLS-002/http"), WithoutRegistration, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	)

	limit := func(s *Site) time.Duration { return s.Settings().TLSTimeout + s.target.Patience() }
	for _, late := range []struct{ word, title, said string }{
		{"mute", "is closed to a peer that says nothing in time", ""},
		{"half-a-hello", "is closed to a peer that says half of a hello in time", clientHello},
	} {
		end := Prepare(s, "RT-TLS-003", func(ctx context.Context, s *Site) ending {
			return s.watch(ctx, limit(s), func(ctx context.Context) (*harness.Peer, error) {
				return s.target.Knock(ctx, "A", []byte(late.said))
			})
		})
		It(late.title, s.Req("RT-TLS-003/"+late.word), WithoutRegistration, Late, func(ctx SpecContext) {
			if s.Settings().TLSTimeout == 0 {
				s.NotTested(report.NeedsSettings)
			}
			e := joined(ctx, s, end, ending.peers)
			s.ExpectEnded(e, limit(s.Site), "a handshake that is not done in time ends the connection")
			Expect(e.after).To(BeNumerically(">=", s.Settings().TLSTimeout*3/4), "closed before the time for the handshake was over")
			s.ExpectNoBytes(e.peer)
		})
	}
}

func tlsGreeting(s *Suite) {
	for _, member := range []struct{ id, name string }{
		{"RT-TLS-004", "tls_required"},
		{"RT-TLS-005", "tls_verify"},
	} {
		It("says "+member.name+" in its INFO", s.Req(member.id+"/info"), WithoutRegistration, func(ctx SpecContext) {
			var info map[string]any
			Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed())
			Expect(info).To(HaveKeyWithValue(member.name, true), "INFO inside of TLS")
		})
	}
}

func tlsVersions(s *Suite) {
	DescribeTable("takes a peer that speaks",
		func(ctx SpecContext, version uint16) {
			p, err := s.target.Open(ctx, "A", onlyVersion(version))
			Expect(err).NotTo(HaveOccurred(), "the TLS handshake")
			s.Adopt(p)
			Expect(p.Register(ctx)).To(Succeed(), "CONNECT, INFO and PING inside of TLS")
		},
		Entry("TLS 1.2 only", s.Req("RT-TLS-006/1.2"), uint16(tls.VersionTLS12)),
		Entry("TLS 1.3 only", s.Req("RT-TLS-007/1.3"), uint16(tls.VersionTLS13)),
	)

	DescribeTable("refuses a peer that speaks",
		func(ctx SpecContext, version uint16) {
			_, err := s.target.Open(ctx, "A", onlyVersion(version))
			s.ExpectRefused(err, "a handshake of "+tls.VersionName(version))
		},
		Entry("TLS 1.0 only", s.Req("RT-TLS-008/1.0"), WithoutRegistration, uint16(tls.VersionTLS10)),
		Entry("TLS 1.1 only", s.Req("RT-TLS-008/1.1"), WithoutRegistration, uint16(tls.VersionTLS11)),
	)
}

// ExpectRefused wants a TLS handshake to have been ended by the target.
func (s *Suite) ExpectRefused(err error, what string) {
	GinkgoHelper()
	failed := &harness.HandshakeError{}
	if !errors.As(err, &failed) || failed.How != harness.HandshakeRefused && failed.How != harness.HandshakeClosed {
		got := "the handshake was done"
		if err != nil {
			got = err.Error()
		}
		s.failWith(report.Failure{
			Message:  "the target ends " + what,
			Expected: []string{"a TLS alert", "closed during the handshake"}, Got: got, Offset: -1,
		})
	}
}

func tlsPeersCertificate(s *Suite) {
	// shunned opens a connection with what option shows: the target ends it, in the handshake (TLS 1.2) or behind it
	// (1.3), and says no word before.
	shunned := func(ctx context.Context, version uint16, option harness.PeerOption) {
		GinkgoHelper()
		p, err := s.target.Open(ctx, "A", onlyVersion(version), option)
		if err != nil {
			s.ExpectRefused(err, "a handshake without a good certificate of the peer")
			return
		}
		s.Adopt(p)
		s.Send(p, p.Connect(), p.OwnInfo(), wire.NewPing())
		s.ExpectClosed(ctx, p)
		Expect(p.Seen()).To(s.BeOps(), "what a peer without a good certificate gets to read")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		name := tls.VersionName(version)
		word := strings.TrimPrefix(name, "TLS ")
		It("refuses a peer that shows no certificate, by "+name, s.Req("RT-TLS-009/"+word), WithoutRegistration, func(ctx SpecContext) {
			shunned(ctx, version, harness.WithoutCertificate())
		})
		It("refuses a peer with a certificate of an unknown authority, by "+name, s.Req("RT-TLS-010/"+word), WithoutRegistration, func(ctx SpecContext) {
			shunned(ctx, version, harness.WithCertificate(issuedBy(unknown())))
		})
		It("refuses a peer whose certificate has expired, by "+name, s.Req("RT-TLS-011/"+word), WithoutRegistration, func(ctx SpecContext) {
			shunned(ctx, version, harness.WithCertificate(s.issue(harness.Expired())))
		})
		It("refuses a peer whose certificate is for servers only, by "+name, s.Req("RT-TLS-012/"+word), WithoutRegistration, func(ctx SpecContext) {
			shunned(ctx, version, harness.WithCertificate(s.issue(harness.ForUsage(x509.ExtKeyUsageServerAuth))))
		})
	}
}

func tlsCarries(s *Suite) {
	It("carries interest and messages both ways", s.Req("RT-TLS-013/both-ways"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
		s.Fence(ctx, p)
		bills := s.Subscribe(c, s.Subject("bills"))
		s.Publish(c, s.Subject("orders"), "", "out")
		s.ClientToPeers(ctx, c, p)
		s.Send(p, s.msg("bills", "", "in"))
		s.PeerToClients(ctx, p, c)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("bills")), s.msg("orders", "", "out")), "a client's interest and message")
		Expect(s.Received(bills)).To(s.BeMessages(delivery{s.Subject("bills"), "", "in"}), "an RMSG inside of TLS")
	})

	const records = 200 << 10 // more than twelve records
	It("carries a payload of many records to the peer", s.Req("RT-TLS-014/out"), func(ctx SpecContext) {
		s.expectPublished(ctx, "", s.random(records), "a payload longer than a TLS record")
	})
	It("carries a payload of many records to clients", s.Req("RT-TLS-014/in"), func(ctx SpecContext) {
		s.expectDelivered(ctx, "", s.random(records), "a payload longer than a TLS record")
	})
	It("reads operations that are cut into records", s.Req("RT-TLS-015/cut"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		orders := s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		_ = p.SendPieces(s.cut("R^MSG ACC PRE.or^ders 1^0\r^\n01234^56789\r^\n"), 0)
		s.PeerToClients(ctx, p, c)
		Expect(s.Received(orders)).To(s.BeMessages(delivery{s.Subject("orders"), "", "0123456789"}), "a message in seven records")
	})
}

func tlsDials(s *Suite) {
	It("begins with its hello", s.Req("RT-TLS-016/hello"), func(ctx SpecContext) {
		l, _ := s.invite(ctx)
		p := s.Dialled(ctx, l, "L", harness.Plain())
		s.AwaitBytes(ctx, p)
		const handshake = 22 // the type of a record, its first byte
		Expect(p.Received()[0]).To(BeEquivalentTo(handshake), "the first byte of a dialling target")
	})

	It("closes on a listener that speaks plain, and says nothing plain itself", s.Req("RT-TLS-017/plain"), func(ctx SpecContext) {
		l, id := s.invite(ctx)
		p := s.Dialled(ctx, l, "L", harness.Plain(), harness.WithID(id))
		s.Send(p, p.OwnInfo())
		s.ExpectClosed(ctx, p)
		Expect(bytes.Contains(p.Received(), []byte("CONNECT"))).To(BeFalse(), "CONNECT to a listener that is not known to be the server meant")
	})

	It("shows a certificate of its authority", s.Req("RT-TLS-018/certificate"), func(ctx SpecContext) {
		shown := s.DialledRoute(ctx).TLS().PeerCertificates
		Expect(shown).NotTo(BeEmpty(), "certificates of a dialling target, which every acceptor wants")
		_, err := shown[0].Verify(x509.VerifyOptions{Roots: s.target.TLS.RootCAs, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		Expect(err).NotTo(HaveOccurred(), "the certificate that it shows")
	})

	It("says tls_required in CONNECT", s.Req("RT-TLS-019/connect"), func(ctx SpecContext) {
		Expect(connectOf(s.DialledRoute(ctx)).TLSRequired).To(BeTrue(), "tls_required in the target's CONNECT")
	})

	It("makes a route that carries interest", s.Req("RT-TLS-020/interest"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.Subscribe(c, s.Subject("orders"))
		s.Flush(ctx, c)
		p := s.DialledRoute(ctx)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(s.Account(), s.Subject("orders"))), "the interest that was there before the route")
	})
}

// AwaitBytes waits until the target has sent something on a connection whose bytes are no operations.
func (s *Suite) AwaitBytes(ctx context.Context, p *harness.Peer) {
	GinkgoHelper()
	_, _ = p.Await(ctx, func(harness.Seen) bool { return true }) // ends at once on bytes that are no operation
	Expect(p.Received()).NotTo(BeEmpty(), "the target dialled and said nothing")
}

func tlsAcceptorsCertificate(s *Suite) {
	DescribeTable("refuses an acceptor",
		func(ctx SpecContext, certificate func() tls.Certificate) {
			shown := certificate()
			l, _ := s.invite(ctx)
			p, err := l.Accept(ctx, "L", harness.WithCertificate(shown))
			if err == nil {
				s.Adopt(p)
			}
			s.ExpectRefused(err, "a handshake without a good certificate of the acceptor")
		},
		Entry("whose certificate is of an unknown authority", s.Req("RT-TLS-021/unknown"), func() tls.Certificate { return issuedBy(unknown()) }),
		Entry("whose certificate has expired", s.Req("RT-TLS-022/expired"), func() tls.Certificate { return s.issue(harness.Expired()) }),
		Entry("whose certificate is for another host", s.Req("RT-TLS-023/other-host"), func() tls.Certificate { return s.issue(harness.ForHosts("other.example", "192.0.2.1")) }),
	)

	It("takes an acceptor whose certificate is for the name in its URL only", s.Req("RT-TLS-025/name"), func(ctx SpecContext) {
		shown := s.issue(harness.ForHosts("localhost"))
		l := s.listenerOn(ctx, "127.0.0.1")
		s.inviteTo(ctx, l, s.serverID("DIALLED"), func(i *wire.InfoBody) { i.IP = strings.Replace(i.IP, "127.0.0.1", "localhost", 1) })
		s.Dialled(ctx, l, "L", harness.WithCertificate(shown))
	})

	limit := func(s *Site) time.Duration { return s.Settings().TLSTimeout + s.target.Patience() }
	mute := Prepare(s, "RT-TLS-024", func(ctx context.Context, s *Site) ending {
		return s.watchDialled(ctx, "MUTETLS", limit(s), sayNothing, harness.Plain())
	})
	It("closes on a listener that answers no hello in time", s.Req("RT-TLS-024/mute"), Late, func(ctx SpecContext) {
		s.NeedsOwnListener()
		if s.Settings().TLSTimeout == 0 {
			s.NotTested(report.NeedsSettings)
		}
		s.ExpectEnded(joined(ctx, s, mute, ending.peers), limit(s.Site), "a hello that is not answered in time ends the connection")
	})
}
