package spec

import (
	"fmt"
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
		if len(got) != len(want) {
			return false
		}
		for i := range want {
			if !got[i].Op.Equal(&want[i]) {
				return false
			}
		}
		return true
	}}
}

// BeOpsInAnyOrder matches []harness.Seen that is exactly these operations, in whatever order.
func (s *Suite) BeOpsInAnyOrder(ops ...wire.Op) types.GomegaMatcher {
	return &opsMatcher{s, ops, "exactly, in any order", func(got []harness.Seen, want []wire.Op) bool {
		if len(got) != len(want) {
			return false
		}
		rest := append([]wire.Op(nil), want...)
		for i := range got {
			at := indexOf(rest, &got[i].Op)
			if at < 0 {
				return false
			}
			rest = append(rest[:at], rest[at+1:]...)
		}
		return true
	}}
}

// ContainOp matches []harness.Seen that has this operation among others.
func (s *Suite) ContainOp(op wire.Op) types.GomegaMatcher {
	return &opsMatcher{s, []wire.Op{op}, "among others", func(got []harness.Seen, want []wire.Op) bool {
		for i := range got {
			if got[i].Op.Equal(&want[0]) {
				return true
			}
		}
		return false
	}}
}

func indexOf(ops []wire.Op, op *wire.Op) int {
	for i := range ops {
		if ops[i].Equal(op) {
			return i
		}
	}
	return -1
}

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
	f := report.Failure{Expected: []string{not + listOps(m.want)}, Got: listSeen(got), Offset: -1}
	if not == "" && len(m.want) == 1 && len(got) == 1 {
		f.Offset = firstDifference(f.Expected[0], f.Got)
	}
	m.suite.now.failure = &f
	return fmt.Sprintf("expected %s%s (%s), got %s", not, listOps(m.want), m.label, f.Got)
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
