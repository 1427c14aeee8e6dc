package route

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Node is one server's protocol state and its routes. Not for concurrent use.
type Node struct {
	cfg       Config
	traits    traits
	cluster   string // as of now: a generated name gives way to a configured one
	unsettled bool   // the name in cluster may still give way to another one

	accounts map[string]*account // those with interest
	exists   map[string]bool     // accounts that exist; nil: all
	subs     map[SubID]*localSub
	leafs    []*leaf // in the order they came

	conns  map[ConnID]*conn
	order  []*conn                     // conns, oldest first
	routes map[string]*remote          // by server_id
	pinned map[string]map[string]*conn // by account, those that have connections of their own, and server_id
	links  []*link
	urls   []string // what ClientInfo said last

	permissions Permissions
	answers     answers
	moving      *moving // accounts that are getting connections of their own

	now              time.Time // of the current Step
	wake             time.Time // when the next timer is due; zero: never
	started, stopped bool
	lameDuck         bool // our clients are told of the other servers only
	rng              *rand.Rand
	out              output

	// Scratch, kept for its memory.
	stamp   uint64   // grows with each message: marks what that message has met already
	targets []*conn  // of the current message
	toLeafs []*leaf  // as targets
	matched []*entry // of the current lookup
	ready   []*conn  // of timers
	errText string   // of the cause just found, see because
}

// New returns a node that has not dialled yet: the first Step (a Tick will do) asks for its explicit routes. An error
// names the member of cfg that is wrong.
func New(cfg Config) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	n := &Node{
		cfg:       cfg,
		traits:    traitsOf(cfg.Dialect),
		cluster:   cfg.Cluster,
		unsettled: cfg.ClusterDynamic,
		accounts:  make(map[string]*account),
		conns:     make(map[ConnID]*conn),
		routes:    make(map[string]*remote),
		pinned:    make(map[string]map[string]*conn),
		subs:      make(map[SubID]*localSub),
		urls:      slices.Clone(cfg.ClientURLs),

		permissions: cfg.Permissions.clone(),
		rng:         rand.New(rand.NewPCG(cfg.Seed, 0x6e617473)),
	}
	n.setAccounts(cfg.Accounts)
	for _, account := range cfg.PinnedAccounts {
		n.pinned[account] = make(map[string]*conn)
	}
	for _, d := range cfg.Routes {
		d.Explicit = true
		for _, d.Account = range append([]string{""}, cfg.PinnedAccounts...) {
			n.links = append(n.links, &link{dial: d})
		}
	}
	return n, nil
}

// setAccounts takes in which accounts there are; nil: all.
func (n *Node) setAccounts(names []string) {
	n.exists = nil
	if names == nil {
		return
	}
	n.exists = map[string]bool{globalAccount: true}
	for _, name := range names {
		n.exists[name] = true
	}
	if n.cfg.Dialect.Headers { // seen 2.5.0 to 2.15.2; 2.1.2 has none unless it is told to
		n.exists[systemAccount] = true
	}
}

// Step tells the node what happened at now and returns what to do about it. The actions live until the next Step.
//
// Events about a connection that the node has closed already are ignored: they were on their way. So are subscriptions
// whose subject no server accepts or whose account does not exist; the caller has told its client before. A Publish that
// causes no action has reached nobody.
//
// now must not go back. An event of a foreign type is a programming error and panics; no operation of a peer does.
func (n *Node) Step(now time.Time, ev Event) []Action {
	n.now = now
	n.out.reset()
	switch ev := ev.(type) {
	case Received:
		n.received(ev.Conn, ev.Op)
	case Publish:
		n.publish(&ev)
	case Subscribe:
		n.subscribe(&ev)
	case Unsubscribe:
		n.unsubscribe(ev.Sub)
	case UnsubscribeAll:
		n.unsubscribe(ev.Subs...)
	case LeafJoined:
		n.leafJoined(ev)
	case LeafLeft:
		n.leafLeft(ev.Client)
	case Accepted:
		n.accepted(ev)
	case Dialled:
		n.dialled(ev)
	case DialFailed:
		n.dialFailed(ev.Dial)
	case Malformed:
		n.malformed(ev.Conn, ev.Err)
	case Lost:
		n.lost(ev.Conn)
	case Reload:
		n.reload(&ev)
	case LameDuck:
		n.goLame()
	case Shutdown:
		n.shutdown()
	case Tick:
	default:
		panic("route: Step needs one of this package's events, by value") // without naming its type: ev must not escape
	}
	if isDue(n.wake, now) || !n.started {
		n.started = true // the explicit routes are due at once
		n.timers()
	}
	return n.out.actions
}

// Deadline is when the node wants a Tick at the latest; false: never. Before the first Step it may be the zero time: at
// once. It changes with Step only.
func (n *Node) Deadline() (time.Time, bool) {
	if !n.started {
		return noTime, len(n.links) > 0
	}
	return n.wake, !n.wake.IsZero()
}

// shutdown closes every connection and ends all dialling.
func (n *Node) shutdown() {
	n.stopped = true
	n.links = nil
	for len(n.order) > 0 {
		n.input(n.order[len(n.order)-1], inShutdown, nil)
	}
}

// remotes calls do for each server but not for except's, with the first connection to it, oldest connection first.
func (n *Node) remotes(except *conn, do func(*conn)) {
	for _, c := range n.order {
		if c.remote != nil && c.remote.first == c && (except == nil || c.remote != except.remote) {
			do(c)
		}
	}
}
