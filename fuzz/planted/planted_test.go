package planted

import (
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's directory.
const root = "../.."

var everyPatch = flag.Bool("planted-all", false, "compile every patch, not a sample")

// TestPatchesApply holds that no patch has rotted: its text stands in the file once, and it changes something.
func TestPatchesApply(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All() {
		if seen[p.Name] {
			t.Errorf("two patches are called %s", p.Name)
		}
		seen[p.Name] = true
		if p.Find == p.Replace || p.Notice == "" || p.Oracle == "" || len(p.Targets) == 0 {
			t.Errorf("%s is not whole: %+v", p.Name, p)
		}
		if _, err := p.Apply(root); err != nil {
			t.Error(err)
		}
	}
}

// TestPatchesCount holds what the figures in fuzz/BENCHMARKS.md rest on.
func TestPatchesCount(t *testing.T) {
	parts, quiet := map[string]int{}, 0
	for _, p := range All() {
		parts[path.Dir(p.File)]++
		if p.Oracle != Crash {
			quiet++
		}
	}
	for _, dir := range []string{"reference/wire", "reference/route", "reference/server"} {
		if parts[dir] != 20 {
			t.Errorf("%d patches in %s, want 20", parts[dir], dir)
		}
	}
	if quiet < 20 {
		t.Errorf("%d patches need another oracle than a crash, want 20 at least", quiet)
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, find := range []string{"no such text", "func"} {
		p := Patch{Name: "rotten", File: "reference/wire/parser.go", Find: find}
		if _, err := p.Apply(root); err == nil || !strings.Contains(err.Error(), "rotten") {
			t.Errorf("a patch whose text stands not once: %v", err)
		}
	}
	if _, err := Named("no such patch"); err == nil {
		t.Error("a patch that is none was found")
	}
}

// TestPatchesCompile builds patched packages: one of each part, or with -planted-all all of them. Of files that several patches
// change, each patch is compiled by itself.
func TestPatchesCompile(t *testing.T) {
	patches := All()
	if !*everyPatch {
		if testing.Short() {
			t.Skip("not run with -short: it builds packages")
		}
		patches = []Patch{parserFaults[0], machineFaults[0], serverFaults[0]}
	}
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		overlay, err := p.Overlay(absolute, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		build := exec.Command("go", "build", "-overlay", overlay, "./"+path.Dir(p.File))
		build.Dir = absolute
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s does not compile: %v\n%s", p.Name, err, out)
		}
	}
}

// TestOverlayLeavesTheSourceAlone: the file of the reference is what it was.
func TestOverlayLeavesTheSourceAlone(t *testing.T) {
	p, err := Named(parserFaults[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, p.File)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := p.Overlay(root, dir); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(file); err != nil || !slices.Equal(before, after) {
		t.Errorf("the source has changed: %v", err)
	}
	patched, err := os.ReadFile(filepath.Join(dir, p.Name+".go"))
	if err != nil || slices.Equal(before, patched) {
		t.Errorf("the patched file is the source: %v", err)
	}
}
