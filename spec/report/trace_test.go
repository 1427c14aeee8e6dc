package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWireLog(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries []TranscriptEntry
		want    []string
	}{
		{
			"operations in brackets",
			[]TranscriptEntry{{0, "A", ">", `RS+ $G a q 1\r\nPING\r\n`, false}, {0.25, "A", "<", `PONG\r\n`, false}},
			[]string{"+0.0ms ->> [RS+ $G a q 1] [PING]", "+0.2ms <<- [PONG]"},
		},
		{
			"a payload is quoted, and its size decides where it ends",
			[]TranscriptEntry{{1, "A", "<", `RMSG $G a 6\r\nPING\r\n\r\nPING\r\n`, false}},
			[]string{`+1.0ms <<- [RMSG $G a 6] "PING\r\n" [PING]`},
		},
		{
			"a payload over two reads",
			[]TranscriptEntry{{1, "A", "<", `HMSG $G a 2 4\r\nab`, false}, {2, "A", "<", `cd\r\nPING\r\n`, false}},
			[]string{`+1.0ms <<- [HMSG $G a 2 4] "ab"`, `+2.0ms <<- "cd" [PING]`},
		},
		{
			"an empty payload",
			[]TranscriptEntry{{1, "A", "<", `rmsg $G a 0\r\n\r\nPONG\r\n`, false}},
			[]string{`+1.0ms <<- [rmsg $G a 0] "" [PONG]`},
		},
		{
			"connections have letters where there are two",
			[]TranscriptEntry{{0, "A", ">", `PING\r\n`, false}, {1, "B", "<", `PING\r\n`, false}},
			[]string{"+0.0ms A ->> [PING]", "+1.0ms B <<- [PING]"},
		},
		{
			"each connection and direction has its own payload",
			[]TranscriptEntry{{0, "A", ">", `RMSG $G a 4\r\nPI`, false}, {0, "B", ">", `PING\r\n`, false}, {0, "A", "<", `PONG\r\n`, false}, {1, "A", ">", `NG\r\nPING\r\n`, false}},
			[]string{`+0.0ms A ->> [RMSG $G a 4] "PI"`, "+0.0ms B ->> [PING]", "+0.0ms A <<- [PONG]", `+1.0ms A ->> "NG" [PING]`},
		},
		{
			"what is no operation shows its bytes",
			[]TranscriptEntry{{0, "A", ">", ` PING\r\n\r\nPI`, false}, {0, "A", "<", `\x1b[2J\n`, false}},
			[]string{`+0.0ms ->> " PING\r\n" "\r\n" "PI"`, `+0.0ms <<- "\x1b[2J\n"`},
		},
		{
			"the blank that servers put behind INFO is usual, others are shown",
			[]TranscriptEntry{{0, "A", "<", `INFO {\"port\":1} \r\n`, false}, {0, "A", ">", `RS+ $G a \r\n`, false}},
			[]string{`+0.0ms <<- [INFO {"port":1} ]`, `+0.0ms ->> "RS+ $G a \r\n"`},
		},
		{
			"a note ends what was pending",
			[]TranscriptEntry{{0, "A", "<", `RMSG $G a 9\r\nab`, false}, {1, "A", "#", "closed by the target", false}, {2, "A", "<", `PING\r\n`, false}},
			[]string{`+0.0ms <<- [RMSG $G a 9] "ab"`, "+1.0ms --- closed by the target", "+2.0ms <<- [PING]"},
		},
		{
			"a size that no payload can have",
			[]TranscriptEntry{{0, "A", ">", `RMSG $G a 99999999999\r\nPING\r\n`, false}},
			[]string{"+0.0ms ->> [RMSG $G a 99999999999] [PING]"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := newWireLog(tt.entries, 0)
			var got []string
			for _, e := range tt.entries {
				got = append(got, log.line(e))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWireLogShortensFloods(t *testing.T) {
	var ops strings.Builder
	for i := range 40 {
		fmt.Fprintf(&ops, `RS+ $SYS s%d\r\n`, i)
	}
	e := TranscriptEntry{0, "A", "<", ops.String(), false}
	got := newWireLog([]TranscriptEntry{e}, 4).line(e)
	want := "+0.0ms <<- [RS+ $SYS s0] [RS+ $SYS s1] … 36 more … [RS+ $SYS s38] [RS+ $SYS s39]"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	long := TranscriptEntry{0, "A", ">", "RMSG $G a 4096" + `\r\n` + strings.Repeat("x", 4096) + `\r\n`, false}
	if got := newWireLog([]TranscriptEntry{long}, 4).line(long); len(got) > 200 || !strings.Contains(got, "(4096 bytes)") {
		t.Errorf("a long payload is not cut, or not said to be: %s", got)
	}
}

// The operation that a line is about is never among those that are left out.
func TestWireLogShowsItsFocus(t *testing.T) {
	var ops strings.Builder
	for i := range 20 {
		fmt.Fprintf(&ops, `RS+ $SYS s%d\r\n`, i)
	}
	log := newWireLog(nil, 4)
	log.focus = "[RS+ $SYS s9]"
	got := log.line(TranscriptEntry{0, "A", "<", ops.String(), false})
	want := "+0.0ms <<- … [RS+ $SYS s9] … 8 more … [RS+ $SYS s18] [RS+ $SYS s19]"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
