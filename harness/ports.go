package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports that no system gives to the near end of a connection by itself: Linux begins at 32768, others at 49152.
const (
	firstLasting   = 10_000
	lastLasting    = 32_767
	lastingLooks   = 64
	anyFreePort    = "0"
	lastingOptions = lastLasting - firstLasting + 1
)

// listenLasting listens on a port that a server can have again when it is started anew. What the system chooses may be
// taken meanwhile by any connection that somebody opens (seen: one of a thousand restarts). Where none is free it is what
// the system chooses.
func listenLasting(host string) (net.Listener, error) {
	for range lastingLooks {
		port := firstLasting + rand.IntN(lastingOptions)
		if l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", net.JoinHostPort(host, anyFreePort))
}
