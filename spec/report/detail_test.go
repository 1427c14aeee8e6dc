package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClause(t *testing.T) {
	for _, tt := range []struct{ clause, differs, rule, want string }{
		{"seen:2.1.2..2.15.2", "", "", "seen 2.1.2..2.15.2; the page is silent"},
		{"seen:2.1.2..2.15.2", "The page has no queue.", "", "seen 2.1.2..2.15.2"},
		{"doc:RS+; doc:RS-; seen:2.1.2", "", "", "page RS+; page RS-; seen 2.1.2"},
		{"seen:2.15.2; src:server/route.go@2.15.2", "", "a rule", "a rule (source: seen 2.15.2; code server/route.go@2.15.2; the page is silent)"},
		{"", "", "a rule", "a rule"},
	} {
		res := &Result{Clause: tt.clause, PageDiffers: tt.differs}
		if got := clause(res, tt.rule); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.clause, got, tt.want)
		}
	}
}

// received makes a transcript of reads.
func received(reads ...string) []TranscriptEntry {
	entries := []TranscriptEntry{{0, "A", ">", `RS+ $G a q 1\r\n`, false}}
	for _, r := range reads {
		entries = append(entries, TranscriptEntry{1, "A", "<", r, false})
	}
	return entries
}

func TestCulprit(t *testing.T) {
	for _, tt := range []struct {
		name          string
		expected, got string
		reads         []string
		index         int
	}{
		{"one operation", "RS+ $G a q 2", "RS+ $G a q 1", []string{`PONG\r\n`, `RS+ $G a q 1\r\n`, `PONG\r\n`}, 2},
		{"the last of several, if one was looked at", "PONG", "PING", []string{`PING\r\n`, `PING\r\n`}, 2},
		{"a payload is no part of its line", `RMSG $G a 1 "b"`, `RMSG $G a 1 "c"`, []string{`RMSG $G a 1\r\nc\r\n`}, 1},
		{"a longer line is another", "RS+ $G b", "RS+ $G a q", []string{`RS+ $G a q 1\r\n`}, -1},
		{"the first that is not as expected", "RS+ $G a q 1 · RS+ $G a q 2 · RS+ $G a q 3", "RS+ $G a q 1 · RS+ $G a q 1 · RS+ $G a q 1", []string{`RS+ $G a q 1\r\n`, `RS+ $G a q 1\r\n`, `RS+ $G a q 1\r\n`}, 2},
		{"several in one read", "RS+ $G a · RS+ $G b · RS+ $G c", "RS+ $G a · RS+ $G b · RS+ $G b", []string{`RS+ $G a\r\nRS+ $G b\r\n`, `RS+ $G b\r\nPONG\r\n`}, 2},
		{"one too many", "RS+ $G a", "RS+ $G a · RS- $G a", []string{`RS+ $G a\r\n`, `RS- $G a\r\n`, `PONG\r\n`}, 2},
		{"what had to be missing", "not RS+ $G b", "RS+ $G a · RS+ $G b", []string{`RS+ $G a\r\n`, `RS+ $G b\r\n`, `PONG\r\n`}, 2},
		{"one too few", "RS+ $G a · RS+ $G b · RS+ $G c", "RS+ $G a · RS+ $G b", []string{`RS+ $G a\r\nRS+ $G b\r\n`}, -1},
		{"nothing", "RS+ $G a", "nothing", []string{`PONG\r\n`}, -1},
		{"the blank behind INFO", "CONNECT {}", `INFO {"port":1}`, []string{`INFO {\"port\":1} \r\n`}, 1},
		{"sent by us", "RS+ $G a q 2", "RS+ $G a q 1", nil, -1},
	} {
		res := &Result{Failure: &Failure{Expected: []string{tt.expected}, Got: tt.got}, Transcript: received(tt.reads...)}
		if index, _ := culprit(res); index != tt.index {
			t.Errorf("%s: entry %d is to blame, want %d", tt.name, index, tt.index)
		}
	}
}

func TestWindow(t *testing.T) {
	for _, tt := range []struct{ n, entries, here, from, to int }{
		{5, 0, -1, 0, 5},
		{13, 12, -1, 0, 13}, // the line that says that one is missing is as long as the one
		{20, 12, -1, 8, 20},
		{20, 12, 15, 8, 20},
		{40, 12, 20, 14, 26},
		{40, 12, 2, 0, 12},
		{40, 12, 7, 0, 13}, // neither is the first left out alone
		{20, 12, 7, 0, 13},
		{14, 12, 1, 0, 12},
		{14, 12, -1, 2, 14},
	} {
		from, to := window(tt.n, tt.entries, tt.here)
		if from != tt.from || to != tt.to {
			t.Errorf("%d entries, at most %d, around %d: from %d to %d, want %d to %d", tt.n, tt.entries, tt.here, from, to, tt.from, tt.to)
		}
	}
}

// On a narrow terminal a failure is broken, not cut: the difference may be at the end. The wire is cut, its mark is not.
func TestNarrowDetail(t *testing.T) {
	res := &Result{
		ID: "RT-QUE-004/last", Clause: "seen:2.1.2..2.15.2", PageDiffers: "The page's RS- has no queue.", Repro: "natsroute certify --only RT-QUE-004/last --seed 42 --trace",
		Failure: &Failure{
			Message:  "each member that leaves lowers the weight\nexpected RS+ $G a.long.subject queue 2 (exactly, in order), got RS+ $G a.long.subject queue 3",
			Expected: []string{"RS+ $G a.long.subject queue 2", "closed"}, Got: "RS+ $G a.long.subject queue 3", Offset: 28,
		},
		Transcript: received(`INFO {\"server_id\":\"NABCDEFGHIJKLMNOPQRSTUVWXYZ\"} \r\n`, `RS+ $SYS a\r\nRS+ $SYS b\r\nRS+ $G a.long.subject queue 3\r\nRS+ $SYS c\r\n`),
	}
	var b bytes.Buffer
	writeDetail(&b, res, detail{entries: 12, width: 46, rule: "a member that leaves lowers the weight"})
	want := `    clause   a member that leaves lowers the
             weight (source: seen
             2.1.2..2.15.2)
    page     differs: The page's RS- has no
             queue.
    because  each member that leaves lowers
             the weight
    expected RS+ $G a.long.subject queue 2
    or       closed
    got      RS+ $G a.long.subject queue 3
             first difference at byte 28
    wire     +0.0ms ->> [RS+ $G a q 1]
             +1.0ms <<- [INFO {"server_id":"N…
             +1.0ms <<- … [RS+ $G…      ◀ here
    again    natsroute certify --only RT-QUE-004/last --seed 42 --trace
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// The lines that are left out are counted at both ends, and a culprit that came early is shown.
func TestEarlyCulpritIsShown(t *testing.T) {
	var reads []string
	for i := range 40 {
		reads = append(reads, fmt.Sprintf(`RS+ $G s%d\r\n`, i))
	}
	res := &Result{Failure: &Failure{Expected: []string{"PING"}, Got: "RS+ $G s19"}, Transcript: received(reads...)}
	var b bytes.Buffer
	writeDetail(&b, res, detail{entries: 12})
	got := b.String()
	for _, want := range []string{"… 14 earlier lines", "[RS+ $G s19]      ◀ here", "… 15 later lines"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	b.Reset()
	writeDetail(&b, res, detail{})
	if all := b.String(); strings.Contains(all, "…") || !strings.Contains(all, "[RS+ $G s0]") || !strings.Contains(all, "[RS+ $G s39]") {
		t.Errorf("the whole wire is not whole:\n%s", all)
	}
}
