package route

import "github.com/natsroute/natsroute/reference/wire"

// state is where one connection stands.
type state uint8

const (
	greeted     state = iota // acceptor: our INFO is sent, CONNECT must come first
	connected                // acceptor: CONNECT is accepted or not needed; half a route until the peer's INFO
	solicited                // solicitor: our CONNECT is sent; half a route until the peer's INFO
	compressing              // S2 is agreed on; half a route until the peer's INFO within it
	registered               // the peer's first INFO is accepted: interest goes out too
	closed                   // forgotten
	states      = closed
)

// input is what can happen to a connection.
type input uint8

const (
	noInput      input = iota
	inConnect          // CONNECT
	inInfo             // INFO
	inInfoS2           // the first INFO, if S2 comes of it
	inPing             // PING
	inPong             // PONG
	inInterest         // RS+ RS- LS+ LS-
	inMessage          // RMSG HMSG LMSG
	inNoise            // +OK A+ A-
	inErr              // -ERR
	inMalformed        // bytes that are no operation
	inPingDue          // time for a PING
	inInfoDue          // time is up for the peer's first INFO
	inConnectDue       // time is up for the peer's CONNECT
	inShutdown         // the server stops
	inputs
)

// inputOf sorts operations into inputs.
var inputOf = [...]input{
	wire.Info: inInfo, wire.Connect: inConnect, wire.Ping: inPing, wire.Pong: inPong, wire.OK: inNoise, wire.Err: inErr,
	wire.Sub: inInterest, wire.Unsub: inInterest, wire.LeafSub: inInterest, wire.LeafUnsub: inInterest,
	wire.Msg: inMessage, wire.HMsg: inMessage, wire.LeafMsg: inMessage,
	wire.AccountSub: inNoise, wire.AccountUnsub: inNoise,
}

// handler is what the node does about an input. Node.handle gives each its method; explain, which looks at the parser's
// error instead of an operation, is called by Node.malformed.
type handler uint8

const (
	noHandler     handler = iota
	checkConnect          // credentials, wrong kinds of peer, cluster name
	startS2               // the peer's first INFO: identity, then an INFO of ours and S2
	registerRoute         // the peer's first INFO: identity, then interest, gossip, client URLs
	updateRoute           // a later INFO: the peer's news of itself or of another server
	answerPing            // PONG
	takePong              // the peer lives
	takeInterest          // the peer's interest
	routeMessage          // deliver to local subscriptions
	ignore
	refuse       // something came before CONNECT
	hangUp       // the peer reported an error: nobody goes on after that
	explain      // what is wrong with the bytes
	pingPeer     // PING, or give up
	giveUp       // no INFO
	giveUpOnAuth // no CONNECT
	stop
	handlers
)

// rule is one cell of the transition table: the handler, and the state that follows unless it finds a cause to close.
type rule struct {
	do   handler
	next state
}

// rules is the whole machine. Gated acceptors begin in greeted, other acceptors in connected (until 2.10 an acceptor
// without credentials wants nothing before other operations), solicitors in solicited.
var rules = [states][inputs]rule{
	greeted: {
		inConnect:    {checkConnect, connected},
		inInfo:       {refuse, closed},
		inInfoS2:     {refuse, closed},
		inPing:       {refuse, closed},
		inPong:       {refuse, closed},
		inInterest:   {refuse, closed},
		inMessage:    {refuse, closed},
		inNoise:      {refuse, closed},
		inErr:        {refuse, closed},
		inMalformed:  {explain, closed},
		inPingDue:    {ignore, greeted}, // its PONG would break the gate
		inInfoDue:    {giveUp, closed},
		inConnectDue: {giveUpOnAuth, closed},
		inShutdown:   {stop, closed},
	},
	connected: {
		inConnect:    {checkConnect, connected},
		inInfo:       {registerRoute, registered},
		inInfoS2:     {startS2, compressing},
		inPing:       {answerPing, connected},
		inPong:       {takePong, connected},
		inInterest:   {takeInterest, connected},
		inMessage:    {routeMessage, connected},
		inNoise:      {ignore, connected},
		inErr:        {hangUp, closed},
		inMalformed:  {explain, closed},
		inPingDue:    {pingPeer, connected},
		inInfoDue:    {giveUp, closed},
		inConnectDue: {ignore, connected},
		inShutdown:   {stop, closed},
	},
	solicited: {
		inConnect:    {checkConnect, solicited},
		inInfo:       {registerRoute, registered},
		inInfoS2:     {startS2, compressing},
		inPing:       {answerPing, solicited},
		inPong:       {takePong, solicited},
		inInterest:   {takeInterest, solicited},
		inMessage:    {routeMessage, solicited},
		inNoise:      {ignore, solicited},
		inErr:        {hangUp, closed},
		inMalformed:  {explain, closed},
		inPingDue:    {pingPeer, solicited},
		inInfoDue:    {giveUp, closed},
		inConnectDue: {ignore, solicited},
		inShutdown:   {stop, closed},
	},
	compressing: {
		inConnect:    {checkConnect, compressing},
		inInfo:       {registerRoute, registered},
		inInfoS2:     {registerRoute, registered},
		inPing:       {answerPing, compressing},
		inPong:       {takePong, compressing},
		inInterest:   {takeInterest, compressing},
		inMessage:    {routeMessage, compressing},
		inNoise:      {ignore, compressing},
		inErr:        {hangUp, closed},
		inMalformed:  {explain, closed},
		inPingDue:    {pingPeer, compressing},
		inInfoDue:    {giveUp, closed},
		inConnectDue: {ignore, compressing},
		inShutdown:   {stop, closed},
	},
	registered: {
		inConnect:    {checkConnect, registered},
		inInfo:       {updateRoute, registered},
		inInfoS2:     {updateRoute, registered},
		inPing:       {answerPing, registered},
		inPong:       {takePong, registered},
		inInterest:   {takeInterest, registered},
		inMessage:    {routeMessage, registered},
		inNoise:      {ignore, registered},
		inErr:        {hangUp, closed},
		inMalformed:  {explain, closed},
		inPingDue:    {pingPeer, registered},
		inInfoDue:    {ignore, registered},
		inConnectDue: {ignore, registered},
		inShutdown:   {stop, closed},
	},
}

// cause is why a handler ends a connection; fine is none.
type cause uint8

const (
	fine cause = iota
	connectMissing
	badCredentials
	connectLate
	clientCalls
	gatewayCalls
	reservedName
	foreignCluster
	reservedNameInInfo
	foreignClusterInInfo
	otherClusterNow
	ourselves
	ourName
	knownServer
	clientPort
	strangeCompression
	accountMissing
	accountRoute
	poolMismatch
	indexFromAcceptor
	poolIndexRange
	accountNotPinned
	poolFull
	accountUnpinned
	routeGone
	compressionChanged
	unknownOperation
	lineTooLong
	badArguments
	badHost
	peerSaidErr
	stale
	stopping
	causes
)

// closings tells for each cause the reason and the -ERR text; without a text the close is silent. Texts are those of
// servers (seen 2.1.2 to 2.15.2, names of clusters from 2.5, the line limit's as from 2.12.15).
var closings = [causes]struct {
	reason CloseReason
	text   string // a format for Node.because
}{
	connectMissing:       {AuthenticationViolation, "Authorization Violation"},
	badCredentials:       {AuthenticationViolation, "Authorization Violation"},
	connectLate:          {AuthenticationTimeout, "Authentication Timeout"},
	clientCalls:          {WrongPort, "attempted to connect to route port"},
	gatewayCalls:         {WrongGateway, "Rejecting connection from gateway %q on the Route port"},
	reservedName:         {ClusterNameConflict, "Rejecting connection, cluster name %q is reserved"},
	foreignCluster:       {ClusterNameConflict, "Rejecting connection, cluster name %q does not match %q"},
	reservedNameInInfo:   {ClusterNameConflict, ""},
	foreignClusterInInfo: {ClusterNameConflict, ""},
	otherClusterNow:      {ClusterNameConflict, ""},
	ourselves:            {SelfRoute, ""},
	ourName:              {DuplicateServerName, ""},
	knownServer:          {DuplicateRoute, ""},
	clientPort:           {WrongPort, ""},
	strangeCompression:   {UnsupportedCompression, "unsupported route compression mode %q"},
	accountMissing:       {MissingAccount, "Unable to lookup account %q: account missing"},
	accountRoute:         {MissingAccount, "Not possible to have a dedicated route for account %q between those servers"},
	poolMismatch:         {ProtocolViolation, "Mismatch route pool size: %v vs %v"},
	indexFromAcceptor:    {ProtocolViolation, "Route pool index should not be set but is set to %v"},
	poolIndexRange:       {ProtocolViolation, "Invalid route pool index: %v - pool size is %v"},
	accountNotPinned:     {ProtocolViolation, "No route for account %q"},
	poolFull:             {DuplicateRoute, ""},
	accountUnpinned:      {RouteRemoved, ""},
	routeGone:            {RouteRemoved, ""},
	compressionChanged:   {ClientClosed, ""},
	unknownOperation:     {ParseError, "Unknown Protocol Operation"},
	lineTooLong:          {MaxControlLineExceeded, "maximum control line exceeded"},
	badArguments:         {ProtocolViolation, ""},
	badHost:              {ParseError, ""},
	peerSaidErr:          {RouteError, ""},
	stale:                {StaleConnection, "Stale Connection"},
	stopping:             {ServerShutdown, ""},
}

// mayClose lists the causes each handler may find; a test holds the handlers to it.
var mayClose = [handlers][]cause{
	checkConnect: {badCredentials, clientCalls, gatewayCalls, reservedName, foreignCluster, badArguments},
	startS2:      {ourselves, clientPort, reservedNameInInfo, foreignClusterInInfo, ourName, badArguments},
	registerRoute: {
		ourselves, clientPort, reservedNameInInfo, foreignClusterInInfo, ourName, strangeCompression,
		accountMissing, accountRoute, poolMismatch, indexFromAcceptor, poolIndexRange, accountNotPinned, poolFull, knownServer, badArguments, badHost,
	},
	updateRoute:  {ourselves, reservedNameInInfo, foreignClusterInInfo, badArguments},
	refuse:       {connectMissing},
	hangUp:       {peerSaidErr},
	explain:      {connectMissing, unknownOperation, lineTooLong, badArguments},
	pingPeer:     {stale},
	giveUp:       {stale},
	giveUpOnAuth: {connectLate},
	stop:         {stopping},
}
