// Package gen turns bytes, or a seeded random stream, into traffic of the route protocol. Every fuzz target and the live fuzzer
// generate from this one grammar, with the words of corpus/dict/route.dict.
//
//	            Source                     Sequence                        bytes
//	[]byte ─┐
//	        ├─► Byte Intn Pick Number … ─► steps: connection × Message ─► Append(dst, conn, env)
//	 seed  ─┘
//
// A Source makes decisions out of bytes, one byte each where that is enough. When its bytes are used up every further decision
// is the first choice, so each []byte is an input and a shorter one is a simpler one. Over a seed it never ends.
//
// A Message is one line in parts (verb, fields, members of a JSON object, line end, payload), so that whoever makes a failing
// sequence smaller works on parts and not on bytes. What has to be new for each run stands in it as a name between two @ (see
// Env): a sequence that failed once can be sent again, to another server, under other ids.
//
// A Sequence is what one to three connections send, in order. It is a value: copies share nothing that anybody writes to, it
// has a readable text form that reads back exactly, and Mutate derives a neighbour of it.
//
// A server dials what an INFO names, so every address that gen makes is loopback, also after its own damage to bytes; CheckLoopback
// is the guard, and whoever changes a sequence or sends bytes of another origin calls it first.
//
// The package is pure: no socket, clock or goroutine. A Source is not for concurrent use.
package gen
