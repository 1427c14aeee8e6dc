package report

import (
	"fmt"
	"io"
	"strings"
)

// detail says how much of a result is written.
type detail struct {
	entries int // lines of the wire log; 0: all, uncut
	width   int // columns of the terminal, 0: lines are never cut
}

// label width of the lines under a result.
const labels = 9

// writeDetail writes what a server author needs to act on a result: where the rule is from, what was allowed, what
// came, the wire, and the command that runs this one again.
func writeDetail(w io.Writer, res *Result, d detail) {
	put := func(label, text string) {
		for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			if i > 0 {
				label = ""
			}
			line = strings.TrimRight(fmt.Sprintf("    %-*s%s", labels, label, Printable(expandTabs(line))), " ")
			fmt.Fprintln(w, clipTo(line, d.width))
		}
	}
	put("clause", res.Clause)
	if res.PageDiffers != "" {
		put("page", "differs: "+res.PageDiffers)
	}
	if f := res.Failure; f != nil {
		writeFailure(put, f)
	} else if res.Reason != "" || res.Value != "" {
		put("because", strings.TrimSpace(res.Reason+" "+res.Value))
	}
	writeWire(put, res, d)
	if res.Repro != "" {
		fmt.Fprintf(w, "    %-*s%s\n", labels, "again", Printable(res.Repro)) // never cut: it is there to be copied
	}
}

func writeFailure(put func(label, text string), f *Failure) {
	if f.Message != "" {
		put("because", f.Message)
	}
	for i, allowed := range f.Expected {
		label := "expected"
		if i > 0 {
			label = "or"
		}
		put(label, allowed)
	}
	if f.Got == "" {
		return
	}
	got := f.Got
	if f.Offset >= 0 {
		got += fmt.Sprintf("          first difference at byte %d", f.Offset)
	}
	put("got", got)
}

// writeWire writes the end of the transcript, or all of it, and marks the last read that holds what was got.
func writeWire(put func(label, text string), res *Result, d detail) {
	most := 8
	if d.entries == 0 {
		most = 0
	}
	log := newWireLog(res.Transcript, most)
	here := culprit(res)
	var lines []string
	for i, e := range res.Transcript {
		line := log.line(e)
		if i == here {
			line += "      ◀ here"
		}
		lines = append(lines, line)
	}
	if cut := len(lines) - d.entries; d.entries > 0 && cut > 0 {
		lines = append([]string{fmt.Sprintf("… %d earlier lines (--trace shows all)", cut)}, lines[cut:]...)
	}
	label := "wire"
	for _, line := range lines {
		put(label, line)
		label = ""
	}
}

// culprit is the index of the last entry received that holds what a failure got; -1: none does.
func culprit(res *Result) int {
	if res.Failure == nil || res.Failure.Got == "" {
		return -1
	}
	got := strings.TrimRight(unescape(res.Failure.Got), "\r\n")
	for i := len(res.Transcript) - 1; i >= 0; i-- {
		e := res.Transcript[i]
		if e.Dir == "<" && strings.Contains(unescape(e.Bytes), got) {
			return i
		}
	}
	return -1
}

func expandTabs(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// clipTo cuts a line at the terminal's width, so that long INFOs do not bury what matters.
func clipTo(line string, width int) string {
	runes := []rune(line)
	if width <= 0 || len(runes) <= width {
		return line
	}
	return string(runes[:max(width-1, 1)]) + "…"
}
