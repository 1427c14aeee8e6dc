package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// TextOptions says how a run is told to a person.
type TextOptions struct {
	Live     bool // the writer is a terminal that understands cursor movement: chapters fill in as they run
	Color    bool
	Quiet    bool     // failures and the verdict only
	Trace    bool     // the wire of every result as it ends, whole
	Width    int      // columns; 0: unknown, lines are neither broken nor cut
	Height   int      // lines of the terminal, with Live; 0: unknown
	Chapters []string // in the order in which they are shown; others follow as they come
	// Rule words a requirement, as the register does; nil: failures show its sources alone.
	Rule func(requirement string) string
}

// Text tells a run: Begin, Each as often as a spec ends, End. It is not for concurrent use. Errors of the writer are
// not looked at: who closes a pipe wants no more.
type Text struct {
	w        io.Writer
	o        TextOptions
	paint    painter
	total    int
	done     int
	drawn    int  // lines of the live block on the screen
	step     int  // of the progress, when it was last drawn
	warned   int  // warnings of the report that were told
	listed   bool // something stands between the header and the chapters
	chapters []string
	tallies  map[string]*Summary
	filtered map[string]int // by chapter: left out by the selection
}

// NewText returns a Text that writes to w.
func NewText(w io.Writer, o TextOptions) *Text {
	o.Live = o.Live && !o.Trace && !o.Quiet
	return &Text{
		w: w, o: o, paint: painter(o.Color), step: -1,
		chapters: slices.Clone(o.Chapters), tallies: make(map[string]*Summary), filtered: make(map[string]int),
	}
}

// Begin tells what is going to be tested. specs is the number of results that will come.
func (t *Text) Begin(r *Report, specs int) {
	t.total = specs
	if t.o.Quiet {
		return
	}
	for _, line := range header(r) {
		t.say(line)
	}
	t.warned = len(r.Warnings)
	fmt.Fprintln(t.w)
	t.draw("")
}

// Each takes the next result.
func (t *Text) Each(res Result) {
	t.done++
	t.tally(res)
	switch {
	case t.o.Trace && res.Reason != Filtered: // what the operator left out has nothing to tell
		t.writeResult(&res, detail{})
		t.listed = true
	case t.o.Live:
		t.draw(res.ID)
	case !t.o.Quiet && notable(res.Status):
		fmt.Fprintln(t.w, t.headline(&res))
		t.listed = true
	}
}

// say writes a line of what is told about the run as a whole, broken where the terminal ends.
func (t *Text) say(line string) { fmt.Fprintln(t.w, Hang(Printable(line), t.o.Width, 2)) }

func (t *Text) tally(res Result) {
	if t.tallies[res.Chapter] == nil {
		t.tallies[res.Chapter] = new(Summary)
		if !slices.Contains(t.chapters, res.Chapter) {
			t.chapters = append(t.chapters, res.Chapter)
		}
	}
	if res.Status == NotTested && res.Reason == Filtered {
		t.filtered[res.Chapter]++
		return
	}
	*t.tallies[res.Chapter].counter(res.Status)++
}

// End tells the outcome: failures in full, what was not tested, and the verdict as the last line. where is the report
// file as the reader finds it, or empty.
func (t *Text) End(r *Report, j Judgement, where string) {
	t.erase()
	if !t.o.Quiet {
		t.writeChapters()
	}
	t.writeFailures(r)
	if !t.o.Quiet {
		for _, line := range append(slices.Clone(r.Warnings[t.warned:]), remarks(r, j)...) {
			t.say(line)
		}
	}
	fmt.Fprintln(t.w, t.verdictLine(r, where))
}

func (t *Text) writeChapters() {
	if t.listed {
		fmt.Fprintln(t.w)
	}
	for _, line := range t.grid(t.shown()) {
		fmt.Fprintln(t.w, line)
	}
	fmt.Fprintln(t.w)
}

// writeFailures repeats everything that went wrong, the worst first.
func (t *Text) writeFailures(r *Report) {
	for _, status := range []Status{HarnessError, Fail, UnexpectedPass, Warn} {
		for i := range r.Results {
			if res := &r.Results[i]; res.Status == status {
				t.writeResult(res, detail{entries: 12, width: t.o.Width})
				fmt.Fprintln(t.w)
			}
		}
	}
}

func (t *Text) writeResult(res *Result, d detail) {
	if t.o.Rule != nil {
		d.rule = t.o.Rule(res.Requirement())
	}
	fmt.Fprintln(t.w, t.headline(res))
	writeDetail(t.w, res, d)
}

// headline is a result in one line.
func (t *Text) headline(res *Result) string {
	line := fmt.Sprintf("%s  %-6s %s", Printable(res.ID), strings.ToUpper(res.Level), Printable(res.Title))
	switch res.Status {
	case Pass, Fail, Warn:
	default:
		line += "  " + describe(res.Status, res.Reason)
	}
	return t.mark(res.Status) + " " + Hang(line, t.o.Width-2, 2)
}

// notable tells whether a result is told as it comes.
func notable(s Status) bool {
	switch s {
	case Pass, Observed, NotApplicable, NotTested, Disputed, ExpectedFail:
		return false
	}
	return true
}

// verdictLine is the last line of a run.
func (t *Text) verdictLine(r *Report, where string) string {
	s, left := r.Summary, 0
	for i := range r.Results {
		if r.Results[i].Status == NotTested && r.Results[i].Reason == Filtered {
			left++
		}
	}
	facts := []string{
		fmt.Sprintf("%d passed", s.Passed), fmt.Sprintf("%d failed", s.Failed), fmt.Sprintf("%d warned", s.Warned),
		fmt.Sprintf("%d not applicable", s.NotApplicable), fmt.Sprintf("%d not tested", s.NotTested-left),
	}
	for _, more := range []struct {
		n    int
		what string
	}{
		{s.Observed, "observed"},
		{s.Disputed, "disputed"},
		{s.ExpectedFailures, "known failures"},
		{s.UnexpectedPasses, "unexpected passes"},
		{s.HarnessErrors, "errors of the harness"},
		{left, "left out by the selection"},
	} {
		if more.n > 0 {
			facts = append(facts, fmt.Sprintf("%d %s", more.n, more.what))
		}
	}
	facts = append(facts, fmt.Sprintf("%.1f s", float64(r.DurationMS)/1000))
	if where != "" {
		facts = append(facts, "report: "+Printable(where))
	}
	word := strings.ToUpper(string(r.Verdict))
	line := Hang(word+"  "+strings.Join(facts, " · "), t.o.Width, len(word)+2)
	return t.paint.verdict(r.Verdict, word) + strings.TrimPrefix(line, word)
}
