package planted

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// outcome is what the seeds say of one patch.
type outcome struct {
	killed, seeds int
	median, worst float64 // seconds; +Inf: not killed
	by            []string
}

func outcomeOf(results []result, patch string) (o outcome) {
	var times []float64
	for _, r := range results {
		if r.Patch != patch {
			continue
		}
		o.seeds++
		if !r.Killed {
			times = append(times, math.Inf(1))
			continue
		}
		o.killed++
		times = append(times, r.Seconds)
		if !slices.Contains(o.by, r.By) {
			o.by = append(o.by, r.By)
		}
	}
	if slices.Sort(times); len(times) > 0 {
		o.median, o.worst = times[len(times)/2], times[len(times)-1]
	}
	return o
}

// dead tells whether more than half of the seeds have killed it.
func (o outcome) dead() bool { return o.seeds > 0 && 2*o.killed > o.seeds }

// byCrash tells whether nothing but the end of the process showed it.
func (o outcome) byCrash() bool {
	return !slices.ContainsFunc(o.by, func(by string) bool { return !strings.Contains(by, "crash") })
}

// tableOf writes what the bench has found as Markdown: a line in front that sums it up, then one a patch, the slowest first.
func tableOf(results []result) string {
	var b strings.Builder
	killed, quiet, tried := 0, 0, 0
	var medians []float64
	var missing []string
	rows := All()
	for _, p := range rows {
		o := outcomeOf(results, p.Name)
		if o.seeds == 0 {
			missing = append(missing, p.Name)
			continue
		}
		tried++
		medians = append(medians, o.median)
		if o.dead() {
			killed++
			if !o.byCrash() {
				quiet++
			}
		}
	}
	slices.Sort(medians)
	median := "-"
	if len(medians) > 0 {
		median = shownSeconds(medians[len(medians)/2])
	}
	control := outcomeOf(results, clean)
	fmt.Fprintf(&b, "%d of %d patches killed, %d of them by another oracle than a crash; median time to kill %s. The clean reference, %d hunts of the full time: %d false alarms.\n\n",
		killed, tried, quiet, median, control.seeds, control.killed)
	if len(missing) > 0 {
		fmt.Fprintf(&b, "Not measured: %s.\n\n", strings.Join(missing, ", "))
	}
	b.WriteString("| patch | in | meant for | seeds | median | slowest | seen by |\n|---|---|---|---|---|---|---|\n")
	slices.SortStableFunc(rows, func(x, y Patch) int {
		return cmp.Compare(outcomeOf(results, y.Name).median, outcomeOf(results, x.Name).median)
	})
	for _, p := range rows {
		o := outcomeOf(results, p.Name)
		if o.seeds == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d of %d | %s | %s | %s |\n", p.Name, strings.TrimPrefix(p.File, "reference/"), p.Oracle,
			o.killed, o.seeds, shownSeconds(o.median), shownSeconds(o.worst), strings.Join(o.by, ", "))
	}
	return b.String()
}

func shownSeconds(s float64) string {
	if math.IsInf(s, 1) {
		return "not killed"
	}
	return fmt.Sprintf("%.1f s", s)
}

const (
	tableBegin = "<!-- planted: begin -->"
	tableEnd   = "<!-- planted: end -->"
)

// writeTable puts the table between the marks of a file.
func writeTable(path, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(text), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		return errors.New(path + " lacks the marks of the table of planted faults")
	}
	return os.WriteFile(path, []byte(before+tableBegin+"\n"+table+tableEnd+after), 0o644)
}

func TestTable(t *testing.T) {
	first, second := parserFaults[0].Name, parserFaults[1].Name
	results := []result{
		{clean, 1, kill{Seconds: 120}},
		{first, 1, kill{Killed: true, By: "Split: error", Seconds: 1}},
		{first, 2, kill{Killed: true, By: "Split: error", Seconds: 3}},
		{first, 3, kill{Seconds: 120}},
		{second, 1, kill{Killed: true, By: "live: crash", Seconds: 2}},
		{second, 2, kill{Seconds: 120}},
		{second, 3, kill{Seconds: 120}},
	}
	got := tableOf(results)
	for _, want := range []string{
		"1 of 2 patches killed, 1 of them by another oracle than a crash", "1 hunts of the full time: 0 false alarms",
		"| " + first + " | wire/parser.go | split | 2 of 3 | 3.0 s | not killed | Split: error |",
		"| " + second + " | wire/whole.go | split | 1 of 3 | not killed | not killed | live: crash |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	path := t.TempDir() + "/BENCHMARKS.md"
	if err := os.WriteFile(path, []byte("a\n"+tableBegin+"\nold\n"+tableEnd+"\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := writeTable(path, got); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "a\n"+tableBegin+"\n"+got+tableEnd+"\nb\n" {
		t.Errorf("%v %s", err, text)
	}
	if err := os.WriteFile(path, []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(path, got); err == nil {
		t.Error("a file without marks was written")
	}
}
