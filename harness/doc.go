// Package harness is what a spec talks to: a server under test and the connections that we hold to it. It returns values
// and errors and asserts nothing; it knows no test framework.
//
// # What there is
//
// A [Target] is a server: somebody else's at an address ([External]), one that we start and watch ([Launch]), or the
// reference in this process ([InProcess]). Its [Means] say what the operator has given us; what is missing makes a
// requirement not testable, it never makes it failed.
//
// A [Peer] is one route connection under our hand, dialled ([Target.Dial], [Target.Join]) or accepted from the target's
// own dial ([Listener]). A [Client] is a connection to the client port, by nats.go. Each keeps a [Transcript].
//
// Options say how a peer presents itself: in a pool ([Pooled], [PinnedTo], [Listener.AcceptPool]), with S2
// ([WithCompression]), with another certificate or none ([WithCertificate], [WithoutCertificate], of an [Authority]), or
// without TLS ([Plain]). [Target.Open] opens a connection and waits for no INFO, [Target.Knock] is a stranger that speaks
// first, [Target.JoinLeaf] makes a peer that is a leaf of the target's leafnode port. A peer can be slow:
// [Peer.StopReading], [Peer.SendSlowly].
//
// # The caller's loop
//
//	t, err := harness.External(harness.Means{Route: "127.0.0.1:6222", Client: "nats://127.0.0.1:4222"})
//	defer t.Close()                              // ends everything opened below
//	info, err := t.Look(ctx)                     // is it a route port at all? a *NotARoute says what it is
//	a, err := t.Join(ctx, "A")                   // INFO, CONNECT, INFO, PING, PONG
//	err = a.Send(wire.NewSub("$G", "orders.*"))  // do one thing
//	err = a.Fence(ctx)                           // by now the target has taken it in
//	for _, s := range a.Seen() { … }             // look at what came, operations and raw bytes
//	a.Leave()                                    // the target forgets our interest
//
// # By now, and never
//
// A server answers PING in the order of its input and after what it has queued for the connection. So a [Peer.Fence]
// or [Client.Fence] is the one way to say "by now" (held in thousands of messages on 2.1.2 to 2.15.2):
//
//   - client to route: the client's fence, then the peer's: RS+ and RMSG that the client caused are in Seen;
//   - route to client: the peer's fence, then the client's: messages are in the subscription;
//   - "does not happen": do it, fence who did it, fence who would see it, and look.
//
// What comes from other goroutines of a server (closes, gossip, INFO to clients, dials) follows no fence: wait for it, with
// Await, Closed, AwaitServers or Accept, for [Target.Patience].
//
// # Being a good guest
//
// Peers announce an id that is used once and a reserved loopback port on which nothing listens, so that a server's
// dial-back is refused and reaches nobody; no client URLs, no pool, no compression. PINGs are answered. A listener holds
// dial-backs open until the target closes them. What a target sent is hostile text: errors show it through [Printable].
//
// # What it is not
//
// It is no judge: a target that closes, stays silent or sends nonsense gives a [ClosedError], the context's error, a
// [MalformedError]; whether that is right, the caller knows. It is no server: a peer sends what it is told to, and PONGs.
package harness
