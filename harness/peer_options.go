package harness

import (
	"crypto/tls"

	"github.com/natsroute/natsroute/reference/wire"
)

// PeerOption changes how a peer presents itself.
type PeerOption func(*peerConfig)

type peerConfig struct {
	info      []func(*wire.InfoBody)
	connect   []func(*wire.ConnectBody)
	id        string
	noHeaders bool
	noPong    bool
	plain     bool
	tls       []func(*tls.Config)

	bystander    bool
	smallReceive bool
	compression  bool
	leaf         *Credentials // the connection goes to a leafnode port
}

// WithInfo edits the INFO that Join or Register will send. Several edits are done in order.
func WithInfo(edit func(*wire.InfoBody)) PeerOption {
	return func(c *peerConfig) { c.info = append(c.info, edit) }
}

// WithConnect edits the CONNECT that Join or Register will send. Several edits are done in order.
func WithConnect(edit func(*wire.ConnectBody)) PeerOption {
	return func(c *peerConfig) { c.connect = append(c.connect, edit) }
}

// WithoutHeaders announces no header support, in INFO and CONNECT.
func WithoutHeaders() PeerOption { return func(c *peerConfig) { c.noHeaders = true } }

// WithID uses id as server_id, server_name and CONNECT's name instead of a fresh one.
func WithID(id string) PeerOption { return func(c *peerConfig) { c.id = id } }

// NoPong leaves the target's PINGs unanswered.
func NoPong() PeerOption { return func(c *peerConfig) { c.noPong = true } }

// Bystander keeps no interest operation in Seen: for a peer that stays while other peers and clients make interest by the
// thousand, and that is there for something else. Its transcript has them.
func Bystander() PeerOption { return func(c *peerConfig) { c.bystander = true } }

// secret is the password to be masked wherever it stands.
func (c *peerConfig) secret(t *Target) string {
	if c.leaf != nil {
		return c.leaf.Password
	}
	return t.Password
}

func configured(opts []PeerOption) peerConfig {
	var c peerConfig
	for _, o := range opts {
		o(&c)
	}
	return c
}
