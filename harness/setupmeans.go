package harness

import (
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// grant adds to m what is known of a server since it is set up so. Credentials, TLS, and ports are the launcher's.
func (s *Setup) grant(m *Means) {
	m.Settings.PingInterval, m.Settings.PingMax = launchPingInterval, launchPingMax
	if m.User != "" {
		m.Settings.AuthTimeout = launchAuthTimeout
	}
	if s.TLS {
		m.Settings.TLSTimeout = launchTLSTimeout
	}
	m.Settings.WriteDeadline = s.WriteDeadline
	if s.Route {
		m.RouteAs = SetupRoute
	}
	if s.Advertise {
		m.Advertised = setupAdvertised(portIn(m.Route))
	}
	if s.Pinned {
		m.Pinned = SetupPinned
	}
	if s.Permissions {
		m.Permissions = &SetupPermissions
	}
	if s.Imports {
		m.Imports = &SetupImports
	}
}

// credentials invents the user and the password that peers have to show.
func (s *Setup) credentials() Credentials {
	c := Credentials{User: "natsroute", Password: rand.Text()}
	if s.OddAuth {
		c.User += ` "A" é`
		c.Password += ` "q" \ / : @ % + & < > ' ; é 語 ` + strings.Repeat("x", 200) + rand.Text()
	}
	return c
}

// change edits the setup of a server that runs. Credentials of the route port that come with it are nobody's but the
// server's; user and password become what it then wants.
func (s *Setup) change(edit func(*Setup), user, password *string) {
	before := s.Auth
	edit(s)
	if s.Auth == before {
		return
	}
	var own Credentials
	if s.Auth {
		own = s.credentials()
	}
	*user, *password = own.User, own.Password
}

// Odd tells whether the credentials have more than letters, digits and hyphens: what JSON, URLs and configuration files
// write in ways of their own.
func (c Credentials) Odd() bool {
	return strings.ContainsFunc(c.User+c.Password, func(r rune) bool {
		return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}

// setupAdvertised is another address of a server that listens at that port: one that can be told from the first, and is
// loopback too.
func setupAdvertised(port int) string { return address("127.0.0.2", port) }

// certify makes an authority for the run, with a certificate for the server and one for our peers.
func (c *serverConfig) certify(m *Means) error {
	if err := m.makeAuthority(); err != nil {
		return err
	}
	ca, cert, key, err := m.Authority.WriteFiles(filepath.Dir(c.fields.ConfigFile))
	if err != nil {
		return fmt.Errorf("harness: cannot write the certificates of the target: %w", err)
	}
	c.tls = fmt.Sprintf("  tls { ca_file: %q, cert_file: %q, key_file: %q, timeout: %d }\n", ca, cert, key, launchTLSTimeout/time.Second)
	return nil
}

// makeAuthority gives our peers certificates of an authority of their own.
func (m *Means) makeAuthority() error {
	var err error
	if m.Authority, err = NewAuthority(); err != nil {
		return err
	}
	own, err := m.Authority.Issue()
	if err != nil {
		return err
	}
	m.TLS = m.Authority.Config(own)
	return nil
}

// complete makes what the setup needs beside the file, and tells m of it.
func (c *serverConfig) complete(m *Means) error {
	c.setup.grant(m)
	if c.setup.TLS {
		if err := c.certify(m); err != nil {
			return err
		}
	}
	if c.setup.Leafnode {
		var err error
		if c.leafPort, err = freePort(c.fields.Host); err != nil {
			return err
		}
		m.Leafnode = address(c.fields.Host, c.leafPort)
	}
	return nil
}

// freePort finds a port that nobody listens on, for a server that may be started anew.
func freePort(host string) (int, error) {
	l, err := listenLasting(host)
	if err != nil {
		return 0, fmt.Errorf("harness: no free port for a server: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
