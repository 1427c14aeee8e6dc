// Package live fuzzes the route port of a running server: sequences of protocol messages from package gen go out over real
// sockets, and what comes back is held against the reference and against rules that hold for every server.
//
//	gen.Sequence ─► mask ─► loopback guard ─► ledger ─► player ─► answers ─► oracles ─► suspect
//	      ▲                                               │                              │
//	      └── corpus of sequences with new edges ◄────────┘      confirm on a fresh target, minimise, bucket, store
//
// A player sends a sequence in turns: what one connection says until another one speaks, with a PING behind it. PONG, -ERR or
// a close ends a turn; nothing sleeps. The same bytes go through a model, the reference's parser and machine without sockets, which
// tells what has to come and therefore how long to read.
//
// Oracles: the process is dead; a new connection gets no INFO; something is said before CONNECT was accepted; malformed
// bytes were taken; other segments of the same bytes give another answer; the answer or a delivery is not that of the reference;
// memory grows far beyond the bytes sent; INFO is late; a second server that gets the same answers otherwise. What healthy releases do differently from the reference is in a table
// of quirks, each with its name and source, and is not judged.
//
// Nothing is lost when the fuzzer is killed: each sequence is in the worker's ledger before it is sent, each suspect and each
// corpus entry is a file before anything else happens with it.
//
// No sequence makes a target dial another machine: gen.CheckLoopback is asked about every stream before it is sent, and Isolate
// runs the whole command in a network namespace that has nothing but loopback.
package live
