// Package server puts sockets and a clock around route.Node: a route port that other servers dial and from which this one
// dials, and a small client port that a stock NATS client can use; on request a small leafnode port too. It is the reference in running form: a full member of
// a cluster of real servers, and the target of every conformance run that names no other.
//
// # What it is not
//
// No gateway, websocket or JetStream; no permissions of users; it is no leaf of another server. What the protocol
// means is decided in package route, what bytes mean in package wire; this package moves bytes, keeps time and bounds memory.
//
// # The caller's loop
//
//	s, err := server.New(server.Config{Cluster: "C1", Routes: []string{"nats-route://127.0.0.1:6222"}})
//	if err != nil {
//		return err // a setting that cannot work, named
//	}
//	if err := s.Start(ctx); err != nil {
//		return err // a port that cannot be had
//	}
//	defer s.Close()
//	fmt.Println(s.ClientURL(), s.RouteAddr())
//
// Run does the same and returns when its context ends. Reload changes what may change meanwhile, and LameDuck ends the server as
// one does that has clients to see off.
//
// # Who owns what
//
//	       reader goroutine          the loop, one goroutine              writer goroutine
//	socket ── chunk ──► inputs ──► wire.Parser ► route.Node ► link.out ── flush ──► socket
//	       ◄── chunk given back ──┘      │ Deadline
//	                                     └─► one timer
//
// The loop owns the node, all parsers and all client state; nothing of that is locked. It steps each operation before it
// asks the parser for the next one, so an operation may change how the bytes behind it are read. TLS is below all that. S2
// is the loop's work: input is decompressed before it is parsed, output is compressed when it is flushed.
//
// A connection has two chunks of at most 64 KiB that travel between its reader and the loop. Output travels to the writer in
// buffers that come back when they have been written. What one chunk of input produces for a connection leaves in one write.
// Nothing is allocated per message.
//
// # Peers that misbehave
//
// A peer that does not read is closed when a write has made no progress for Config.WriteDeadline or when Config.MaxPending
// bytes wait for it, whichever comes first; the others do not wait for it. A peer that floods is read at the loop's pace, in turn with the others,
// also when few compressed bytes hold very many.
// Accept loops outlive every accept error until the server closes.
package server
