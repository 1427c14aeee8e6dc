package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// target is the server under test of one worker.
type target struct {
	cfg      *Config
	means    harness.Means
	server   *harness.Target // nil: somebody else runs it
	address  string          // host:port of the route port
	client   string          // client URL; empty: there is none
	info     *wire.InfoBody
	dialect  wire.Dialect
	gated    bool          // an accepted connection has to begin with CONNECT
	parting  time.Duration // how long to wait for a close when we have said that nothing follows
	witness  *witness
	baseline map[string]bool // what it tells every peer at once: its own interest
	restarts uint64
	memory   memory
	buf      []byte
	spare    *wireConn // was opened to see whether the target lives: good for the next connection of a sequence
	spareAt  time.Time
}

// spareFor is how long a spare connection may have waited: no server has lost patience by then.
const spareFor = 50 * time.Millisecond

// How long a server that somebody else runs may be away: at the start, and when a sequence has ended it.
const (
	startLimit = 2 * time.Second
	comeBack   = 20 * time.Second
)

// openTarget starts or finds the server.
func openTarget(ctx context.Context, cfg *Config) (*target, error) {
	t := &target{cfg: cfg, buf: make([]byte, 64<<10)}
	if cfg.Server != "" {
		return t, t.find(ctx)
	}
	var setup harness.Setup
	if cfg.LaunchTLS {
		setup = harness.Setup{Name: "tls", TLS: true}
	}
	server, err := harness.Launch(ctx, harness.LaunchConfig{
		Command: cfg.Launch, Quiet: true, Setup: setup,
		Means:    harness.Means{User: cfg.User, Password: cfg.Password, TLS: cfg.TLS},
		Progress: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	t.server = server
	t.reach(server.Means)
	if err := t.learn(ctx); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// reach takes in where the target is and how it is dialled: over TLS by the name of its host, if there is no other.
func (t *target) reach(m harness.Means) {
	t.means, t.address, t.client = m, m.Route, m.Client
	if m.TLS != nil && m.TLS.ServerName == "" {
		t.means.TLS = m.TLS.Clone()
		t.means.TLS.ServerName, _, _ = net.SplitHostPort(m.Route)
	}
}

// find reads the address of a server that runs.
func (t *target) find(ctx context.Context) error {
	m, err := harness.ParseRoute(t.cfg.Server)
	if err != nil {
		return &ConfigError{err.Error()}
	}
	if t.cfg.TLS != nil {
		m.TLS = t.cfg.TLS
	}
	if t.cfg.User != "" {
		m.User, m.Password = t.cfg.User, t.cfg.Password
	}
	m.Client = t.cfg.Client
	t.reach(m)
	if err := t.mine(ctx); err != nil {
		return err
	}
	return t.await(ctx, startLimit)
}

// mine refuses a target that is not on this machine, unless the operator says that it is his.
func (t *target) mine(ctx context.Context) error {
	if t.cfg.OwnTarget {
		return nil
	}
	host, _, err := net.SplitHostPort(t.address)
	if err != nil {
		return &ConfigError{err.Error()}
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return &UnreachableError{err}
	}
	for _, ip := range all {
		if ip = ip.Unmap(); !ip.IsLoopback() {
			return &ConfigError{fmt.Sprintf("%s is not on this machine (%v): add --i-own-this-target if you may break it", host, netip.Addr(ip))}
		}
	}
	return nil
}

// learn reads the INFO and finds out what is not in it.
func (t *target) learn(ctx context.Context) error {
	c, err := t.dial()
	if err != nil {
		return &UnreachableError{fmt.Errorf("%s: no INFO on the route port: %w", t.address, err)}
	}
	t.info = c.info
	if t.parting == 0 { // a restart changes nothing in that
		if t.parting = partingLimit; c.part(closeLimit) {
			t.parting = answerLimit
		}
	}
	c.close()
	if t.witness != nil {
		t.witness.close()
		t.witness = nil
	}
	t.gated = t.info.AuthRequired || t.wantsConnect()
	if t.dialect, err = t.generation(); err != nil {
		return err
	}
	if err := t.listenIn(); err != nil {
		return &UnreachableError{err}
	}
	if t.server != nil {
		t.server.BoundMemory(memoryRoom)
		t.memory.watch(t.server.PID())
	}
	return ctx.Err()
}

// dial opens a connection and wants its INFO.
func (t *target) dial() (*wireConn, error) {
	c, err := dialRoute(t.address, t.means.TLS, t.buf)
	if err != nil {
		return nil, err
	}
	if c.info == nil {
		c.close()
		switch {
		case t.info != nil: // it has said one before
			return nil, errNoInfo
		case t.means.TLS == nil:
			return nil, fmt.Errorf("%w: one with TLS waits for a handshake first (--tlsca, --tlscert and --tlskey)", errNoInfo)
		}
		return nil, fmt.Errorf("%w: does it take our certificate (--tlscert and --tlskey)?", errNoInfo)
	}
	return c, nil
}

var errNoInfo = errors.New("it accepts a connection and says no INFO")

// wantsConnect probes whether another operation than CONNECT may come first.
func (t *target) wantsConnect() bool {
	c, err := t.dial()
	if err != nil {
		return false
	}
	defer c.close()
	c.write([]byte(ping))
	c.await(want{pongs: 1}, 1, true)
	return c.said.pongs == 0
}

// generation is the dialect that the target speaks, as its INFO and the gate say, or the operator.
func (t *target) generation() (wire.Dialect, error) {
	name := t.cfg.Dialect
	if name == "" {
		switch i := t.info; {
		case !i.Headers:
			name = "srv-2.1"
		case i.LN:
			name = "srv-2.15"
		case i.RoutePoolSize == 0 && !i.LNOCU:
			name = "srv-2.5"
		case t.gated && !i.AuthRequired:
			name = "srv-2.12.15"
		default:
			name = "srv-2.10"
		}
	}
	return wire.DialectByName(name)
}

// listenIn connects the witness and learns what the target tells every peer: its own interest.
func (t *target) listenIn() error {
	t.baseline = map[string]bool{}
	p, err := newPlayer(t)
	if err != nil {
		return err
	}
	for range 2 { // once without the witness, to see what is the server's own
		run := p.play(helloSequence(), playOptions{})
		if run.died() {
			return fmt.Errorf("%s does not answer a peer that introduces itself", t.address)
		}
		for _, c := range run.conns {
			for _, token := range c.tokens {
				if strings.HasPrefix(token, "RS+") {
					t.baseline[token] = true
				}
			}
		}
	}
	if t.client == "" {
		return nil
	}
	if t.witness, err = dialWitness(t.client); err != nil {
		return fmt.Errorf("%s: %w", t.client, err)
	}
	return nil
}

// ailing says why the target is of no use any more; nil: a new connection gets an INFO in time, of the server that it was.
func (t *target) ailing() error {
	t.dropSpare()
	c, err := t.dial()
	if err != nil {
		return fmt.Errorf("a new connection gets no INFO: %w", err)
	}
	if c.info.ServerID != t.info.ServerID {
		c.close()
		return errSuccessor
	}
	t.spare, t.spareAt = c, time.Now()
	return nil
}

// open opens a connection for a sequence.
func (t *target) open() (*wireConn, error) {
	if c := t.spare; c != nil && time.Since(t.spareAt) < spareFor {
		t.spare = nil
		return c, nil
	}
	t.dropSpare()
	return dialRoute(t.address, t.means.TLS, t.buf)
}

func (t *target) dropSpare() {
	if t.spare != nil {
		t.spare.close()
		t.spare = nil
	}
}

// gone tells whether the target is not there any more, as fast as that can be told.
func (t *target) gone() bool {
	if t.server != nil {
		return t.server.Exited() != nil
	}
	return t.ailing() != nil
}

var errSuccessor = errors.New("a new connection meets another server than before: something has started it again")

// dyingLimit is how long a process that answers nobody may take to end: one that asks for a gigabyte on a busy machine takes a while until it does not get it.
const dyingLimit = time.Second

// exited is how the process ended, nil: it runs, or is not ours.
func (t *target) exited(ctx context.Context) *harness.Exit {
	if t.server == nil {
		return nil
	}
	if t.server.Exited() == nil {
		brief, cancel := context.WithTimeout(ctx, dyingLimit)
		defer cancel()
		_ = t.server.Alive(brief) // waits for the news where the process is just ending
	}
	return t.server.Exited()
}

// fresh makes the target new: a launched one is started again, another has to be there, or to come back.
func (t *target) fresh(ctx context.Context) error {
	t.restarts++
	t.dropSpare()
	if t.witness != nil {
		t.witness.close()
		t.witness = nil
	}
	if t.server != nil {
		if err := t.server.Restart(ctx); err != nil {
			return &UnreachableError{fmt.Errorf("the target does not start again: %w", err)}
		}
		return t.learn(ctx)
	}
	return t.await(ctx, comeBack)
}

// await waits for a server that somebody else starts, so long at most.
func (t *target) await(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for {
		err := t.learn(ctx)
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// name is what a finding calls the target.
func (t *target) name() string {
	if t.server != nil {
		return t.cfg.Launch
	}
	return "a server that runs"
}

func (t *target) close() error {
	t.dropSpare()
	if t.witness != nil {
		t.witness.close()
	}
	if t.server == nil {
		return nil
	}
	t.memory.close()
	return t.server.Close()
}
