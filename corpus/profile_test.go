package corpus

import (
	"strings"
	"testing"
)

func TestVersionRanges(t *testing.T) {
	for _, tt := range []struct {
		text    string
		in, out []string
	}{
		{"2.5.0..", []string{"2.5.0", "2.5.1", "2.10.0", "3.0.0"}, []string{"2.4.99", "2.1.2"}},
		{"..2.10.27", []string{"2.10.27", "2.9.99", "0.1"}, []string{"2.10.28", "2.11.0"}},
		{"2.11.17..<2.12", []string{"2.11.17", "2.11.99"}, []string{"2.11.16", "2.12.0", "2.12.15"}},
		{"..<2.2", []string{"2.1.9"}, []string{"2.2", "2.2.0", "2.10.0"}},
		{"2.12.15..2.12.15", []string{"2.12.15"}, []string{"2.12.14", "2.12.16"}},
	} {
		r := Requirement{Versions: []string{tt.text}}
		for want, list := range map[bool][]string{true: tt.in, false: tt.out} {
			for _, v := range list {
				if got, err := r.KeptBy(v); got != want || err != nil {
					t.Errorf("%s in %s: %t, %v", v, tt.text, got, err)
				}
			}
		}
	}
	several := Requirement{Versions: []string{"2.11.17..<2.12", "2.12.15.."}}
	for v, want := range map[string]bool{"2.11.17": true, "2.12.1": false, "2.12.15": true} {
		if got, _ := several.KeptBy(v); got != want {
			t.Errorf("%s in %v: %t", v, several.Versions, got)
		}
	}
	if kept, err := (&Requirement{}).KeptBy("2.1.2"); !kept || err != nil {
		t.Errorf("a row without versions: %t, %v", kept, err)
	}
}

func TestVersionRangeErrors(t *testing.T) {
	for text, says := range map[string]string{
		"":             "FIRST..",
		"..":           "FIRST..",
		"2.5.0":        "FIRST..",
		"2.x..":        `"x" is not a number`,
		"2.5.0.1..":    "more than three",
		"2.-1..":       "not a number",
		"2.+1..":       "not a number",
		"2.6..2.5":     "holds no version",
		"2.5.0..<2.5":  "holds no version",
		"2.5..2.6..":   "more than three",
		"2.5.0 ..":     "not a number",
		"2.5.0..>2.6":  "not a number",
		"v2.5.0..":     "not a number",
		"2.5.0..<":     "not a number",
		"2.5.0..<<2.6": "not a number",
	} {
		if _, err := parseRange(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, wanted %q", text, err, says)
		}
	}
	if _, err := (&Requirement{}).KeptBy("latest"); err == nil {
		t.Error("a release without numbers was accepted")
	}
}

func TestProfiles(t *testing.T) {
	c := mustLoad(t)
	digests := map[string]string{}
	for _, p := range c.Profiles() {
		if len(p.Requirements) == 0 {
			t.Errorf("%s has no rows", p.Name)
		}
		for _, row := range p.Requirements {
			if !p.Has(row.ID) {
				t.Errorf("%s lists %s and does not have it", p.Name, row.ID)
			}
			if p.Reference == "" && len(row.Versions) > 0 {
				t.Errorf("%s has %s, which belongs to %v", p.Name, row.ID, row.Versions)
			}
		}
		digests[p.Digest()] = p.Name
	}
	if len(digests) != len(ProfileNames()) {
		t.Errorf("two profiles share a digest: %v", digests)
	}
	for id, in := range map[string][]string{
		"RT-LINE-001": ProfileNames(),
		"RT-LINE-019": {"srv-2.1"},
		"RT-HDR-001":  {"srv-2.5", "srv-2.10", "srv-2.12.15", "srv-2.15"},
		"RT-POOL-001": {"srv-2.10", "srv-2.12.15", "srv-2.15"},
		"RT-GOS-006":  {"srv-2.12.15", "srv-2.15"},
		"RT-QUE-025":  {"srv-2.15"},
	} {
		for _, p := range c.Profiles() {
			if want := strings.Contains(" "+strings.Join(in, " ")+" ", " "+p.Name+" "); p.Has(id) != want {
				t.Errorf("%s in %s: %t", id, p.Name, p.Has(id))
			}
		}
	}
	if _, err := c.Profile("srv-9"); err == nil || !strings.Contains(err.Error(), "srv-2.12.15") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestDigestFollowsWhatIsAsked(t *testing.T) {
	rows := func(change func(*Requirement)) string {
		a := Requirement{ID: "RT-HS-001", Level: Must, Capability: "core", Title: "t", Needs: []string{"client"}}
		b := Requirement{ID: "RT-HS-002", Level: May, Capability: "core", Title: "u"}
		change(&b)
		p := Profile{Requirements: []Requirement{b, a}}
		return p.Digest()
	}
	same := rows(func(*Requirement) {})
	for name, change := range map[string]func(*Requirement){
		"level": func(r *Requirement) { r.Level = Must }, "capability": func(r *Requirement) { r.Capability = "auth" },
		"title": func(r *Requirement) { r.Title = "v" }, "needs": func(r *Requirement) { r.Needs = []string{"auth"} },
		"branch": func(r *Requirement) { r.Branch = "line_limit=65536" }, "id": func(r *Requirement) { r.ID = "RT-HS-003" },
	} {
		if rows(change) == same {
			t.Errorf("the digest does not notice another %s", name)
		}
	}
	if rows(func(r *Requirement) { r.Note, r.Clause = "n", "doc:INFO" }) != same {
		t.Error("the digest changes with what only explains")
	}
	if !strings.HasPrefix(same, "sha256:") || len(same) != len("sha256:")+64 {
		t.Errorf("digest %q", same)
	}
}
