package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// serveCommand is `natsroute serve`.
type serveCommand struct {
	Host        string   `default:"127.0.0.1" placeholder:"ADDRESS" help:"Listen on this address."`
	Port        int      `short:"p" default:"4222" placeholder:"N" help:"Port for clients; 0: any free port."`
	ClusterPort int      `default:"6222" placeholder:"N" help:"Port for routes; 0: any free port."`
	Routes      []string `placeholder:"URL" help:"Servers to join: nats-route://USER:PASSWORD@HOST:PORT."`
	ClusterName string   `placeholder:"NAME" help:"Name of the cluster (default: a generated one, given up for that of a server we join)."`
	Name        string   `short:"n" placeholder:"NAME" help:"Name of this server, unique in the cluster (default: its id)."`
	Advertise   string   `placeholder:"HOST:PORT" help:"What other servers are told to dial, if not the address we listen on."`
	Dialect     string   `placeholder:"NAME" help:"The server generation to play, a name of 'natsroute list profiles' (default: the latest)."`
	User        string   `placeholder:"NAME" help:"User that routes have to give."`
	Password    string   `placeholder:"TEXT" help:"Password that routes have to give (NATSROUTE_PASSWORD)."`
	TLSCA       string   `name:"tlsca" placeholder:"FILE" help:"TLS on the route port: the authorities that the certificates of other servers are checked against (PEM)."`
	TLSCert     string   `name:"tlscert" placeholder:"FILE" help:"TLS on the route port: our certificate (PEM)."`
	TLSKey      string   `name:"tlskey" placeholder:"FILE" help:"TLS on the route port: the key of our certificate (PEM)."`
	Account     []string `sep:"none" placeholder:"NAME=USER:PASSWORD" help:"An account and the user of its clients; repeatable. Clients without credentials belong to $G."`
	PoolSize    int      `placeholder:"N" help:"Connections to each server, with a dialect that has pools (default 3); -1: one, without a pool."`
	Pinned      []string `name:"pinned-account" sep:"none" placeholder:"NAME" help:"An account that gets a connection of its own to each server; repeatable."`
	Compression string   `placeholder:"MODE" help:"Of what is sent on routes: off, accept (S2 where another server wants it), s2_fast, s2_better, s2_best, s2_uncompressed, s2_auto (default: accept, with a dialect that has it)."`
	serveMore   `embed:""`
	Debug       bool `short:"D" help:"Tell what happens to connections, on standard error."`
	Trace       bool `short:"V" help:"Tell every operation, on standard error, as nats-server -V does."`
}

// Help is the end of `natsroute serve --help`.
func (serveCommand) Help() string {
	return `The reference joins a cluster of real servers: start a nats-server with --cluster nats://127.0.0.1:6222 --cluster_name C1, then
natsroute serve --port 4223 --cluster-port 6223 --cluster-name C1 --routes nats-route://127.0.0.1:6222

Ctrl-C ends it, with exit 0; SIGUSR2 too, after lame duck mode.`
}

// Run serves until a signal.
func (s *serveCommand) Run(p *process) error {
	config, err := s.config(p)
	if err != nil {
		return err
	}
	srv, err := server.New(config)
	if err != nil {
		return usage("%w", err)
	}
	ctx, stop := untilSignal(p.ctx)
	defer stop()
	if err := srv.Start(ctx); err != nil {
		return usage("%w", err)
	}
	info := srv.Info()
	fmt.Fprintf(p.stdout, "route port   %s\nclient port  %s\nserver       %s\ncluster      %s\ndialect      %s\n",
		srv.RouteAddr(), srv.ClientURL(), info.ServerName, info.Cluster, config.Dialect.Name)
	return serveUntilEnd(ctx, srv, p)
}

func (s *serveCommand) config(p *process) (server.Config, error) {
	c := server.Config{
		Host: s.Host, ClientPort: s.Port, RoutePort: s.ClusterPort, Routes: s.Routes,
		ServerName: s.Name, Cluster: s.ClusterName, Advertise: s.Advertise,
		RouteUser: s.User, RoutePassword: s.Password, Dialect: wire.Latest(), Version: version(),
		PoolSize: s.PoolSize, PinnedAccounts: s.Pinned, Compression: s.Compression,
	}
	if s.User != "" && s.Password == "" {
		c.RoutePassword = p.getenv("NATSROUTE_PASSWORD")
	}
	var err error
	if s.Dialect != "" {
		if c.Dialect, err = wire.DialectByName(s.Dialect); err != nil {
			return c, usage("there is no dialect %q: give one of %s", s.Dialect, strings.Join(corpus.ProfileNames(), ", "))
		}
	}
	if s.TLSCA != "" || s.TLSCert != "" || s.TLSKey != "" {
		if s.TLSCA == "" || s.TLSCert == "" || s.TLSKey == "" {
			return c, usage("--tlsca, --tlscert and --tlskey belong together: a route wants a certificate of both ends")
		}
		if c.RouteTLS, err = readTLS(s.TLSCA, s.TLSCert, s.TLSKey); err != nil {
			return c, err
		}
	}
	clients, err := accounts(s.Account)
	if err != nil {
		return c, err
	}
	for name, login := range clients {
		if c.Accounts == nil {
			c.Accounts = make(map[string]server.User)
		}
		c.Accounts[name] = server.User{Name: login.User, Password: login.Password}
	}
	if err := s.apply(&c); err != nil {
		return c, err
	}
	if s.Debug || s.Trace {
		var mu sync.Mutex // the server logs from several goroutines
		c.Trace = s.Trace
		c.Log = func(line string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(p.stderr, report.Printable(line))
		}
	}
	return c, nil
}
