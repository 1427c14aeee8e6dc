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
// last column is wrapped so that the table fits.
func writeTable(p *process, headings []string, rows [][]string) {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(cells(headings))
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	if s, ok := screenOf(p.stdout, p.getenv); ok {
		t.SetColumnConfigs([]table.ColumnConfig{{
			Number: len(headings), WidthMax: max(s.width-1-widthBefore(headings, rows), 10), WidthMaxEnforcer: text.WrapSoft,
		}})
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

// widthBefore is what the frame and all columns but the last take of a line.
func widthBefore(headings []string, rows [][]string) int {
	width := 4
	for i := range len(headings) - 1 {
		column := 0
		for _, row := range append([][]string{headings}, rows...) {
			column = max(column, text.RuneWidthWithoutEscSequences(report.Printable(row[i])))
		}
		width += column + 3
	}
	return width
}
