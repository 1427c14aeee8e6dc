package corpus

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// pageVariable names the environment variable with the path of the 2.0 page, against which the digests are held.
const pageVariable = "NATSROUTE_PAGE"

// Every row and every exclusion that cites the page stands at a sentence of the section it cites.
func TestPageAndRowsAreOne(t *testing.T) {
	for _, s := range mustLoad(t).Page {
		if Digest(s.Says) == s.Digest {
			t.Errorf("%s repeats the page: tell it in other words", s.name())
		}
	}
	for _, gap := range pageGaps(mustLoad(t)) {
		t.Error(gap)
	}
}

// pageGaps lists what cites the page and is named by no sentence of it.
func pageGaps(c *Corpus) []string {
	named := map[string]bool{} // section and name of a row or an exclusion; a name alone: in any section
	for _, s := range c.Page {
		for _, name := range append(slices.Clone(s.Rows), s.Excluded...) {
			named[s.Section+" "+name], named[name] = true, true
		}
	}
	var gaps []string
	for _, r := range c.Requirements {
		for _, section := range pageSections(r.Clause) {
			if !named[section+" "+r.ID] {
				gaps = append(gaps, fmt.Sprintf("%s cites doc:%s: name it in page.json at the sentence of %s that it asserts", r.ID, section, section))
			}
		}
		if r.PageDiffers != "" && !named[r.ID] {
			gaps = append(gaps, fmt.Sprintf("%s differs from the page: name it in page.json at the sentence that it differs from", r.ID))
		}
	}
	for _, x := range c.Exclusions {
		for _, section := range pageSections(x.Source) {
			if !named[section+" "+x.Key] {
				gaps = append(gaps, fmt.Sprintf("the exclusion %s cites doc:%s: name it in page.json at the sentence of %s that it excludes", x.Key, section, section))
			}
		}
	}
	for _, section := range sections {
		if !slices.ContainsFunc(c.Page, func(s Sentence) bool { return s.Section == section }) {
			gaps = append(gaps, "page.json has no sentence of "+section)
		}
	}
	return gaps
}

// pageSections are the sections of the page that a clause cites.
func pageSections(clause string) []string {
	var out []string
	for source := range strings.SplitSeq(clause, "; ") {
		if section, ok := strings.CutPrefix(source, "doc:"); ok {
			out = append(out, section)
		}
	}
	return out
}

func TestPageGapsAreFound(t *testing.T) {
	sentences := []Sentence{{Section: "RS-", N: 1, Rows: []string{"RT-INT-001"}, Excluded: []string{"speed"}}}
	for _, section := range sections {
		sentences = append(sentences, Sentence{Section: section, N: 2})
	}
	whole := Corpus{
		Page:         sentences,
		Requirements: []Requirement{{ID: "RT-INT-001", Clause: "doc:RS-; seen:2.1.2", PageDiffers: "The page has it otherwise."}},
		Exclusions:   []Exclusion{{Key: "speed", Source: "doc:RS-"}, {Source: "seen:2.1.2"}},
	}
	if gaps := pageGaps(&whole); len(gaps) > 0 {
		t.Fatalf("gaps in what has none: %q", gaps)
	}
	for _, tt := range []struct {
		name, says string
		spoil      func(*Corpus)
	}{
		{"row at a sentence of another section", "RT-INT-001 cites doc:RS+", func(c *Corpus) { c.Requirements[0].Clause = "doc:RS-; doc:RS+" }},
		{"row at no sentence", "RT-INT-002 cites doc:INFO", func(c *Corpus) { c.Requirements[0] = Requirement{ID: "RT-INT-002", Clause: "doc:INFO"} }},
		{"difference from no sentence", "RT-INT-002 differs", func(c *Corpus) {
			c.Requirements[0] = Requirement{ID: "RT-INT-002", Clause: "seen:2.1.2", PageDiffers: "The page is silent."}
		}},
		{"exclusion at no sentence", "exclusion idle cites doc:RS-", func(c *Corpus) { c.Exclusions[0].Key = "idle" }},
		{"section left out", "no sentence of overview", func(c *Corpus) {
			c.Page = slices.DeleteFunc(c.Page, func(s Sentence) bool { return s.Section == "overview" })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := whole
			c.Page, c.Requirements, c.Exclusions = slices.Clone(c.Page), slices.Clone(c.Requirements), slices.Clone(c.Exclusions)
			tt.spoil(&c)
			if gaps := strings.Join(pageGaps(&c), "\n"); !strings.Contains(gaps, tt.says) {
				t.Errorf("%q is not in %q", tt.says, gaps)
			}
		})
	}
}

const goodSentence = `{"section":"INFO","n":1,"says":"s","digest":"0123456789abcdef","rows":["RT-HS-001"],"excluded":["speed"]}`

func TestPageLoaderNamesTheFault(t *testing.T) {
	const register = `{"requirements":[` + goodRow + `],"exclusions":[` + keyed + `]}`
	page := func(old, new string) string { return `[` + strings.Replace(goodSentence, old, new, 1) + `]` }
	for _, tt := range []struct{ name, page, says string }{
		{"whole", page("", ""), ""},
		{"section", page("INFO", "INFOS"), "INFOS 1: section"},
		{"number", page(`"n":1`, `"n":2`), "INFO 2: n: 2 comes where 1 should be"},
		{"twice", `[` + goodSentence + `,` + goodSentence + `]`, "1 comes where 2"},
		{"nothing said", page(`"s"`, `""`), "says: is missing"},
		{"digest", page("abcdef", "ABCDEF"), "digest"},
		{"orphan", page(`,"rows":["RT-HS-001"],"excluded":["speed"]`, ``), "INFO 1: has neither rows nor an exclusion"},
		{"unknown row", page("RT-HS-001", "RT-HS-002"), `rows: "RT-HS-002" is not in the register`},
		{"unknown exclusion", page(`"speed"`, `"haste"`), `excluded: no exclusion has the key "haste"`},
		{"unknown member", page(`"says"`, `"text"`), "unknown field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(fstest.MapFS{registerFile: {Data: []byte(register)}, pageFile: {Data: []byte(tt.page)}})
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%q is not in: %v", tt.says, err)
			}
		})
	}
}

// The digests in page.json are those of the page, sentence by sentence, in its order.
func TestPageItself(t *testing.T) {
	path := os.Getenv(pageVariable)
	if path == "" {
		t.Skipf("not run: set %s to the path of the 2.0 page to hold page.json against it", pageVariable)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page, kept := splitPage(string(text)), mustLoad(t).Page
	for i, s := range page {
		if i >= len(kept) || kept[i].name() != s.name() || kept[i].Digest != s.Digest {
			t.Fatalf("page.json lacks sentence %s, digest %s: %q", s.name(), s.Digest, s.Says)
		}
	}
	if len(kept) > len(page) {
		t.Errorf("page.json goes on behind the page's last sentence: %s", kept[len(page)].name())
	}
	t.Logf("%d sentences", len(page))
}

var (
	pageHeading = regexp.MustCompile(`^##? ([^(]*[^( ])`)
	sentenceEnd = regexp.MustCompile(`\.\s+`)
	pageTitles  = map[string]string{
		"NATS Cluster Protocol": "overview", "NATS Cluster protocol conventions": "conventions", "NATS Cluster protocol messages": "messages",
	}
)

// splitPage takes the page apart; Says is the page's own sentence. Headings and lines that end in a colon only announce
// what follows. A table's cell is read together with the first one of its row.
func splitPage(text string) []Sentence {
	var out []Sentence
	section, n, inTable := "", 0, false
	add := func(prefix, text string) {
		for _, sentence := range strings.Split(sentenceEnd.ReplaceAllString(strings.TrimSpace(text), ".\n"), "\n") {
			n++
			out = append(out, Sentence{Section: section, N: n, Says: sentence, Digest: Digest(prefix + sentence)})
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		wasTable := inTable
		inTable = strings.HasPrefix(line, "|")
		heading := pageHeading.FindStringSubmatch(line)
		switch {
		case heading != nil:
			section, n = heading[1], 0
			if short, ok := pageTitles[section]; ok {
				section = short
			}
		case line == "", strings.HasPrefix(line, "#"), strings.HasSuffix(line, ":"), strings.HasPrefix(line, "|--"), inTable && !wasTable:
		case inTable:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for _, cell := range cells[1:] {
				add(cells[0]+" | ", cell)
			}
		default:
			add("", strings.TrimPrefix(line, "- "))
		}
	}
	return out
}

func TestSplitPage(t *testing.T) {
	const page = "# NATS Cluster Protocol (2.0)\n\nOne.  Two\n\n## RS+\n\n#### Syntax\n\n| Name | Text |\n|---|---|\n| `RS+` | Three. Four |\n\nwhere:\n- five. six\n"
	var got []string
	for _, s := range splitPage(page) {
		got = append(got, s.name()+" "+s.Says)
	}
	if want := "overview 1 One.|overview 2 Two|RS+ 1 Three.|RS+ 2 Four|RS+ 3 five.|RS+ 4 six"; strings.Join(got, "|") != want {
		t.Errorf("got  %q\nwant %q", strings.Join(got, "|"), want)
	}
	if Digest("a  b\n") != Digest("a b") || Digest("a b") == Digest("ab") {
		t.Error("a digest is not that of the words")
	}
}
