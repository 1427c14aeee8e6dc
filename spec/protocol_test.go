package spec

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
)

var update = flag.Bool("update", false, "write what PROTOCOL.md takes from the register and from reference/route into it")

// TestProtocolStatesEveryRow holds PROTOCOL.md and the register together: each row has one place, and no place is
// without its row.
func TestProtocolStatesEveryRow(t *testing.T) {
	for _, fault := range protocolFaults(protocolText, mustCorpus(t)) {
		t.Error(fault)
	}
}

func mustCorpus(t *testing.T) *corpus.Corpus {
	t.Helper()
	c, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func protocolFaults(text string, c *corpus.Corpus) []string {
	var faults []string
	known, lines := map[string]bool{}, map[string]int{}
	for _, r := range c.Requirements {
		known[r.ID] = true
	}
	for _, p := range places(text) {
		if lines[p.requirement] > 0 {
			faults = append(faults, fmt.Sprintf("%s stands in line %d and again in line %d: one place is for the rule, elsewhere write the id without brackets", p.requirement, lines[p.requirement], p.Line))
		}
		lines[p.requirement] = p.Line
	}
	for _, id := range regexp.MustCompile(`RT-[A-Z]+-\d+`).FindAllString(text, -1) {
		if !known[id] {
			faults = append(faults, fmt.Sprintf("%s is in PROTOCOL.md and not in the register", id))
		}
	}
	for _, r := range c.Requirements {
		if lines[r.ID] == 0 {
			faults = append(faults, fmt.Sprintf("%s has no place in PROTOCOL.md: state it under its heading and end the sentence with [%s]: %s", r.ID, r.ID, r.Title))
		}
	}
	return faults
}

// TestProtocolRulesHaveTags wants a tag in each item of a list: those are the rules. Chapter 1 introduces.
func TestProtocolRulesHaveTags(t *testing.T) {
	for _, item := range untagged(protocolText) {
		t.Errorf("a list item is a rule and has the tag of its row, this one has none: %q", item)
	}
	if got := untagged("- before\n## 2. A\n- one. [RT-HS-001]\n- two,\n  goes on. [RT-HS-002] [RT-HS-003 MUST]\n- three\n- four\n"); len(got) != 2 {
		t.Errorf("untagged items are %q", got)
	}
}

func untagged(text string) []string {
	_, rules, _ := strings.Cut(text, "\n## 2. ")
	var out []string
	for _, item := range regexp.MustCompile(`(?m)^- .*(?:\n  .*)*`).FindAllString(rules, -1) {
		if len(places(item)) == 0 {
			out = append(out, item)
		}
	}
	return out
}

func TestProtocolFaultsAreFound(t *testing.T) {
	c := &corpus.Corpus{Requirements: []corpus.Requirement{{ID: "RT-HS-001"}, {ID: "RT-HS-002"}}}
	const whole = "## 1. A\n- One. [RT-HS-001]\nTwo, as RT-HS-001 says and `[RT-HS-001 MUST 2.1.2]` shows. [RT-HS-002 MUST 2.1.2]\n"
	if faults := protocolFaults(whole, c); len(faults) > 0 {
		t.Errorf("faults in what has none: %q", faults)
	}
	for _, tt := range []struct{ name, text, says string }{
		{"row without place", "[RT-HS-001]", "RT-HS-002 has no place"},
		{"place without row", whole + "[RT-HS-003]", "RT-HS-003 is in PROTOCOL.md"},
		{"mention without row", whole + "see RT-HS-004", "RT-HS-004 is in PROTOCOL.md"},
		{"two places", whole + "[RT-HS-001]", "again in line 4"},
	} {
		if got := strings.Join(protocolFaults(tt.text, c), "\n"); !strings.Contains(got, tt.says) {
			t.Errorf("%s: %q is not in %q", tt.name, tt.says, got)
		}
	}
}

// TestProtocolIsUpToDate holds what PROTOCOL.md takes from elsewhere: levels and releases in the tags, the table of
// differences, the diagram.
func TestProtocolIsUpToDate(t *testing.T) {
	diagram, err := os.ReadFile("../reference/route/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := refresh(string(text), mustCorpus(t), string(diagram))
	if err != nil {
		t.Fatal(err)
	}
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("PROTOCOL.md is not what the register and reference/route/doc.go say: run go test ./spec -run Protocol -update; first in line %d", firstOtherLine(want, string(text)))
	}
	if err := os.WriteFile("PROTOCOL.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func firstOtherLine(a, b string) int {
	there := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(there) || there[i] != line {
			return i + 1
		}
	}
	return len(there)
}

// refresh writes tags, diagram and differences anew.
func refresh(text string, c *corpus.Corpus, routeDoc string) (string, error) {
	text = ruleTag.ReplaceAllStringFunc(text, func(tag string) string {
		parts := ruleTag.FindStringSubmatch(tag)
		if row, ok := c.Requirement(parts[2]); ok {
			return parts[1] + tagOf(row)
		}
		return tag
	})
	diagram, err := between(routeDoc, "// BEGIN DIAGRAM\n", "// END DIAGRAM\n")
	if err != nil {
		return "", err
	}
	lines := strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(diagram, "//\n"), "//\t", ""), "//\n", "\n")
	if text, err = replaceBetween(text, "DIAGRAM: from reference/route/doc.go", "```text\n"+strings.TrimSpace(lines)+"\n```\n"); err != nil {
		return "", err
	}
	if text, err = replaceBetween(text, "DIFFERENCES: from the register", differences(c)); err != nil {
		return "", err
	}
	return replaceBetween(text, "EXCLUSIONS: from the register", exclusions(c))
}

// tagOf is a rule's tag: id, level, the releases it was seen on, and those it belongs to if not to all.
func tagOf(r corpus.Requirement) string {
	var seen []string
	for source := range strings.SplitSeq(r.Clause, "; ") {
		if releases, ok := strings.CutPrefix(source, "seen:"); ok {
			seen = append(seen, strings.ReplaceAll(releases, "..", "–"))
		}
	}
	for _, v := range r.Versions {
		seen = append(seen, releasesInWords(v))
	}
	return strings.TrimSpace("["+r.ID+" "+strings.ToUpper(string(r.Level))+" "+strings.Join(seen, ", ")) + "]"
}

// releasesInWords tells a range of releases: "2.5.0.." is "from 2.5.0".
func releasesInWords(releases string) string {
	first, last, _ := strings.Cut(releases, "..")
	last, open := strings.CutPrefix(last, "<")
	var words []string
	if first != "" {
		words = append(words, "from "+first)
	}
	switch {
	case last != "" && open:
		words = append(words, "before "+last)
	case last != "":
		words = append(words, "to "+last)
	}
	return strings.Join(words, " ")
}

// cell makes text fit for a cell of a table.
var cell = strings.NewReplacer("|", `\|`, "<", `\<`).Replace

func exclusions(c *corpus.Corpus) string {
	var b strings.Builder
	b.WriteString("| kind | what | why |\n|---|---|---|\n")
	for _, x := range c.Exclusions {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.ReplaceAll(x.Kind, "_", " "), cell(x.Text), cell(x.Reason))
	}
	return b.String()
}

func differences(c *corpus.Corpus) string {
	var b strings.Builder
	b.WriteString("| rule | what servers do | the page |\n|---|---|---|\n")
	for _, r := range c.Requirements {
		if r.PageDiffers != "" {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.ID, cell(r.Title), cell(r.PageDiffers))
		}
	}
	return b.String()
}

func between(text, begin, end string) (string, error) {
	_, rest, found := strings.Cut(text, begin)
	inner, _, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return "", fmt.Errorf("the marks %q and %q are lost", begin, end)
	}
	return inner, nil
}

func replaceBetween(text, name, inner string) (string, error) {
	word, _, _ := strings.Cut(name, ":")
	begin, end := "<!-- BEGIN "+name+" -->\n", "<!-- END "+word+" -->\n"
	old, err := between(text, begin, end)
	if err != nil {
		return "", err
	}
	return strings.Replace(text, begin+old+end, begin+"\n"+inner+"\n"+end, 1), nil
}

func TestRefresh(t *testing.T) {
	for _, tt := range []struct{ clause, versions, want string }{
		{"doc:INFO; seen:2.1.2..2.15.2", "", "[RT-HS-001 MUST 2.1.2–2.15.2]"},
		{"seen:2.15.2", "2.14.9..<2.15 2.15.2..", "[RT-HS-001 MUST 2.15.2, from 2.14.9 before 2.15, from 2.15.2]"},
		{"seen:2.1.2; src:server/a.go@2.1.2", "..2.10.27", "[RT-HS-001 MUST 2.1.2, to 2.10.27]"},
		{"doc:INFO", "", "[RT-HS-001 MUST]"},
	} {
		if got := tagOf(corpus.Requirement{ID: "RT-HS-001", Level: corpus.Must, Clause: tt.clause, Versions: strings.Fields(tt.versions)}); got != tt.want {
			t.Errorf("tag %q, wanted %q", got, tt.want)
		}
	}
	if _, err := refresh("no marks", &corpus.Corpus{}, "// BEGIN DIAGRAM\n// END DIAGRAM\n"); err == nil {
		t.Error("a document without marks is accepted")
	}
}

var (
	example     = regexp.MustCompile("(?s)```route( [a-z]+)?\n(.*?)```")
	chapterHead = regexp.MustCompile(`(?m)^## (\d+)\. `)
	chapterRef  = regexp.MustCompile(`chapters? (\d+)(?: and (\d+))?`)
)

// TestProtocolExamples parses what each side says in the examples.
func TestProtocolExamples(t *testing.T) {
	examples := example.FindAllStringSubmatch(protocolText, -1)
	if len(examples) < 8 {
		t.Fatalf("%d examples are found", len(examples))
	}
	for _, ex := range examples {
		mode := wire.Mode{Pinned: ex[1] == " pinned", LeafUnsubOrigin: ex[1] == " lnocu"}
		if err := parseExample(ex[2], mode); err != nil {
			t.Errorf("%v in:\n%s", err, ex[2])
		}
	}
}

func TestProtocolExamplesAreParsed(t *testing.T) {
	for _, tt := range []struct {
		text string
		good bool
	}{
		{"A> RS+ $G a\\r\\n\nS> RMSG $G a 2\\r\\nhi\\r\\n\n", true},
		{"A> RS+ $G\\r\\n\n", false},
		{"S> RMSG $G a 3\\r\\nhi\\r\\n\n", false},
		{"RS+ $G a\\r\\n\n", false},
	} {
		if err := parseExample(tt.text, wire.Mode{}); (err == nil) != tt.good {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func parseExample(text string, mode wire.Mode) error {
	said := map[string]string{}
	for line := range strings.Lines(text) {
		side, bytes, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "> ")
		if !ok || side != "A" && side != "S" {
			return fmt.Errorf("%q does not begin with A> or S>", line)
		}
		said[side] += strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(bytes)
	}
	for side, bytes := range said {
		if err := parseAll([]byte(bytes), mode); err != nil {
			return fmt.Errorf("side %s: %w", side, err)
		}
	}
	return nil
}

// parseAll reads bytes from anywhere in a stream; they have to end with an operation.
func parseAll(bytes []byte, mode wire.Mode) error {
	dialect := wire.Latest()
	dialect.ConnectFirst = false
	p := wire.NewParser(dialect)
	p.SetMode(mode)
	p.Feed(bytes)
	var op wire.Op
	for {
		switch err := p.Next(&op); {
		case errors.Is(err, wire.ErrNeedMore):
			return p.Finish()
		case err != nil:
			return err
		}
	}
}

// TestProtocolChapters wants chapters counted without a gap, and references to those that exist.
func TestProtocolChapters(t *testing.T) {
	heads := chapterHead.FindAllStringSubmatch(protocolText, -1)
	for i, head := range heads {
		if head[1] != fmt.Sprint(i+1) {
			t.Errorf("chapter %s comes where %d should", head[1], i+1)
		}
	}
	for _, ref := range chapterRef.FindAllStringSubmatch(protocolText, -1) {
		for _, number := range ref[1:] {
			if number != "" && !strings.Contains(protocolText, "\n## "+number+". ") {
				t.Errorf("%q points to no chapter", ref[0])
			}
		}
	}
}

func TestPlaceOf(t *testing.T) {
	place, ok := PlaceOf("RT-HOP-001")
	if !ok || place.File != ProtocolFile || !strings.Contains(place.Chapter, "hop") {
		t.Errorf("RT-HOP-001 is at %+v, %t", place, ok)
	}
	if line := strings.Split(protocolText, "\n")[place.Line-1]; !strings.Contains(line, "[RT-HOP-001") {
		t.Errorf("line %d is %q", place.Line, line)
	}
	if _, ok := PlaceOf("RT-HOP-999"); ok {
		t.Error("an unknown row has a place")
	}
}
