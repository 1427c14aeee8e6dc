// Package fault puts one named fault in front of a healthy server.
//
// A [Box] is a harness.Middle: it stands in every route connection between us and the server, whoever opened it, inside TLS and
// inside S2. It cuts what passes into frames, and its [Fault] may change, drop, add or refuse them. What is no frame (bytes
// that do not parse) passes as it is, so that the server's own answer to it is seen. Without a fault nothing changes, byte
// for byte.
//
// A fault that lets pass what a healthy server refuses mends it on the way ([Fault.Mend]): what arrives is an operation, or
// nothing. One that hides the end of a connection does so for one side ([Fault.Ended]). What a box cannot do is in the table of
// [Unbreakable]: it sees routes, not the client port, and never which of its own members a server has chosen.
//
// The faults of a chapter are in the file named for it, those of the whole catalogue in its order ([Catalog]). A new fault
// changes as little as it can: the fewer rows it breaks, the more it proves of each.
//
// It exists to prove the suite: each fault must be caught, for the requirement it breaks, and the box without one must be
// certified clean. The reference server itself has no deliberate bugs.
package fault
