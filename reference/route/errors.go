package route

// CloseReason says why the node closed a connection, in the words servers use.
type CloseReason string

const (
	ParseError              CloseReason = "Parse Error"
	ProtocolViolation       CloseReason = "Protocol Violation" // wrong argument count, number or JSON: closed without -ERR
	MaxControlLineExceeded  CloseReason = "Maximum Control Line Exceeded"
	AuthenticationViolation CloseReason = "Authentication Violation"
	AuthenticationTimeout   CloseReason = "Authentication Timeout"
	StaleConnection         CloseReason = "Stale Connection"
	DuplicateRoute          CloseReason = "Duplicate Route"
	SelfRoute               CloseReason = "Self Route"
	DuplicateServerName     CloseReason = "Duplicate Server Name"
	ClusterNameConflict     CloseReason = "Cluster Name Conflict"
	WrongPort               CloseReason = "Wrong Port"
	WrongGateway            CloseReason = "Wrong Gateway"
	RouteError              CloseReason = "Route Error"     // the peer sent -ERR
	MissingAccount          CloseReason = "Missing Account" // a connection dedicated to an account, which this node does not offer
	ClientClosed            CloseReason = "Client Closed"   // by a reload of how routes are compressed
	RouteRemoved            CloseReason = "Route Removed"   // a connection of an account that has none of its own any more
	ServerShutdown          CloseReason = "Server Shutdown"
	UnsupportedCompression  CloseReason = "Unsupported Compression"
)
