package report

import (
	"slices"
	"strings"

	"github.com/natsroute/natsroute/corpus"
)

// Exit codes of a certification, and the order in which they win where several hold: 2, 6, 1, 3, 4, 5.
const (
	ExitOK          = 0
	ExitFails       = 1 // a MUST failed
	ExitUsage       = 2 // usage or configuration
	ExitUnreachable = 3 // target unreachable at the start, or lost with no input to blame
	ExitBaseline    = 4 // a known failure passed: the list of known failures is stale
	ExitIncomplete  = 5 // incomplete, interrupted, or nothing matched
	ExitHarness     = 6 // the harness itself failed
)

// core is the capability that a conforming server must have.
const core = "core"

// RequireAll in Judging.Require stands for every capability of the profile that the target offers.
const RequireAll = "all"

// Judging is what the operator said about the run as a whole.
type Judging struct {
	Require         []string // capabilities that must be tested and conform; RequireAll: every one
	Narrowed        bool     // a selection left rows out
	AllowIncomplete bool     // core rows that could not be tested for want of means do not spoil the exit code
}

// Gap is an applicable MUST without a judgement: why a verdict is not conforms.
type Gap struct {
	Requirement string
	Capability  string
	// Reason is a reason word of not_tested; empty: the row has no result at all.
	Reason string
}

// Judgement is what Judge adds to the report it has filled.
type Judgement struct {
	Exit int
	// Gaps are in the order of the register.
	Gaps []Gap
	// Unmet are the required capabilities that were not fully tested, or are not offered.
	Unmet []string
	// Denied are the capabilities beside core of which a MUST stayed open because a server, set up for it, did not start, took no
	// peer or answered none. That is no want of means: nothing is green then.
	Denied []string
}

// Judge fills the report's Summary, Capabilities and Verdict from its Results. rows is the profile's part of the
// register: a MUST in it that has no result is as open as one that was not tested.
func Judge(r *Report, rows []corpus.Requirement, o Judging) Judgement {
	r.Summary = Count(r.Results)
	r.Narrowed = o.Narrowed
	standings := standingsOf(r.Results)
	j := Judgement{Gaps: gaps(rows, standings)}
	r.Capabilities = capabilities(r, rows, standings, j.Gaps)
	j.Unmet = unmet(r.Capabilities, o.Require)
	j.Denied = denied(j.Gaps)
	r.Verdict = verdict(r, j)
	j.Exit = exitCode(r, j, o)
	return j
}

// Count adds up the statuses. A status that is no word of this package counts as an error of the harness, so that it
// can never look like success.
func Count(results []Result) Summary {
	var s Summary
	for _, res := range results {
		*s.counter(res.Status)++
	}
	return s
}

func (s *Summary) counter(status Status) *int {
	switch status {
	case Pass:
		return &s.Passed
	case Fail:
		return &s.Failed
	case Warn:
		return &s.Warned
	case Observed:
		return &s.Observed
	case NotApplicable:
		return &s.NotApplicable
	case NotTested:
		return &s.NotTested
	case Disputed:
		return &s.Disputed
	case ExpectedFail:
		return &s.ExpectedFailures
	case UnexpectedPass:
		return &s.UnexpectedPasses
	}
	return &s.HarnessErrors
}

// judged is the number of results that say something about the target.
func (s *Summary) judged() int {
	return s.Passed + s.Failed + s.Warned + s.Observed + s.Disputed + s.ExpectedFailures + s.UnexpectedPasses
}

// Requirement is the register row that the result judges: what precedes the slash of its id.
func (res *Result) Requirement() string {
	req, _, _ := strings.Cut(res.ID, "/")
	return req
}

// standing is what all results of one row say together.
type standing struct {
	failed, open bool
	reason       string // of the first result that left the row open
}

func standingsOf(results []Result) map[string]standing {
	all := make(map[string]standing)
	for i := range results {
		res := &results[i]
		st := all[res.Requirement()]
		switch res.Status {
		case Pass, Disputed, UnexpectedPass, NotApplicable:
		case Fail:
			st.failed = true
		default: // not tested, or ended in a way that no MUST may end
			if !st.open {
				st.open, st.reason = true, string(res.Status)
				if res.Status == NotTested {
					st.reason = res.Reason
				}
			}
		}
		all[res.Requirement()] = st
	}
	return all
}

// gaps lists the MUSTs without a judgement. Disruptive rows are left out: what can kill or rename a target runs only on
// request, so that its absence cannot be held against a target that must live on.
func gaps(rows []corpus.Requirement, standings map[string]standing) []Gap {
	var open []Gap
	for _, row := range rows {
		st, any := standings[row.ID]
		if row.Level != corpus.Must || (any && !st.open) || slices.Contains(row.Needs, IsDisruptive) && st.reason == IsDisruptive {
			continue
		}
		open = append(open, Gap{Requirement: row.ID, Capability: row.Capability, Reason: st.reason})
	}
	return open
}

func denied(open []Gap) []string {
	var names []string
	for _, g := range open {
		switch g.Reason {
		case NeedsSetup, NeedsRegistration, NeedsPong:
			if g.Capability != core && !slices.Contains(names, g.Capability) {
				names = append(names, g.Capability)
			}
		}
	}
	return names
}

func capabilities(r *Report, rows []corpus.Requirement, standings map[string]standing, open []Gap) map[string]Verdict {
	all := map[string]Verdict{core: Untested}
	for _, row := range rows {
		all[row.Capability] = Untested
	}
	for i := range r.Results {
		if res := &r.Results[i]; res.Capability != "" {
			all[res.Capability] = Untested
		}
	}
	for name := range all {
		all[name] = capability(r, name, standings, open)
	}
	return all
}

// capability is the verdict of one: a failure first, then whether the target has it at all, then whether all of it was
// tested. One that was tested in part is incomplete: neither green nor untouched.
func capability(r *Report, name string, standings map[string]standing, open []Gap) Verdict {
	var passed, failed bool
	for i := range r.Results {
		if res := &r.Results[i]; res.Capability == name {
			failed = failed || standings[res.Requirement()].failed
			passed = passed || speaksFor(res)
		}
	}
	whole := !slices.ContainsFunc(open, func(g Gap) bool { return g.Capability == name })
	switch {
	case failed:
		return Fails
	case !offered(r.Targets, name) && !passed:
		return NotOffered
	case !passed:
		return Untested
	case !whole:
		return Incomplete
	}
	return Conforms
}

// speaksFor tells whether the result shows that its capability was tested. Core rests on its MUSTs alone.
func speaksFor(res *Result) bool {
	switch res.Status {
	case Pass, Disputed, UnexpectedPass:
		return res.Capability != core || res.Level == string(corpus.Must)
	case Warn, Observed:
		return res.Capability != core
	}
	return false
}

// offered is false where every target's INFO rules the capability out. One that INFO does not speak of counts as offered.
func offered(targets []Target, name string) bool {
	for _, t := range targets {
		if offers, spoken := t.Offers[name]; offers || !spoken {
			return true
		}
	}
	return len(targets) == 0 || name == core
}

func unmet(verdicts map[string]Verdict, require []string) []string {
	var names []string
	for name := range verdicts {
		if slices.Contains(require, RequireAll) && verdicts[name] != NotOffered {
			names = append(names, name)
		}
	}
	for _, name := range require {
		if name != RequireAll && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return verdicts[name] == Conforms || verdicts[name] == Fails
	})
	slices.Sort(names)
	return names
}

// verdict is the run's. A failed harness says nothing about the target; a failed MUST says enough, whatever else is open.
func verdict(r *Report, j Judgement) Verdict {
	switch {
	case r.Summary.HarnessErrors > 0:
		return Errored
	case r.Summary.Failed > 0:
		return Fails
	case r.TargetLost != "":
		return Errored
	case r.Interrupted, r.Capabilities[core] != Conforms, len(j.Unmet)+len(j.Denied) > 0:
		return Incomplete
	}
	return Conforms
}

func exitCode(r *Report, j Judgement, o Judging) int {
	switch {
	case r.Summary.HarnessErrors > 0:
		return ExitHarness
	case r.Summary.Failed > 0:
		return ExitFails
	case r.TargetLost != "":
		return ExitUnreachable
	case r.Summary.UnexpectedPasses > 0:
		return ExitBaseline
	case r.Verdict == Conforms, forgiven(r, j, o):
		return ExitOK
	}
	return ExitIncomplete
}

// forgiven tells whether the operator has accepted that the run is incomplete. A run that was cut short is never
// forgiven, nor one that judged nothing, nor a capability that was required by name or that the target denied.
func forgiven(r *Report, j Judgement, o Judging) bool {
	if r.Interrupted || len(j.Unmet)+len(j.Denied) > 0 || r.Summary.judged() == 0 {
		return false
	}
	if o.Narrowed {
		return true
	}
	if r.Capabilities[core] == Untested {
		return false
	}
	for _, g := range j.Gaps {
		known := g.Reason == string(ExpectedFail)
		if g.Capability == core && !known && !(o.AllowIncomplete && wantOfMeans(g.Reason)) {
			return false
		}
	}
	return true
}

// wantOfMeans tells whether a row stayed open because the operator gave nothing to test it with, or the target's
// surroundings did not allow it.
func wantOfMeans(reason string) bool {
	return strings.HasPrefix(reason, "needs-") || reason == InACluster || reason == IsDisruptive
}
