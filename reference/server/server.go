package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// Server is one server: a route port, a client port and the routes it has dialled. Start and Close are safe for concurrent
// use, and so is every other method once Start has returned.
type Server struct {
	cfg   settled
	users users

	// inputs carries everything that happens to the loop. It has no buffer: what was posted has been taken.
	inputs  chan input
	ctx     context.Context    // ends when the loop is to end
	cancel  context.CancelFunc // ends ctx
	stopped chan struct{}      // closed: the loop has ended, nothing posted is taken any more
	wg      sync.WaitGroup

	announced atomic.Pointer[announced]

	life    sync.Mutex // guards what Start sets and Close reads
	started bool

	// Set by Start, constant afterwards.
	clientListener, routeListener net.Listener
	leafListener                  net.Listener // nil: none
	leafPort                      int
	clientPort, routePort         int
	ownURLs                       []string // where our clients can connect to

	// The loop's own.
	node       *route.Node
	links      map[*link]struct{}
	routes     map[route.ConnID]*routeConn
	clients    map[uint64]*client
	leafs      map[uint64]*leafConn
	subs       map[route.SubID]*subscription
	lastID     uint64        // of a client or a route
	lastSub    route.SubID   // never used twice
	clientURLs []string      // ours and the peers'
	dirty      []*link       // links with output to flush
	waiting    []*link       // links with input to read, in this order
	deferred   []route.Event // what a step's actions have caused
	sweepAt    deadline      // when a client's keep-alive is due
	lameDuck   *lameDuck     // not nil: the server is about to end
}

// New checks cfg. It opens nothing: see Start.
func New(cfg Config) (*Server, error) {
	settled, err := cfg.settle()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg:     settled,
		users:   newUsers(settled.Accounts),
		inputs:  make(chan input),
		ctx:     ctx,
		cancel:  cancel,
		stopped: make(chan struct{}),
		links:   make(map[*link]struct{}),
		routes:  make(map[route.ConnID]*routeConn),
		clients: make(map[uint64]*client),
		leafs:   make(map[uint64]*leafConn),
		subs:    make(map[route.SubID]*subscription),
	}
	if err := s.nodeConfig(&settled).Validate(); err != nil {
		cancel()
		return nil, fmt.Errorf("server: %w", err)
	}
	s.announced.Store(settled.announced())
	return s, nil
}

// Start opens both ports and begins to serve and to dial. It returns when both ports accept connections; the server ends
// when ctx does, or at Close. A server starts once.
func (s *Server) Start(ctx context.Context) error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.started || s.ctx.Err() != nil {
		return errors.New("server: started or closed before: a server starts once")
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	node, err := route.New(s.nodeConfig(&s.cfg))
	if err != nil {
		s.closeListeners()
		return fmt.Errorf("server: %w", err)
	}
	s.node, s.started = node, true
	unlink := context.AfterFunc(ctx, s.cancel)
	s.spawn(func() {
		defer unlink()
		s.loop()
	})
	s.spawn(func() { s.accept(s.routeListener, s.routeAcceptor()) })
	s.spawn(func() { s.accept(s.clientListener, s.acceptClient) })
	if s.leafListener != nil {
		s.spawn(func() { s.accept(s.leafListener, s.acceptLeaf) })
	}
	return nil
}

// Run starts the server and serves until ctx ends. Its error is Start's.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	<-s.stopped
	return s.Close()
}

// Close ends the server: it closes every connection, after writing what waits for it for at most a second, and returns when
// no goroutine of it is left. Closing again, or a server that never started, does nothing.
func (s *Server) Close() error {
	s.life.Lock()
	defer s.life.Unlock()
	s.cancel()
	s.wg.Wait()
	return nil
}

// spawn runs f in a goroutine that Close waits for.
func (s *Server) spawn(f func()) {
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		f()
	}()
}

// listen opens every port, or none.
func (s *Server) listen(ctx context.Context) (err error) {
	s.routeListener, s.routePort, err = listenOn(ctx, "route", s.cfg.Host, s.cfg.RoutePort)
	if err != nil {
		return err
	}
	s.clientListener, s.clientPort, err = listenOn(ctx, "client", s.cfg.Host, s.cfg.ClientPort)
	if err != nil {
		s.closeListeners()
		return err
	}
	if s.cfg.LeafPort != 0 {
		s.leafListener, s.leafPort, err = listenOn(ctx, "leafnode", s.cfg.Host, s.cfg.leafListenPort())
		if err != nil {
			s.closeListeners()
			return err
		}
	}
	s.ownURLs = s.findOwnURLs()
	s.clientURLs = s.ownURLs
	return nil
}

func listenOn(ctx context.Context, name, host string, port int) (net.Listener, int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, 0, fmt.Errorf("server: %s port: %w", name, err)
	}
	return l, l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) closeListeners() {
	for _, l := range []net.Listener{s.routeListener, s.clientListener, s.leafListener} {
		if l != nil {
			l.Close()
		}
	}
}

// findOwnURLs returns what connect_urls says of this server: host:port, no scheme.
func (s *Server) findOwnURLs() []string {
	if s.cfg.ClientAdvertise != "" {
		return []string{s.cfg.ClientAdvertise}
	}
	port := strconv.Itoa(s.clientPort)
	ip := net.ParseIP(s.cfg.Host)
	if ip == nil || !ip.IsUnspecified() {
		return []string{net.JoinHostPort(s.cfg.Host, port)}
	}
	// Listening on every address: tell those that other machines can use, or loopback where there are none.
	var urls []string
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			urls = append(urls, net.JoinHostPort(n.IP.String(), port))
		}
	}
	if len(urls) == 0 {
		urls = []string{net.JoinHostPort("127.0.0.1", port)}
	}
	return urls
}

// nodeConfig is this server, set up as cfg says, as the node sees it.
func (s *Server) nodeConfig(cfg *settled) route.Config {
	routes := make([]route.Dial, 0, len(cfg.routes))
	for _, dial := range cfg.routes {
		if dial.Address == s.RouteAddr() {
			continue // a list of all members, the same for each, names this one too
		}
		routes = append(routes, dial)
	}
	return route.Config{
		ID:             cfg.ServerID,
		Name:           cfg.ServerName,
		Cluster:        cfg.Cluster,
		ClusterDynamic: cfg.clusterDynamic,
		Version:        cfg.Version,
		GoVersion:      runtime.Version(),
		Host:           cfg.Host,
		Port:           s.routePort,
		Advertise:      cfg.Advertise,
		ClientURLs:     s.ownURLs,
		LeafURL:        s.LeafAddr(),
		MaxPayload:     int32(cfg.MaxPayload),
		Dialect:        cfg.Dialect,
		User:           cfg.RouteUser,
		Password:       cfg.RoutePassword,
		TLS:            cfg.RouteTLS != nil,
		AuthTimeout:    cfg.AuthTimeout,
		PingInterval:   cfg.PingInterval,
		PingMax:        cfg.PingMax,
		Routes:         routes,
		ReconnectDelay: cfg.ReconnectDelay,
		Permissions:    cfg.Permissions,
		Shares:         cfg.Shares,
		Accounts:       cfg.accountNames(),
		PoolSize:       cfg.PoolSize,
		PinnedAccounts: cfg.PinnedAccounts,
		Compression:    cfg.Compression,
		Seed:           cfg.Seed,
	}
}

// RouteAddr returns the host:port of the route port. Empty before Start.
func (s *Server) RouteAddr() string { return listenAddr(s.cfg.Host, s.routePort) }

// ClientAddr returns the host:port of the client port. Empty before Start.
func (s *Server) ClientAddr() string { return listenAddr(s.cfg.Host, s.clientPort) }

// ClientURL returns the URL of the client port, without credentials. Empty before Start.
func (s *Server) ClientURL() string {
	if address := s.ClientAddr(); address != "" {
		return "nats://" + address
	}
	return ""
}

func listenAddr(host string, port int) string {
	if port == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// Info returns who this server is, in the members of INFO that do not depend on a connection. A generated cluster name is
// the one the server started with.
func (s *Server) Info() wire.InfoBody {
	announced := s.announced.Load()
	return wire.InfoBody{
		ServerID:       s.cfg.ServerID,
		ServerName:     s.cfg.ServerName,
		Version:        s.cfg.Version,
		Go:             runtime.Version(),
		Host:           s.cfg.Host,
		Port:           s.routePort,
		Headers:        s.cfg.Dialect.Headers,
		AuthRequired:   announced.authRequired,
		TLSRequired:    s.cfg.RouteTLS != nil,
		TLSVerify:      s.cfg.RouteTLS != nil,
		MaxPayload:     int32(s.cfg.MaxPayload),
		Cluster:        s.cfg.Cluster,
		ClusterDynamic: s.cfg.clusterDynamic,
		ConnectURLs:    s.ownURLs,
		Compression:    announced.compression,
		RoutePoolSize:  max(s.cfg.PoolSize, 0),
	}
}
