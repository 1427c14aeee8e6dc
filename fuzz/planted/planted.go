package planted

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Patch is one mistake.
type Patch struct {
	Name    string
	File    string // in the module, with slashes
	Find    string // the text that it replaces; it stands in the file exactly once
	Replace string
	Notice  string   // what there is to see
	Oracle  Oracle   // what has to see it
	Targets []string // the fuzz targets that are meant to kill it: names of fuzz.Targets, or Live
}

// Live is the target that stands for the live fuzzer.
const Live = "live"

// Oracle is a way to see a mistake.
type Oracle string

const (
	Crash    Oracle = "crash"    // the process ends
	Hang     Oracle = "hang"     // it stops to answer
	Split    Oracle = "split"    // the same bytes in other pieces mean something else
	Grammar  Oracle = "grammar"  // bytes are accepted that are none, refused that are some, or misread
	Circle   Oracle = "circle"   // what is written is not read back
	Memory   Oracle = "memory"   // more is kept than was sent
	Answer   Oracle = "answer"   // no answer, a wrong one, a close that is not due or does not come
	Interest Oracle = "interest" // a peer is told too much or too little of what is wanted
	Delivery Oracle = "delivery" // a message goes astray, comes twice, or is not what was sent
	Matching Oracle = "matching" // subjects
)

// All lists every patch: of the parser, the machine, the server.
func All() []Patch { return slices.Concat(parserFaults, machineFaults, serverFaults) }

// Named returns the patch of that name.
func Named(name string) (Patch, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Patch{}, fmt.Errorf("there is no planted fault %q", name)
}

// Apply returns the text of the patch's file, below the module's directory root, with the mistake in it.
func (p Patch) Apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p.File)))
	if err != nil {
		return nil, fmt.Errorf("planted %s: %w", p.Name, err)
	}
	if n := strings.Count(string(text), p.Find); n != 1 {
		return nil, fmt.Errorf("planted %s: its text stands %d times in %s: adapt Find to the code as it is now", p.Name, n, p.File)
	}
	return []byte(strings.Replace(string(text), p.Find, p.Replace, 1)), nil
}

// Overlay writes the patched file and a file for the -overlay flag of the go command into dir, and returns the path of the latter.
func (p Patch) Overlay(root, dir string) (string, error) {
	text, err := p.Apply(root)
	if err != nil {
		return "", err
	}
	patched := filepath.Join(dir, p.Name+".go")
	if err := os.WriteFile(patched, text, 0o644); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(root, filepath.FromSlash(p.File)): patched},
	})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, p.Name+".json")
	return path, os.WriteFile(path, overlay, 0o644)
}
