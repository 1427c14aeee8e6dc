package planted

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/natsroute/natsroute/fuzz"
	"github.com/natsroute/natsroute/fuzz/loop"
	"github.com/natsroute/natsroute/reference/server"
)

// The test binary, built with a patch, is also what the bench runs: it hunts in process, or it serves.
var (
	huntFlag = flag.String("hunt", "", "hunt with these targets of package fuzz, separated by commas")
	huntSeed = flag.Uint64("hunt-seed", 1, "seed of -hunt")
	huntFor  = flag.Duration("hunt-for", 10*time.Second, "how long -hunt goes on")
	serveFor = flag.String("serve", "", "serve on this client port and this route port, separated by a comma")
)

// kill is what a hunt comes to, one line of JSON on standard output behind huntMark.
type kill struct {
	Killed  bool    `json:"killed"`
	By      string  `json:"by"` // target and what it saw: error, crash, hang
	Detail  string  `json:"detail"`
	Seconds float64 `json:"seconds"`
	Execs   uint64  `json:"execs"`
}

const (
	huntMark = "HUNT "
	hungFor  = 10 * time.Second // an input that takes as long hangs
)

// TestHunt is a part of the bench: see bench_test.go.
func TestHunt(t *testing.T) {
	if *huntFlag == "" {
		t.Skip("not run: -hunt names no target")
	}
	line, err := json.Marshal(hunt(strings.Split(*huntFlag, ","), *huntSeed, *huntFor))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%s%s\n", huntMark, line)
}

// hunt gives the targets inputs in turn until one fails or time is up.
func hunt(names []string, seed uint64, limit time.Duration) (k kill) {
	began := time.Now()
	var execs, alive atomic.Uint64
	stop := watch(names, began, &alive)
	defer stop()
	checks := map[string]func([]byte) error{}
	for _, target := range fuzz.Targets() {
		checks[target.Name] = target.Check
	}
	makers := make([]*loop.Maker, len(names))
	for i, name := range names {
		makers[i] = loop.New(name, seed)
	}
	for time.Since(began) < limit {
		for i, name := range names {
			for range 200 {
				alive.Add(1)
				execs.Add(1)
				if by, detail := try(checks[name], makers[i].Next()); by != "" {
					return kill{Killed: true, By: name + ": " + by, Detail: detail, Seconds: time.Since(began).Seconds(), Execs: execs.Load()}
				}
			}
		}
	}
	return kill{Seconds: time.Since(began).Seconds(), Execs: execs.Load()}
}

// try runs one input.
func try(check func([]byte) error, input []byte) (by, detail string) {
	defer func() {
		if caught := recover(); caught != nil {
			by, detail = "crash", fmt.Sprint(caught)
		}
	}()
	if err := check(input); err != nil {
		return "error", err.Error()
	}
	return "", ""
}

// watch ends the process when one input takes too long: nothing else ends a loop without end.
func watch(names []string, began time.Time, alive *atomic.Uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(hungFor)
		defer tick.Stop()
		last := uint64(0)
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				now := alive.Load()
				if now == last {
					line, _ := json.Marshal(kill{Killed: true, By: strings.Join(names, "+") + ": hang", Seconds: time.Since(began).Seconds(), Execs: now})
					fmt.Printf("%s%s\n", huntMark, line)
					os.Exit(0)
				}
				last = now
			}
		}
	}()
	return func() { close(done) }
}

// TestServe is a part of the bench: the reference, in this binary, until a signal ends it.
func TestServe(t *testing.T) {
	if *serveFor == "" {
		t.Skip("not run: -serve names no ports")
	}
	client, route, _ := strings.Cut(*serveFor, ",")
	clientPort, err := strconv.Atoi(client)
	if err != nil {
		t.Fatal(err)
	}
	routePort, err := strconv.Atoi(route)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.New(server.Config{ClientPort: clientPort, RoutePort: routePort, Cluster: "planted"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// A hunt on the clean reference finds nothing; one with a target that fails tells what it saw.
func TestHuntTellsWhatItSaw(t *testing.T) {
	if k := hunt([]string{"Parse", "Split", "RoundTrip", "Info", "Connect", "Session", "PeerPair", "Subjects"}, 1, 300*time.Millisecond); k.Killed || k.Execs == 0 {
		t.Errorf("the clean reference: %+v", k)
	}
	if by, _ := try(func([]byte) error { panic("x") }, nil); by != "crash" {
		t.Errorf("a panic is seen as %q", by)
	}
	if by, detail := try(func([]byte) error { return os.ErrInvalid }, nil); by != "error" || detail != os.ErrInvalid.Error() {
		t.Errorf("an error is seen as %q, %q", by, detail)
	}
}
