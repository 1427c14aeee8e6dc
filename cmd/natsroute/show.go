package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/spec"
	"github.com/natsroute/natsroute/spec/report"
)

// showCommand is `natsroute show`.
type showCommand struct {
	ID   string `arg:"" placeholder:"ID" help:"A requirement (RT-HS-001), or a result's id (RT-HS-001/word)."`
	JSON bool   `short:"j" name:"json" help:"As JSON."`
}

// shown is one requirement and what tests it.
type shown struct {
	Requirement corpus.Requirement  `json:"requirement"`
	Place       *spec.Place         `json:"place,omitempty"` // in PROTOCOL.md
	Page        []corpus.Sentence   `json:"page"`            // the sentences of the 2.0 page that it asserts or differs from
	Profiles    []string            `json:"profiles"`
	Specs       []spec.CatalogEntry `json:"specs"`
	Vectors     []corpus.Vector     `json:"vectors"`
}

// Run shows.
func (s *showCommand) Run(p *process) error {
	register, err := corpus.Load()
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(s.ID, "/")
	row, ok := register.Requirement(id)
	if !ok {
		return &failure{Code: report.ExitIncomplete, Err: fmt.Errorf("there is no requirement %q: `natsroute list` shows all", id)}
	}
	one := shown{Requirement: row, Page: register.SentencesOf(id), Profiles: []string{}, Specs: []spec.CatalogEntry{}, Vectors: append([]corpus.Vector{}, register.VectorsFor(id)...)}
	if place, ok := spec.PlaceOf(id); ok {
		one.Place = &place
	}
	for _, profile := range register.Profiles() {
		if profile.Has(id) {
			one.Profiles = append(one.Profiles, profile.Name)
		}
	}
	for _, e := range spec.Catalog(register) {
		if slices.Contains(e.Requirements, id) {
			one.Specs = append(one.Specs, e)
		}
	}
	if s.JSON {
		return writeJSON(p, one)
	}
	one.write(p)
	return nil
}

func (s *shown) write(p *process) {
	row := s.Requirement
	p.hang(2, fmt.Sprintf("%s  %s  %s", row.ID, strings.ToUpper(string(row.Level)), row.Title))
	place := ""
	if s.Place != nil {
		place = fmt.Sprintf("%s, line %d: %s", s.Place.File, s.Place.Line, s.Place.Chapter)
	}
	type fact struct{ label, text string }
	facts := []fact{
		{"chapter", row.Chapter},
		{"capability", row.Capability},
		{"protocol", place},
		{"clause", row.Clause},
	}
	for _, sentence := range s.Page {
		facts = append(facts, fact{"page", fmt.Sprintf("%s %d: %s", sentence.Section, sentence.N, sentence.Says)})
	}
	facts = append(facts, []fact{
		{"differs", row.PageDiffers},
		{"disputed", row.Disputed},
		{"note", row.Note},
		{"versions", strings.Join(row.Versions, ", ")},
		{"branch", row.Branch},
		{"needs", strings.Join(row.Needs, ", ")},
		{"profiles", strings.Join(s.Profiles, ", ")},
	}...)
	for _, fact := range facts {
		if fact.text != "" {
			p.hang(15, fmt.Sprintf("    %-11s%s", fact.label, fact.text))
		}
	}
	fmt.Fprintf(p.stdout, "\n%s:\n", counted(len(s.Specs), "spec"))
	for _, e := range s.Specs {
		p.hang(8, "    "+e.ID+"  "+e.Title)
	}
	if len(s.Vectors) == 0 {
		return
	}
	fmt.Fprintf(p.stdout, "\n%s:\n", counted(len(s.Vectors), "vector"))
	for _, v := range s.Vectors {
		p.hang(8, "    "+v.ID+"  "+v.Comment)
		p.hang(14, "        in    "+strconv.QuoteToASCII(string(v.Bytes())))
		p.hang(14, "        want  "+wanted(v.Want))
	}
}

// wanted is what must come of a vector, in one line: on a parser, and on a live port.
func wanted(w corpus.Want) string {
	var ops []string
	for _, op := range w.Ops {
		ops = append(ops, op.Op)
	}
	parts := []string{"[" + strings.Join(ops, " ") + "]"}
	if w.Error != "" {
		parts = append(parts, w.Error+" error "+w.Token)
	}
	var dialects []string
	for d := range w.Live {
		dialects = append(dialects, d)
	}
	slices.Sort(dialects)
	for _, d := range dialects {
		live := "live " + string(w.Live[d])
		if d != "*" {
			live += " (" + d + ")"
		}
		parts = append(parts, live)
	}
	if w.LiveReason != "" {
		parts = append(parts, "parser only: "+w.LiveReason)
	}
	return strings.Join(parts, " · ")
}
