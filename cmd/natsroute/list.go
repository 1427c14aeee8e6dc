package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/spec/report"
)

// listCommand is `natsroute list`.
type listCommand struct {
	What string `arg:"" optional:"" default:"requirements" enum:"requirements,profiles,capabilities,exclusions,setups" help:"requirements (the default), profiles, capabilities, exclusions: what no requirement covers, or setups: the ways in which servers are set up for a run."`

	Profile     string   `placeholder:"NAME" help:"Only rows of this profile."`
	Capability  []string `placeholder:"NAME" help:"Only these capabilities."`
	Chapter     []string `placeholder:"NAME" help:"Only these chapters."`
	Level       []string `enum:"must,should,may" help:"Only these levels: must, should, may."`
	PageDiffers bool     `help:"Only rows where every server differs from the 2.0 page, and how."`
	JSON        bool     `short:"j" name:"json" help:"As JSON."`
}

// Run lists.
func (l *listCommand) Run(p *process) error {
	register, err := corpus.Load()
	if err != nil {
		return err
	}
	rows, err := l.rows(register)
	if err != nil {
		return err
	}
	if l.filtered() && l.What != "requirements" && l.What != "capabilities" {
		return usage("%s are not filtered: leave out --profile, --capability, --chapter, --level and --page-differs", l.What)
	}
	switch l.What {
	case "profiles":
		return l.profiles(p, register)
	case "exclusions":
		return l.exclusions(p, register)
	case "setups":
		return l.setups(p)
	}
	if len(rows) == 0 {
		return &failure{Code: report.ExitIncomplete, Err: fmt.Errorf("no requirement matches: `natsroute list` without filters shows all")}
	}
	if l.What == "capabilities" {
		return l.capabilities(p, rows)
	}
	if l.JSON {
		return writeJSON(p, rows)
	}
	if l.PageDiffers {
		writeDifferences(p, rows)
	} else {
		writeRequirements(p, rows)
	}
	p.hang(2, counted(len(rows), "requirement")+". `natsroute show ID` tells more of one.")
	return nil
}

func writeRequirements(p *process, rows []corpus.Requirement) {
	var table [][]string
	for _, r := range rows {
		table = append(table, []string{r.ID, string(r.Level), r.Capability, r.Chapter, r.Title})
	}
	writeTable(p, []string{"requirement", "level", "capability", "chapter", "title"}, table)
}

// writeDifferences writes what servers do, which the row asserts, above how the page has it.
func writeDifferences(p *process, rows []corpus.Requirement) {
	for _, r := range rows {
		p.hang(13, fmt.Sprintf("%-13s%s", r.ID, strings.ToUpper(string(r.Level))+"  "+r.Title))
		p.hang(13, fmt.Sprintf("%13s%s", "", r.PageDiffers))
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (l *listCommand) filtered() bool {
	return l.Profile != "" || len(l.Capability)+len(l.Chapter)+len(l.Level) > 0 || l.PageDiffers
}

func (l *listCommand) rows(register *corpus.Corpus) ([]corpus.Requirement, error) {
	rows := register.Requirements
	if l.Profile != "" {
		profile, err := register.Profile(l.Profile)
		if err != nil {
			return nil, usage("there is no profile %q: give one of %s", l.Profile, strings.Join(corpus.ProfileNames(), ", "))
		}
		rows = profile.Requirements
	}
	allows := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return slices.DeleteFunc(slices.Clone(rows), func(r corpus.Requirement) bool {
		return !allows(l.Capability, r.Capability) || !allows(l.Chapter, r.Chapter) || !allows(l.Level, string(r.Level)) ||
			l.PageDiffers && r.PageDiffers == ""
	}), nil
}

// exclusions writes what no requirement covers, and why.
func (l *listCommand) exclusions(p *process, register *corpus.Corpus) error {
	if l.JSON {
		return writeJSON(p, register.Exclusions)
	}
	for _, x := range register.Exclusions {
		p.hang(14, fmt.Sprintf("%-14s%s (%s)", strings.ReplaceAll(x.Kind, "_", " "), x.Text, x.Source))
		p.hang(14, fmt.Sprintf("%14s%s", "", x.Reason))
	}
	p.hang(2, counted(len(register.Exclusions), "exclusion")+".")
	return nil
}

// profileLine is one line of `natsroute list profiles`.
type profileLine struct {
	Name         string `json:"name"`
	Reference    string `json:"reference"`
	Requirements int    `json:"requirements"`
	Musts        int    `json:"musts"`
	Digest       string `json:"digest"`
}

func (l *listCommand) profiles(p *process, register *corpus.Corpus) error {
	var lines []profileLine
	var table [][]string
	for _, profile := range register.Profiles() {
		line := profileLine{profile.Name, profile.Reference, len(profile.Requirements), musts(profile.Requirements), profile.Digest()}
		lines = append(lines, line)
		reference := "what every release keeps"
		if line.Reference != "" {
			reference = "nats-server " + line.Reference
		}
		table = append(table, []string{line.Name, fmt.Sprint(line.Requirements), fmt.Sprint(line.Musts), short(line.Digest), reference})
	}
	if l.JSON {
		return writeJSON(p, lines)
	}
	writeTable(p, []string{"profile", "rows", "musts", "digest", "as kept by"}, table)
	return nil
}

// short is the head of a digest, enough to tell profiles apart; --json tells it whole.
func short(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }

func musts(rows []corpus.Requirement) int {
	n := 0
	for _, r := range rows {
		if r.Level == corpus.Must {
			n++
		}
	}
	return n
}

// capabilityLine is one line of `natsroute list capabilities`.
type capabilityLine struct {
	Name         string   `json:"name"`
	Requirements int      `json:"requirements"`
	Musts        int      `json:"musts"`
	Needs        []string `json:"needs"` // what some of its rows cannot be tested without
}

func (l *listCommand) capabilities(p *process, rows []corpus.Requirement) error {
	var lines []capabilityLine
	var table [][]string
	for _, name := range corpus.Capabilities() {
		of := slices.DeleteFunc(slices.Clone(rows), func(r corpus.Requirement) bool { return r.Capability != name })
		if len(of) == 0 {
			continue
		}
		needs := []string{}
		for _, r := range of {
			needs = append(needs, r.Needs...)
		}
		slices.Sort(needs)
		line := capabilityLine{name, len(of), musts(of), slices.Compact(needs)}
		lines = append(lines, line)
		table = append(table, []string{line.Name, fmt.Sprint(line.Requirements), fmt.Sprint(line.Musts), strings.Join(line.Needs, " ")})
	}
	if l.JSON {
		return writeJSON(p, lines)
	}
	writeTable(p, []string{"capability", "rows", "musts", "some rows need"}, table)
	return nil
}
