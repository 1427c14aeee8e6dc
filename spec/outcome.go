package spec

import (
	"sort"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

// finish turns what Ginkgo and the spec say into a result.
func (s *Suite) finish(sr SpecReport) {
	if sr.LeafNodeType != types.NodeTypeIt || s.report == nil { // a preview has no report
		return
	}
	e := entryOf(sr.LeafNodeText, sr.Labels())
	row := s.row(e.Requirements[0])
	if sr.NumAttempts == 0 { // not started: the run was cut
		s.interrupted = true
		s.now = current{entry: e, status: report.NotTested, reason: report.Interrupted}
		if !s.o.Select.selects(e, row) {
			s.now.reason = report.Filtered
		}
	}
	result := report.Result{
		ID: e.ID, Target: s.Key(), Requirements: e.Requirements,
		Level: string(row.Level), Capability: row.Capability, Chapter: row.Chapter,
		Title: title(sr), Clause: row.Clause, PageDiffers: row.PageDiffers,
		Value: s.now.value, DurationMS: float64(sr.RunTime.Microseconds()) / 1000,
	}
	result.Status, result.Reason = s.outcome(sr, row)
	switch result.Status {
	case report.Fail, report.Warn, report.HarnessError, report.Disputed:
		result.Failure = s.failure(sr)
	}
	result.Transcript = s.transcript()
	if s.o.Repro != nil {
		result.Repro = s.o.Repro(e.ID)
	}
	s.report.Results = append(s.report.Results, result)
	s.tellSent()
	if s.o.Each != nil {
		s.o.Each(result)
	}
}

func title(sr SpecReport) string {
	return strings.Join(append(append([]string(nil), sr.ContainerHierarchyTexts[1:]...), sr.LeafNodeText), ": ")
}

// outcome is the status of a spec: by its state, and a failure by the row's level.
func (s *Suite) outcome(sr SpecReport, row corpus.Requirement) (report.Status, string) {
	switch {
	case s.panicked(sr) != "":
		return report.HarnessError, ""
	case s.now.death != "" && row.Disputed != "":
		return report.Disputed, ""
	case s.now.death != "":
		return report.Fail, ""
	case s.now.status != "":
		return s.now.status, s.now.reason
	case sr.State == types.SpecStatePassed && s.now.value != "":
		return report.Observed, ""
	case sr.State == types.SpecStatePassed:
		return report.Pass, ""
	case sr.State.Is(types.SpecStateInterrupted | types.SpecStateAborted | types.SpecStateTimedout | types.SpecStatePending | types.SpecStateSkipped):
		s.interrupted = true
		return report.NotTested, report.Interrupted
	case row.Disputed != "":
		return report.Disputed, ""
	case row.Level == corpus.May, row.Level == corpus.Should: // of a MAY: it went none of the ways that are named
		return report.Warn, ""
	}
	return report.Fail, ""
}

// panicked is what the spec panicked with, in its first attempt or the last; empty: it did not.
func (s *Suite) panicked(sr SpecReport) string {
	for _, attempt := range []types.SpecReport{s.now.verdict, sr} {
		if attempt.State == types.SpecStatePanicked {
			return "it said: " + attempt.Failure.ForwardedPanic
		}
	}
	return ""
}

func (s *Suite) failure(sr SpecReport) *report.Failure {
	f := report.Failure{Offset: -1}
	if s.now.failure != nil {
		f = *s.now.failure
	}
	f.Message = sr.Failure.Message
	if said := s.now.verdict.Failure.Message; said != "" && s.now.death == "" {
		f.Message = said
	}
	if s.now.death != "" {
		f = report.Failure{Message: "the target's process ended while this spec was in flight", Expected: []string{"the process lives on"}, Got: s.now.death, Offset: -1}
	}
	if panic := s.panicked(sr); panic != "" {
		f.Message = "the suite itself panicked, " + panic
	}
	return &f
}

// transcript merges those of the spec's peers, in order of time since the spec began.
func (s *Suite) transcript() []report.TranscriptEntry {
	var all []harness.Entry
	for _, p := range s.now.peers {
		all = append(all, p.Transcript().Entries()...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].At < all[j].At })
	out := make([]report.TranscriptEntry, 0, len(all))
	for _, e := range all {
		out = append(out, report.TranscriptEntry{
			MS: float64((e.At - s.now.since).Microseconds()) / 1000, Conn: e.Conn, Dir: string(e.Dir), Bytes: escape(e.Data), S2: e.S2,
		})
	}
	return out
}

// tellSent hands on what the spec's peers have sent.
func (s *Suite) tellSent() {
	if s.o.Sent == nil {
		return
	}
	for _, p := range s.now.peers {
		if stream := p.Transcript().Sent(); len(stream) > 0 {
			s.o.Sent(stream)
		}
	}
}

// escape writes bytes as a Go string literal without its quotes.
func escape(b []byte) string {
	q := strconv.QuoteToASCII(string(b))
	return q[1 : len(q)-1]
}
