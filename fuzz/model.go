package fuzz

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/url"
	"slices"
	"strconv"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// model is a small second opinion of what one accepting server does, written from the sheet of what servers do and not from the
// machine: who may go on and who is closed, and with which words; what is kept of interest; who gets a message. It does
// not model compression (which is off), permissions, timers, generated cluster names and accounts that move.
type model struct {
	cfg    route.Config // as configured; pools of 3 where PoolSize is 0
	names  bool         // 2.5 and later compare the names of clusters and servers
	pools  bool
	peers  []*peer
	places map[place]bool
	subs   []sub
	blind  bool // something came that is not modelled: from here on only what needs no model is held
}

// place is what one connection of a server takes up: an index of its pool, or an account.
type place struct {
	id, account string
	index       int
}

type phase uint8

const (
	gated      phase = iota // CONNECT has to come first
	half                    // interest and messages count, but it is told nothing
	registered              // it has been told who we are and what we want
	gone
)

// peer is one connection.
type peer struct {
	id    route.ConnID
	phase phase

	said            credentials // in CONNECT, each over the one before it
	leafUnsubOrigin bool
	headers         bool // it understands HMSG: what it said last
	place           place
	account         string // the only one it serves
	noPool          bool
	interest        map[interestKey]bool
}

// credentials are what a CONNECT leaves standing of the one before it where it says nothing of it.
type credentials struct {
	User, Pass string
	Verbose    bool
}

type interestKey struct {
	account, subject, queue, origin string
	leaf                            bool
}

// sub is a subscription of a local client.
type sub struct {
	id                      route.SubID
	account, subject, queue string
}

// expected is what an operation of a peer has to cause.
type expected struct {
	closes  bool
	text    string // of an -ERR, before the close or instead of a reply
	replies []wire.Kind
	joins   bool     // all interest is announced to it
	asks    bool     // news: interest may be announced, others may be told, somebody may be dialled
	message *wire.Op // to be delivered
	account string   // of it
}

func newModel(cfg route.Config) *model {
	return &model{cfg: cfg, names: cfg.Dialect.Headers, pools: cfg.Dialect.Pools && cfg.PoolSize >= 0, places: make(map[place]bool)}
}

func (m *model) accept(id route.ConnID) *peer {
	p := &peer{id: id, phase: half, interest: make(map[interestKey]bool)}
	if m.cfg.User != "" || m.cfg.Dialect.ConnectFirst {
		p.phase = gated
	}
	m.peers = append(m.peers, p)
	return p
}

func (m *model) drop(p *peer) {
	if p.phase == registered {
		delete(m.places, p.place)
	}
	p.phase = gone
	m.peers = slices.DeleteFunc(m.peers, func(other *peer) bool { return other == p })
}

const violation = "Authorization Violation"

// malformed is the table "error or close" for bytes that are no operation. While CONNECT is awaited, everything but a line that
// begins like CONNECT is a breach of the gate (seen 2.1.2 to 2.15.2).
func (m *model) malformed(p *peer, err error) expected {
	var (
		syntax *wire.SyntaxError
		limit  *wire.LimitError
		state  *wire.StateError
	)
	text := "" // wrong counts, numbers and JSON close without a word
	switch {
	case errors.As(err, &state):
		text = violation
	case errors.As(err, &limit):
		if p.phase == gated && limit.Op != wire.Connect {
			text = violation
		} else if limit.Token == wire.LineTooLong {
			text = "maximum control line exceeded"
		}
	case errors.As(err, &syntax):
		switch {
		case p.phase == gated && syntax.Op != wire.Connect && (syntax.Op != wire.None || syntax.Offset == 0):
			text = violation
		case syntax.Token == wire.UnknownOp, syntax.Token == wire.MissingDelimiter, syntax.Token == wire.PayloadTerminator:
			text = "Unknown Protocol Operation"
		}
	}
	return expected{closes: true, text: text}
}

// received is the table for operations.
func (m *model) received(p *peer, op *wire.Op) expected {
	if op.Kind == wire.Connect {
		return m.connect(p, op)
	}
	if p.phase == gated {
		return expected{closes: true, text: violation}
	}
	var e expected
	switch op.Kind {
	case wire.Info:
		if p.phase == registered {
			return m.news(p, op.InfoBody)
		}
		return m.register(p, op.InfoBody)
	case wire.Ping:
		e.replies = []wire.Kind{wire.Pong}
	case wire.Err:
		e.closes = true
	case wire.Sub, wire.LeafSub, wire.Unsub, wire.LeafUnsub:
		e = m.interest(p, op)
	case wire.Msg, wire.HMsg, wire.LeafMsg:
		e.message, e.account = op, m.accountOf(p, op)
		e.replies = p.okay()
	}
	return e
}

func (p *peer) okay() []wire.Kind {
	if p.said.Verbose {
		return []wire.Kind{wire.OK}
	}
	return nil
}

func (m *model) accountOf(p *peer, op *wire.Op) string {
	if p.account != "" {
		return p.account
	}
	return string(op.Account)
}

func (m *model) exists(account string) bool {
	return m.cfg.Accounts == nil || account == "$G" || account == "$SYS" && m.cfg.Dialect.Headers || slices.Contains(m.cfg.Accounts, account)
}

// connect judges CONNECT: credentials, then what kind of peer it is, then its cluster.
func (m *model) connect(p *peer, op *wire.Op) expected {
	body := op.ConnectBody
	refuse := func(format string, args ...any) expected {
		return expected{closes: true, text: fmt.Sprintf(format, args...)}
	}
	said := credentials{body.User, body.Pass, body.Verbose}
	if p.said != (credentials{}) {
		said = p.said
		_ = json.Unmarshal(op.Body, &said) // the parser has read it
	}
	switch {
	case m.cfg.Dialect.Headers && (body.Account != "" || body.AccountNew), body.Account != "" && (body.AccountNew || !m.exists(body.Account)), m.cfg.User != "" && (said.User != m.cfg.User || said.Pass != m.cfg.Password):
		return refuse(violation)
	case body.Lang != "":
		return refuse("attempted to connect to route port")
	case body.Gateway != "":
		return refuse("Rejecting connection from gateway %q on the Route port", body.Gateway)
	case m.reserves() && body.Cluster == "_":
		return refuse("Rejecting connection, cluster name %q is reserved", "_")
	case m.names && body.Cluster != m.cfg.Cluster:
		return refuse("Rejecting connection, cluster name %q does not match %q", body.Cluster, m.cfg.Cluster)
	}
	p.said = said
	m.leafMode(p, body.LNOCU || body.LN && m.reserves())
	p.headers = m.cfg.Dialect.Headers && body.Headers
	if p.phase == gated {
		p.phase = half
	}
	return expected{}
}

// reserves says whether a cluster must not be called _ (2.15).
func (m *model) reserves() bool { return m.cfg.Dialect.Name == "srv-2.15" }

// leafMode: from 2.10 on LS- has an origin where the peer said so last.
func (m *model) leafMode(p *peer, announced bool) {
	p.leafUnsubOrigin = announced && m.cfg.Dialect.Leaf && m.cfg.Dialect.Pools
}

// register judges the first INFO. Who the peer is is refused without a word, what it wants of pools and accounts is not.
func (m *model) register(p *peer, body *wire.InfoBody) expected {
	silent := expected{closes: true}
	switch {
	case body.ServerID == m.cfg.ID:
		return silent
	case m.names && body.Cluster != "" && body.Cluster != m.cfg.Cluster: // _ is one of these
		return silent
	case m.names && body.ServerName == m.cfg.ID:
		return silent
	}
	if text := m.pool(p, body); text != "" {
		return expected{closes: true, text: text}
	}
	if _, err := url.Parse("nats-route://" + net.JoinHostPort(body.Host, strconv.Itoa(body.Port)) + "/"); err != nil {
		return silent // it could not be told to others
	}
	if m.places[p.place] {
		return silent
	}
	m.places[p.place] = true
	p.phase = registered
	p.headers = m.cfg.Dialect.Headers && body.Headers
	m.leafMode(p, body.LNOCU || body.LN && m.reserves())
	return expected{joins: true}
}

// pool finds the place of a connection, or the words in which it is refused.
func (m *model) pool(p *peer, body *wire.InfoBody) string {
	p.place = place{id: body.ServerID}
	account := body.RouteAccount
	switch {
	case !m.cfg.Dialect.Pools:
		p.noPool = true
		return ""
	case account != "" && !m.exists(account):
		return fmt.Sprintf("Unable to lookup account %q: account missing", account)
	case !m.pools || body.RoutePoolSize <= 0:
		if account != "" {
			return fmt.Sprintf("Not possible to have a dedicated route for account %q between those servers", account)
		}
		p.noPool = true
		return ""
	case !m.cfg.Dialect.ConnectFirst && body.RoutePoolSize != 3: // up to 2.11.0
		return fmt.Sprintf("Mismatch route pool size: %v vs %v", 3, body.RoutePoolSize)
	case body.RoutePoolIndex < 0 || body.RoutePoolIndex >= max(3, body.RoutePoolSize):
		return fmt.Sprintf("Invalid route pool index: %v - pool size is %v", body.RoutePoolIndex, body.RoutePoolSize)
	case account != "" && account != "$SYS":
		return fmt.Sprintf("No route for account %q", account)
	}
	if account == "" {
		p.place.index = body.RoutePoolIndex
	} else {
		p.place.account, p.account = account, account
	}
	return ""
}

// news judges a later INFO: its names too, whomever it is about, but in 2.1.
func (m *model) news(p *peer, body *wire.InfoBody) expected {
	if m.names && (body.ServerID == m.cfg.ID || body.Cluster != "" && body.Cluster != m.cfg.Cluster) {
		return expected{closes: true}
	}
	if m.cfg.Dialect.Pools && body.RouteAccReqID != "" {
		m.blind = true
		return expected{asks: true}
	}
	return expected{asks: body.ServerID != m.cfg.ID}
}

// interest takes in RS+, RS-, LS+ and LS-.
func (m *model) interest(p *peer, op *wire.Op) expected {
	key := interestKey{account: m.accountOf(p, op), subject: string(op.Subject), queue: string(op.Queue)}
	leaf := op.Kind == wire.LeafSub || op.Kind == wire.LeafUnsub
	if leaf && p.leafUnsubOrigin {
		key.leaf, key.origin = true, string(op.Origin)
	}
	switch {
	case op.Kind == wire.Unsub || op.Kind == wire.LeafUnsub:
		delete(p.interest, key)
		if !m.exists(key.account) {
			return expected{}
		}
	case !m.exists(key.account): // ignored, the subject not even looked at, and not acknowledged
		return expected{}
	case !naivelyValid(key.subject):
		return expected{text: "Invalid Subscription"}
	default:
		p.interest[key] = true
	}
	return expected{replies: p.okay()}
}

// tells says whether p is told of interest in an account: on the account's own connection, on the only one, or on that of its index.
func (m *model) tells(p *peer, account string) bool {
	switch {
	case p.phase != registered:
		return false
	case p.account != "":
		return p.account == account
	case p.noPool:
		return true
	case account == "$SYS":
		return false
	}
	h := fnv.New32a()
	h.Write([]byte(account))
	return p.place.index == int(h.Sum32()%3)
}

// lines is what we want, as p is told it.
func (m *model) lines(p *peer) map[string]bool {
	all := make(map[string]bool)
	for _, s := range m.subs {
		if m.tells(p, s.account) {
			all[m.line(p, s)] = true
		}
	}
	return all
}

// line is RS+ for the interest that s is a part of, or RS- if it is gone.
func (m *model) line(p *peer, s sub) string {
	members := 0
	for _, other := range m.subs {
		if other.account == s.account && other.subject == s.subject && other.queue == s.queue {
			members++
		}
	}
	account := s.account + " "
	if p.account != "" {
		account = ""
	}
	switch {
	case members == 0 && s.queue == "":
		return "RS- " + account + s.subject
	case members == 0:
		return "RS- " + account + s.subject + " " + s.queue
	case s.queue == "":
		return "RS+ " + account + s.subject
	}
	return fmt.Sprintf("RS+ %s%s %s %d", account, s.subject, s.queue, members)
}

// wants says whether p has plain interest in a subject, and lists the groups for which it has.
func (p *peer) wants(account, subject string) (plain bool, groups []string) {
	for key := range p.interest {
		if key.account != account || !naivelyMatches(key.subject, subject) {
			continue
		}
		if key.queue == "" {
			plain = true
		} else if !slices.Contains(groups, key.queue) {
			groups = append(groups, key.queue)
		}
	}
	return plain, groups
}

// locals lists the subscriptions that match.
func (m *model) locals(account, subject string) (matching []sub) {
	for _, s := range m.subs {
		if s.account == account && naivelyMatches(s.subject, subject) {
			matching = append(matching, s)
		}
	}
	return matching
}
