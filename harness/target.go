package harness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// Target is a server under test: a server at an address, one that we launched, or the reference in this process.
// It asserts nothing. Safe for concurrent use.
type Target struct {
	Means // not to be changed once the target is in use

	start    time.Time
	ids      identities
	reserved reservation
	rtt      roundTrip
	waste    *waste
	engine   engine         // what runs the server; nil: somebody else does
	middle   Middle         // stands between us and it; nil: nothing does
	routed   *Listener      // where its configured route leads; nil: there is none
	running  sync.WaitGroup // the goroutines of peers and listeners

	mu     sync.Mutex
	closed bool
	open   map[resource]struct{}
	info   *wire.InfoBody // the last one received on a connection that we dialled
	local  bool           // the last connection that we dialled went to a loopback address
}

// resource is something open that Target.Close must end: it returns when it has.
type resource interface{ abandon() }

// engine is a server that we run.
type engine interface {
	restart(ctx context.Context) error
	exited() *Exit
	awaitEnd(ctx context.Context) // of a server that may be about to end; not long
	failure(err error) error      // why it is not up, err being what its route port shows
	stop() error
	order(ctx context.Context, o Order) error
	reconfigure(ctx context.Context, edit func(*Setup)) error
}

// Order is what an operator can tell a server that runs.
type Order uint8

const (
	EnterLameDuck Order = iota + 1 // nats-server: SIGUSR2
	ShutDown                       // SIGTERM
	DumpStacks                     // SIGQUIT: a program written in Go tells where each goroutine is, and ends
)

// Means is what the operator has given us of a target. What is empty or nil makes rows not testable, never failed.
type Means struct {
	Route          string                 // host:port of the route port
	Client         string                 // client URL, nats://…; empty: none
	Monitor        string                 // monitoring URL, for diagnosis only
	User, Password string                 // for the route port
	TLS            *tls.Config            // for the route port; nil: plain
	Accounts       map[string]Credentials // clients of named accounts, beside Client
	Settings       Settings
	Authority      *Authority   // of TLS, for certificates made on purpose; nil: it is the operator's
	Pinned         string       // an account of Accounts that has route connections of its own; empty: none is known
	Permissions    *Permissions // of the cluster; nil: none are known
	Spare          Credentials  // of a client of SetupSpare, an account that a change of the setup may bring; zero: unknown
	Imports        *Imports     // between two of Accounts; nil: none are known
	Leafnode       string       // host:port of the leafnode port; empty: none is known
	RouteTo        string       // host:port to which the target has a configured route, and where we listen; empty: none
	RouteAs        Credentials  // in the URL of that route; empty: unknown, or none
	Advertised     string       // host:port that the target tells its peers to dial; empty: unknown, or where it listens
	Listen         string       // host:port we listen on for the target's dials; empty: a free loopback port when the target is loopback, else none
	Advertise      string       // host:port the target is told to dial; empty: where we listen
	Nonce          string       // letters and digits that make this run's server ids its own; empty: random
}

// Credentials of a client.
type Credentials struct{ User, Password string }

// Settings of the target where the operator knows them; zero: unknown.
type Settings struct {
	PingInterval  time.Duration
	PingMax       int
	AuthTimeout   time.Duration
	TLSTimeout    time.Duration
	WriteDeadline time.Duration
}

// DefaultRoutePort is the port that the documentation of nats-server uses for routes.
const DefaultRoutePort = "6222"

// ParseRoute reads an address of a route port as people write it: host:port, a host alone, an IPv6 address with or
// without brackets, or a nats-route://, nats://, tls:// URL with or without user:password. TLS is set, to an empty
// configuration, for tls://.
func ParseRoute(s string) (Means, error) {
	text := s
	if !strings.Contains(s, "://") {
		if ip := net.ParseIP(s); ip != nil && strings.Contains(s, ":") {
			text = "[" + s + "]"
		}
		text = "nats-route://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Means{}, fmt.Errorf("%s is no address of a route port: write HOST:PORT or nats-route://USER:PASSWORD@HOST:PORT", redact(s))
	}
	var m Means
	switch strings.ToLower(u.Scheme) {
	case "nats-route", "nats":
	case "tls":
		m.TLS = &tls.Config{}
	default:
		return Means{}, fmt.Errorf("%s: the scheme of a route address is nats-route, nats or tls, not %s", redact(s), Printable(u.Scheme))
	}
	port := u.Port()
	if port == "" {
		port = DefaultRoutePort
	}
	m.Route = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		m.User = u.User.Username()
		m.Password, _ = u.User.Password()
	}
	return m, checkAddress(m.Route, "the route address")
}

// redact quotes an address for an error without what may be a password.
func redact(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		scheme, _, ok := strings.Cut(s, "://")
		if !ok || len(scheme) > at {
			return Printable(maskText + s[at:])
		}
		return Printable(scheme + "://" + maskText + s[at:])
	}
	return Printable(s)
}

// checkAddress wants host:port with a port from 1 to 65535.
func checkAddress(s, what string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return fmt.Errorf("%s %s is not HOST:PORT; an IPv6 host stands in brackets", what, redact(s))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%s %s: the port is a number from 1 to 65535", what, redact(s))
	}
	return nil
}

// External returns a target that somebody else runs. Nothing is sent. The error says what is wrong with m.
func External(m Means) (*Target, error) {
	if err := checkAddress(m.Route, "the route address"); err != nil {
		return nil, err
	}
	if m.Client != "" {
		if u, err := url.Parse(m.Client); err != nil || u.Hostname() == "" {
			return nil, fmt.Errorf("the client URL %s is none: write nats://HOST:PORT", redact(m.Client))
		}
	}
	if m.Advertise != "" {
		if err := checkAddress(m.Advertise, "the address to advertise"); err != nil {
			return nil, err
		}
	}
	return newTarget(m, nil), nil
}

func newTarget(m Means, e engine) *Target {
	t := &Target{Means: m, start: time.Now(), engine: e, open: make(map[resource]struct{}), waste: &waste{full: fullPatience}}
	t.ids.setNonce(m.Nonce)
	return t
}

// SetNonce makes the server ids that follow carry this nonce, counted from 1 again. A run sets it once, before it dials.
func (t *Target) SetNonce(nonce string) {
	t.Nonce = nonce
	t.ids.setNonce(nonce)
}

// Info is the INFO that the target sent last as the first operation of a connection that we dialled; nil: none yet.
// It must not be changed.
func (t *Target) Info() *wire.InfoBody {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info
}

// Since is the time since the target was made: the clock of transcripts, Seen and Closing.
func (t *Target) Since() time.Duration { return time.Since(t.start) }

// Dial opens a route connection and reads the target's INFO. name is the connection's letter in transcripts. The error
// is a *NotARoute when the target did not begin with an INFO.
func (t *Target) Dial(ctx context.Context, name string, opts ...PeerOption) (*Peer, error) {
	began := time.Now()
	p, err := t.Open(ctx, name, opts...)
	if err != nil {
		return nil, err
	}
	if _, err := p.Greeting(ctx); err != nil {
		p.abandon()
		return nil, err
	}
	t.rtt.greeting(time.Since(began))
	return p, nil
}

// Join dials and registers: CONNECT, INFO, PING, and the target's PONG, so that its initial interest has been read.
func (t *Target) Join(ctx context.Context, name string, opts ...PeerOption) (*Peer, error) {
	p, err := t.Dial(ctx, name, opts...)
	if err != nil {
		return nil, err
	}
	if err := p.Register(ctx); err != nil {
		p.Leave()
		return nil, err
	}
	return p, nil
}

// dialPort opens a TCP connection to the route port.
func (t *Target) dialPort(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.Route)
	if err != nil {
		return nil, t.place(cannotConnect(ctx, err))
	}
	return t.wired(conn, true), nil
}

// connect opens a TCP connection to the route port, and does the TLS handshake where TLS is configured.
func (t *Target) connect(ctx context.Context) (net.Conn, error) {
	conn, err := t.dialPort(ctx)
	if err != nil || t.TLS == nil {
		return conn, err
	}
	secure, err := t.handshake(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, t.place(err)
	}
	return secure, nil
}

func (t *Target) learn(info *wire.InfoBody, remote net.Addr) {
	a, ok := remote.(*net.TCPAddr)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.info = info
	t.local = ok && a.IP.IsLoopback()
}

// track makes Close end r and wait for its goroutines, which the caller is about to start.
func (t *Target) track(r resource, goroutines int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errors.New("harness: the target is closed")
	}
	t.open[r] = struct{}{}
	t.running.Add(goroutines)
	return nil
}

func (t *Target) forget(r resource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, r)
}

// announce is where our peers say they listen: nothing does.
func (t *Target) announce(remote net.Addr) (string, int) {
	host := announcedHost(remote)
	port, err := t.reserved.port(host)
	if err != nil {
		return host, 1 // the port multiplexer's: privileged, and refused on any machine that runs no TCPMUX
	}
	return host, port
}

// Launched tells whether Restart and Exited mean something.
func (t *Target) Launched() bool { return t.engine != nil }

// Exited tells how the launched process ended, with the tail of its output; nil while it runs.
func (t *Target) Exited() *Exit {
	if t.engine == nil {
		return nil
	}
	return t.engine.exited()
}

// Restart ends a launched or in-process target and starts it again on the same ports. Peers and clients lose their
// connections; listeners stay.
func (t *Target) Restart(ctx context.Context) error {
	if t.engine == nil {
		return ErrNoRestart
	}
	if err := t.engine.restart(ctx); err != nil {
		return err
	}
	return t.ready(ctx)
}

// Order tells a server that we run what to do. It returns when the server has been told, not when it has done it. The error
// is ErrNoOrders where that cannot be: nobody runs the server for us, or the system knows no such signal.
func (t *Target) Order(ctx context.Context, o Order) error {
	if t.engine == nil {
		return ErrNoOrders
	}
	return t.engine.order(ctx, o)
}

// Reconfigure changes the setup of a server that we run and makes it read its configuration again, with its connections
// in place. It returns when the server has been told, not when it has done it. The error is ErrNoOrders where that cannot
// be.
func (t *Target) Reconfigure(ctx context.Context, edit func(*Setup)) error {
	if t.engine == nil {
		return ErrNoOrders
	}
	return t.engine.reconfigure(ctx, edit)
}

// Close ends what we started, and every peer, client and listener that is still open. No goroutine is left over.
func (t *Target) Close() error {
	t.mu.Lock()
	t.closed = true
	open := make([]resource, 0, len(t.open))
	for r := range t.open {
		open = append(open, r)
	}
	t.mu.Unlock()
	for _, r := range open {
		r.abandon()
	}
	t.running.Wait()
	t.reserved.close()
	if t.engine == nil {
		return nil
	}
	return t.engine.stop()
}

// Exit is the end of a launched process.
type Exit struct {
	State string // as the system words it: "exit status 2", "signal: killed"
	Tail  string // last bytes of its output, as written: hostile text
}
