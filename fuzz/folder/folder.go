package folder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The kinds of files, each in a folder of that name.
const (
	Findings = "findings"
	Corpus   = "corpus"
	Suspects = "suspects"
	Rare     = "rare"
)

// Folder is the folder of a run. It is for concurrent use.
type Folder struct {
	dir string

	mu       sync.Mutex
	findings map[string]bool // buckets
	before   int             // of them, those that were there when the run began
	corpus   map[string]bool
	suspects int
	status   *os.File
}

// Open makes the folder, or opens one with what it holds. The caller closes it.
func Open(dir string) (*Folder, error) {
	f := &Folder{dir: dir, findings: map[string]bool{}, corpus: map[string]bool{}}
	for _, kind := range []string{Findings, Corpus, Suspects, Rare, ledgers} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o755); err != nil {
			return nil, err
		}
	}
	for kind, into := range map[string]map[string]bool{Findings: f.findings, Corpus: f.corpus} {
		names, err := f.Names(kind)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			into[name] = true
		}
	}
	f.before = len(f.findings)
	var err error
	f.status, err = os.OpenFile(filepath.Join(dir, "status.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return f, err
}

// Close ends the writing.
func (f *Folder) Close() error { return f.status.Close() }

// Dir is where the folder is.
func (f *Folder) Dir() string { return f.dir }

// Path is the file of that kind and name.
func (f *Folder) Path(kind, name string) string { return filepath.Join(f.dir, kind, name+".txt") }

// Names are the names of the files of a kind, without .txt, sorted.
func (f *Folder) Names(kind string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(f.dir, kind))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".txt"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Write makes a file in one step.
func Write(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// Keep puts a case into the corpus, unless it is there.
func (f *Folder) Keep(text []byte) error {
	sum := sha256.Sum256(text)
	name := hex.EncodeToString(sum[:8])
	f.mu.Lock()
	known := f.corpus[name]
	f.corpus[name] = true
	f.mu.Unlock()
	if known {
		return nil
	}
	return Write(f.Path(Corpus, name), text)
}

// Each reads every file of a kind. What read refuses is named in the error; the rest has been read.
func (f *Folder) Each(kind string, read func(name string, text []byte) error) error {
	names, err := f.Names(kind)
	if err != nil {
		return err
	}
	var faults []error
	for _, name := range names {
		text, err := os.ReadFile(f.Path(kind, name))
		if err == nil {
			err = read(name, text)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.Path(kind, name), err))
		}
	}
	return errors.Join(faults...)
}

// Suspect puts what is to be confirmed on disk and returns its name.
func (f *Folder) Suspect(text []byte) (string, error) {
	f.mu.Lock()
	f.suspects++
	name := fmt.Sprintf("%d-%d", time.Now().UnixNano(), f.suspects)
	f.mu.Unlock()
	return name, Write(f.Path(Suspects, name), text)
}

// Strand makes suspects of what stands in the ledgers of a run that was killed: of each worker the last n cases. It comes before this run's
// ledgers take their place.
func (f *Folder) Strand(n int) error {
	for worker := 0; ; worker++ {
		texts, err := f.InFlight(worker, n)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && len(texts) > 0 {
			_, err = f.Suspect(append(bytes.Join(texts, []byte("\n")), '\n'))
		}
		if err != nil {
			return err
		}
	}
}

// Settled takes a suspect away: what was to be known of it is known.
func (f *Folder) Settled(suspect string) { _ = os.Remove(f.Path(Suspects, suspect)) }

// Find stores a finding; true: its bucket is new to the folder.
func (f *Folder) Find(bucket string, text []byte) (bool, error) {
	f.mu.Lock()
	known := f.findings[bucket]
	f.findings[bucket] = true
	f.mu.Unlock()
	if known {
		return false, nil
	}
	return true, Write(f.Path(Findings, bucket), text)
}

// Rare stores what has happened, and does not each time.
func (f *Folder) Rare(bucket string, text []byte) error { return Write(f.Path(Rare, bucket), text) }

// Counts are the buckets in the folder, those that this run has found, and the cases of the corpus.
func (f *Folder) Counts() (findings, fresh, corpus int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.findings), len(f.findings) - f.before, len(f.corpus)
}

// Report adds a line to status.jsonl.
func (f *Folder) Report(status any) error {
	line, err := json.Marshal(status)
	if err != nil {
		return err
	}
	_, err = f.status.Write(append(line, '\n'))
	return err
}
