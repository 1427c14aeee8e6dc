package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// detail says how much of a result is written.
type detail struct {
	entries int    // lines of the wire log; 0: all, uncut
	width   int    // columns of the terminal, 0: lines are never broken or cut
	rule    string // the requirement in words, where they are known
}

// label width of the lines under a result.
const labels = 9

// margin is where their texts begin.
const margin = 4 + labels

// lines writes labelled lines under a result.
type lines struct {
	w     io.Writer
	width int
}

// put writes a text under its label, broken where the terminal ends.
func (l lines) put(label, text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = strings.TrimRight(fmt.Sprintf("    %-*s%s", labels, label, Printable(expandTabs(line))), " ")
		fmt.Fprintln(l.w, Hang(line, l.width, margin))
		label = ""
	}
}

// cut writes a text under its label in one line, cut where the terminal ends, so that long INFOs do not bury what
// matters. tail is kept whole.
func (l lines) cut(label, text, tail string) {
	line := fmt.Sprintf("    %-*s%s", labels, label, Printable(expandTabs(text)))
	if l.width > 0 {
		line = clipTo(line, max(l.width-utf8.RuneCountInString(tail), margin))
	}
	fmt.Fprintln(l.w, line+tail)
}

// writeDetail writes what a server author needs to act on a result: the rule and where it is from, what was allowed,
// what came, the wire, and the command that runs this one again.
func writeDetail(w io.Writer, res *Result, d detail) {
	l := lines{w, d.width}
	if text := clause(res, d.rule); text != "" {
		l.put("clause", text)
	}
	if res.PageDiffers != "" {
		l.put("page", "differs: "+res.PageDiffers)
	}
	if f := res.Failure; f != nil {
		writeFailure(l, f)
	} else if res.Reason != "" || res.Value != "" {
		l.put("because", strings.TrimSpace(res.Reason+" "+res.Value))
	}
	writeWire(l, res, d)
	if res.Repro != "" {
		fmt.Fprintf(w, "    %-*s%s\n", labels, "again", Printable(res.Repro)) // never broken: it is there to be copied
	}
}

// sources words the sources of a clause.
var sources = strings.NewReplacer("doc:", "page ", "seen:", "seen ", "src:", "code ")

// clause is the rule in words and the sources that it rests on.
func clause(res *Result, rule string) string {
	if res.Clause == "" {
		return rule
	}
	from := sources.Replace(res.Clause)
	if !strings.Contains(res.Clause, "doc:") && res.PageDiffers == "" {
		from += "; the page is silent"
	}
	if rule == "" {
		return from
	}
	return rule + " (source: " + from + ")"
}

func writeFailure(l lines, f *Failure) {
	message := f.Message
	if len(f.Expected) > 0 {
		message, _, _ = strings.Cut(message, "\nexpected ") // the matcher's words for what stands below
	}
	if message != "" {
		l.put("because", message)
	}
	for i, allowed := range f.Expected {
		label := "expected"
		if i > 0 {
			label = "or"
		}
		l.put(label, allowed)
	}
	if f.Got == "" {
		return
	}
	where := ""
	if f.Offset >= 0 {
		where = fmt.Sprintf("first difference at byte %d", f.Offset)
	}
	const gap = 10
	if l.width == 0 || margin+utf8.RuneCountInString(Printable(f.Got))+gap+len(where) <= l.width {
		l.put("got", strings.TrimRight(f.Got+strings.Repeat(" ", gap)+where, " "))
		return
	}
	l.put("got", f.Got)
	if where != "" {
		l.put("", where)
	}
}

// writeWire writes the part of the transcript in which the failure stands, or all of it, and marks the last read that
// holds what was got.
func writeWire(l lines, res *Result, d detail) {
	most := 8
	if d.entries == 0 {
		most = 0
	}
	log := newWireLog(res.Transcript, most)
	here, focus := culprit(res)
	from, to := window(len(res.Transcript), d.entries, here)
	label := "wire"
	put := func(text, tail string) {
		if d.entries == 0 {
			l.put(label, text+tail)
		} else {
			l.cut(label, text, tail)
		}
		label = ""
	}
	if from > 0 {
		put(fmt.Sprintf("… %d earlier lines (--trace shows all)", from), "")
	}
	for i, e := range res.Transcript {
		tail := ""
		if log.focus = ""; i == here {
			log.focus, tail = "["+Printable(focus), "      ◀ here"
		}
		line := log.line(e) // also of those before: it follows payloads from read to read
		if from <= i && i < to {
			put(line, tail)
		}
	}
	if rest := len(res.Transcript) - to; rest > 0 {
		put(fmt.Sprintf("… %d later lines (--trace shows all)", rest), "")
	}
}

// window chooses which of n entries are shown: the last ones, or those around the one that matters. One entry is never
// left out alone, because the line that says so is as long.
func window(n, entries, here int) (from, to int) {
	if entries <= 0 || n <= entries+1 {
		return 0, n
	}
	from = n - entries
	if here >= 0 && here < from {
		from = max(0, here-entries/2)
	}
	to = from + entries
	if from == 1 {
		from = 0
	}
	if to == n-1 {
		to = n
	}
	return from, to
}

// culprit finds the read that a failure is about: its index in the transcript, and the control line in it; -1: none is.
func culprit(res *Result) (index int, line string) {
	index = -1
	if res.Failure == nil || res.Failure.Got == "" {
		return index, ""
	}
	line, nth := offender(res.Failure)
	if line = trimLine(unescape(line)); line == "" {
		return index, ""
	}
	for i, e := range res.Transcript {
		n := 0
		if e.Dir == "<" {
			n = linesEqual(unescape(e.Bytes), line)
		}
		if n == 0 {
			continue
		}
		index = i
		if 0 < nth && nth <= n {
			break
		}
		nth -= n
	}
	return index, line
}

// linesEqual counts the lines of data that are this one.
func linesEqual(data, line string) int {
	n := 0
	for l := range strings.SplitSeq(data, "\n") {
		if trimLine(l) == line {
			n++
		}
	}
	return n
}

func trimLine(line string) string { return strings.TrimRight(line, " \r\n") }

// offender is the control line that is to blame among those got: the first that is not as expected, the nth of those
// that look like it; nth 0: the last one. No line: what is wrong is that nothing came.
func offender(f *Failure) (line string, nth int) {
	got := strings.Split(f.Got, " · ")
	want := ""
	if len(f.Expected) > 0 {
		want = f.Expected[0]
	}
	if unwanted, negated := strings.CutPrefix(want, "not "); negated {
		return controlLine(unwanted), 0
	}
	if len(got) == 1 {
		return controlLine(got[0]), 0
	}
	wants := strings.Split(want, " · ")
	alike := make(map[string]int)
	for i, g := range got {
		line := controlLine(g)
		alike[line]++
		if i >= len(wants) || g != wants[i] {
			return line, alike[line]
		}
	}
	return "", 0
}

// controlLine is an operation as it was told, without the payload that is quoted behind it.
func controlLine(told string) string {
	line, _, _ := strings.Cut(told, ` "`)
	return line
}

func expandTabs(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// clipTo cuts a line at the terminal's width.
func clipTo(line string, width int) string {
	runes := []rune(line)
	if width <= 0 || len(runes) <= width {
		return line
	}
	return string(runes[:max(width-1, 1)]) + "…"
}
