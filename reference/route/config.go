package route

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// Config is one server as the node sees it. A zero value of an optional member means what its comment says.
type Config struct {
	ID             string // server_id, also CONNECT's name
	Name           string // server_name; empty: ID
	Cluster        string // cluster name; needed by dialects that have names (2.5 and later)
	ClusterDynamic bool   // the name was generated: a configured or greater name of a peer replaces it
	Version        string // INFO's version
	GoVersion      string // INFO's go
	Host           string // what INFO announces
	Port           int
	Advertise      string   // host:port for the members ip, host and port of INFO; empty: Host and Port, and no ip
	ClientURLs     []string // INFO's connect_urls, host:port
	LeafURL        string   // the one of INFO's leafnode_urls, host:port; empty: there is no leafnode port
	MaxPayload     int32    // announced, not enforced

	// Dialect chooses the generation of servers the node behaves like. The node takes messages whole:
	// Limits.Buffered must be 0.
	Dialect wire.Dialect

	User, Password string        // credentials wanted from peers; empty: none
	AuthTimeout    time.Duration // 0: 2 s

	TLS bool // routes speak TLS, and INFO and CONNECT say so; the handshake is the caller's

	PingInterval time.Duration // 0: 2 min, at most 30 s with a pooling dialect, as servers do
	PingMax      int           // 0: 2

	Routes         []Dial        // explicit routes
	ReconnectDelay time.Duration // 0: 1 s

	// Permissions filters interest, both ways; nil allows everything.
	Permissions *Permissions

	// Accounts lists the accounts that exist; "$G" always does, and "$SYS" from 2.2 on. nil: every account exists.
	Accounts []string

	// PoolSize is the number of connections to each server, with a pooling dialect. 0: 3; -1: no pool, as before 2.10.
	PoolSize int
	// PinnedAccounts have a connection of their own to each server, beside the pool. "$SYS" always does where there is a pool.
	PinnedAccounts []string

	// Shares lists what accounts have of each other.
	Shares []Share

	// Compression of what is sent, with a pooling dialect: off, accept (as the peer wishes), s2_fast, s2_better, s2_best,
	// s2_uncompressed, or s2_auto, which chooses among them by round-trip time. Empty: accept, and before 2.10 nothing.
	Compression string

	// Seed drives queue choice, the jitter of dials and nonces: the same events give the same actions.
	Seed uint64
}

// What servers use when nothing is configured (seen 2.9.25 to 2.15.2).
const (
	defaultAuthTimeout    = 2 * time.Second
	defaultPingInterval   = 2 * time.Minute
	maxPoolPingInterval   = 30 * time.Second
	defaultPingMax        = 2
	defaultReconnectDelay = time.Second
	firstPing             = time.Second

	globalAccount   = "$G"
	reservedCluster = "_" // names leaf interest without an origin cluster (2.15)
)

// validate says what is wrong with the configuration and how to put it right.
func (cfg *Config) validate() error {
	t := traitsOf(cfg.Dialect)
	switch {
	case cfg.ID == "":
		return errors.New("route: Config.ID is empty: give the server a unique id")
	case t.names && cfg.Cluster == "":
		return fmt.Errorf("route: Config.Cluster is empty: dialect %q compares cluster names, give one", cfg.Dialect.Name)
	case t.reservedCluster && cfg.Cluster == reservedCluster:
		return errors.New(`route: Config.Cluster is "_", which the protocol reserves: choose another name`)
	case cfg.Dialect.Limits.Buffered != 0:
		return errors.New("route: Config.Dialect.Limits.Buffered is set, but the node takes messages whole: set it to 0")
	case cfg.AuthTimeout < 0, cfg.PingInterval < 0, cfg.ReconnectDelay < 0, cfg.PingMax < 0:
		return errors.New("route: a duration or PingMax of Config is negative: use 0 for the default")
	}
	if err := cfg.checkPools(); err != nil {
		return err
	}
	if err := cfg.checkCompression(); err != nil {
		return err
	}
	if err := cfg.Permissions.Validate(); err != nil {
		return fmt.Errorf("route: Config.Permissions: %w", err)
	}
	if err := validateShares(cfg.Shares, cfg.Accounts); err != nil {
		return fmt.Errorf("route: Config.Shares: %w", err)
	}
	for _, d := range cfg.Routes {
		if !isHostPort(d.Address) {
			return fmt.Errorf("route: the address %q in Config.Routes is not host:port", d.Address)
		}
	}
	if cfg.Advertise != "" && !isHostPort(cfg.Advertise) {
		return fmt.Errorf("route: Config.Advertise %q is not host:port", cfg.Advertise)
	}
	return nil
}

// withDefaults returns the configuration with every optional member filled in.
func (cfg Config) withDefaults() Config {
	cfg.Name = or(cfg.Name, cfg.ID)
	cfg.AuthTimeout = or(cfg.AuthTimeout, defaultAuthTimeout)
	cfg.PingInterval = or(cfg.PingInterval, defaultPingInterval)
	if cfg.Dialect.Pools {
		cfg.PingInterval = min(cfg.PingInterval, maxPoolPingInterval)
	}
	cfg.PingMax = or(cfg.PingMax, defaultPingMax)
	cfg.ReconnectDelay = or(cfg.ReconnectDelay, defaultReconnectDelay)
	return cfg.withPool().withCompression()
}

// wantsCredentials tells whether peers must prove who they are.
func (cfg *Config) wantsCredentials() bool { return cfg.User != "" || cfg.Password != "" }

// traits are the differences between generations of servers that the machine cares about, read off the dialect.
type traits struct {
	names           bool // cluster and server names are compared, async INFO with our id closes, ldm counts, implicit routes are dialled again (2.5)
	leafUnsubOrigin bool // lnocu: LS- carries the origin when the peer says so (2.10)
	leafWeights     bool // a leaf's group counts with its weight, not as one member (seen 2.10.27, 2.15.2)
	gossipMode      bool // forwarded INFO says who may pass it on (2.11)
	partialImports  bool // a subscription imports what it has in common with a stream, if neither is a part of the other (seen 2.9.25; not 2.1.2)
	answersPassOn   bool // an answer from a peer goes on to the peer that wants it (seen 2.12.15; not 2.10.27)
	mqttAllowed     bool // subjects of MQTT need no cluster permission (2.11.17, 2.12.15)
	equalPools      bool // a peer with a pool of another size is refused (2.10)
	pacedPool       bool // a pool grows when the peer has answered a PING (2.11.17, 2.12)
	reservedCluster bool // ln: "_" is an origin, so no cluster may be called that (2.15)
}

// traitsOf uses the operations of a dialect as its age: names came with headers, lnocu with pools, gossip_mode shortly
// before CONNECT had to come first. Only the newest step shows in nothing that the parser needs, hence the name.
func traitsOf(d wire.Dialect) traits {
	return traits{
		names:           d.Headers,
		leafUnsubOrigin: d.Leaf && d.Pools,
		leafWeights:     d.Pools,
		gossipMode:      d.ConnectFirst,
		partialImports:  d.Headers,
		answersPassOn:   d.ConnectFirst,
		mqttAllowed:     d.ConnectFirst,
		equalPools:      d.Pools && !d.ConnectFirst,
		pacedPool:       d.ConnectFirst,
		reservedCluster: d.Name == "srv-2.15",
	}
}

// or returns v, or def when v is the zero value.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// isHostPort tells whether address has a host and a port of digits, IPv6 hosts in brackets.
func isHostPort(address string) bool {
	host, port := splitHostPort(address)
	return host != "" && port != "" && strings.Trim(port, "0123456789") == ""
}

// splitHostPort cuts address at its last colon; the host keeps no brackets. Both are empty when there is no port.
func splitHostPort(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return "", ""
	}
	host, port = address[:i], address[i+1:]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return "", ""
		}
		return host, port
	}
	if strings.Contains(host, ":") {
		return "", "" // an IPv6 address without brackets: the port cannot be told
	}
	return host, port
}

// joinHostPort is the reverse of splitHostPort.
func joinHostPort(host, port string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}
