package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/harness"
)

// benchServerVariable names what the benchmark compares with: a version of nats-server, which is then built, or a program.
const benchServerVariable = "NATSROUTE_BENCH_NATS_SERVER"

const (
	benchSubject  = "bench.route"
	benchPayload  = 16
	benchMessages = 1_000_000 // of one measurement
	benchBatch    = 2000      // messages in one write: about 90 KiB
	// benchWindow bounds how far the peer runs ahead of the subscriber, in messages: a third of what servers let wait for a
	// client before they drop it.
	benchWindow = 500_000
	benchPairs  = 10
)

// BenchmarkRouteToClient measures messages a second from one route peer, which writes large chunks of RMSG with 16 bytes of
// payload, to one nats.go subscriber. Client, peer and server share the machine; the server has a process of its own.
//
// When NATSROUTE_BENCH_NATS_SERVER names a nats-server (v2.15.2, or a path), both servers are measured in turn, ten pairs, and the median of each and
// of the ratios is reported.
func BenchmarkRouteToClient(b *testing.B) {
	path := os.Getenv(benchServerVariable)
	if strings.HasPrefix(path, "v") && !strings.ContainsRune(path, os.PathSeparator) {
		var err error
		if path, err = harness.NatsServer(context.Background(), path); err != nil {
			b.Fatal(err)
		}
	}
	own := startOwnProcess(b)
	var other *harness.Target
	if path != "" {
		other = startForeign(b, path)
	}
	var alone []float64
	for b.Loop() {
		if other == nil {
			alone = append(alone, measure(b, own))
		} else {
			comparePairs(b, own, other)
		}
	}
	if other == nil {
		b.ReportMetric(median(alone), "msgs/s")
	}
	b.ReportMetric(0, "ns/op") // of a whole measurement: says nothing
}

// comparePairs measures both in turn; who goes first alternates.
func comparePairs(b *testing.B, own, other *harness.Target) {
	var ours, theirs, ratios []float64
	for pair := range benchPairs {
		var o, t float64
		if pair%2 == 0 {
			o, t = measure(b, own), measure(b, other)
		} else {
			t, o = measure(b, other), measure(b, own)
		}
		ours, theirs, ratios = append(ours, o), append(theirs, t), append(ratios, o/t)
		b.Logf("pair %2d: %8.0f msgs/s, nats-server %8.0f msgs/s, ratio %.2f", pair+1, o, t, o/t)
	}
	b.ReportMetric(median(ours), "msgs/s")
	b.ReportMetric(median(theirs), "nats-server-msgs/s")
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// startOwnProcess runs this test binary as a server.
func startOwnProcess(b *testing.B) *harness.Target {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the server in its own process said nothing: %v", err)
	}
	clientURL, route, _ := strings.Cut(strings.TrimSpace(line), " ")
	target, err := harness.External(harness.Means{Route: route, Client: clientURL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { target.Close() })
	return target
}

func startForeign(b *testing.B, path string) *harness.Target {
	b.Helper()
	target, err := harness.Launch(withTimeout(b), harness.LaunchConfig{
		Command: path + " -a {{.Host}} -p {{.ClientPort}} --cluster nats://{{.Host}}:{{.RoutePort}} --cluster_name bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { target.Close() })
	return target
}

// measure returns messages a second from a route peer to a subscriber of its own.
func measure(b *testing.B, t *harness.Target) float64 {
	b.Helper()
	nc, err := nats.Connect(t.Client)
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	var received atomic.Int64
	progress := make(chan struct{}, 1)
	sub, err := nc.Subscribe(benchSubject, func(*nats.Msg) {
		if received.Add(1)%benchBatch == 0 {
			select {
			case progress <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	sub.SetPendingLimits(-1, -1)
	if err := nc.Flush(); err != nil {
		b.Fatal(err)
	}
	conn := joinRaw(b, t)
	defer conn.Close()

	batch := benchBytes()
	begin := time.Now()
	for sent := 0; sent < benchMessages; sent += benchBatch {
		if _, err := conn.Write(batch); err != nil {
			b.Fatal(err)
		}
		awaitReceived(b, &received, progress, sent+benchBatch-benchWindow)
	}
	awaitReceived(b, &received, progress, benchMessages)
	return benchMessages / time.Since(begin).Seconds()
}

func awaitReceived(b *testing.B, received *atomic.Int64, progress <-chan struct{}, want int) {
	b.Helper()
	for received.Load() < int64(want) {
		select {
		case <-progress:
		case <-time.After(patience):
			b.Fatalf("the subscriber has %d messages, want %d, and nothing came for %v", received.Load(), want, patience)
		}
	}
}

func benchBytes() []byte {
	line := fmt.Sprintf("RMSG $G %s %d\r\n%s\r\n", benchSubject, benchPayload, strings.Repeat("x", benchPayload))
	return bytes.Repeat([]byte(line), benchBatch)
}

// joinRaw registers as a peer and returns the bare socket, with the target's interest read.
func joinRaw(b *testing.B, target *harness.Target) net.Conn {
	b.Helper()
	info, err := target.Look(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.Dial("tcp", target.Route)
	if err != nil {
		b.Fatal(err)
	}
	id := fmt.Sprintf("BENCH%d", time.Now().UnixNano())
	fmt.Fprintf(conn, "CONNECT {\"name\":%q,\"cluster\":%q}\r\nINFO {\"server_id\":%q,\"server_name\":%q,\"cluster\":%q,\"gossip_mode\":1}\r\nPING\r\n",
		id, info.Cluster, id, id, info.Cluster)
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "PONG" {
			// The rest of what the target sends is of no interest; its PINGs need no answer within a measurement.
			return conn
		}
	}
	b.Fatalf("%s did not answer PING: %v", target.Route, lines.Err())
	return nil
}
