package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/spec/report"
)

var (
	killMatrix       = flag.Bool("kill-matrix", false, "run TestKillMatrix: all rows for every fault")
	killMatrixFaults = flag.String("kill-matrix-faults", "", "with -kill-matrix: only faults whose name has a match of this regular expression; with -kill-matrix-update: look at these as if for the first time")
	killMatrixUpdate = flag.Bool("kill-matrix-update", false, "run TestKillMatrix and write spec/kill-matrix.md")
)

const killMatrixFile = "../../spec/kill-matrix.md"

// brokenRows are the rows that a fault breaks: always, or in some runs only, where chance or time decide.
type brokenRows struct {
	always, sometimes map[string]bool
}

// TestKillMatrix runs every fault and compares the rows that it breaks with the committed table. A fault has to break the rows that are in the
// table and no other; one with rows in parentheses, after which the server or the suite has lost its footing, has to break the row that it
// is for. What differs is looked at again alone: a difference is what stays one.
func TestKillMatrix(t *testing.T) {
	if !*killMatrix && !*killMatrixUpdate {
		t.Skip("not run: it takes half an hour; make kill-matrix runs it")
	}
	committed, err := readKillMatrix(killMatrixFile)
	if err != nil && !*killMatrixUpdate {
		t.Fatal(err)
	}
	only, err := regexp.Compile(*killMatrixFaults)
	if err != nil {
		t.Fatal(err)
	}
	faults := slices.DeleteFunc(slices.Clone(fault.Catalog()), func(f fault.Fault) bool { return !only.MatchString(f.Name) })
	now := runKillMatrix(t, faults, committed)
	if *killMatrixUpdate {
		for _, f := range fault.Catalog() {
			switch rows, ran := now[f.Name]; {
			case !ran:
				now[f.Name] = committed[f.Name]
			case *killMatrixFaults == "":
				now[f.Name] = rows.with(committed[f.Name])
			}
		}
		if err := os.WriteFile(killMatrixFile, renderKillMatrix(t, now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range faults {
		now[f.Name].compare(t, f, committed[f.Name])
	}
}

// runKillMatrix runs the faults, several at a time. What breaks just what the committed table says is not looked at again, but when the table is written.
func runKillMatrix(t *testing.T, faults []fault.Fault, committed map[string]brokenRows) map[string]brokenRows {
	all, some := make(chan faulty), make(chan struct{}, 3*runtime.GOMAXPROCS(0)) // a full run computes more than it waits
	for _, f := range faults {
		go func() {
			some <- struct{}{}
			defer func() { <-some }()
			o := certify(t, faultEnv, matrixArgs(f, faultPatience)...)
			if missing, more := committed[f.Name].differences(f, o.broken()); *killMatrixUpdate || len(missing)+len(more) > 0 {
				o = again(t, f, o)
			}
			all <- faulty{f, o}
		}()
	}
	rows := make(map[string]brokenRows)
	for range faults {
		one := <-all
		rows[one.Name] = brokenRows{always: one.broken(), sometimes: map[string]bool{}}
		if !one.caught(one.Breaks) {
			t.Errorf("%s: %s was not broken by a server that %s\n%s", one.Name, one.Breaks, one.Title, one.text)
		}
		t.Logf("%s: %d rows", one.Name, len(rows[one.Name].always))
	}
	return rows
}

// fewRows is how many rows a run may have broken for them to be looked at again alone.
const fewRows = 60

// wholeRun are the rows that look at all that a run has seen: alone they have nothing to look at.
const wholeRun = "RT-OUT-"

func isWholeRun(row string) bool { return strings.HasPrefix(row, wholeRun) }

// again looks at the rows that a run has broken once more, alone and with more patience, and leaves out of the outcome what passes then: beside
// five other runs a row may fail for want of time. A fault that breaks very many breaks them for good, and always the row that it is for: where
// the run gave up before it came to that, its chapter is run.
func again(t *testing.T, f fault.Fault, o outcome) outcome {
	rows := slices.Sorted(maps.Keys(o.broken()))
	if len(rows) > fewRows {
		rows = nil
	}
	if !o.caught(f.Breaks) {
		o.report.Results = append(o.report.Results, certify(t, faultEnv, append(chapterArgs(t, f), "--quiet")...).of(f.Breaks)...)
	}
	rows = slices.DeleteFunc(rows, func(row string) bool { return isWholeRun(row) || row == f.Breaks })
	if len(rows) == 0 {
		return o
	}
	alone := certify(t, faultEnv, lookArgs(f, rows)...)
	broken := alone.broken()
	o.report.Results = slices.DeleteFunc(o.report.Results, func(r report.Result) bool {
		row := r.Requirements[0]
		fails := r.Status == report.Fail || r.Status == report.Warn
		return fails && slices.Contains(rows, row) && !broken[row]
	})
	return o
}

// broken is the rows that a run failed, or warned for.
func (o outcome) broken() map[string]bool {
	rows := make(map[string]bool)
	for _, r := range o.report.Results {
		if r.Status == report.Fail || r.Status == report.Warn {
			rows[r.Requirements[0]] = true
		}
	}
	return rows
}

// with is what two runs have seen together.
func (b brokenRows) with(before brokenRows) brokenRows {
	if before.always == nil {
		return b
	}
	out := brokenRows{always: map[string]bool{}, sometimes: maps.Clone(before.sometimes)}
	for row := range b.always {
		if before.always[row] {
			out.always[row] = true
		} else {
			out.sometimes[row] = true
		}
	}
	for row := range before.always {
		if !b.always[row] {
			out.sometimes[row] = true
		}
	}
	return out
}

// looks is how often a difference is looked at.
const looks = 3

// differences is what a run has not broken of what the table has, and what it has broken that the table has not.
func (b brokenRows) differences(f fault.Fault, broken map[string]bool) (missing, more map[string]bool) {
	missing, more = without(b.always, broken), without(without(broken, b.always), b.sometimes)
	if len(b.sometimes) > 0 { // what else it breaks than the row that it is for is a matter of chance
		maps.DeleteFunc(missing, func(row string, _ bool) bool { return row != f.Breaks })
		more = nil
	}
	return missing, more
}

func (b brokenRows) compare(t *testing.T, f fault.Fault, committed brokenRows) {
	t.Helper()
	missing, more := committed.differences(f, b.always)
	for look := 0; look < looks && len(missing)+len(more) > 0; look++ {
		now := certify(t, faultEnv, lookArgs(f, slices.Concat(slices.Collect(maps.Keys(missing)), slices.Collect(maps.Keys(more))))...).broken()
		missing = without(missing, now)
		maps.DeleteFunc(more, func(row string, _ bool) bool { return !now[row] })
	}
	for look := 0; look < looks && len(missing) > 0; look++ { // some rows are broken only by what others have left
		missing = without(missing, certify(t, faultEnv, matrixArgs(f, faultPatience)...).broken())
	}
	for _, row := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("%s breaks %s no more", f.Name, row)
	}
	for _, row := range slices.Sorted(maps.Keys(more)) {
		t.Errorf("%s breaks %s too, which spec/kill-matrix.md does not have", f.Name, row)
	}
}

// without is the rows of a that are not in b.
func without(a, b map[string]bool) map[string]bool {
	rest := maps.Clone(a)
	maps.DeleteFunc(rest, func(row string, _ bool) bool { return b[row] })
	return rest
}

// matrixArgs runs all rows in one order.
func matrixArgs(f fault.Fault, patience string) []string {
	return faultArgs(f, "--quiet", "--seed", "1", "--timeout", "15m", "--patience", patience, "--skip", lightly(f))
}

// lookArgs runs rows alone, with more patience than a run of all has; all of them if one looks at the whole run.
func lookArgs(f fault.Fault, rows []string) []string {
	args := matrixArgs(f, "2s")
	if slices.ContainsFunc(rows, isWholeRun) {
		return args
	}
	slices.Sort(rows)
	return append(args, "--only", strings.Join(rows, ","))
}

var registerOnce = sync.OnceValues(corpus.Load)

func register(t *testing.T) *corpus.Corpus {
	t.Helper()
	c, err := registerOnce()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const killMatrixHead = `# What each fault breaks

Written by ` + "`make kill-matrix-update`" + `, which plants every fault of ` + "`natsroute faults`" + ` in front of the reference server and runs all rows.
A row is broken when it fails, or warns where it is no
MUST. Rows in parentheses are broken in some runs only: chance or time decide what such a fault breaks besides the row that it is for. Rows that take long (thousands of subjects, a
hundred peers, megabytes) are run for the faults that are for them.

## Faults

`

// renderKillMatrix is the file.
func renderKillMatrix(t *testing.T, all map[string]brokenRows) []byte {
	var b bytes.Buffer
	b.WriteString(killMatrixHead)
	by := make(map[string][]string)
	for _, f := range fault.Catalog() {
		rows := all[f.Name]
		fmt.Fprintf(&b, "- `%s`, for %s: %s\n", f.Name, f.Breaks, compact(rows.list()))
		for row := range rows.always {
			by[row] = append(by[row], f.Name)
		}
	}
	b.WriteString("\n## Rows\n\n")
	for _, row := range register(t).Requirements {
		if faults := by[row.ID]; len(faults) > 0 {
			slices.Sort(faults)
			fmt.Fprintf(&b, "- %s: %s\n", row.ID, strings.Join(shortened(faults), ", "))
		} else if why := fault.Unbreakable(row.ID); why != "" {
			fmt.Fprintf(&b, "- %s: no fault. %s\n", row.ID, why)
		}
	}
	return b.Bytes()
}

// shortened names at most eight: the rows of a chapter are all broken by some.
func shortened(faults []string) []string {
	const most = 8
	if len(faults) <= most {
		return faults
	}
	return append(faults[:most:most], fmt.Sprintf("and %d more", len(faults)-most))
}

func (b brokenRows) list() []string {
	list := slices.Collect(maps.Keys(b.always))
	for row := range b.sometimes {
		list = append(list, "("+row+")")
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(strings.Trim(a, "()"), strings.Trim(b, "()")) })
	return list
}

// compact writes ids of one chapter with their numbers only: RT-INT-001 004 009.
func compact(ids []string) string {
	var b strings.Builder
	last := ""
	for _, id := range ids {
		open, bare := strings.HasPrefix(id, "("), strings.Trim(id, "()")
		at := strings.LastIndexByte(bare, '-')
		chapter, number := bare[:at], bare[at+1:]
		if chapter != last {
			if last != "" {
				b.WriteString("; ")
			}
			b.WriteString(chapter)
			last = chapter
		}
		if open {
			number = "(" + number + ")"
		}
		b.WriteString(" " + number)
	}
	return b.String()
}

// readKillMatrix reads the faults of the file back.
func readKillMatrix(name string) (map[string]brokenRows, error) {
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	all := make(map[string]brokenRows)
	_, list, _ := strings.Cut(string(text), "\n## Faults\n\n")
	list, _, _ = strings.Cut(list, "\n## Rows\n")
	for line := range strings.Lines(list) {
		head, ids, ok := strings.Cut(strings.TrimSpace(line), ":")
		parts := strings.Split(head, "`")
		if !ok || len(parts) != 3 {
			continue
		}
		rows := brokenRows{always: map[string]bool{}, sometimes: map[string]bool{}}
		for _, group := range strings.Split(ids, "; ") {
			words := strings.Fields(group)
			for _, number := range words[min(1, len(words)):] {
				if bare := strings.Trim(number, "()"); bare != number {
					rows.sometimes[words[0]+"-"+bare] = true
				} else {
					rows.always[words[0]+"-"+number] = true
				}
			}
		}
		all[parts[1]] = rows
	}
	return all, nil
}

// TestKillMatrixIsWhole wants each fault in the committed table with the row that it is for, and each row to
// be broken by one, or to have a reason why none can be.
func TestKillMatrixIsWhole(t *testing.T) {
	committed, err := readKillMatrix(killMatrixFile)
	if errors.Is(err, os.ErrNotExist) {
		t.Fatal("there is no spec/kill-matrix.md: make kill-matrix-update writes it")
	}
	if err != nil {
		t.Fatal(err)
	}
	broken, same := make(map[string]bool), make(map[string]string)
	for _, f := range fault.Catalog() {
		rows, there := committed[f.Name]
		if !there {
			t.Errorf("spec/kill-matrix.md lacks %s: run make kill-matrix-update", f.Name)
			continue
		}
		row, _ := register(t).Requirement(f.Breaks)
		if !rows.always[f.Breaks] && row.Disputed == "" {
			t.Errorf("%s does not break %s in spec/kill-matrix.md", f.Name, f.Breaks)
		}
		maps.Copy(broken, rows.always)
		broken[f.Breaks] = true
		if row.Disputed != "" {
			continue // it fails nobody: there is no text
		}
		what := strings.Join(rows.list(), " ") + shownFailure(t, f.Name)
		if twin, there := same[what]; there && f.Twin == "" {
			t.Errorf("%s and %s break the same rows with the same words: one of them proves nothing", twin, f.Name)
		}
		same[what] = f.Name
	}
	for _, row := range register(t).Requirements {
		switch why := fault.Unbreakable(row.ID); {
		case !broken[row.ID] && why == "" && row.Level != corpus.May: // either way is right: nothing can fail
			t.Errorf("%s is broken by no fault, and has no reason: %s", row.ID, row.Title)
		case broken[row.ID] && why != "":
			t.Errorf("%s is broken, although %s", row.ID, why)
		}
	}
}

// shownFailure is the text of a fault's first failure without the command, which names the fault, and without the wire.
func shownFailure(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join(failureDir, name+".txt"))
	if err != nil {
		t.Error(err)
	}
	shown, _, _ := strings.Cut(withoutWire(string(text)), "\n    again ")
	return shown
}
