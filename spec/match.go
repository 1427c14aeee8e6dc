package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega/types"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// opsMatcher compares what a peer has seen with operations. It remembers its last mismatch for the report.
type opsMatcher struct {
	suite *Suite
	want  []wire.Op
	label string
	match func(got []harness.Seen, want []wire.Op) bool
}

// BeOps matches []harness.Seen that is exactly these operations, in this order. No operations: nothing at all was seen.
func (s *Suite) BeOps(ops ...wire.Op) types.GomegaMatcher {
	return &opsMatcher{s, ops, "exactly, in order", func(got []harness.Seen, want []wire.Op) bool {
		return slices.EqualFunc(got, want, is)
	}}
}

// BeOpsInAnyOrder matches []harness.Seen that is exactly these operations, in whatever order.
func (s *Suite) BeOpsInAnyOrder(ops ...wire.Op) types.GomegaMatcher {
	return &opsMatcher{s, ops, "exactly, in any order", func(got []harness.Seen, want []wire.Op) bool {
		if len(got) != len(want) {
			return false
		}
		rest := slices.Clone(want)
		for _, seen := range got {
			at := slices.IndexFunc(rest, func(op wire.Op) bool { return is(seen, op) })
			if at < 0 {
				return false
			}
			rest = slices.Delete(rest, at, at+1)
		}
		return true
	}}
}

// ContainOp matches []harness.Seen that has this operation among others.
func (s *Suite) ContainOp(op wire.Op) types.GomegaMatcher {
	return &opsMatcher{s, []wire.Op{op}, "among others", func(got []harness.Seen, want []wire.Op) bool {
		return slices.ContainsFunc(got, func(seen harness.Seen) bool { return is(seen, want[0]) })
	}}
}

// is tells whether what was seen means the same as an operation.
func is(seen harness.Seen, op wire.Op) bool { return seen.Op.Equal(&op) }

// Match compares. It fails with an error only when the actual value is not []harness.Seen.
func (m *opsMatcher) Match(actual any) (bool, error) {
	got, ok := actual.([]harness.Seen)
	if !ok {
		return false, fmt.Errorf("BeOps and ContainOp look at []harness.Seen, not %T", actual)
	}
	return m.match(got, m.want), nil
}

// FailureMessage words the mismatch and hands its parts to the report.
func (m *opsMatcher) FailureMessage(actual any) string { return m.message(actual, "") }

// NegatedFailureMessage is FailureMessage for NotTo.
func (m *opsMatcher) NegatedFailureMessage(actual any) string { return m.message(actual, "not ") }

func (m *opsMatcher) message(actual any, not string) string {
	got, _ := actual.([]harness.Seen)
	f := m.suite.mismatch(not+listOps(m.want), listSeen(got), not == "" && len(m.want) == 1 && len(got) == 1)
	return fmt.Sprintf("expected %s (%s), got %s", f.Expected[0], m.label, f.Got)
}

// mismatch hands the parts of a failed match to the report, with the place of the first difference where it means
// something: one thing was expected and one came.
func (s *Suite) mismatch(want, got string, comparable bool) *report.Failure {
	s.now.failure = &report.Failure{Expected: []string{want}, Got: got, Offset: -1}
	if comparable {
		s.now.failure.Offset = firstDifference(want, got)
	}
	return s.now.failure
}

func listOps(ops []wire.Op) string {
	texts := make([]string, len(ops))
	for i := range ops {
		texts[i] = describe(&ops[i])
	}
	return orNothing(texts)
}

func listSeen(seen []harness.Seen) string {
	texts := make([]string, len(seen))
	for i := range seen {
		texts[i] = describe(&seen[i].Op)
	}
	return orNothing(texts)
}

// describe is an operation with what its line does not show: the payload, shortened.
func describe(op *wire.Op) string {
	if len(op.Payload) == 0 {
		return op.String()
	}
	payload := string(op.Payload)
	if len(payload) > 60 {
		payload = payload[:60] + "…"
	}
	return fmt.Sprintf("%s %q", op, payload)
}

func orNothing(texts []string) string {
	switch {
	case len(texts) == 0:
		return "nothing"
	case len(texts) > 12:
		return strings.Join(texts[:12], " · ") + fmt.Sprintf(" · … (%d in all)", len(texts))
	}
	return strings.Join(texts, " · ")
}

func firstDifference(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return min(len(a), len(b))
}
