package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// cell counts a chapter as the terminal shows it: passed, failed, warned, not tested. Empty: nothing is known of it.
func (t *Text) cell(chapter string) string {
	s := t.tallies[chapter]
	if s == nil {
		return ""
	}
	var parts []string
	put := func(status Status, count string) { parts = append(parts, t.mark(status)+" "+count) }
	all := s.judged() + s.NotTested + s.HarnessErrors
	if s.Failed > 0 {
		put(Fail, fmt.Sprintf("%d of %d", s.Failed, all))
	} else if n := s.Passed + s.Observed + s.Disputed; n > 0 {
		put(Pass, fmt.Sprint(n))
	}
	for _, more := range []struct {
		n      int
		status Status
	}{{s.HarnessErrors, HarnessError}, {s.UnexpectedPasses, UnexpectedPass}, {s.Warned, Warn}, {s.NotTested, NotTested}} {
		if more.n > 0 {
			put(more.status, fmt.Sprint(more.n))
		}
	}
	if len(parts) == 0 && s.NotApplicable > 0 {
		return "not applicable"
	}
	return strings.Join(parts, " ")
}

// shown are the chapters of which anything is known that the selection has not left out.
func (t *Text) shown() []string {
	return slices.DeleteFunc(slices.Clone(t.chapters), func(name string) bool { return t.cell(name) == "" })
}

// grid lays chapters out: on a terminal in as many columns as fit, at most four, elsewhere in one.
func (t *Text) grid(names []string) []string {
	columns := 1
	if t.o.Live {
		columns = 4
	}
	for ; len(names) > 0; columns-- {
		lines := t.layOut(names, columns)
		if columns == 1 || t.o.Width <= 0 || text.LongestLineLen(lines) <= t.o.Width {
			return strings.Split(lines, "\n")
		}
	}
	return nil
}

// chapterStyle is a table without a frame, two blanks before each column.
var chapterStyle = table.Style{
	Box:     table.BoxStyle{PaddingLeft: "  "},
	Options: table.OptionsNoBordersAndSeparators,
}

func (t *Text) layOut(names []string, columns int) string {
	w := table.NewWriter()
	w.SetStyle(chapterStyle)
	w.SuppressTrailingSpaces()
	for chapters := range slices.Chunk(names, columns) {
		var row table.Row
		for _, name := range chapters {
			row = append(row, chapterName(name), t.cell(name))
		}
		w.AppendRow(row)
	}
	nameWidth := 0
	for _, name := range t.chapters {
		nameWidth = max(nameWidth, text.StringWidth(chapterName(name)))
	}
	var widths []table.ColumnConfig // at least these, so that columns rarely move while counts grow
	for i := range columns {
		widths = append(widths, table.ColumnConfig{Number: 2*i + 1, WidthMin: nameWidth}, table.ColumnConfig{Number: 2*i + 2, WidthMin: 8})
	}
	w.SetColumnConfigs(widths)
	return w.Render()
}

// draw shows the chapters and a progress line in place of what it drew before. Results come faster than a terminal
// wants to be redrawn: it is, when the progress has moved by half a percent.
func (t *Text) draw(running string) {
	step := 0
	if t.total > 0 {
		step = 200 * t.done / t.total
	}
	if !t.o.Live || step == t.step {
		return
	}
	t.step = step
	lines := append(t.grid(t.chapters), "", t.progress(running)) // all of them, so that none moves while it fills in
	if t.o.Height > 0 && len(lines) >= t.o.Height {
		lines = lines[len(lines)-1:] // what has scrolled off the screen cannot be drawn again
	}
	t.erase()
	fmt.Fprintln(t.w, strings.Join(lines, "\n"))
	t.drawn = len(lines)
}

// progress is a line of our own: go-pretty's progress is a renderer with a goroutine and a clock, for trackers that move on
// their own. Here nothing moves between two results, and the block that it would share the screen with is drawn by us.
func (t *Text) progress(running string) string {
	const width = 30
	filled := 0
	if t.total > 0 {
		filled = min(width, width*t.done/t.total)
	}
	bar := strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
	return clipTo(fmt.Sprintf("  %s %d of %d  %s", bar, t.done, t.total, Printable(running)), t.o.Width)
}

// erase takes the live block off the screen: the cursor goes up to its first line, and what is below is cleared.
func (t *Text) erase() {
	if t.drawn > 0 {
		fmt.Fprintf(t.w, "\x1b[%dA\r\x1b[J", t.drawn)
		t.drawn = 0
	}
}

func chapterName(name string) string { return Printable(strings.ReplaceAll(name, "_", " ")) }

// painter colours text, or does not.
type painter bool

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"
	bold   = "1"
)

func (p painter) in(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p painter) verdict(v Verdict, text string) string {
	switch v {
	case Conforms:
		return p.in(bold+";"+green, text)
	case Incomplete:
		return p.in(bold+";"+yellow, text)
	}
	return p.in(bold+";"+red, text)
}

// mark is the sign of a status, one column wide.
func (t *Text) mark(s Status) string {
	switch s {
	case Pass, Observed, Disputed:
		return t.paint.in(green, "✔")
	case Warn:
		return t.paint.in(yellow, "!")
	case NotTested, NotApplicable, ExpectedFail:
		return t.paint.in(dim, "○")
	}
	return t.paint.in(red, "✖")
}
