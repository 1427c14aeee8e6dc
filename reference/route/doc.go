// Package route is the protocol state of one NATS server and its routes, as a pure machine: events go in, actions come
// out. It has no socket, clock, goroutine or logger; time is an argument. The same events give the same actions.
//
// It covers both roles of a route (accepting, soliciting), the CONNECT gate, registration, pools and connections of one
// account, the agreement on compression, interest with queue weights by account, message routing with the one-hop rule,
// headers, keep-alive, duplicate and self routes, cluster and server names, gossip and client URLs. It is not a server: it reads
// and compresses no bytes, keeps no client connections and enforces no limits on clients. Leafs of ours are told to it like
// clients; towards peers their interest and messages keep their origin (LS+, LS-, LMSG).
//
// One thing that servers do is left out: where a peer without a pool leaves a server that has one, the server dials it, in the
// hope that it comes back with a pool (2.10 and later). Here it is up to the peer.
//
// Where generations of servers differ, Config.Dialect chooses; the rule's source (2.0 page, or "seen" with server versions)
// stands beside it.
//
// # The caller's loop
//
//	node, err := route.New(cfg)
//	for {
//		ev := <-events // a connection, an operation, a client's command, or the timer of Deadline
//		for _, a := range node.Step(now, ev) {
//			switch a.Kind {
//			case route.Send:       // append a.Op to what a.Conn is to write
//			case route.Deliver:    // hand the message a.Op to the client of a.Sub
//			case route.Close:      // write the rest, close a.Conn
//			case route.StartDial:  // dial; then Dialled or DialFailed with a.Dial
//			case route.SetMode:    // the parser of a.Conn goes on in a.Mode
//			case route.StartS2:    // S2 both ways on a.Conn, from here on
//			case route.ClientInfo: // tell clients a.URLs
//			}
//		}
//		timer.Reset(node.Deadline())
//	}
//
// Step each operation before the parser reads the next one: an operation may change how the following bytes are read,
// and may end the connection. The actions, and the memory they share with the event, are good until then.
//
// # States of a connection
//
// Registration is one-sided: each end registers the other when it has accepted the other's first INFO. Until then a
// connection that has passed the gate is half a route: the peer's interest counts and messages pass both ways, but it is
// told no interest of ours (seen 2.1.2 to 2.15.2).
//
// Below, an arrow leads to the next state; the reasons are why the handler may close instead, with -ERR where quoted.
// A connection that ends by itself (Lost) is forgotten in every state. The text is printed from the tables in state.go.
//
// BEGIN DIAGRAM
//
//	accepted ─┬─► greeted    where credentials are configured or the dialect has CONNECT first
//	          └─► connected  elsewhere
//	dialled ────► solicited
//
//	greeted
//	  CONNECT                  check CONNECT      ──► connected
//	  INFO                     refuse             ──► closed
//	  INFO that asks for S2
//	  PING
//	  PONG
//	  RS+ RS- LS+ LS-
//	  RMSG HMSG LMSG
//	  +OK A+ A-
//	  -ERR
//	  malformed bytes          say what is wrong  ──► closed
//	  time for PING            ignore
//	  time is up for INFO      give up            ──► closed
//	  time is up for CONNECT   give up            ──► closed
//	  shutdown                 stop               ──► closed
//
//	connected
//	  CONNECT                  check CONNECT
//	  INFO                     register the route ──► registered
//	  INFO that asks for S2    start S2           ──► compressing
//	  PING                     answer PONG
//	  PONG                     note life
//	  RS+ RS- LS+ LS-          take in interest
//	  RMSG HMSG LMSG           deliver locally
//	  +OK A+ A-                ignore
//	  time is up for CONNECT
//	  -ERR                     hang up            ──► closed
//	  malformed bytes          say what is wrong  ──► closed
//	  time for PING            send PING
//	  time is up for INFO      give up            ──► closed
//	  shutdown                 stop               ──► closed
//
//	solicited
//	  CONNECT                  check CONNECT
//	  INFO                     register the route ──► registered
//	  INFO that asks for S2    start S2           ──► compressing
//	  PING                     answer PONG
//	  PONG                     note life
//	  RS+ RS- LS+ LS-          take in interest
//	  RMSG HMSG LMSG           deliver locally
//	  +OK A+ A-                ignore
//	  time is up for CONNECT
//	  -ERR                     hang up            ──► closed
//	  malformed bytes          say what is wrong  ──► closed
//	  time for PING            send PING
//	  time is up for INFO      give up            ──► closed
//	  shutdown                 stop               ──► closed
//
//	compressing
//	  CONNECT                  check CONNECT
//	  INFO                     register the route ──► registered
//	  INFO that asks for S2
//	  PING                     answer PONG
//	  PONG                     note life
//	  RS+ RS- LS+ LS-          take in interest
//	  RMSG HMSG LMSG           deliver locally
//	  +OK A+ A-                ignore
//	  time is up for CONNECT
//	  -ERR                     hang up            ──► closed
//	  malformed bytes          say what is wrong  ──► closed
//	  time for PING            send PING
//	  time is up for INFO      give up            ──► closed
//	  shutdown                 stop               ──► closed
//
//	registered
//	  CONNECT                  check CONNECT
//	  INFO                     take up the news
//	  INFO that asks for S2
//	  PING                     answer PONG
//	  PONG                     note life
//	  RS+ RS- LS+ LS-          take in interest
//	  RMSG HMSG LMSG           deliver locally
//	  +OK A+ A-                ignore
//	  time is up for INFO
//	  time is up for CONNECT
//	  -ERR                     hang up            ──► closed
//	  malformed bytes          say what is wrong  ──► closed
//	  time for PING            send PING
//	  shutdown                 stop               ──► closed
//
//	closed: reasons, and -ERR texts where the close is not silent
//	  check CONNECT      Authentication Violation: 'Authorization Violation'
//	                     Wrong Port: 'attempted to connect to route port'
//	                     Wrong Gateway: 'Rejecting connection from gateway %q on the Route port'
//	                     Cluster Name Conflict: 'Rejecting connection, cluster name %q is reserved'
//	                     Cluster Name Conflict: 'Rejecting connection, cluster name %q does not match %q'
//	                     Protocol Violation
//	  start S2           Self Route
//	                     Wrong Port
//	                     Cluster Name Conflict
//	                     Cluster Name Conflict
//	                     Duplicate Server Name
//	                     Protocol Violation
//	  register the route Self Route
//	                     Wrong Port
//	                     Cluster Name Conflict
//	                     Cluster Name Conflict
//	                     Duplicate Server Name
//	                     Unsupported Compression: 'unsupported route compression mode %q'
//	                     Missing Account: 'Unable to lookup account %q: account missing'
//	                     Missing Account: 'Not possible to have a dedicated route for account %q between those servers'
//	                     Protocol Violation: 'Mismatch route pool size: %v vs %v'
//	                     Protocol Violation: 'Route pool index should not be set but is set to %v'
//	                     Protocol Violation: 'Invalid route pool index: %v - pool size is %v'
//	                     Protocol Violation: 'No route for account %q'
//	                     Duplicate Route
//	                     Duplicate Route
//	                     Protocol Violation
//	                     Parse Error
//	  take up the news   Self Route
//	                     Cluster Name Conflict
//	                     Cluster Name Conflict
//	                     Protocol Violation
//	  refuse             Authentication Violation: 'Authorization Violation'
//	  hang up            Route Error
//	  say what is wrong  Authentication Violation: 'Authorization Violation'
//	                     Parse Error: 'Unknown Protocol Operation'
//	                     Maximum Control Line Exceeded: 'maximum control line exceeded'
//	                     Protocol Violation
//	  send PING          Stale Connection: 'Stale Connection'
//	  give up            Stale Connection: 'Stale Connection'
//	  give up            Authentication Timeout: 'Authentication Timeout'
//	  stop               Server Shutdown
//
// END DIAGRAM
package route
