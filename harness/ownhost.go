package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// ownHostCount is how many addresses of loopback a process takes for its listeners.
const ownHostCount = 16

// ownHosts are addresses of loopback that nobody else listens on. A server that was told of a listener which is gone may dial
// its address again, and would meet whoever has its port by then: another run's listener, which would take it for its own
// target (seen with sixteen runs on one machine). Empty where the system knows no loopback but 127.0.0.1.
var ownHosts = sync.OnceValue(func() []string {
	block := fmt.Sprintf("127.%d.%d.", 16+rand.IntN(200), rand.IntN(250))
	var hosts []string
	for i := range ownHostCount {
		hosts = append(hosts, block+fmt.Sprint(i+1))
	}
	l, err := net.Listen("tcp", net.JoinHostPort(hosts[0], "0"))
	if err != nil {
		return nil
	}
	_ = l.Close()
	return hosts
})

var ownHostsGiven atomic.Int64

// ownHost is one of ownHosts, each in turn, or 127.0.0.1.
func ownHost() string {
	hosts := ownHosts()
	if len(hosts) == 0 {
		return launchHost
	}
	return hosts[int(ownHostsGiven.Add(1))%len(hosts)]
}
