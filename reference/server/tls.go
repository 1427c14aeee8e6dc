package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// DefaultRouteTLSTimeout is how long a TLS handshake on a route may take (2.5.0 to 2.15.2; 2.1.2 gives it 0.5 s).
const DefaultRouteTLSTimeout = 2 * time.Second

// checkRouteTLS refuses a configuration with which no handshake can succeed in both roles.
func (s *settled) checkRouteTLS() error {
	cfg := s.RouteTLS
	switch {
	case s.RouteTLSTimeout < 0:
		return errors.New("server: RouteTLSTimeout is negative: use 0 for the default")
	case cfg == nil:
		return nil
	case len(cfg.Certificates) == 0 && (cfg.GetCertificate == nil || cfg.GetClientCertificate == nil):
		return errors.New("server: RouteTLS has no certificate: a server shows one when it is dialled and when it dials")
	}
	return nil
}

// acceptorTLS is cfg for the side that is dialled: it wants a certificate of the peer, whatever cfg says (seen 2.1.2 to
// 2.15.2, with verify false too).
func acceptorTLS(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return nil
	}
	cfg = cfg.Clone()
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if cfg.ClientCAs == nil {
		cfg.ClientCAs = cfg.RootCAs
	}
	return cfg
}

// dialerTLS is the configuration of the side that dials.
func (s *settled) dialerTLS(dial route.Dial) *tls.Config {
	cfg := s.RouteTLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = s.serverName(dial)
	}
	return cfg
}

// serverName is the name that the certificate of a dialled server has to bear: the host that was dialled. Gossip
// tells addresses only, which few certificates bear: the first name among the configured routes stands for them (2.5 and later).
func (s *settled) serverName(dial route.Dial) string {
	host, _, err := net.SplitHostPort(dial.Address)
	if err != nil {
		return dial.Address
	}
	if net.ParseIP(host) == nil {
		return host
	}
	for _, explicit := range s.routes {
		if name, _, _ := net.SplitHostPort(explicit.Address); name != "" && net.ParseIP(name) == nil {
			return name
		}
	}
	return host
}

// routeAcceptor is what is done with a connection to the route port.
func (s *Server) routeAcceptor() func(time.Time, net.Conn) {
	if s.cfg.RouteTLS != nil {
		return s.acceptRouteTLS
	}
	return s.acceptRoute
}

// acceptRouteTLS lets the peer begin: not a byte leaves before its hello (seen 2.1.2 to 2.15.2). A peer that speaks no TLS, shows
// no good certificate or takes too long is left without a word.
func (s *Server) acceptRouteTLS(_ time.Time, conn net.Conn) {
	s.spawn(func() {
		secure, err := s.handshake(tls.Server(conn, s.cfg.acceptorTLS))
		if err != nil {
			return
		}
		if !s.post(input{call: func(now time.Time) { s.acceptRoute(now, secure) }}) {
			secure.Close()
		}
	})
}

// handshake makes the handshake in time; else it logs why not and closes the connection. The end of the server ends it.
func (s *Server) handshake(conn *tls.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.RouteTLSTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		s.errorf(nil, "%s - TLS route handshake error: %v", conn.RemoteAddr(), err)
		conn.NetConn().Close()
		return nil, err
	}
	state := conn.ConnectionState()
	s.debugf(nil, "%s - TLS handshake complete: %s, cipher suite %s", conn.RemoteAddr(), tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	return conn, nil
}

// below is the socket that carries conn.
func below(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}
