package harness

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/natsroute/natsroute/reference/wire"
)

// LeafCluster names the cluster of a leaf: the origin of its interest and messages on routes. Without it a leaf has none,
// and they cross a route as RS+ and RMSG (2.5 to 2.15), or with _ for an origin (2.15, to peers that announce ln); a
// nats-server that is a leaf and has no cluster gives its own name instead. The target's cluster is refused (2.9.25 and
// later).
func LeafCluster(name string) PeerOption {
	return WithConnect(func(c *wire.ConnectBody) { c.Cluster = name })
}

// JoinLeaf connects to the target's leafnode port as a leaf: it waits for the INFO, sends CONNECT and PING, and waits for
// the PONG. account is the one whose clients the leaf speaks for: empty is the one of Means.Client, another one wants an
// entry in Means.Accounts.
//
// What comes and goes is the protocol of a leafnode port, which is that of a route dedicated to one account with an L for
// the R: Send writes wire.NewSub("", "a") as LS+ a, an RMSG as LMSG, and what the target sends is read the same way. HMSG
// keeps its name. Everything else is as on a route: Fence, Await, Seen, Closed, Leave; WithID names the leaf,
// WithConnect edits its CONNECT. OwnInfo means nothing here.
//
// A server detects a loop when a leaf subscribes to the subject under $LDS (2.1.2: lds) that the server has sent it: a
// leaf that leaves this alone stays (2.1.2 to 2.15.2).
//
// The error is ErrNoLeafnode, ErrNoClient or a *NoAccountError when the operator has not given what it takes, a
// *NotARoute when no connection came about, and otherwise one of those that Fence has.
func (t *Target) JoinLeaf(ctx context.Context, name, account string, opts ...PeerOption) (*Peer, error) {
	as, err := t.leafUser(account)
	if err != nil {
		return nil, err
	}
	limited, cancel := t.bounded(ctx)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(limited, "tcp", t.Leafnode)
	if err != nil {
		err = cannotConnect(limited, err)
		if other, ok := errors.AsType[*NotARoute](err); ok {
			other.Address, other.Hint = t.Leafnode, "is this its leafnode port?"
		}
		return nil, err
	}
	c := configured(opts)
	c.leaf = &as
	p, err := startPeer(t, name, conn, true, c)
	if err != nil {
		return nil, err
	}
	if err = p.awaitInfo(ctx); err == nil {
		err = p.Register(ctx)
	}
	if err != nil {
		p.abandon()
		return nil, err
	}
	return p, nil
}

// leafUser is whom a leaf shows itself as.
func (t *Target) leafUser(account string) (Credentials, error) {
	if t.Leafnode == "" {
		return Credentials{}, ErrNoLeafnode
	}
	where := &url.URL{}
	if account != "" || t.Client != "" {
		var err error
		if where, err = t.clientURL(account); err != nil {
			return Credentials{}, err
		}
	}
	return Credentials{User: where.User.Username(), Password: passwordOf(where)}, nil
}

// leafConnect is the CONNECT of a leaf.
func (p *Peer) leafConnect() *wire.ConnectBody {
	as := p.cfg.leaf
	return &wire.ConnectBody{User: as.User, Pass: as.Password, Headers: p.targetInfo().Headers && !p.cfg.noHeaders, Name: p.id}
}

// toLeaf turns an operation of a dedicated route into the one of a leafnode port.
func toLeaf(op []byte) {
	if op[0] == 'R' {
		op[0] = 'L'
	}
}

// leafParser reads what comes from a leafnode port.
type leafParser struct {
	route *wire.Parser
	rest  []byte // fed and not read yet; ours
	begun bool   // an operation is under way
}

func newLeafParser() *leafParser {
	p := &leafParser{route: newParser()}
	p.route.SetMode(wire.Mode{Pinned: true})
	return p
}

// Feed, Next, Offset and Finish are those of wire.Parser.
func (p *leafParser) Feed(b []byte) { p.rest = bytes.Clone(b) }

func (p *leafParser) Next(op *wire.Op) error {
	if len(p.rest) == 0 {
		return wire.ErrNeedMore
	}
	if !p.begun {
		switch p.rest[0] {
		case 'L', 'l':
			p.rest[0] += 'R' - 'L'
		case 'R', 'r':
			p.rest[0] = 0 // no name begins so: routes' operations are none here
		}
	}
	p.route.Feed(p.rest)
	err := p.route.Next(op)
	p.begun, p.rest = err != nil, nil
	if err == nil {
		p.rest = p.route.Rest()
	}
	return err
}

func (p *leafParser) Offset() int64 { return p.route.Offset() }

func (p *leafParser) Finish() error { return p.route.Finish() }

// SetMode changes nothing: a leafnode port has one mode.
func (p *leafParser) SetMode(wire.Mode) {}
