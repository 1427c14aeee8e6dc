// Package spec is the conformance suite of the route protocol: Ginkgo specs, one file a chapter, each bound to a row of
// the requirement register.
//
// A spec is four steps: join as a peer, do one thing, fence, look. [Suite] gives it peers, clients and subjects of its
// own; what it opened is closed when it ends. [Run] certifies one target: it looks at the target's INFO, probes what
// INFO does not tell, chooses the profile, runs every spec that the operator selected and returns one result for each.
//
// What this package is not: it does not judge (report.Judge does, from the results alone) and it knows no sockets
// (package harness does).
package spec
