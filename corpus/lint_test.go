package corpus

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules that the data keeps beyond what the loader asks of it.

func TestTitlesAreStatementsOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for _, r := range mustLoad(t).Requirements {
		if other := seen[r.Title]; other != "" {
			t.Errorf("%s and %s have one title", other, r.ID)
		}
		seen[r.Title] = r.ID
		if strings.HasSuffix(r.Title, ".") || len(r.Title) > 130 {
			t.Errorf("%s: a title is one line of at most 130 bytes without a full stop: %q", r.ID, r.Title)
		}
	}
}

// A verdict of core must not need more than a route port and a client port, nor a given release.
func TestCoreNeedsAtMostAClient(t *testing.T) {
	for _, r := range mustLoad(t).Requirements {
		if r.Capability != "core" || r.Level != Must || slices.Contains(r.Needs, "disruptive") {
			continue
		}
		for _, need := range r.Needs {
			if need != "client" {
				t.Errorf("%s needs %s", r.ID, need)
			}
		}
	}
}

// Each section of the page is behind some row.
func TestPageIsCovered(t *testing.T) {
	used := map[string]bool{}
	for _, r := range mustLoad(t).Requirements {
		for source := range strings.SplitSeq(r.Clause, "; ") {
			used[strings.TrimPrefix(source, "doc:")] = true
		}
		if strings.Contains(r.PageDiffers, "age") != (r.PageDiffers != "") {
			t.Errorf("%s: page_differs says nothing of the page", r.ID)
		}
	}
	for _, section := range sections {
		if !used[section] {
			t.Errorf("no row cites doc:%s", section)
		}
	}
}

func TestRowsNamedInTextsExist(t *testing.T) {
	c := mustLoad(t)
	id := regexp.MustCompile(`RT-[A-Z]+-\d+`)
	texts := map[string]string{}
	for _, r := range c.Requirements {
		texts[r.ID] = r.Note + r.PageDiffers + r.Disputed
	}
	for i, x := range c.Exclusions {
		texts["exclusion "+strconv.Itoa(i+1)] = x.Reason + x.Text
	}
	for where, text := range texts {
		for _, named := range id.FindAllString(text, -1) {
			if _, ok := c.Requirement(named); !ok {
				t.Errorf("%s names %s, which does not exist", where, named)
			}
		}
	}
}

// README.md explains every word that a row may have.
func TestReadmeNamesTheVocabulary(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Concat(capabilities, needs, exclusionKinds, stages, modes, ProfileNames())
	for branch := range branches {
		words = append(words, branch)
	}
	for _, live := range liveWords {
		words = append(words, string(live))
	}
	for _, word := range words {
		if !bytes.Contains(text, []byte("`"+word+"`")) {
			t.Errorf("README.md does not tell what %q is", word)
		}
	}
}

func TestVectorFilesAreChapters(t *testing.T) {
	c := mustLoad(t)
	for _, file := range c.VectorChapters() {
		if !slices.Contains(c.Chapters(), file) {
			t.Errorf("vectors/%s.json is not named for a chapter", file)
		}
	}
}

// The comment is a vector's reason to be there: no two that begin with the same operation share one. Nor do two ask the
// same of the same row.
func TestVectorsDiffer(t *testing.T) {
	comments, inputs := map[string]string{}, map[string]string{}
	for _, v := range mustLoad(t).Vectors {
		in := string(v.Bytes())
		reason := v.Comment + " (" + in[:min(4, len(in))] + ")"
		if other := comments[reason]; other != "" {
			t.Errorf("%s and %s have one comment", other, v.ID)
		}
		comments[reason] = v.ID
		for _, d := range ProfileNames() {
			if !v.InDialect(d) {
				continue
			}
			key := strings.Join([]string{v.Requirements[0], d, v.Stage, strings.Join(v.Mode, ","), in}, "|")
			if other := inputs[key]; other != "" {
				t.Errorf("%s and %s have one input in %s", other, v.ID, d)
			}
			inputs[key] = v.ID
		}
	}
}

// A row that belongs to every release, on every branch, is judged the same in every dialect: otherwise a server would
// pass or fail by the profile it is held against.
func TestLiveWordsFitTheirRow(t *testing.T) {
	c := mustLoad(t)
	for _, v := range c.Vectors {
		row, _ := c.Requirement(v.Requirements[0])
		words := map[Live]bool{}
		for _, p := range c.Profiles() {
			if live, ok := v.LiveIn(p.Name); ok && p.Has(row.ID) {
				words[live] = true
			}
		}
		if len(words) > 1 && len(row.Versions) == 0 {
			t.Errorf("%s: %s holds for all releases, the vector has the words %v", v.ID, row.ID, words)
		}
		if len(v.Want.Live) > 0 && len(words) == 0 {
			t.Errorf("%s: no profile with %s has a word for it", v.ID, row.ID)
		}
	}
}

// Subjects of live vectors begin with the word that a driver replaces, so that no subject of the target's users is
// touched.
func TestSubjectsAreReserved(t *testing.T) {
	for _, v := range mustLoad(t).Vectors {
		for _, o := range v.Want.Ops {
			if o.Subject != "" && !strings.HasPrefix(strings.TrimPrefix(o.Subject, "."), SubjectWord) {
				t.Errorf("%s: subject %q does not begin with %q", v.ID, o.Subject, SubjectWord)
			}
		}
	}
}

// What a live vector may not do to a target: see README.md.
func TestLiveVectorsAreHarmless(t *testing.T) {
	port := regexp.MustCompile(`"port":\s*(\d+)`)
	host := regexp.MustCompile(`"(?i:host)"\s*:\s*"([^"]*)"`)
	for _, v := range mustLoad(t).Vectors {
		if len(v.Want.Live) == 0 {
			continue
		}
		in := string(v.Bytes())
		if len(in) > 1<<20 {
			t.Errorf("%s: %d bytes", v.ID, len(in))
		}
		for _, word := range []string{"s2_", "route_pool_size", "route_account", "gossip_mode", `"user":"a`} {
			if strings.Contains(in, word) {
				t.Errorf("%s: %s", v.ID, word)
			}
		}
		if strings.Contains(in, `"connect_urls":["`) {
			t.Errorf("%s: tells the target's clients of a server that is not there", v.ID)
		}
		for _, h := range host.FindAllStringSubmatch(in, -1) {
			if h[1] != "127.0.0.1" && h[1] != `127\u002e0.0.1` {
				t.Errorf("%s: host %q", v.ID, h[1])
			}
		}
		if p := port.FindAllStringSubmatch(in, -1); len(p) > 0 && p[len(p)-1][1] != "1" && v.Want.Error == "" {
			t.Errorf("%s: port %s: something may listen there", v.ID, p[len(p)-1][1])
		}
		for _, o := range v.Want.Ops {
			if o.Queue != "" && (o.Op == "RS+" || o.Op == "LS+") && (o.Weight < 1 || o.Weight > 10) {
				t.Errorf("%s: weight %d", v.ID, o.Weight)
			}
		}
	}
}

// A wait for a payload is completed by the driver's PING and the rest, to the byte.
func TestRestCompletes(t *testing.T) {
	for _, v := range mustLoad(t).Vectors {
		if v.Want.Rest == "" {
			continue
		}
		whole := string(v.Bytes()) + "PING\r\n" + v.Want.Rest
		line, payload, _ := strings.Cut(whole, "\r\n")
		args := strings.Fields(line)
		size, err := strconv.Atoi(args[len(args)-1])
		if err != nil || len(payload) != size+2 || !strings.HasSuffix(payload, "\r\n") {
			t.Errorf("%s: a payload of %d bytes wants two more, %d are there (%v)", v.ID, size, len(payload), err)
		}
	}
}

// Every token has a vector, in every layer.
func TestTokensAreReached(t *testing.T) {
	reached := map[string]bool{}
	for _, v := range mustLoad(t).Vectors {
		reached[v.Want.Error+" "+v.Want.Token] = true
	}
	for layer, list := range tokens {
		if list == nil {
			list = []string{""}
		}
		for _, token := range list {
			if !reached[layer+" "+token] {
				t.Errorf("no vector ends with %q %q", layer, token)
			}
		}
	}
}

// Every operation and every live word is in use, and the corpus is as large as it says.
func TestVectorsCoverTheVocabulary(t *testing.T) {
	c := mustLoad(t)
	ops, live, accepted, refused := map[string]bool{}, map[Live]bool{}, 0, 0
	for _, v := range c.Vectors {
		for _, o := range v.Want.Ops {
			ops[o.Op] = true
		}
		for _, w := range v.Want.Live {
			live[w] = true
		}
		if v.Want.Error == "" {
			accepted++
		} else {
			refused++
		}
	}
	for _, name := range opNames {
		if !ops[name] {
			t.Errorf("no vector has %s", name)
		}
	}
	for _, word := range liveWords {
		if !live[word] {
			t.Errorf("no vector has %s", word)
		}
	}
	if accepted < 150 || refused < 150 {
		t.Errorf("%d vectors accepted, %d refused", accepted, refused)
	}
	t.Logf("%d requirements, %d exclusions, %d vectors: %d accepted, %d refused", len(c.Requirements), len(c.Exclusions), len(c.Vectors), accepted, refused)
}

// Wanted messages are written as they stand in the input: a check of the data against itself, without a parser.
func TestWantedOperationsStandInTheInput(t *testing.T) {
	for _, v := range mustLoad(t).Vectors {
		in := v.Bytes()
		for _, o := range v.Want.Ops {
			for _, field := range append([]string{o.Origin, o.Account, o.Subject, o.Reply, o.Queue, o.Body, string(o.PayloadBytes())}, o.Queues...) {
				if !bytes.Contains(in, []byte(field)) {
					t.Errorf("%s: %q is not in the input", v.ID, field)
				}
			}
			if (o.Op == "INFO" || o.Op == "CONNECT") && !json.Valid([]byte(o.Body)) {
				t.Errorf("%s: the wanted body is no JSON: %s", v.ID, o.Body)
			}
		}
	}
}
