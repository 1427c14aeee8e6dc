package live

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/natsroute/natsroute/harness"
)

// launchedFault makes the test binary play a server with this fault, on the route port that is its argument.
const launchedFault = "LIVE_TEST_FAULT"

// launchedFaults say what a server does with the bytes of one connection to it, and with what it answers there.
var launchedFaults = map[string]func(*middle) (toServer, toPeer func([]byte) []byte){
	// It keeps 128 MiB for each LS+.
	"glutton": func(*middle) (toServer, toPeer func([]byte) []byte) {
		return func(b []byte) []byte {
			for range bytes.Count(b, []byte("LS+ ")) {
				kept.Lock()
				kept.bytes = append(kept.bytes, bytes.Repeat([]byte{1}, 128<<20))
				kept.Unlock()
			}
			return b
		}, nil
	},
	// Once it has got an LS- it answers PING twice on every connection that sends RS-.
	"grudge": func(*middle) (toServer, toPeer func([]byte) []byte) {
		var now atomic.Bool
		return func(b []byte) []byte {
				grudge.Store(grudge.Load() || bytes.Contains(b, []byte("LS- ")))
				now.Store(now.Load() || grudge.Load() && bytes.Contains(b, []byte("RS- ")))
				return b
			}, func(b []byte) []byte {
				if now.Load() {
					return bytes.ReplaceAll(b, []byte("PONG\r\n"), []byte("PONG\r\nPONG\r\n"))
				}
				return b
			}
	},
}

var (
	kept struct {
		sync.Mutex
		bytes [][]byte
	}
	grudge atomic.Bool
)

// launched is such a server.
func launched(fault string) int {
	target, err := harness.InProcess("")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	socket, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	m := &middle{to: target.Route, socket: socket, open: map[net.Conn]bool{}, hooks: launchedFaults[fault]}
	m.serve()
	return 0
}

// A server that needs memory out of proportion to what it gets is found, and what is left is small; so is one that answers otherwise because of what another
// connection has said, who may be long gone: what is left shows it on a fresh server.
func TestLaunched(t *testing.T) {
	if harness.Resident(os.Getpid()) == 0 {
		t.Skip("not run: what a process holds cannot be told on this system")
	}
	for fault, kind := range map[string]Kind{"glutton": Memory, "grudge": Difference} {
		t.Run(fault, func(t *testing.T) {
			if fault == "glutton" && raceEnabled {
				t.Skip("not run: under the race detector each byte costs several, and the server dies of its limit first")
			}
			t.Setenv(launchedFault, fault)
			cfg := Config{Launch: harness.ShellWord(os.Args[0]) + " {{.RoutePort}}", Dialect: "srv-2.15", Workers: 1}
			f := fuzzUntil(t, cfg, kind)[kind]
			if f == nil {
				t.Fatal("not found")
			}
			if f.Messages > 4 {
				t.Errorf("%d messages are left:\n%s", f.Messages, f.Text())
			}
			replayed, err := Replay(t.Context(), cfg, f, false)
			if err != nil || !replayed.Same {
				t.Errorf("replay says %+v, %v", replayed, err)
			}
		})
	}
}
