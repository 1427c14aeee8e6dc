package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// GlobalAccount is the account of clients that belong to no other (the name every server uses on its routes).
const GlobalAccount = "$G"

// Values that a zero member of Config stands for: those of nats-server, where it has the setting.
const (
	DefaultHost          = "127.0.0.1" // nats-server listens everywhere; a reference stays on its machine unless told otherwise
	DefaultVersion       = "0.1.0"
	DefaultMaxPayload    = 1 << 20
	DefaultMaxPending    = 64 << 20
	DefaultWriteDeadline = 10 * time.Second
	OldWriteDeadline     = 2 * time.Second
	DefaultPingInterval  = 2 * time.Minute
	DefaultPingMax       = 2
	DefaultAuthTimeout   = 2 * time.Second
	DefaultPoolSize      = 3           // with a dialect that has pools
	DefaultCompression   = "accept"    // with such a dialect too
	DefaultLameDuck      = time.Second // nats-server: 10 s and 2 min
)

// Permissions are what a cluster's servers may import from and export to each other: see route.Permissions.
type Permissions = route.Permissions

// SubjectRules are allowed and denied subjects: see route.SubjectRules.
type SubjectRules = route.SubjectRules

// Share is a stream or service that one account exports and another imports: see route.Share.
type Share = route.Share

// User is what a client has to say in CONNECT.
type User struct{ Name, Password string }

// Config is one server. The zero value is a server on two free loopback ports, with a generated cluster name.
type Config struct {
	Host       string // listen on this address, for both ports; empty: DefaultHost
	ClientPort int    // 0: any free port
	RoutePort  int    // 0: any free port
	LeafPort   int    // for leafnodes. 0: none, -1: any free port

	ServerID   string // unique in the cluster; empty: generated
	ServerName string // unique in the cluster; empty: the id
	Version    string // announced in INFO; empty: DefaultVersion
	Cluster    string // cluster name; empty: generated, and given up for a peer's configured name

	// Dialect is the server generation that the route port plays; the zero value stands for wire.Latest.
	Dialect wire.Dialect

	// Routes are the explicit routes: nats-route://[user:password@]host:port. They are dialled until they answer, and again
	// when they are lost.
	Routes []string

	// Advertise is the host:port that peers are told to dial, where it is not the listen address. Empty: none.
	Advertise string
	// ClientAdvertise is the host:port that clients are told, in connect_urls. Empty: the listen address.
	ClientAdvertise string

	RouteUser, RoutePassword string // what peers have to say in CONNECT, and what we say to servers that gossip names; empty: nothing

	// Permissions filters interest on routes, both ways; nil allows everything. Messages are not filtered.
	Permissions *Permissions

	// RouteTLS makes the route port speak TLS, as acceptor and as dialler: it has our certificate, and in RootCAs and ClientCAs
	// (nil: RootCAs) those who may sign the peers'. A peer that dials has to show a certificate, whatever ClientAuth
	// says. Without a ServerName the certificate of a server that we dial has to bear the host that we dialled. It must not change once
	// it is given here. nil: plain.
	RouteTLS        *tls.Config
	RouteTLSTimeout time.Duration // for a handshake. 0: DefaultRouteTLSTimeout

	// PoolSize is the number of connections to each server, with a dialect that has pools. 0: DefaultPoolSize; -1: one connection without a pool,
	// as before 2.10.
	PoolSize int
	// PinnedAccounts have a connection of their own to each server, beside the pool: names of Accounts, or GlobalAccount. The
	// account $SYS always has one where there is a pool, although nothing ever happens in it here.
	PinnedAccounts []string

	// Compression of what is sent on routes, with a dialect that has it: off; accept: S2 where the peer wants it; s2_fast, s2_better,
	// s2_best, s2_uncompressed; s2_auto: one of these by the round-trip time, up to 10 ms uncompressed, up to 50 ms fast, up to 100 ms
	// better, else best. Empty: DefaultCompression.
	Compression string

	// Accounts gives each account its one user. Clients without credentials belong to GlobalAccount, unless that has a
	// user here: then every client needs credentials. Without any entry credentials are not looked at, as on a
	// real server without users.
	Accounts map[string]User

	// Shares are streams and services that one account has of another. Other servers of the cluster should have the same.
	Shares []Share

	MaxPayload    int           // bytes of a client's message, header block included; not enforced on routes. 0: DefaultMaxPayload
	MaxPending    int           // bytes that may wait for one connection. 0: DefaultMaxPending
	WriteDeadline time.Duration // for a write that makes no progress. 0: DefaultWriteDeadline; before headers (2.1) OldWriteDeadline

	PingInterval time.Duration // of both ports. 0: DefaultPingInterval, on routes at most 30 s with a dialect that has pools
	PingMax      int           // unanswered PINGs before a connection is stale. 0: DefaultPingMax
	AuthTimeout  time.Duration // time to send CONNECT where credentials are wanted, on both ports. 0: DefaultAuthTimeout

	// Lame duck mode: see Server.LameDuck.
	LameDuckGrace    time.Duration // before the first client is closed. 0: DefaultLameDuck
	LameDuckDuration time.Duration // for closing all of them after that. 0: DefaultLameDuck

	// ReconnectDelay is the pause between two dials of an explicit route. 0: route's default.
	ReconnectDelay time.Duration

	// Seed drives the choice of queue members: equal seeds and equal input give equal choices. 0: a random one.
	Seed uint64

	// Log gets one line for each thing that happens, in the words of nats-server's log behind its time stamp:
	// "[DBG] 127.0.0.1:40354 - cid:5 - Client connection created". It is called from several goroutines, must not block for long
	// and must not call the server. nil: silent.
	Log func(line string)
	// Trace adds each operation to the log, as nats-server -V does: "[TRC] 127.0.0.1:6222 - rid:2 - <<- [RS+ $G foo]".
	// Passwords are masked. It costs several times what the operation itself costs.
	Trace bool
}

// settled is a Config with every default put in and every text read.
type settled struct {
	Config
	routes         []route.Dial
	clusterDynamic bool
	acceptorTLS    *tls.Config // nil: plain
}

// settle checks c and fills in what it leaves open.
func (c Config) settle() (settled, error) {
	s := settled{Config: c}
	setDefault(&s.Host, DefaultHost)
	setDefault(&s.Version, DefaultVersion)
	setDefault(&s.MaxPayload, DefaultMaxPayload)
	setDefault(&s.MaxPending, DefaultMaxPending)
	setDefault(&s.PingInterval, DefaultPingInterval)
	setDefault(&s.PingMax, DefaultPingMax)
	setDefault(&s.AuthTimeout, DefaultAuthTimeout)
	setDefault(&s.LameDuckGrace, DefaultLameDuck)
	setDefault(&s.LameDuckDuration, DefaultLameDuck)
	setDefault(&s.RouteTLSTimeout, DefaultRouteTLSTimeout)
	if s.Dialect == (wire.Dialect{}) {
		s.Dialect = wire.Latest()
	}
	if s.Dialect.Pools {
		setDefault(&s.PoolSize, DefaultPoolSize)
		setDefault(&s.Compression, DefaultCompression)
	}
	if strictDeadline(s.Dialect) {
		setDefault(&s.WriteDeadline, OldWriteDeadline)
	}
	setDefault(&s.WriteDeadline, DefaultWriteDeadline)
	if err := s.check(); err != nil {
		return settled{}, err
	}
	for _, text := range s.Routes {
		dial, err := parseRoute(text)
		if err != nil {
			return settled{}, err
		}
		s.routes = append(s.routes, dial)
	}
	s.acceptorTLS = acceptorTLS(s.RouteTLS)
	s.generate()
	return s, nil
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// generate invents what identifies this server and has not been given.
func (s *settled) generate() {
	setDefault(&s.ServerID, newServerID())
	setDefault(&s.ServerName, s.ServerID)
	if s.Cluster == "" {
		s.Cluster, s.clusterDynamic = randomText(22), true
	}
	for s.Seed == 0 {
		s.Seed = randomSeed()
	}
}

func (s *settled) check() error {
	for _, port := range []struct {
		name  string
		value int
	}{{"ClientPort", s.ClientPort}, {"RoutePort", s.RoutePort}} {
		if port.value < 0 || port.value > math.MaxUint16 {
			return fmt.Errorf("server: %s %d is no port: give 0 for any free port, or 1 to 65535", port.name, port.value)
		}
	}
	// A server with max_payload above max_pending would close clients for messages that it allows.
	if s.MaxPayload < 0 || s.MaxPayload > s.MaxPending || s.MaxPayload > math.MaxInt32 {
		return fmt.Errorf("server: MaxPayload %d must lie between 0 and MaxPending (%d)", s.MaxPayload, s.MaxPending)
	}
	for _, address := range []struct{ name, value string }{{"Advertise", s.Advertise}, {"ClientAdvertise", s.ClientAdvertise}} {
		if address.value == "" {
			continue
		}
		if err := checkAddress(address.value); err != nil {
			return fmt.Errorf("server: %s %q: %w", address.name, address.value, err)
		}
	}
	if s.RouteUser == "" && s.RoutePassword != "" {
		return errors.New("server: RoutePassword without RouteUser: give both or none")
	}
	if err := s.checkLeafPort(); err != nil {
		return err
	}
	if err := s.Permissions.Validate(); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := s.checkRouteTLS(); err != nil {
		return err
	}
	return s.checkAccounts()
}

func (s *settled) checkAccounts() error {
	owner := make(map[string]string, len(s.Accounts))
	for account, user := range s.Accounts {
		if account == "" || user.Name == "" {
			return fmt.Errorf("server: account %q with user %q: both need a name", account, user.Name)
		}
		if other, taken := owner[user.Name]; taken {
			return fmt.Errorf("server: user %q belongs to the accounts %q and %q: it can have one only", user.Name, other, account)
		}
		owner[user.Name] = account
	}
	return s.checkShares()
}

// checkAddress wants host:port with a port that can be dialled.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("not host:port: %w", err)
	}
	if host == "" {
		return errors.New("no host before the port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return nil
}

// parseRoute reads a route URL. The schemes are those of nats-server.
func parseRoute(text string) (route.Dial, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The parser's own error would quote the text, password included.
		return route.Dial{}, errors.New("server: a route is not a URL: write it as nats-route://user:password@host:port")
	}
	if u.Scheme != "nats-route" && u.Scheme != "nats" {
		return route.Dial{}, fmt.Errorf("server: route %s: the scheme must be nats-route://", u.Redacted())
	}
	if err := checkAddress(u.Host); err != nil {
		return route.Dial{}, fmt.Errorf("server: route %s: %w", u.Redacted(), err)
	}
	password, _ := u.User.Password()
	return route.Dial{Address: u.Host, User: u.User.Username(), Password: password, Explicit: true}, nil
}
