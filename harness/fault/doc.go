// Package fault puts one named fault in front of a healthy server.
//
// A [Middlebox] accepts route connections, opens one to the server for each, and passes frames both ways. Its [Fault]
// may change, drop, add or refuse frames. What is no frame (bytes that do not parse) passes as it is, so that the
// server's own answer to it is seen. Without a fault nothing changes, byte for byte.
//
// It exists to prove the suite: each fault must be caught, for the requirement it breaks, and the middlebox without one
// must be certified clean. The reference server itself has no deliberate bugs.
package fault
