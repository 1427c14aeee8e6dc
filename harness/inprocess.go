package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// EmbedConfig tells how to start the reference server in this process.
type EmbedConfig struct {
	Dialect string            // the server generation it plays; empty: the newest
	Setup   Setup             // how it is set up; the zero value: the plain way
	Means   Means             // User and Password make the route port want them; Route, Client and the settings are filled in
	Log     func(line string) // gets its log; nil: silent
	Trace   bool              // the log holds every operation
}

// InProcess starts the reference server with the dialect of that name; empty: the newest.
func InProcess(dialect string) (*Target, error) {
	return Embed(context.Background(), EmbedConfig{Dialect: dialect})
}

// Embed starts the reference server on two free loopback ports, with the accounts and settings that a launched
// nats-server gets.
func Embed(ctx context.Context, cfg EmbedConfig) (t *Target, err error) {
	for range portTries {
		if t, err = embed(ctx, cfg); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return t, err
}

// portTries is how often ports are chosen that somebody else takes before the server listens on them.
const portTries = 5

func embed(ctx context.Context, cfg EmbedConfig) (*Target, error) {
	dialect := wire.Latest()
	if cfg.Dialect != "" {
		var err error
		if dialect, err = wire.DialectByName(cfg.Dialect); err != nil {
			return nil, err
		}
	}
	if cfg.Setup.Auth && cfg.Means.User == "" {
		c := cfg.Setup.credentials()
		cfg.Means.User, cfg.Means.Password = c.User, c.Password
	}
	accounts := launchAccounts()
	maps.Copy(accounts, cfg.Means.Accounts)
	r := &reference{setup: cfg.Setup, accounts: accounts, spare: spareAccount(), cfg: server.Config{
		Host: launchHost, Cluster: launchCluster, Dialect: dialect,
		RouteUser: cfg.Means.User, RoutePassword: cfg.Means.Password,
		PingInterval: launchPingInterval, PingMax: launchPingMax, AuthTimeout: launchAuthTimeout,
		Log: cfg.Log, Trace: cfg.Trace,
	}}
	if err := r.choosePorts(); err != nil {
		return nil, err
	}
	routed, err := r.setUp(&cfg.Setup)
	if err != nil {
		return nil, err
	}
	r.change(&r.cfg)
	if cfg.Setup.TLS {
		if err := r.certify(&cfg.Means); err != nil {
			closeAll(routed)
			return nil, err
		}
	}
	if err := r.start(ctx); err != nil {
		closeAll(routed)
		return nil, err
	}
	m := cfg.Means
	m.Route, m.Client, m.Accounts, m.Spare = r.running.RouteAddr(), r.running.ClientURL(), accounts, r.spare
	if cfg.Setup.Leafnode {
		m.Leafnode = r.running.LeafAddr()
	}
	cfg.Setup.grant(&m)
	t := newTarget(m, r)
	if err := t.heldRoute(routed); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// launchAccounts are the named accounts of the servers that we run, with one user each.
func launchAccounts() map[string]Credentials {
	return map[string]Credentials{
		"NRA": {User: "nra", Password: rand.Text()},
		"NRB": {User: "nrb", Password: rand.Text()},
	}
}

// spareAccount is the user of SetupSpare.
func spareAccount() Credentials { return Credentials{User: "nrc", Password: rand.Text()} }

// reference is the engine of a target in this process.
type reference struct {
	mu      sync.Mutex
	setup   Setup
	cfg     server.Config // of the next start
	started server.Config // what the running server was started with
	running *server.Server
	lame    sync.WaitGroup // for lame duck mode

	routes   []string // configured whatever the setup's
	accounts map[string]Credentials
	spare    Credentials
}

// choosePorts finds ports that the server can have again when it is started anew.
func (r *reference) choosePorts() error {
	for _, port := range []*int{&r.cfg.RoutePort, &r.cfg.ClientPort} {
		var err error
		if *port, err = freePort(launchHost); err != nil {
			return err
		}
	}
	return nil
}

// setUp puts the setup into the configuration. The socket is where its configured route leads; nil: it has none.
func (r *reference) setUp(s *Setup) (routed net.Listener, err error) {
	if s.DynamicName {
		r.cfg.Cluster = ""
	}
	r.cfg.WriteDeadline = s.WriteDeadline
	if r.cfg.Dialect.Pools {
		r.cfg.Compression = s.Compression
	}
	if s.NoPool {
		r.cfg.PoolSize = -1
		if r.cfg.Dialect.Pools {
			r.cfg.Compression = "off"
		}
	}
	if s.Leafnode {
		r.cfg.LeafPort = -1
	}
	if s.Imports {
		r.cfg.Shares = SetupImports.ofReference()
	}
	if s.Advertise {
		if r.cfg.RoutePort, err = freePort(launchHost); err != nil {
			return nil, err
		}
		r.cfg.Advertise = setupAdvertised(r.cfg.RoutePort)
	}
	if !s.Route {
		return nil, nil
	}
	if routed, err = net.Listen("tcp", net.JoinHostPort(launchHost, "0")); err != nil {
		return nil, fmt.Errorf("harness: no free port for a configured route: %w", err)
	}
	r.routes = append(r.routes, routeURL(routed.Addr()))
	return routed, nil
}

// change puts into cfg what of the setup may change while the server runs.
func (r *reference) change(cfg *server.Config) {
	cfg.Accounts = make(map[string]server.User, len(r.accounts)+1)
	for name, c := range r.accounts {
		cfg.Accounts[name] = server.User{Name: c.User, Password: c.Password}
	}
	if r.setup.Spare {
		cfg.Accounts[SetupSpare] = server.User{Name: r.spare.User, Password: r.spare.Password}
	}
	cfg.PinnedAccounts, cfg.Permissions = nil, nil
	cfg.Routes = slices.Concat(r.routes, r.setup.MoreRoutes)
	if r.setup.Pinned {
		cfg.PinnedAccounts = []string{SetupPinned}
	}
	if r.setup.Permissions {
		cfg.Permissions = SetupPermissions.ofReference()
	}
}

// ofReference is how the reference server is given permissions.
func (p *Permissions) ofReference() *server.Permissions {
	return &server.Permissions{
		Import: server.SubjectRules{Allow: []string{p.Import}, Deny: []string{p.DeniedImport}},
		Export: server.SubjectRules{Allow: []string{p.Export}, Deny: []string{p.DeniedExport}},
	}
}

// ofReference is how the reference server is given exports and imports.
func (i *Imports) ofReference() []server.Share {
	shares := []server.Share{{From: i.From, To: i.To, Stream: i.Stream, Prefix: i.Prefix}}
	for _, service := range i.Services {
		shares = append(shares, server.Share{From: i.From, To: i.To, Service: service})
	}
	return shares
}

// certify makes certificates for the reference and for our peers.
func (r *reference) certify(m *Means) error {
	if err := m.makeAuthority(); err != nil {
		return err
	}
	own, err := m.Authority.Issue()
	if err != nil {
		return err
	}
	r.cfg.RouteTLS, r.cfg.RouteTLSTimeout = m.Authority.Config(own), launchTLSTimeout
	return nil
}

// start starts a server; the ports it got are those of its successors.
func (r *reference) start(ctx context.Context) error {
	s, err := server.New(r.cfg)
	if err != nil {
		return err
	}
	if err := s.Start(context.WithoutCancel(ctx)); err != nil { // it ends with the target, not with ctx
		return err
	}
	r.running, r.started = s, r.cfg
	r.cfg.RoutePort, r.cfg.ClientPort = portIn(s.RouteAddr()), portIn(s.ClientAddr())
	if r.cfg.LeafPort != 0 {
		r.cfg.LeafPort = portIn(s.LeafAddr())
	}
	return nil
}

func portIn(address string) int {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}

func (r *reference) restart(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.running.Close(); err != nil {
		return err
	}
	return r.start(ctx)
}

// exited is nil: a reference that ends takes this process with it.
func (r *reference) exited() *Exit { return nil }

func (r *reference) awaitEnd(context.Context) {}

func (r *reference) failure(err error) error {
	return fmt.Errorf("harness: the embedded reference server is not up: %w", err)
}

// order does not wait for lame duck mode, which ends with the server.
func (r *reference) order(ctx context.Context, o Order) error {
	if o == ShutDown {
		return r.stop()
	}
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	r.lame.Go(func() { _ = running.LameDuck(context.WithoutCancel(ctx)) })
	return nil
}

// reconfigure takes over what may change while the server runs.
func (r *reference) reconfigure(_ context.Context, edit func(*Setup)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setup.change(edit, &r.cfg.RouteUser, &r.cfg.RoutePassword)
	r.change(&r.cfg)
	cfg := r.started
	r.change(&cfg)
	cfg.RouteUser, cfg.RoutePassword = r.cfg.RouteUser, r.cfg.RoutePassword
	return r.running.Reload(cfg)
}

func (r *reference) stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.running.Close()
	r.lame.Wait()
	return err
}
