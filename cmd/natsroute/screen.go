package main

import (
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
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

// writeTable writes rows under headings, in the rounded frame that users of the nats command know. On a terminal the
// table fits.
func writeTable(p *process, headings []string, rows [][]string) {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(cells(headings))
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	if s, ok := screenOf(p.stdout, p.getenv); ok {
		t.SetColumnConfigs(fit(s.width, headings, rows))
	}
	fmt.Fprintln(p.stdout, t.Render())
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, t := range texts {
		row[i] = report.Printable(t)
	}
	return row
}

// readable is the width below which a last column is hard to read.
const readable = 30

// fit wraps the last column so that a table is no wider than a terminal. Where too little is left for it, columns before
// it are left out, from the right, but never the first.
func fit(width int, headings []string, rows [][]string) []table.ColumnConfig {
	const frame = len("|  ") // of each column: a bar, and a blank at both sides
	widths := make([]int, len(headings))
	for _, row := range append([][]string{headings}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], text.StringWidth(report.Printable(cell)))
		}
	}
	last := len(widths) - 1
	left := width - len("|") - frame
	for _, w := range widths[:last] {
		left -= w + frame
	}
	var configs []table.ColumnConfig
	for i := last - 1; i > 0 && left < min(readable, widths[last]); i-- {
		configs = append(configs, table.ColumnConfig{Number: i + 1, Hidden: true})
		left += widths[i] + frame
	}
	return append(configs, table.ColumnConfig{Number: last + 1, WidthMax: max(left, 1), WidthMaxEnforcer: text.WrapSoft})
}
