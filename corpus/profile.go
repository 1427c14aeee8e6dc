package corpus

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Profile is a set of rows that a server can be held against. Its name is also the name of a dialect.
type Profile struct {
	Name string
	// Reference is the nats-server release whose rows these are; empty for doc-2.0, which has the rows that every
	// release keeps.
	Reference string
	// Requirements of the profile, in file order.
	Requirements []Requirement

	has map[string]bool
}

// profiles in the order of the releases they stand for.
var profiles = []struct{ name, reference string }{
	{"doc-2.0", ""},
	{"srv-2.1", "2.1.2"},
	{"srv-2.5", "2.5.0"},
	{"srv-2.10", "2.10.27"},
	{"srv-2.12.15", "2.12.15"},
	{"srv-2.15", "2.15.2"},
}

// ProfileNames lists the profiles, oldest first. Dialects have the same names.
func ProfileNames() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.name
	}
	return names
}

// newProfile picks the rows: those without versions, and for a release those whose versions include it.
func newProfile(name, reference string, rows []Requirement) (Profile, error) {
	p := Profile{Name: name, Reference: reference, has: map[string]bool{}}
	for _, row := range rows {
		kept := len(row.Versions) == 0
		if !kept && reference != "" {
			var err error
			if kept, err = row.KeptBy(reference); err != nil {
				return p, err
			}
		}
		if kept {
			p.Requirements = append(p.Requirements, row)
			p.has[row.ID] = true
		}
	}
	return p, nil
}

// Has tells whether the profile has that row.
func (p *Profile) Has(id string) bool { return p.has[id] }

// Digest identifies what the profile asks for: "sha256:" and 64 digits over one line a row, in the order of the ids.
// A line is id, level, capability, branch, needs joined by comma, and title, separated by tabs, ended by LF. Clauses and
// notes do not count: they explain.
func (p *Profile) Digest() string {
	rows := slices.Clone(p.Requirements)
	slices.SortFunc(rows, func(a, b Requirement) int { return strings.Compare(a.ID, b.ID) })
	h := sha256.New()
	for _, r := range rows {
		fields := []string{r.ID, string(r.Level), r.Capability, r.Branch, strings.Join(r.Needs, ","), r.Title}
		_, _ = io.WriteString(h, strings.Join(fields, "\t")+"\n") // a hash never fails
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil))
}
