package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/corpus"
)

// TestTrace holds the page, the register, the vectors and the specs together: every sentence has rows or a reason, every
// row a spec of its own, every spec a row, every vector that can be played a spec, and a result's id and name are those
// of one spec.
func TestTrace(t *testing.T) {
	c := mustCorpus(t)
	for _, fault := range traceFaults(c, Catalog(c)) {
		t.Error(fault)
	}
}

// traceFaults lists what is bound to nothing. A row has no excuse for having no spec: a statement that cannot be tested
// is an exclusion of the register, with its reason, and not a row.
func traceFaults(c *corpus.Corpus, specs []CatalogEntry) []string {
	rows := map[string]bool{}
	for _, row := range c.Requirements {
		rows[row.ID] = true
	}
	return slices.Concat(specFaults(rows, specs), rowFaults(c, specs), sentenceFaults(c, rows), vectorFaults(c, rows, specs))
}

func specFaults(rows map[string]bool, specs []CatalogEntry) (faults []string) {
	ids, titles := map[string]bool{}, map[string]bool{}
	for _, e := range specs {
		if e.ID == "" {
			faults = append(faults, fmt.Sprintf("the spec %q names no requirement: give it s.Req(\"RT-…/word\")", e.Title))
			continue
		}
		if ids[e.ID] {
			faults = append(faults, "two specs have the id "+e.ID)
		}
		if titles[e.Title] {
			faults = append(faults, fmt.Sprintf("two specs have the name %q", e.Title))
		}
		ids[e.ID], titles[e.Title] = true, true
		for _, id := range e.Requirements {
			if !rows[id] {
				faults = append(faults, fmt.Sprintf("the spec %s names %s, which is not in the register", e.ID, id))
			}
		}
	}
	return faults
}

func rowFaults(c *corpus.Corpus, specs []CatalogEntry) (faults []string) {
	for _, row := range c.Requirements {
		if !slices.ContainsFunc(specs, func(e CatalogEntry) bool { return strings.HasPrefix(e.ID, row.ID+"/") }) {
			faults = append(faults, fmt.Sprintf("%s has no spec of its own: %s", row.ID, row.Title))
		}
	}
	return faults
}

func sentenceFaults(c *corpus.Corpus, rows map[string]bool) (faults []string) {
	for _, s := range c.Page {
		if len(s.Rows)+len(s.Excluded) == 0 {
			faults = append(faults, fmt.Sprintf("sentence %s %d of the page has neither rows nor an exclusion: %s", s.Section, s.N, s.Says))
		}
		for _, id := range s.Rows {
			if !rows[id] {
				faults = append(faults, fmt.Sprintf("sentence %s %d of the page names %s, which is not in the register", s.Section, s.N, id))
			}
		}
	}
	return faults
}

func vectorFaults(c *corpus.Corpus, rows map[string]bool, specs []CatalogEntry) (faults []string) {
	for _, v := range c.Vectors {
		for _, id := range v.Requirements {
			if !rows[id] {
				faults = append(faults, fmt.Sprintf("the vector %s names %s, which is not in the register", v.ID, id))
			}
		}
		if len(v.Want.Live) > 0 && !slices.ContainsFunc(specs, func(e CatalogEntry) bool { return e.ID == v.Requirements[0]+"/"+v.ID }) {
			faults = append(faults, fmt.Sprintf("the vector %s says what a live port does, and no spec plays it", v.ID))
		}
	}
	return faults
}

// Each fault is found, in a register of two rows.
func TestTraceFaultsAreFound(t *testing.T) {
	type world struct {
		c     corpus.Corpus
		specs []CatalogEntry
	}
	for _, tt := range []struct {
		name, says string
		spoil      func(*world)
	}{
		{"nothing", "", func(*world) {}},
		{"spec without requirement", `"hop: loose" names no requirement`, func(w *world) {
			w.specs = append(w.specs, entryOf("hop: loose", []string{"chapter:hop"}))
		}},
		{"spec of an unknown row", "RT-HOP-002/b names RT-HOP-003", func(w *world) { w.specs[1].Requirements = append(w.specs[1].Requirements, "RT-HOP-003") }},
		{"two specs with one id", "two specs have the id RT-HOP-001/a", func(w *world) {
			w.specs = append(w.specs, entryOf("hop: other", []string{"req:RT-HOP-001", "word:a"}))
		}},
		{"two specs with one name", `two specs have the name "hop: a"`, func(w *world) {
			w.specs = append(w.specs, entryOf("hop: a", []string{"req:RT-HOP-001", "word:c"}))
		}},
		{"row without spec", "RT-HOP-002 has no spec of its own", func(w *world) { w.specs = slices.Delete(w.specs, 1, 2) }},
		{"row that another's spec only touches", "RT-HOP-002 has no spec of its own", func(w *world) {
			w.specs[1] = entryOf("hop: b", []string{"req:RT-HOP-001", "word:b", "also:RT-HOP-002"})
		}},
		{"sentence without rows and exclusion", "sentence RS+ 1 of the page has neither", func(w *world) { w.c.Page[0].Rows = nil }},
		{"sentence of an unknown row", "sentence RS+ 1 of the page names RT-HOP-009", func(w *world) { w.c.Page[0].Rows = []string{"RT-HOP-009"} }},
		{"vector of an unknown row", "the vector v names RT-HOP-009", func(w *world) { w.c.Vectors[0].Requirements = []string{"RT-HOP-009"} }},
		{"vector that nothing plays", "the vector v says what a live port does", func(w *world) { w.specs = slices.Delete(w.specs, 2, 3) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{
				c: corpus.Corpus{
					Requirements: []corpus.Requirement{{ID: "RT-HOP-001"}, {ID: "RT-HOP-002"}},
					Page:         []corpus.Sentence{{Section: "RS+", N: 1, Rows: []string{"RT-HOP-001"}}},
					Vectors:      []corpus.Vector{{ID: "v", Requirements: []string{"RT-HOP-001"}, Want: corpus.Want{Live: map[string]corpus.Live{"*": corpus.Ignored}}}},
				},
				specs: []CatalogEntry{
					entryOf("hop: a", []string{"req:RT-HOP-001", "word:a"}),
					entryOf("hop: b", []string{"req:RT-HOP-002", "word:b"}),
					entryOf("hop: v", []string{"req:RT-HOP-001", "word:v"}),
				},
			}
			tt.spoil(w)
			faults := traceFaults(&w.c, w.specs)
			if tt.says == "" && len(faults) > 0 || tt.says != "" && !strings.Contains(strings.Join(faults, "\n"), tt.says) {
				t.Errorf("%q is not in %q", tt.says, faults)
			}
		})
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
