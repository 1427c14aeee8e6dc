package corpus

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed requirements.json page.json vectors/*.json captures/*.txt regress
var data embed.FS

const registerFile = "requirements.json"

// Corpus is the register, the page and the vectors, checked.
type Corpus struct {
	Requirements []Requirement // in file order
	Exclusions   []Exclusion
	Page         []Sentence // in the order of the page
	Vectors      []Vector   // by file name, then in file order

	rows     map[string]int
	byRow    map[string][]int // requirement -> vectors that it judges
	chapter  []string         // of each vector: its file's name
	profiles []Profile
}

// DataError is a fault in a data file.
type DataError struct {
	File   string
	Row    string // the id, or "#3" for the third row if it has none
	Member string // empty: the row as a whole
	Err    error
}

func (e *DataError) Error() string {
	where := e.File
	if e.Row != "" {
		where += ": " + e.Row
	}
	if e.Member != "" {
		where += ": " + e.Member
	}
	return fmt.Sprintf("corpus: %s: %v", where, e.Err)
}

func (e *DataError) Unwrap() error { return e.Err }

var loaded = sync.OnceValues(func() (*Corpus, error) { return load(data) })

// Load returns the corpus that is built in. An error joins one *DataError for each fault found. The work is done once.
func Load() (*Corpus, error) { return loaded() }

func load(fsys fs.FS) (*Corpus, error) {
	c := &Corpus{rows: map[string]int{}, byRow: map[string][]int{}}
	if err := c.loadRegister(fsys); err != nil {
		return nil, err
	}
	if err := c.loadVectors(fsys); err != nil {
		return nil, err
	}
	if err := c.loadPage(fsys); err != nil {
		return nil, err
	}
	for _, p := range profiles {
		profile, err := newProfile(p.name, p.reference, c.Requirements)
		if err != nil {
			return nil, err
		}
		c.profiles = append(c.profiles, profile)
	}
	return c, nil
}

func (c *Corpus) loadRegister(fsys fs.FS) error {
	var file struct {
		Requirements []json.RawMessage `json:"requirements"`
		Exclusions   []json.RawMessage `json:"exclusions"`
	}
	if err := readJSON(fsys, registerFile, &file); err != nil {
		return err
	}
	var faults []error
	for i, raw := range file.Requirements {
		var row Requirement
		if err := decodeRow(registerFile, i, raw, &row); err != nil {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, checkRequirement(&row)...)
		if _, twice := c.rows[row.ID]; twice {
			faults = append(faults, &DataError{registerFile, row.ID, "id", errors.New("is there twice")})
		}
		c.rows[row.ID] = len(c.Requirements)
		c.Requirements = append(c.Requirements, row)
	}
	for i, raw := range file.Exclusions {
		var x Exclusion
		if err := decodeRow(registerFile, i, raw, &x); err != nil {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, checkExclusion(i, &x)...)
		if x.Key != "" && slices.ContainsFunc(c.Exclusions, func(other Exclusion) bool { return other.Key == x.Key }) {
			faults = append(faults, &DataError{registerFile, x.Key, "key", errors.New("is there twice")})
		}
		c.Exclusions = append(c.Exclusions, x)
	}
	return errors.Join(faults...)
}

func (c *Corpus) loadVectors(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "vectors/*.json")
	if err != nil {
		return &DataError{File: "vectors", Err: err}
	}
	var faults []error
	seen := map[string]bool{}
	for _, name := range names {
		var rows []json.RawMessage
		if err := readJSON(fsys, name, &rows); err != nil {
			faults = append(faults, err)
			continue
		}
		for i, raw := range rows {
			var v Vector
			if err := decodeRow(name, i, raw, &v); err != nil {
				faults = append(faults, err)
				continue
			}
			faults = append(faults, c.checkVector(name, i, &v)...)
			if seen[v.ID] {
				faults = append(faults, &DataError{name, v.ID, "id", errors.New("is there twice")})
			}
			seen[v.ID] = true
			c.addVector(strings.TrimSuffix(path.Base(name), ".json"), v)
		}
	}
	return errors.Join(faults...)
}

func (c *Corpus) addVector(chapter string, v Vector) {
	if len(v.Requirements) > 0 {
		c.byRow[v.Requirements[0]] = append(c.byRow[v.Requirements[0]], len(c.Vectors))
	}
	c.chapter = append(c.chapter, chapter)
	c.Vectors = append(c.Vectors, v)
}

func readJSON(fsys fs.FS, name string, into any) error {
	b, err := fs.ReadFile(fsys, name)
	if err == nil {
		err = decodeStrict(b, into)
	}
	if err != nil {
		return &DataError{File: name, Member: memberOf(err), Err: err}
	}
	return nil
}

// decodeRow reads one row. A row that cannot be read is named by its id all the same, if it has one.
func decodeRow(file string, i int, raw json.RawMessage, into any) error {
	err := decodeStrict(raw, into)
	if err == nil {
		return nil
	}
	var named struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(raw, &named) // the row is faulty; only its name is wanted
	return &DataError{File: file, Row: rowName(named.ID, i), Member: memberOf(err), Err: err}
}

func rowName(id string, i int) string {
	if id == "" {
		return fmt.Sprintf("#%d", i+1)
	}
	return id
}

// decodeStrict refuses members that the type does not have, and text behind the value.
func decodeStrict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("text behind the JSON value")
	}
	return nil
}

// memberOf is the member that a JSON error is about, if it tells.
func memberOf(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return wrong.Field
	}
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return strings.Trim(field, `"`)
	}
	return ""
}

// Requirement is the row with that id.
func (c *Corpus) Requirement(id string) (Requirement, bool) {
	i, ok := c.rows[id]
	if !ok {
		return Requirement{}, false
	}
	return c.Requirements[i], true
}

// VectorsFor returns the vectors by which the requirement is judged, those that name it first.
func (c *Corpus) VectorsFor(id string) []Vector {
	var out []Vector
	for _, i := range c.byRow[id] {
		out = append(out, c.Vectors[i])
	}
	return out
}

// VectorChapters lists the vector files by their names without .json.
func (c *Corpus) VectorChapters() []string {
	var out []string
	for i, chapter := range c.chapter {
		if i == 0 || c.chapter[i-1] != chapter {
			out = append(out, chapter)
		}
	}
	return out
}

// VectorsOf returns the vectors of one of VectorChapters, in file order.
func (c *Corpus) VectorsOf(chapter string) []Vector {
	var out []Vector
	for i, v := range c.Vectors {
		if c.chapter[i] == chapter {
			out = append(out, v)
		}
	}
	return out
}

// Chapters lists the chapters that have requirements, in the order in which a reader meets the protocol.
func (c *Corpus) Chapters() []string {
	used := map[string]bool{}
	for _, r := range c.Requirements {
		used[r.Chapter] = true
	}
	var out []string
	for _, ch := range chapters {
		if used[ch.name] {
			out = append(out, ch.name)
		}
	}
	return out
}

// Profiles returns the profiles, oldest first.
func (c *Corpus) Profiles() []Profile { return append([]Profile(nil), c.profiles...) }

// Profile is the profile of that name.
func (c *Corpus) Profile(name string) (Profile, error) {
	for _, p := range c.profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("corpus: no profile %q: there are %s", name, strings.Join(ProfileNames(), ", "))
}
