package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the files in an output directory.
const (
	ResultsFile = "results.jsonl"
	ReportFile  = "report.json"
	JUnitFile   = "junit.xml"
)

// Dir is an output directory. Append writes results as they come; Finish writes what needs all of them.
type Dir struct {
	path    string
	results *os.File
}

// Create makes the directory if there is none and opens results.jsonl in it, so that a directory that cannot be used is
// an error before the run and not after it. A directory that holds a report already is refused: reports are evidence.
func Create(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the report directory %s: %w", path, bare(err))
	}
	for _, name := range []string{ResultsFile, ReportFile, JUnitFile} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			return nil, fmt.Errorf("the report directory %s holds a %s already: name another directory, or remove that report", path, name)
		}
	}
	f, err := os.OpenFile(filepath.Join(path, ResultsFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write to the report directory %s: %w", path, bare(err))
	}
	return &Dir{path: path, results: f}, nil
}

// Path of a file in the directory, for people.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Append adds one line to results.jsonl. It is with the operating system when Append returns.
func (d *Dir) Append(res Result) error { return WriteResult(d.results, res) }

// Finish writes report.json and junit.xml: each is there whole or not at all.
func (d *Dir) Finish(r *Report) error {
	return errors.Join(
		d.results.Close(),
		d.replace(ReportFile, func(w io.Writer) error { return WriteReport(w, r) }),
		d.replace(JUnitFile, func(w io.Writer) error { return WriteJUnit(w, r) }),
	)
}

// Abandon closes and removes a results.jsonl that has no line: the run ended before its first spec.
func (d *Dir) Abandon() error {
	return errors.Join(d.results.Close(), os.Remove(d.results.Name()))
}

func (d *Dir) replace(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(d.path, "."+name+"-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, bare(err))
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.Path(name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("cannot write %s: %w", name, bare(err))
	}
	return nil
}

// bare takes the path out of a system error: the sentence around it has named it.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
