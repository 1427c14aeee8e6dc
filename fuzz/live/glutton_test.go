package live

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/natsroute/natsroute/harness"
)

// gluttonPort makes the test binary play a server that keeps 128 MiB for each LS+.
const gluttonPort = "LIVE_TEST_GLUTTON"

func glutton() int {
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
	m := &middle{to: target.Route, socket: socket, open: map[net.Conn]bool{}, hooks: func(*middle) (toServer, toPeer func([]byte) []byte) {
		var kept [][]byte
		return func(b []byte) []byte {
			for range bytes.Count(b, []byte("LS+ ")) {
				kept = append(kept, bytes.Repeat([]byte{1}, 128<<20))
			}
			runtime.KeepAlive(kept)
			return b
		}, nil
	}}
	m.serve()
	return 0
}

// A server that needs memory out of proportion to what it gets is found, and one message is left.
func TestGlutton(t *testing.T) {
	if harness.Resident(os.Getpid()) == 0 {
		t.Skip("what a process holds cannot be told on this system")
	}
	t.Setenv(gluttonPort, "yes")
	f := fuzzUntil(t, Config{Launch: harness.ShellWord(os.Args[0]) + " {{.RoutePort}}", Dialect: "srv-2.15", Workers: 1}, Memory)[Memory]
	if f == nil {
		t.Fatal("not found")
	}
	if f.Messages > 2 {
		t.Errorf("%d messages are left:\n%s", f.Messages, f.Text())
	}
}
