package spec

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/natsroute/natsroute/corpus"
)

// TestTrace holds the register, the vectors and the specs together: every spec is bound to a row, every row has a spec,
// and a result's id names one spec.
func TestTrace(t *testing.T) {
	c, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	ids, titles, tested := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range Catalog(c) {
		if e.ID == "" {
			t.Errorf("the spec %q names no requirement: give it s.Req(\"RT-…/word\")", e.Title)
			continue
		}
		if ids[e.ID] {
			t.Errorf("two specs have the id %s", e.ID)
		}
		if titles[e.Title] {
			t.Errorf("two specs have the name %q", e.Title)
		}
		ids[e.ID], titles[e.Title] = true, true
		tested[e.Requirements[0]] = true
	}
	for _, row := range c.Requirements {
		if !tested[row.ID] {
			t.Errorf("%s has no spec of its own: %s", row.ID, row.Title)
		}
	}
}

// TestNoFocus refuses focused specs: Ginkgo would leave all others out, and exit the process.
func TestNoFocus(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	focus := regexp.MustCompile(`\b(FIt|FDescribe|FContext|FWhen|FEntry|FDescribeTable|FSpecify|Focus)\b[(,)]`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file != "trace_test.go" && focus.Match(text) {
			t.Errorf("%s has a focused spec", file)
		}
	}
}
