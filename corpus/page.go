package corpus

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

const pageFile = "page.json"

// Sentence is one sentence of the 2.0 page, or one option, line of syntax, example or filled cell of its table, told in
// other words, with the rows that hold servers to it.
type Sentence struct {
	Section string `json:"section"`
	N       int    `json:"n"`      // in the section, from 1
	Says    string `json:"says"`   // what the sentence says
	Digest  string `json:"digest"` // Digest of the sentence itself, which is not kept
	// Rows that assert the sentence, or what servers do instead of it.
	Rows []string `json:"rows,omitempty"`
	// Excluded has the keys of exclusions: why the sentence, or a part of it, is asserted by no row.
	Excluded []string `json:"excluded,omitempty"`
}

// Digest identifies a sentence of the page without keeping it: the first 16 hexadecimal digits of the SHA-256 of its
// words with one blank between them.
func Digest(sentence string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(strings.Fields(sentence), " "))))[:16]
}

// SentencesOf returns the sentences of the page that name the requirement, in the page's order.
func (c *Corpus) SentencesOf(id string) []Sentence {
	out := []Sentence{}
	for _, s := range c.Page {
		if slices.Contains(s.Rows, id) {
			out = append(out, s)
		}
	}
	return out
}

var pageDigest = regexp.MustCompile(`^[0-9a-f]{16}$`)

// name says which sentence it is.
func (s *Sentence) name() string { return fmt.Sprintf("%s %d", s.Section, s.N) }

// loadPage reads page.json. Register first: it names rows and exclusions.
func (c *Corpus) loadPage(fsys fs.FS) error {
	var rows []json.RawMessage
	if err := readJSON(fsys, pageFile, &rows); err != nil {
		return err
	}
	var faults []error
	last := map[string]int{}
	for i, raw := range rows {
		var s Sentence
		if err := decodeRow(pageFile, i, raw, &s); err != nil {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, c.checkSentence(&s, last[s.Section]+1)...)
		last[s.Section] = s.N
		c.Page = append(c.Page, s)
	}
	return errors.Join(faults...)
}

func (c *Corpus) checkSentence(s *Sentence, n int) []error {
	k := &checker{file: pageFile, row: s.name()}
	k.oneOf("section", s.Section, sections)
	k.said("says", s.Says)
	if s.N != n {
		k.fault("n", "%d comes where %d should be", s.N, n)
	}
	if !pageDigest.MatchString(s.Digest) {
		k.fault("digest", "%q is not 16 hexadecimal digits", s.Digest)
	}
	if len(s.Rows)+len(s.Excluded) == 0 {
		k.fault("", "has neither rows nor an exclusion")
	}
	for _, id := range s.Rows {
		if _, ok := c.rows[id]; !ok {
			k.fault("rows", "%q is not in the register", id)
		}
	}
	for _, key := range s.Excluded {
		if !slices.ContainsFunc(c.Exclusions, func(x Exclusion) bool { return x.Key == key }) {
			k.fault("excluded", "no exclusion has the key %q", key)
		}
	}
	return k.faults
}
