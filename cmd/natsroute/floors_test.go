package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors is the house: a package may import packages on lower floors, none on its own or a higher one.
var floors = map[string]int{
	"reference/wire":       0,
	"reference/mutants":    0,
	"corpus":               0,
	"corpus/dict":          0,
	"reference/wire/naive": 1,
	"reference/route":      1,
	"fuzz/gen":             1,
	"fuzz/folder":          1,
	"fuzz/shrink":          2,
	"fuzz/bucket":          2,
	"fuzz/loop":            2,
	"fuzz":                 2,
	"reference/server":     2,
	"harness":              3,
	"harness/fault":        4,
	"harness/pipe":         4,
	"spec/report":          4,
	"spec":                 5,
	"fuzz/live":            5,
	"fuzz/parser":          5,
	"fuzz/planted":         5,
	"fuzz/overnight":       5,
	"cmd/natsroute":        6,
}

// standardOnly are packages that rest on nothing but the standard library and our own floors, and what is excepted.
var standardOnly = map[string][]string{
	"reference/wire":    nil,
	"reference/mutants": nil,
	"reference/route":   nil,
	"reference/server":  {"github.com/klauspost/compress/s2"}, // the standard library has no S2
	"corpus":            nil,
	"corpus/dict":       nil,
	"fuzz/gen":          nil,
}

// pure are packages that may not touch sockets, processes or files.
var pure = map[string][]string{
	"reference/wire":  {"net", "os", "os/exec", "log", "log/slog", "time"},
	"reference/route": {"net", "os", "os/exec", "log", "log/slog"},
	"fuzz/gen":        {"net", "os", "os/exec", "log", "log/slog", "time"},
}

const module = "github.com/natsroute/natsroute/"

// TestFloors holds the import arrows against the table.
func TestFloors(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		floor, ok := floors[pkg]
		if !ok {
			t.Errorf("%s stands on no floor: give it one in this table", pkg)
			continue
		}
		for _, imp := range fields[1:] {
			checkImport(t, pkg, floor, imp)
		}
	}
}

func checkImport(t *testing.T, pkg string, floor int, imp string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(imp, module); ok {
		if below, known := floors[ours]; !known || below >= floor {
			t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, floor, ours, below)
		}
		return
	}
	excepted, standard := standardOnly[pkg]
	if standard && strings.Contains(strings.Split(imp, "/")[0], ".") && !slices.Contains(excepted, imp) {
		t.Errorf("%s imports %s: it rests on the standard library only", pkg, imp)
	}
	if slices.Contains(pure[pkg], imp) {
		t.Errorf("%s imports %s: its core is pure", pkg, imp)
	}
	if ginkgo := strings.HasPrefix(imp, "github.com/onsi/"); ginkgo && pkg != "spec" {
		t.Errorf("%s imports %s: Ginkgo and Gomega live in spec", pkg, imp)
	}
}
