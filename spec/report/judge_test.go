package report

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/natsroute/natsroute/corpus"
)

func row(id string, level corpus.Level, capability string, needs ...string) corpus.Requirement {
	return corpus.Requirement{ID: id, Level: level, Capability: capability, Needs: needs}
}

func res(id string, level corpus.Level, capability string, status Status, reason ...string) Result {
	r := Result{ID: id, Level: string(level), Capability: capability, Status: status}
	if len(reason) > 0 {
		r.Reason = reason[0]
	}
	return r
}

// twoCore is a register with two MUSTs of core, a SHOULD, and a MUST of gossip.
var twoCore = []corpus.Requirement{
	row("RT-HS-001", corpus.Must, "core"),
	row("RT-HS-002", corpus.Must, "core", "client"),
	row("RT-HS-003", corpus.Should, "core"),
	row("RT-GOS-001", corpus.Must, "gossip"),
}

// passing are results in which all of twoCore passed.
func passing() []Result {
	return []Result{
		res("RT-HS-001/a", corpus.Must, "core", Pass),
		res("RT-HS-002/a", corpus.Must, "core", Pass),
		res("RT-HS-002/b", corpus.Must, "core", Pass),
		res("RT-HS-003/a", corpus.Should, "core", Pass),
		res("RT-GOS-001/a", corpus.Must, "gossip", Pass),
	}
}

// but returns passing results in which one has another status.
func but(id string, status Status, reason ...string) []Result {
	results := passing()
	i := slices.IndexFunc(results, func(r Result) bool { return r.ID == id })
	results[i].Status = status
	if len(reason) > 0 {
		results[i].Reason = reason[0]
	}
	return results
}

func without(prefix string) []Result {
	return slices.DeleteFunc(passing(), func(r Result) bool { return r.Requirement() == prefix })
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name    string
		report  Report
		rows    []corpus.Requirement // nil: twoCore
		judging Judging
		verdict Verdict
		exit    int
	}{
		{name: "everything passed", report: Report{Results: passing()}, verdict: Conforms, exit: 0},
		{name: "a MUST failed", report: Report{Results: but("RT-HS-001/a", Fail)}, verdict: Fails, exit: 1},
		{name: "a MUST of another capability failed", report: Report{Results: but("RT-GOS-001/a", Fail)}, verdict: Fails, exit: 1},
		{name: "one of two results of a row failed", report: Report{Results: but("RT-HS-002/b", Fail)}, verdict: Fails, exit: 1},
		{name: "a SHOULD not kept", report: Report{Results: but("RT-HS-003/a", Warn)}, verdict: Conforms, exit: 0},
		{name: "a MUST on which servers differ", report: Report{Results: but("RT-HS-001/a", Disputed)}, verdict: Conforms, exit: 0},
		{name: "a core MUST not applicable", report: Report{Results: but("RT-HS-001/a", NotApplicable)}, verdict: Conforms, exit: 0},
		{name: "another capability not tested", report: Report{Results: but("RT-GOS-001/a", NotTested, NeedsListener)}, verdict: Conforms, exit: 0},
		{name: "a core MUST not tested", report: Report{Results: but("RT-HS-001/a", NotTested, NeedsClient)}, verdict: Incomplete, exit: 5},
		{name: "a core MUST tested in part", report: Report{Results: but("RT-HS-002/b", NotTested, NeedsClient)}, verdict: Incomplete, exit: 5},
		{name: "a core MUST without a result", report: Report{Results: without("RT-HS-001")}, verdict: Incomplete, exit: 5},
		{name: "a core MUST that only warned", report: Report{Results: but("RT-HS-001/a", Warn)}, verdict: Incomplete, exit: 5},
		{name: "no result at all", report: Report{}, verdict: Incomplete, exit: 5},
		{name: "no row and no result", report: Report{}, rows: []corpus.Requirement{}, verdict: Incomplete, exit: 5},
		{
			name:   "a disruptive core MUST not tested",
			report: Report{Results: but("RT-HS-001/a", NotTested, IsDisruptive)},
			rows:   []corpus.Requirement{row("RT-HS-001", corpus.Must, "core", IsDisruptive), row("RT-HS-002", corpus.Must, "core")}, verdict: Conforms, exit: 0,
		},
		{
			name:   "a disruptive core MUST not tested for another reason",
			report: Report{Results: but("RT-HS-001/a", NotTested, NeedsClient)},
			rows:   []corpus.Requirement{row("RT-HS-001", corpus.Must, "core", IsDisruptive), row("RT-HS-002", corpus.Must, "core")}, verdict: Incomplete, exit: 5,
		},

		{name: "incomplete for want of means, allowed", report: Report{Results: but("RT-HS-001/a", NotTested, NeedsClient)}, judging: Judging{AllowIncomplete: true}, verdict: Incomplete, exit: 0},
		{name: "incomplete in a cluster, allowed", report: Report{Results: but("RT-HS-001/a", NotTested, InACluster)}, judging: Judging{AllowIncomplete: true}, verdict: Incomplete, exit: 0},
		{name: "a row without a result is no want of means", report: Report{Results: without("RT-HS-001")}, judging: Judging{AllowIncomplete: true}, verdict: Incomplete, exit: 5},
		{name: "an interrupted row is no want of means", report: Report{Results: but("RT-HS-001/a", NotTested, Interrupted)}, judging: Judging{AllowIncomplete: true}, verdict: Incomplete, exit: 5},
		{name: "allowed, but nothing was tested", report: Report{Results: []Result{res("RT-HS-001/a", corpus.Must, "core", NotTested, NeedsClient)}}, rows: twoCore[:1], judging: Judging{AllowIncomplete: true}, verdict: Incomplete, exit: 5},
		{name: "narrowed", report: Report{Results: []Result{res("RT-HS-001/a", corpus.Must, "core", Pass)}}, judging: Judging{Narrowed: true}, verdict: Incomplete, exit: 0},
		{name: "narrowed and failed", report: Report{Results: []Result{res("RT-HS-001/a", corpus.Must, "core", Fail)}}, judging: Judging{Narrowed: true}, verdict: Fails, exit: 1},
		{name: "narrowed to what could not be tested", report: Report{Results: []Result{res("RT-HS-001/a", corpus.Must, "core", NotTested, NeedsClient)}}, judging: Judging{Narrowed: true}, verdict: Incomplete, exit: 5},
		{name: "narrowed and interrupted", report: Report{Interrupted: true, Results: []Result{res("RT-HS-001/a", corpus.Must, "core", Pass)}}, judging: Judging{Narrowed: true}, verdict: Incomplete, exit: 5},
		{name: "interrupted after everything", report: Report{Interrupted: true, Results: passing()}, verdict: Incomplete, exit: 5},

		{name: "required and conforming", report: Report{Results: passing()}, judging: Judging{Require: []string{"gossip"}}, verdict: Conforms, exit: 0},
		{name: "all required and conforming", report: Report{Results: passing()}, judging: Judging{Require: []string{RequireAll}}, verdict: Conforms, exit: 0},
		{name: "required and not tested", report: Report{Results: but("RT-GOS-001/a", NotTested, NeedsListener)}, judging: Judging{Require: []string{"gossip"}}, verdict: Incomplete, exit: 5},
		{name: "all required, one not tested", report: Report{Results: but("RT-GOS-001/a", NotTested, NeedsListener)}, judging: Judging{Require: []string{RequireAll}}, verdict: Incomplete, exit: 5},
		{name: "required by name is not forgiven", report: Report{Results: but("RT-GOS-001/a", NotTested, NeedsListener)}, judging: Judging{Require: []string{"gossip"}, AllowIncomplete: true, Narrowed: true}, verdict: Incomplete, exit: 5},
		{name: "required and outside of the profile", report: Report{Results: passing()}, judging: Judging{Require: []string{"leaf"}}, verdict: Incomplete, exit: 5},
		{name: "required and failing", report: Report{Results: but("RT-GOS-001/a", Fail)}, judging: Judging{Require: []string{"gossip"}}, verdict: Fails, exit: 1},

		{name: "the harness failed", report: Report{Results: but("RT-HS-001/a", HarnessError)}, verdict: Errored, exit: 6},
		{name: "the harness failed in a SHOULD", report: Report{Results: but("RT-HS-003/a", HarnessError)}, verdict: Errored, exit: 6},
		{name: "a status of another world", report: Report{Results: but("RT-HS-003/a", "splendid")}, verdict: Errored, exit: 6},
		{name: "target lost", report: Report{TargetLost: "connection refused", Results: passing()}, verdict: Errored, exit: 3},
		{name: "an unexpected pass", report: Report{Results: but("RT-HS-001/a", UnexpectedPass)}, verdict: Conforms, exit: 4},
		{name: "a known failure", report: Report{Results: but("RT-HS-001/a", ExpectedFail)}, verdict: Incomplete, exit: 0},
		{name: "a known failure and a gap", report: Report{Results: append(but("RT-HS-001/a", ExpectedFail)[:1:1], without("RT-HS-002")[1:]...)}, verdict: Incomplete, exit: 5},

		// Precedence: 6, 1, 3, 4, 5.
		{name: "6 before 1", report: Report{Results: append(but("RT-HS-001/a", Fail), res("RT-HS-001/b", corpus.Must, "core", HarnessError))}, verdict: Errored, exit: 6},
		{name: "1 before 3", report: Report{TargetLost: "gone", Results: but("RT-HS-001/a", Fail)}, verdict: Fails, exit: 1},
		{name: "3 before 4", report: Report{TargetLost: "gone", Results: but("RT-HS-001/a", UnexpectedPass)}, verdict: Errored, exit: 3},
		{name: "4 before 5", report: Report{Results: append(but("RT-HS-001/a", UnexpectedPass), res("RT-HS-001/b", corpus.Must, "core", NotTested, NeedsClient))}, verdict: Incomplete, exit: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows := tt.rows
			if rows == nil {
				rows = twoCore
			}
			j := Judge(&tt.report, rows, tt.judging)
			if tt.report.Verdict != tt.verdict || j.Exit != tt.exit {
				t.Errorf("got %s, exit %d; want %s, exit %d\ncapabilities %v, gaps %v", tt.report.Verdict, j.Exit, tt.verdict, tt.exit, tt.report.Capabilities, j.Gaps)
			}
		})
	}
}

func TestCapabilityVerdicts(t *testing.T) {
	rows := []corpus.Requirement{
		row("RT-HS-001", corpus.Must, "core"), row("RT-GOS-001", corpus.Must, "gossip"), row("RT-GOS-002", corpus.Must, "gossip"),
		row("RT-AUTH-001", corpus.Must, "auth"), row("RT-POOL-001", corpus.Should, "pooling"), row("RT-TLS-001", corpus.Must, "tls"),
	}
	r := Report{
		Targets: []Target{{Offers: map[string]bool{"tls": false, "auth": true}}},
		Results: []Result{
			res("RT-HS-001/a", corpus.Must, "core", Pass),
			res("RT-GOS-001/a", corpus.Must, "gossip", Pass),
			res("RT-GOS-002/a", corpus.Must, "gossip", NotTested, NeedsListener),
			res("RT-AUTH-001/a", corpus.Must, "auth", NotTested, NeedsAuth),
			res("RT-POOL-001/a", corpus.Should, "pooling", Warn),
			res("RT-TLS-001/a", corpus.Must, "tls", NotApplicable),
		},
	}
	j := Judge(&r, rows, Judging{Require: []string{"gossip", "auth", "tls", "pooling"}})
	want := map[string]Verdict{
		"core": Conforms, "gossip": Incomplete, "auth": Untested, "pooling": Conforms, "tls": NotOffered,
	}
	for name, verdict := range want {
		if r.Capabilities[name] != verdict {
			t.Errorf("%s: got %s, want %s", name, r.Capabilities[name], verdict)
		}
	}
	if len(r.Capabilities) != len(want) {
		t.Errorf("got verdicts on %v, want %v", r.Capabilities, want)
	}
	if want := []string{"auth", "gossip", "tls"}; !slices.Equal(j.Unmet, want) {
		t.Errorf("unmet: got %v, want %v", j.Unmet, want)
	}
}

// A server that was set up for a capability and does not let it be tested spoils the run; want of means does not.
func TestDeniedIsNotGreen(t *testing.T) {
	for reason, exit := range map[string]int{NeedsSetup: ExitIncomplete, NeedsRegistration: ExitIncomplete, NeedsPong: ExitIncomplete, NeedsAuth: ExitOK} {
		r := Report{Results: but("RT-GOS-001/a", NotTested, reason)}
		j := Judge(&r, twoCore, Judging{Narrowed: true, AllowIncomplete: true})
		if j.Exit != exit || (r.Verdict == Conforms) != (exit == ExitOK) || (len(j.Denied) == 1) != (exit == ExitIncomplete) {
			t.Errorf("%s: exit %d, verdict %s, denied %v", reason, j.Exit, r.Verdict, j.Denied)
		}
	}
}

// What was not tested is never green: whatever the results, conforms with exit 0 and without any leave of the operator
// means that every applicable MUST of core has a result and that each of its results passed.
func TestNotTestedIsNeverGreen(t *testing.T) {
	statuses := []Status{
		Pass, Pass, Pass, Pass, Fail, Warn, Observed, NotApplicable, NotTested, Disputed, HarnessError, ExpectedFail, UnexpectedPass, "other",
	}
	reasons := []string{NeedsClient, NeedsSetup, NeedsPong, IsDisruptive, InACluster, Interrupted, Filtered, ""}
	rapid.Check(t, func(t *rapid.T) {
		rows, r := twoCore, Report{}
		for _, row := range rows {
			for range rapid.IntRange(0, 3).Draw(t, "results") {
				r.Results = append(r.Results, res(row.ID+"/x", row.Level, row.Capability,
					rapid.SampledFrom(statuses).Draw(t, "status"), rapid.SampledFrom(reasons).Draw(t, "reason")))
			}
		}
		r.Interrupted = rapid.Bool().Draw(t, "interrupted")
		o := Judging{Narrowed: rapid.Bool().Draw(t, "narrowed"), AllowIncomplete: rapid.Bool().Draw(t, "allow")}
		j := Judge(&r, rows, o)

		green, judged := true, false
		for _, row := range rows {
			of := slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool { return x.Requirement() != row.ID })
			for _, x := range of {
				judged = judged || x.Status != NotTested && x.Status != NotApplicable
				green = green && !(x.Status == Fail || x.Status == HarnessError || x.Status == "other")
				if row.Level == corpus.Must && row.Capability == core {
					green = green && slices.Contains([]Status{Pass, Disputed, NotApplicable, UnexpectedPass}, x.Status)
				}
			}
			if row.Level == corpus.Must && row.Capability == core && len(of) == 0 {
				green = false
			}
		}
		if r.Verdict == Conforms && (!green || r.Interrupted) {
			t.Fatalf("conforms, although not everything passed: %v", r.Results)
		}
		if j.Exit == 0 && !judged {
			t.Fatalf("exit 0, although nothing was judged: %v", r.Results)
		}
		if j.Exit == 0 && r.Interrupted {
			t.Fatal("exit 0 of an interrupted run")
		}
		if j.Exit == 0 && !green && !o.Narrowed && !o.AllowIncomplete && r.Summary.ExpectedFailures == 0 {
			t.Fatalf("exit 0, although not everything passed and the operator gave no leave: %v", r.Results)
		}
	})
}
