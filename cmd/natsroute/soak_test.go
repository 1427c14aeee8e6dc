package main

import (
	"flag"
	"fmt"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natsroute/natsroute/spec/report"
)

var (
	soak     = flag.Bool("soak", false, "run TestSoak: every server many times under load, on one processor, far away")
	soakFull = flag.Bool("soak-full", false, "run TestSoak in full: the oldest and the newest server 50 times each, with every setup")
)

// soakRuns says how often each version is certified.
type soakRuns struct {
	version string
	runs    int
}

var (
	soakSome = []soakRuns{{"v2.1.2", 20}, {"v2.15.2", 20}, {"v2.9.25", 5}, {"v2.10.27", 5}, {"v2.12.15", 5}}
	soakAll  = []soakRuns{{"v2.1.2", 50}, {"v2.15.2", 50}}
)

// oneWay is the delay in each direction of a server that is 50 ms away.
const oneWay = 25 * time.Millisecond

// farAtOnce bounds the runs that go on side by side: each waits for most of its time.
const farAtOnce = 8

// TestSoak certifies healthy servers again and again under conditions that make timing different: nothing may fail, and
// no result may differ from one run to another.
func TestSoak(t *testing.T) {
	plan, args := soakSome, []string(nil)
	switch {
	case *soakFull:
		plan, args = soakAll, []string{"--require", "all"}
	case !*soak:
		t.Skip("not run: it takes up to an hour; make soak and make soak-full run it")
	}
	for _, s := range plan {
		t.Run(s.version, func(t *testing.T) { soakTarget(t, s, args) })
	}
}

// soakTarget runs the three conditions in turn and compares all results. Runs far away do next to nothing but wait: they go
// on beside the others.
func soakTarget(t *testing.T, s soakRuns, args []string) {
	all := make([]soakRun, s.runs)
	args = append([]string{"--launch", "nats-server@" + s.version, "--timeout", "20m"}, args...)
	far := make(chan struct{}, farAtOnce)
	var running sync.WaitGroup
	for i := range all {
		all[i].how = []string{"loaded", "one processor", "50 ms away"}[i%3]
		switch i % 3 {
		case 0:
			all[i].outcome = loaded(func() outcome { return certify(t, nil, args...) })
		case 1:
			all[i].outcome = certify(t, []string{"GOMAXPROCS=1"}, args...)
		case 2:
			far <- struct{}{}
			running.Go(func() {
				all[i].outcome = certify(t, nil, append(args[:len(args):len(args)], "--delay", oneWay.String())...)
				<-far
			})
		}
	}
	running.Wait()
	for i, run := range all {
		t.Logf("%s run %d (%s): exit %d, %v, %.1f s", s.version, i+1, run.how, run.exit, run.report.Summary, float64(run.report.DurationMS)/1000)
	}
	compare(t, all)
}

type soakRun struct {
	how string
	outcome
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

// compare holds every run against the first: the same results, none of them a failure.
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
		id := res.Target + " " + res.ID
		all[id] = fmt.Sprintf("%s %s", res.Status, res.Value)
		if res.Reason != "" {
			all[id] = fmt.Sprintf("%s (%s)", res.Status, res.Reason)
		}
	}
	return all
}

func differences(a, b map[string]string) []string {
	var lines []string
	for id := range a {
		if a[id] != b[id] {
			lines = append(lines, fmt.Sprintf("%s: %s, was %s", id, b[id], a[id]))
		}
	}
	sort.Strings(lines)
	return lines
}
