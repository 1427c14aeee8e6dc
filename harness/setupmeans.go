package harness

import (
	"fmt"
	"net"
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

// complete makes what the setup needs beside the file, and tells m of it.
func (c *serverConfig) complete(m *Means) error {
	c.setup.grant(m)
	if c.setup.Leafnode {
		l, err := net.Listen("tcp", net.JoinHostPort(c.fields.Host, "0"))
		if err != nil {
			return fmt.Errorf("harness: no free port for leafnodes: %w", err)
		}
		c.leafPort = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		m.Leafnode = address(c.fields.Host, c.leafPort)
	}
	return nil
}
