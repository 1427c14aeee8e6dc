package harness

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"strconv"
	"sync"

	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// EmbedConfig tells how to start the reference server in this process.
type EmbedConfig struct {
	Dialect string            // the server generation it plays; empty: the newest
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
func Embed(ctx context.Context, cfg EmbedConfig) (*Target, error) {
	dialect := wire.Latest()
	if cfg.Dialect != "" {
		var err error
		if dialect, err = wire.DialectByName(cfg.Dialect); err != nil {
			return nil, err
		}
	}
	accounts := launchAccounts()
	maps.Copy(accounts, cfg.Means.Accounts)
	r := &reference{cfg: server.Config{
		Host: launchHost, Cluster: launchCluster, Dialect: dialect,
		RouteUser: cfg.Means.User, RoutePassword: cfg.Means.Password,
		Accounts:     make(map[string]server.User, len(accounts)),
		PingInterval: launchPingInterval, PingMax: launchPingMax, AuthTimeout: launchAuthTimeout,
		Log: cfg.Log, Trace: cfg.Trace,
	}}
	for name, c := range accounts {
		r.cfg.Accounts[name] = server.User{Name: c.User, Password: c.Password}
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	m := cfg.Means
	m.Route, m.Client, m.Accounts = r.running.RouteAddr(), r.running.ClientURL(), accounts
	m.Settings = Settings{PingInterval: launchPingInterval, PingMax: launchPingMax}
	if m.User != "" {
		m.Settings.AuthTimeout = launchAuthTimeout
	}
	return newTarget(m, r), nil
}

// launchAccounts are the named accounts of the servers that we run, with one user each.
func launchAccounts() map[string]Credentials {
	return map[string]Credentials{
		"NRA": {User: "nra", Password: rand.Text()},
		"NRB": {User: "nrb", Password: rand.Text()},
	}
}

// reference is the engine of a target in this process.
type reference struct {
	mu      sync.Mutex
	cfg     server.Config
	running *server.Server
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
	r.running = s
	r.cfg.RoutePort, r.cfg.ClientPort = portIn(s.RouteAddr()), portIn(s.ClientAddr())
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

func (r *reference) stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running.Close()
}
