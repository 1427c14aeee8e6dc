// Package fault puts one named fault in front of a healthy server.
//
// A [Box] is a harness.Middle: it stands in every route connection between us and the server, whoever opened it, inside TLS and
// inside S2. It cuts what passes into frames, and its [Fault] may change, drop, add or refuse them. What is no frame (bytes
// that do not parse) passes as it is, so that the server's own answer to it is seen. Without a fault nothing changes, byte
// for byte.
//
// It exists to prove the suite: each fault must be caught, for the requirement it breaks, and the box without one must be
// certified clean. The reference server itself has no deliberate bugs.
package fault
