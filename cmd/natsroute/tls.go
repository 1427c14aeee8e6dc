package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

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
