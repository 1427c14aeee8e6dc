package harness

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority is a certificate authority that lives as long as this process does: for targets that we configure ourselves.
// Nothing of it is kept but what WriteFiles writes. Keys are ECDSA on P-256. Safe for concurrent use.
type Authority struct {
	names       []string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// loopbackNames are the hosts of a target that we run, and of listeners that it dials.
func loopbackNames() []string { return append([]string{launchHost, "::1", "localhost"}, ownHosts()...) }

// NewAuthority makes an authority whose certificates are valid for the hosts and addresses named; none: 127.0.0.1, ::1,
// localhost, and where our listeners are. An error is the system's: it has no randomness to give.
func NewAuthority(names ...string) (*Authority, error) {
	if len(names) == 0 {
		names = loopbackNames()
	}
	template := newTemplate("natsroute test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("harness: no key for an authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("harness: no certificate for an authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{names: names, certificate: certificate, key: key}, err
}

// newTemplate is a certificate that is valid from an hour ago until tomorrow. Each has a name of its own: two authorities
// of one name look the same to a TLS client that picks a certificate by the name of its issuer.
func newTemplate(kind string) *x509.Certificate {
	serial := rand.Text()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(serial[:16])),
		Subject:      pkix.Name{CommonName: kind + " " + serial},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

// CertificateEdit makes a certificate other than good. Several edits are done in order.
type CertificateEdit func(*x509.Certificate)

// Expired ends a certificate's validity half an hour ago.
func Expired() CertificateEdit {
	return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-30 * time.Minute) }
}

// NotYetValid begins a certificate's validity in half an hour.
func NotYetValid() CertificateEdit {
	return func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }
}

// ForHosts makes a certificate valid for these hosts and addresses only.
func ForHosts(names ...string) CertificateEdit {
	return func(c *x509.Certificate) { setNames(c, names) }
}

// ForUsage makes a certificate valid for one end of a connection only: x509.ExtKeyUsageServerAuth for the one that
// accepts it, x509.ExtKeyUsageClientAuth for the one that dials.
func ForUsage(usage x509.ExtKeyUsage) CertificateEdit {
	return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{usage} }
}

// Issue makes a certificate, with a key of its own, for both ends of a connection: a server shows one and the same
// when it is dialled and when it dials.
func (a *Authority) Issue(edits ...CertificateEdit) (tls.Certificate, error) {
	template := newTemplate("natsroute test server")
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	setNames(template, a.names)
	for _, edit := range edits {
		edit(template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("harness: no key for a certificate: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("harness: the certificate cannot be made: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

func setNames(c *x509.Certificate, names []string) {
	c.DNSNames, c.IPAddresses = nil, nil
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
}

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Config is for Means.TLS: it shows the certificate, and trusts this authority on connections of either direction.
func (a *Authority) Config(certificate tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		RootCAs:      a.Pool(), ClientCAs: a.Pool(),
		MinVersion: tls.VersionTLS12,
	}
}

// WriteFiles issues a certificate and writes three PEM files into dir, which exists: the authority's certificate, the
// one issued, its key. It returns their paths.
func (a *Authority) WriteFiles(dir string, edits ...CertificateEdit) (ca, cert, key string, err error) {
	issued, err := a.Issue(edits...)
	if err != nil {
		return "", "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(issued.PrivateKey)
	if err != nil {
		return "", "", "", err
	}
	ca, cert, key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for _, file := range []struct {
		path, kind string
		der        []byte
	}{
		{ca, "CERTIFICATE", a.certificate.Raw},
		{cert, "CERTIFICATE", issued.Certificate[0]},
		{key, "PRIVATE KEY", secret},
	} {
		if err := writePEM(file.path, file.kind, file.der); err != nil {
			return "", "", "", err
		}
	}
	return ca, cert, key, nil
}

func writePEM(path, kind string, der []byte) error {
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}
