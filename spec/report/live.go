package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// cell is what is known of a chapter, and how many columns it takes: colours take none.
type cell struct {
	text  string
	width int
}

// cell counts a chapter as the terminal shows it: passed, failed, warned, not tested.
func (t *Text) cell(chapter string) cell {
	var c cell
	put := func(status Status, text string) {
		if c.width > 0 {
			c.text, c.width = c.text+" ", c.width+1
		}
		c.text += t.mark(status) + " " + text
		c.width += 2 + utf8.RuneCountInString(text)
	}
	s := t.tallies[chapter]
	if s == nil {
		return c
	}
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
	if c.width == 0 && s.NotApplicable > 0 {
		c.text, c.width = "not applicable", len("not applicable")
	}
	return c
}

// shown are the chapters of which anything is known that the selection has not left out.
func (t *Text) shown() []string {
	return slices.DeleteFunc(slices.Clone(t.chapters), func(name string) bool { return t.cell(name).width == 0 })
}

func (t *Text) nameWidth() int {
	width := 0
	for _, name := range t.chapters {
		width = max(width, utf8.RuneCountInString(chapterName(name)))
	}
	return width
}

// grid lays chapters out in as many columns as fit, at most four.
func (t *Text) grid(names []string) []string {
	widest := 8
	for _, name := range names {
		widest = max(widest, t.cell(name).width)
	}
	column := 2 + t.nameWidth() + 2 + widest
	columns := 4
	if t.o.Width > 0 {
		columns = max(1, min(columns, t.o.Width/column))
	}
	var lines []string
	for row := range slices.Chunk(names, columns) {
		var b strings.Builder
		for _, name := range row {
			c := t.cell(name)
			fmt.Fprintf(&b, "  %-*s  %s%s", t.nameWidth(), chapterName(name), c.text, strings.Repeat(" ", widest-c.width))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
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
