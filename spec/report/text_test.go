package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/corpus"
)

// small is a run of five results with one failure.
func small() *Report {
	r := sample()
	fail := r.Results[1]
	fail.Failure.Message = "the reply marker is gone"
	pass := func(id, chapter string) Result {
		return Result{ID: id, Level: "must", Capability: "core", Chapter: chapter, Title: "a rule", Status: Pass}
	}
	skipped := pass("RT-AUTH-001/refused", "auth")
	skipped.Capability, skipped.Status, skipped.Reason = "auth", NotTested, NeedsAuth
	r.Results = []Result{pass("RT-HS-001/a", "handshake"), fail, pass("RT-LINE-001/a", "control_line"), pass("RT-HS-002/a", "handshake"), skipped}
	return r
}

func tell(r *Report, rows []corpus.Requirement, o TextOptions) string {
	var b bytes.Buffer
	text := NewText(&b, o)
	text.Begin(r, len(r.Results))
	for _, res := range r.Results {
		text.Each(res)
	}
	text.End(r, Judge(r, rows, Judging{}), "out/report.json")
	return b.String()
}

const failureText = `✖ RT-MSG-017/fail  MUST   RMSG with a queue list keeps the reply marker
    clause   seen 2.1.2..2.15.2; the page is silent
    because  the reply marker is gone
    expected RMSG $G x.svc + _INBOX.a q1 3
    got      RMSG $G x.svc _INBOX.a q1 3          first difference at byte 14
    wire     +0.0ms ->> [RS+ $G x.svc q1 1] [PING]
             +0.3ms <<- [PONG]
             +0.9ms <<- [RMSG $G x.svc _INBOX.a q1 3] "ab\x1b"      ◀ here
    again    natsroute certify --only RT-MSG-017
`

const verdictText = "FAILS  3 passed · 1 failed · 0 warned · 0 not applicable · 1 not tested · 4.1 s · report: out/report.json\n"

func TestPipedText(t *testing.T) {
	want := `natsroute 1.2.3 · profile srv-2.15 · target 127.0.0.1:6222 · launched nats-server@v2.15.2
nats-server 2.15.2\x1b[2J · proto 3 · offers: headers pool=3 lnoc · needs CONNECT first, lines ≤ 65536

✖ RT-MSG-017/fail  MUST   RMSG with a queue list keeps the reply marker

  handshake     ✔ 2
  control line  ✔ 1
  message       ✖ 1 of 1
  auth          ○ 1

` + failureText + `
not tested: auth 1 (--user, --password)
` + verdictText
	got := tell(small(), nil, TextOptions{Chapters: []string{"handshake", "control_line", "hop", "message"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQuietText(t *testing.T) {
	got := tell(small(), nil, TextOptions{Quiet: true, Live: true})
	if diff := cmp.Diff(failureText+"\n"+verdictText, got); diff != "" {
		t.Error(diff)
	}
}

// On a terminal the chapters are drawn again and again; what stands there at the end is what a screen would show.
func TestLiveText(t *testing.T) {
	r := small()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Live: true, Color: true, Width: 60, Chapters: []string{"handshake", "message"}})
	text.Begin(r, len(r.Results))
	for _, res := range r.Results[:4] {
		text.Each(res)
	}
	during := screenAfter(b.String())
	for _, want := range []string{
		"  handshake     ✔ 2       message       ✖ 1 of 1",
		"  control line  ✔ 1",
		"  ████████████████████████░░░░░░ 4 of 5  RT-HS-002/a",
	} {
		if !strings.Contains(during, want+"\n") {
			t.Errorf("while it runs the screen lacks %q:\n%s", want, during)
		}
	}
	text.Each(r.Results[4])
	text.End(r, Judge(r, nil, Judging{}), "")
	after := screenAfter(b.String())
	if strings.Contains(after, "█") || strings.Count(after, "handshake") != 1 {
		t.Errorf("the progress was left on the screen:\n%s", after)
	}
	for _, line := range strings.Split(after, "\n") {
		if n := len([]rune(line)); n > 60 && !strings.Contains(line, "again") { // which is there to be copied
			t.Errorf("%d columns on a screen of 60: %s", n, line)
		}
	}
	if !strings.Contains(b.String(), "\x1b[31m✖\x1b[0m") {
		t.Error("no colours, although they were asked for")
	}
}

// What is higher than the screen cannot be drawn again: the progress line alone is.
func TestLiveTextOnALowTerminal(t *testing.T) {
	r := small()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Live: true, Width: 60, Height: 3, Chapters: []string{"handshake", "message"}})
	text.Begin(r, len(r.Results))
	text.Each(r.Results[0])
	if during := screenAfter(b.String()); strings.Contains(during, "handshake") || !strings.Contains(during, "1 of 5") {
		t.Errorf("on three lines there is:\n%s", during)
	}
}

func TestHeaderOfAForeignServer(t *testing.T) {
	r := &Report{Profile: Profile{Name: "srv-2.10"}, Targets: []Target{{Server: "a:6222"}}, Warnings: []string{"seen at the start"}}
	for info, want := range map[string]string{
		`{"version":"9","compression":"s2_auto"}`:       "says version 9 · proto 0 · offers: s2(auto)",
		`{"version":"9","compression":"accept"}`:        "says version 9 · proto 0 · offers: s2(accept)",
		`{"version":"9","compression":"off"}`:           "says version 9 · proto 0 · offers: none",
		`{"version":"9","compression":"not supported"}`: "says version 9 · proto 0 · offers: none",
		`{}`: "says version none · proto 0 · offers: none",
	} {
		r.Targets[0].Info = json.RawMessage(info)
		if diff := cmp.Diff([]string{want, "warning: seen at the start"}, header(r)[1:]); diff != "" {
			t.Errorf("%s: %s", info, diff)
		}
	}
	r.Targets[0].Info = json.RawMessage(`{"version":9}`)
	if got := header(r); len(got) != 2 {
		t.Errorf("of an INFO that cannot be read the header tells %q", got)
	}
}

// A warning is told once: in the header if it was there, else at the end.
func TestLateWarnings(t *testing.T) {
	r := small()
	r.Warnings = []string{"two servers seen"}
	var b bytes.Buffer
	text := NewText(&b, TextOptions{})
	text.Begin(r, 0)
	r.Warnings = append(r.Warnings, "monitor: up 3s")
	text.End(r, Judge(r, nil, Judging{}), "")
	got := b.String()
	if strings.Count(got, "two servers seen") != 1 || !strings.Contains(got, "\nmonitor: up 3s\nnot tested: ") {
		t.Errorf("the warnings are told as:\n%s", got)
	}
}

// screenAfter plays what was written on a screen: cursor up, carriage return, clear to the end, colours.
func screenAfter(written string) string {
	lines := []string{""}
	for len(written) > 0 {
		switch {
		case strings.HasPrefix(written, "\x1b["):
			end := strings.IndexAny(written, "AJm")
			var n int
			if _, err := fmt.Sscanf(written[2:end+1], "%dA", &n); err == nil && written[end] == 'A' {
				lines = append(lines[:len(lines)-1-n], "")
			}
			written = written[end+1:]
		case written[0] == '\r':
			written = written[1:]
		case written[0] == '\n':
			lines = append(lines, "")
			written = written[1:]
		default:
			end := strings.IndexAny(written, "\x1b\r\n")
			if end < 0 {
				end = len(written)
			}
			lines[len(lines)-1] += written[:end]
			written = written[end:]
		}
	}
	return strings.Join(lines, "\n")
}

func TestTextIsSafeForATerminal(t *testing.T) {
	for name, o := range map[string]TextOptions{"piped": {}, "trace": {Trace: true}, "quiet": {Quiet: true}} {
		r := sample()
		for i := range r.Results {
			r.Results[i].Title = "\x1b]0;owned\a" // nothing may slip through, not even where a register would never have it
			r.Results[i].Clause = "\u202e"
		}
		r.TargetLost = "\x1b[31mgone"
		r.Warnings = []string{"\x07bell"}
		if got := tell(r, nil, o); !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x07\u202e\x00\ufffd") {
			t.Errorf("%s: a control character came through: %q", name, got)
		}
	}
}

func TestTraceTellsEveryResult(t *testing.T) {
	r := sample()
	r.Results[0].ID, r.Results[0].Status, r.Results[0].Reason = "RT-OUT-001/left", NotTested, Filtered
	got := tell(r, nil, TextOptions{Trace: true})
	for _, res := range r.Results[1:] {
		if !strings.Contains(got, res.ID) {
			t.Errorf("%s is not told", res.ID)
		}
	}
	if strings.Contains(got, r.Results[0].ID) {
		t.Error("what the selection left out is told")
	}
}

func TestRemarksOnAnIncompleteRun(t *testing.T) {
	r := &Report{Results: []Result{
		res("RT-HS-001/a", corpus.Must, "core", Pass),
		res("RT-HS-002/a", corpus.Must, "core", NotTested, NeedsClient),
		res("RT-GOS-001/a", corpus.Must, "gossip", NotTested, NeedsListener),
		res("RT-GOS-002/a", corpus.Must, "gossip", NotTested, IsDisruptive),
		res("RT-GOS-003/a", corpus.Must, "gossip", NotTested, Filtered),
		res("RT-GOS-004/a", corpus.Must, "gossip", NotTested, Interrupted), // told by the line on what ended the run
	}}
	j := Judge(r, twoCore, Judging{Require: []string{"gossip"}})
	want := []string{
		"not tested: core 1 (--client), gossip 2 (--disruptive; --listen)",
		"required and not fully tested: gossip (not tested)",
		"incomplete: no judgement on RT-HS-002", // RT-HS-003 is a SHOULD
	}
	if diff := cmp.Diff(want, remarks(r, j)); diff != "" {
		t.Error(diff)
	}
	if got := tell(r, twoCore, TextOptions{Quiet: true}); !strings.Contains(got, "4 not tested") || !strings.Contains(got, "1 left out by the selection") {
		t.Errorf("what was left out is not told apart: %s", got)
	}
}

func TestManyFailuresAreAllRepeated(t *testing.T) {
	r := &Report{}
	for i := range 30 {
		r.Results = append(r.Results, res(fmt.Sprintf("RT-HS-%03d/a", i), corpus.Must, "core", Fail))
	}
	got := tell(r, nil, TextOptions{Quiet: true})
	for _, x := range r.Results {
		if !strings.Contains(got, x.ID) {
			t.Errorf("%s is not told", x.ID)
		}
	}
	if lines := strings.Split(strings.TrimSpace(got), "\n"); !strings.HasPrefix(lines[len(lines)-1], "FAILS  0 passed · 30 failed") {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
}
