package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/natsroute/natsroute/spec/report"
)

// screen is a terminal that understands cursor movement and colours.
type screen struct{ width, height int }

// screenOf tells whether w is one.
func screenOf(w io.Writer, getenv func(string) string) (screen, bool) {
	f, ok := w.(*os.File)
	if !ok || getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return screen{}, false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width, height = 80, 24
	}
	return screen{width, height}, true
}

// hang writes a line, broken where a terminal ends; what follows its first part stands at the column given.
func (p *process) hang(column int, line string) {
	width := 0
	if s, ok := screenOf(p.stdout, p.getenv); ok {
		width = s.width
	}
	fmt.Fprintln(p.stdout, report.Hang(report.Printable(line), width, column))
}

// writeTable writes rows under headings, in the rounded frame that users of the nats command know. The last column is
// the one that is cut where a terminal is too narrow.
func writeTable(p *process, headings []string, rows [][]string) {
	widths := make([]int, len(headings))
	for _, row := range append([][]string{headings}, rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(report.Printable(text)))
		}
	}
	if s, ok := screenOf(p.stdout, p.getenv); ok {
		spare := s.width - 1
		for _, w := range widths {
			spare -= w + 3
		}
		last := len(widths) - 1
		widths[last] = max(widths[last]+min(spare, 0), 10)
	}
	rule := func(left, middle, right string) {
		var parts []string
		for _, w := range widths {
			parts = append(parts, strings.Repeat("─", w+2))
		}
		fmt.Fprintln(p.stdout, left+strings.Join(parts, middle)+right)
	}
	line := func(row []string) {
		var b strings.Builder
		for i, text := range row {
			fmt.Fprintf(&b, "│ %s ", fit(report.Printable(text), widths[i]))
		}
		fmt.Fprintln(p.stdout, b.String()+"│")
	}
	rule("╭", "┬", "╮")
	line(headings)
	rule("├", "┼", "┤")
	for _, row := range rows {
		line(row)
	}
	rule("╰", "┴", "╯")
}

// fit pads a text, or cuts it, to a width in characters.
func fit(text string, width int) string {
	runes := []rune(text)
	if len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text + strings.Repeat(" ", width-len(runes))
}
