package main

import (
	"flag"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/spec/report"
)

var faultTarget = flag.String("fault-target", "", "what TestFaultsAreCaught launches, as nats-server@v2.15.2; empty: the embedded reference")

// faultArgs is how a fault is planted: in the server that TestFaultsAreCaught was told to launch, or in the reference.
func faultArgs(f fault.Fault, more ...string) []string {
	args := []string{"--fault", f.Name}
	switch {
	case *faultTarget != "":
		args = append(args, "--launch", *faultTarget, "--disruptive")
	case f.Dialect != "":
		args = append(args, "--dialect", f.Dialect, "--profile", f.Dialect)
	}
	return append(args, more...)
}

// chapterArgs runs the chapter of the requirement that the fault breaks.
func chapterArgs(t *testing.T, f fault.Fault) []string {
	row, ok := register(t).Requirement(f.Breaks)
	if !ok {
		t.Errorf("the register has no row %s", f.Breaks)
	}
	return faultArgs(f, "--seed", "1", "--patience", faultPatience, "--chapter", row.Chapter, "--skip", lightly(f))
}

// faultPatience is that of runs with a fault: most of their time they wait for what does not come.
const faultPatience = "1s"

// faultEnv makes runs with a fault collect no garbage as long as they need little memory: that is half of the time that they compute.
var faultEnv = []string{"GOGC=off", "GOMEMLIMIT=512MiB"}

// heavyRows take as long as all others together: only faults that are for one of them are run on it.
var heavyRows = []string{
	"RT-MSG-012", "RT-MSG-020", "RT-ID-012", "RT-INT-007/three-thousand", "RT-INT-008/three-thousand", "RT-INT-024",
	"RT-INT-025", "RT-QUE-029", "RT-ORD-007", "RT-COMP-020/largest", "RT-COMP-026/largest-block",
}

// lightly is what a run with the fault leaves out.
func lightly(f fault.Fault) string {
	others := slices.DeleteFunc(slices.Clone(heavyRows), func(row string) bool { return strings.HasPrefix(row, f.Breaks) })
	return strings.Join(others, ",")
}

// atOnce bounds the runs with a fault that go on side by side: most of them wait for what does not come.
var atOnce = make(chan struct{}, 6*runtime.GOMAXPROCS(0))

// TestFaultsAreCaught plants each fault in front of a healthy server and runs the chapter of the requirement that it breaks,
// which must fail, or warn, with the text that testdata/faults has. The box without a fault must be certified clean, or the other runs would prove nothing: then
// what the chapter has passes.
func TestFaultsAreCaught(t *testing.T) {
	var profile string
	t.Run("none", func(t *testing.T) {
		got := certify(t, nil, faultArgs(fault.Fault{Name: fault.None})...)
		if got.exit != report.ExitOK {
			t.Errorf("exit %d for a healthy server behind a box that changes nothing\n%s", got.exit, got.text)
		}
		profile = got.report.Profile.Name
	})
	if *faultTarget != "" && profile == "" {
		t.Fatal("the target without a fault has no profile")
	}
	var all sync.WaitGroup
	var missed struct {
		sync.Mutex
		faults []fault.Fault
	}
	for i, f := range fault.Catalog() {
		if underRace && i%underRaceEach != 0 {
			continue // each of these is a process of its own: a sample of them shows what the detector can find
		}
		all.Go(func() {
			if *failureTexts && hasText(f.Name) {
				return
			}
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			one := faulty{f, certify(t, faultEnv, chapterArgs(t, f)...)}
			switch {
			case *faultTarget != "" && (one.beside(f.Breaks) || older(profile, f.Since)):
			case !one.caught(f.Breaks):
				missed.Lock()
				missed.faults = append(missed.faults, f)
				missed.Unlock()
			case *faultTarget == "":
				one.checkText(t)
				if i%againEach == 0 || *againAll {
					one.checkAgain(t)
				}
			}
		})
	}
	all.Wait()
	// Faults of time, "too often" or "too soon", hide where many runs share the processors: alone they must show.
	for _, f := range missed.faults {
		t.Logf("%s was missed while other runs went on", f.Name)
		runs := 0
		one := faulty{Fault: f}
		for ; !one.caught(f.Breaks); runs++ {
			if runs == aloneRuns {
				t.Errorf("%s: %s was not broken by a server that %s\n%s", f.Name, f.Breaks, f.Title, one.text)
				break
			}
			one.outcome = certify(t, faultEnv, chapterArgs(t, f)...)
		}
		if one.caught(f.Breaks) && *faultTarget == "" {
			one.checkText(t)
		}
	}
}

// aloneRuns is how often a fault that was missed may run alone.
const aloneRuns = 3

// underRaceEach is of how many faults one is planted under the race detector.
const underRaceEach = 25

// againEach is of how many faults the command of one failure text is run again.
const againEach = 20

func faultNames() []string {
	var names []string
	for _, f := range fault.Catalog() {
		names = append(names, f.Name)
	}
	return names
}

// faulty is what a run with a fault brought.
type faulty struct {
	fault.Fault
	outcome
}

// caught tells whether any result of the requirement failed, or warned where no failure can be. Where healthy servers
// differ that is said as disputed.
func (o outcome) caught(requirement string) bool {
	for _, r := range o.of(requirement) {
		switch r.Status {
		case report.Fail, report.Warn, report.Disputed:
			return true
		}
	}
	return false
}

// older tells whether a profile is of servers before that generation.
func older(profile, since string) bool {
	all := corpus.ProfileNames()
	return slices.Index(all, profile) < slices.Index(all, since)
}

// beside tells whether the requirement says nothing about the target, or may be kept in several ways: its release cannot show the fault.
func (o outcome) beside(requirement string) bool {
	for _, r := range o.of(requirement) {
		if r.Status != report.NotApplicable && r.Status != report.Observed {
			return false
		}
	}
	return true
}

func (o outcome) of(requirement string) []report.Result {
	var out []report.Result
	for _, r := range o.report.Results {
		if strings.HasPrefix(r.ID, requirement+"/") {
			out = append(out, r)
		}
	}
	return out
}
