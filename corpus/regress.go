package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Regression is an input that a server was once found not to survive, or that two servers once misunderstood: one folder of
// regress/, named for its bucket. It holds only what is public or fixed.
type Regression struct {
	Bucket   string
	Sequence []byte // the text form of package fuzz/gen

	Title    string            `json:"title"`
	Public   string            `json:"public"` // where it can be read, and what has become of it
	Verdicts []ServerVerdict   `json:"verdicts"`
	Ours     map[string]string `json:"reference"` // what the reference does with connection 0, by dialect; "*": all others
}

// ServerVerdict is what became of connection 0, or of the server, in a range of releases.
type ServerVerdict struct {
	Versions string `json:"versions"` // as in the register
	Verdict  string `json:"verdict"`  // one of RegressionVerdicts
}

// RegressionVerdicts: the process ends; the connection stays open; it is closed without a word, or behind an -ERR.
var RegressionVerdicts = []string{"crash", "open", "close", "error"}

// Verdict is what the reference is to do in a dialect.
func (r *Regression) Verdict(dialect string) string {
	if v, ok := r.Ours[dialect]; ok {
		return v
	}
	return r.Ours["*"]
}

// Regressions returns all of them, by bucket. An error is a *DataError.
func Regressions() ([]Regression, error) { return loadRegressions(data) }

func loadRegressions(fsys fs.FS) ([]Regression, error) {
	folders, err := fs.ReadDir(fsys, "regress")
	if err != nil {
		return nil, &DataError{File: "regress", Err: err}
	}
	var all []Regression
	for _, folder := range folders {
		file := path.Join("regress", folder.Name(), "note.json")
		r := Regression{Bucket: folder.Name()}
		text, err := fs.ReadFile(fsys, file)
		if err == nil {
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			err = decoder.Decode(&r)
		}
		if err == nil {
			err = r.check()
		}
		if err != nil {
			return nil, &DataError{File: file, Err: err}
		}
		if r.Sequence, err = fs.ReadFile(fsys, path.Join("regress", folder.Name(), "sequence.txt")); err != nil {
			return nil, &DataError{File: file, Err: err}
		}
		all = append(all, r)
	}
	return all, nil
}

func (r *Regression) check() error {
	if r.Title == "" || r.Public == "" || len(r.Verdicts) == 0 || r.Ours["*"] == "" {
		return errors.New("title, public, verdicts and reference with * are needed: only what is public or fixed belongs here")
	}
	for _, v := range r.Verdicts {
		if _, err := parseRange(v.Versions); err != nil {
			return fmt.Errorf("versions: %w", err)
		}
		if !slices.Contains(RegressionVerdicts, v.Verdict) {
			return fmt.Errorf("the verdict %q is none of %q", v.Verdict, RegressionVerdicts)
		}
	}
	for dialect, v := range r.Ours {
		if v == "crash" || !slices.Contains(RegressionVerdicts, v) {
			return fmt.Errorf("reference: %s: %q is no verdict for us", dialect, v)
		}
	}
	return nil
}
