package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

func TestTableFitsTheTerminal(t *testing.T) {
	headings := []string{"requirement", "level", "capability", "title"}
	rows := [][]string{
		{"RT-QUE-004", "must", "core", "the last member's leaving is announced by RS- with the queue and without a weight"},
		{"RT-QUE-022", "should", "headers", "short"},
	}
	render := func(width int) string {
		w := table.NewWriter()
		w.SetStyle(table.StyleRounded)
		w.AppendHeader(cells(headings))
		for _, row := range rows {
			w.AppendRow(cells(row))
		}
		w.SetColumnConfigs(fit(width, headings, rows))
		return w.Render()
	}
	for _, tt := range []struct {
		width   int
		columns int // that are left
	}{{200, 4}, {120, 4}, {80, 4}, {70, 4}, {68, 3}, {60, 3}, {50, 2}, {30, 2}} {
		got := render(tt.width)
		if n := text.LongestLineLen(got); n > tt.width {
			t.Errorf("%d columns on a terminal of %d:\n%s", n, tt.width, got)
		}
		first, _, _ := strings.Cut(got, "\n")
		if n := strings.Count(first, "┬") + 1; n != tt.columns {
			t.Errorf("on a terminal of %d the table has %d columns, want %d:\n%s", tt.width, n, tt.columns, got)
		}
		words := strings.Fields(strings.NewReplacer("│", " ").Replace(got))
		for _, word := range []string{"RT-QUE-004", "weight", "RT-QUE-022", "short"} {
			if !strings.Contains(strings.Join(words, " "), word) {
				t.Errorf("on a terminal of %d %q is lost:\n%s", tt.width, word, got)
			}
		}
	}
}

// A pipe has no width: lines are whole, for grep.
func TestPipedTableIsWhole(t *testing.T) {
	var out bytes.Buffer
	p := &process{stdout: &out, getenv: func(string) string { return "" }}
	long := strings.Repeat("word ", 60) + "end"
	writeTable(p, []string{"requirement", "title"}, [][]string{{"RT-QUE-004", long}})
	if !strings.Contains(out.String(), "│ RT-QUE-004  │ "+long+" │\n") || !strings.HasPrefix(out.String(), "╭─") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("the table is\n%s", out.String())
	}
}
