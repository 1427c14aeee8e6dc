package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// tlsFlags are the flags of the verbs that dial a route port with TLS.
type tlsFlags struct {
	TLSCA   string `group:"means" name:"tlsca" placeholder:"FILE" help:"TLS on the route port: the authorities that its certificate is checked against (PEM)."`
	TLSCert string `group:"means" name:"tlscert" placeholder:"FILE" help:"TLS on the route port: our certificate (PEM)."`
	TLSKey  string `group:"means" name:"tlskey" placeholder:"FILE" help:"TLS on the route port: the key of our certificate (PEM)."`
}

// tls reads the certificates. Without any of the flags it is what the address says, nil for a plain port.
func (f *tlsFlags) tls(said *tls.Config) (*tls.Config, error) {
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return nil, usage("--tlscert and --tlskey belong together: give both")
	case f.TLSCA == "" && f.TLSCert == "":
		return said, nil
	}
	return readTLS(f.TLSCA, f.TLSCert, f.TLSKey)
}

// files are the flags that were given, each with its file behind it.
func (f *tlsFlags) files() []string {
	var args []string
	for _, file := range []struct{ flag, path string }{{"--tlsca", f.TLSCA}, {"--tlscert", f.TLSCert}, {"--tlskey", f.TLSKey}} {
		if file.path != "" {
			args = append(args, file.flag, file.path)
		}
	}
	return args
}

// readTLS reads what --tlsca, --tlscert and --tlskey name, files in PEM form; each may be empty.
func readTLS(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, usage("--tlsca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, usage("--tlsca: %s holds no certificate in PEM form", ca)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, usage("--tlscert, --tlskey: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
