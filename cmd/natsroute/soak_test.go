package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

var soak = flag.Bool("soak", false, "run TestSoak: every server many times under load, on one processor, far away")

// soakRuns says how often each version is certified.
var soakRuns = []struct {
	version string
	runs    int
}{{"v2.1.2", 20}, {"v2.15.2", 20}, {"v2.9.25", 5}, {"v2.10.27", 5}, {"v2.12.15", 5}}

// oneWay is what the delaying proxy adds in each direction.
const oneWay = 50 * time.Millisecond

// TestSoak certifies healthy servers again and again under conditions that make timing different: nothing may fail, and
// no result may differ from one run to another.
func TestSoak(t *testing.T) {
	if !*soak {
		t.Skip("not run: it takes up to an hour; make soak runs it")
	}
	for _, s := range soakRuns {
		t.Run(s.version, func(t *testing.T) {
			soakTarget(t, s.version, s.runs)
		})
	}
}

// soakTarget runs the three conditions in turn and compares all results. Runs far away do next to nothing but wait:
// each has a server of its own, and they go on beside the others.
func soakTarget(t *testing.T, version string, runs int) {
	all := make([]soakRun, runs)
	var far sync.WaitGroup
	for i := range all {
		all[i].how = []string{"loaded", "one processor", "100 ms away"}[i%3]
		switch i % 3 {
		case 0:
			all[i].outcome = loaded(func() outcome { return certifyLaunched(t, nil, version) })
		case 1:
			all[i].outcome = certifyLaunched(t, []string{"GOMAXPROCS=1"}, version)
		case 2:
			far.Go(func() { all[i].outcome = certifyFar(t, version, all[0].report.Profile.Name) })
		}
	}
	far.Wait()
	for i, run := range all {
		t.Logf("%s run %d (%s): exit %d, %v, %.1f s", version, i+1, run.how, run.exit, run.report.Summary, float64(run.report.DurationMS)/1000)
	}
	compare(t, all)
}

type soakRun struct {
	how string
	outcome
}

// certifyFar certifies a server of that version through proxies that delay. Its profile is named: auto takes a
// version's text for nothing on a server that natsroute did not launch.
func certifyFar(t *testing.T, version, profile string) outcome {
	target, err := harness.Launch(context.Background(), harness.LaunchConfig{Command: "nats-server@" + version})
	if err != nil {
		t.Errorf("%s did not start: %v", version, err)
		return outcome{exit: report.ExitHarness}
	}
	defer func() { _ = target.Close() }()
	far := newFarAway(t, target)
	return certifyExternal(t, nil, target.Means, far.route, far.client, "--profile", profile, "--timeout", "20m")
}

// loaded keeps every processor busy while run runs.
func loaded(run func() outcome) outcome {
	var over atomic.Bool
	var busy sync.WaitGroup
	for range runtime.NumCPU() {
		busy.Go(func() {
			for n := 0; !over.Load(); n++ {
				_ = n * n
			}
		})
	}
	defer busy.Wait()
	defer over.Store(true)
	return run()
}

// compare holds every run against the first: the same results, none of them a failure. What only a launched target
// lets us test is left out of the comparison.
func compare(t *testing.T, all []soakRun) {
	t.Helper()
	first := statuses(all[0].report)
	for i, run := range all {
		if run.exit != report.ExitOK || run.report.Summary.Failed+run.report.Summary.HarnessErrors > 0 {
			t.Errorf("run %d (%s) of a healthy server: exit %d\n%s", i+1, run.how, run.exit, run.text)
		}
		for _, line := range differences(first, statuses(run.report)) {
			t.Errorf("run %d (%s) differs from run 1 (%s): %s", i+1, run.how, all[0].how, line)
		}
	}
}

func statuses(r report.Report) map[string]string {
	all := make(map[string]string)
	for _, res := range r.Results {
		all[res.ID] = fmt.Sprintf("%s %s", res.Status, res.Value)
		if res.Reason != "" {
			all[res.ID] = fmt.Sprintf("%s (%s)", res.Status, res.Reason)
		}
	}
	return all
}

func differences(a, b map[string]string) []string {
	var lines []string
	for id := range a {
		if a[id] != b[id] && !strings.Contains(a[id]+b[id], report.NeedsLaunch) {
			lines = append(lines, fmt.Sprintf("%s: %s, was %s", id, b[id], a[id]))
		}
	}
	sort.Strings(lines)
	return lines
}

// farAway is a target seen through proxies that delay every byte.
type farAway struct{ route, client string }

func newFarAway(t *testing.T, target *harness.Target) farAway {
	t.Helper()
	u, err := url.Parse(target.Client)
	if err != nil {
		t.Fatal(err)
	}
	route := newDelay(t, target.Route)
	u.Host = newDelay(t, u.Host)
	return farAway{route: route, client: u.String()}
}

// newDelay listens on loopback and passes bytes to and from address, each oneWay late.
func newDelay(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				_ = near.Close()
				continue
			}
			go delay(near, far)
			go delay(far, near)
		}
	}()
	return l.Addr().String()
}

// delay passes what from says to to, oneWay late, then the end of it, too.
func delay(from, to net.Conn) {
	type late struct {
		at    time.Time
		bytes []byte
	}
	queue := make(chan late, 1<<16)
	go func() {
		defer close(queue)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			queue <- late{time.Now().Add(oneWay), b[:n]}
			if err != nil {
				return
			}
		}
	}()
	for l := range queue {
		<-time.After(time.Until(l.at))
		if len(l.bytes) == 0 {
			break
		}
		if _, err := to.Write(l.bytes); err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	for range queue { // the reader ends by the close
	}
}
