package corpus

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func mustLoad(t *testing.T) *Corpus {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	c := mustLoad(t)
	row, ok := c.Requirement("RT-HOP-001")
	if !ok || row.Chapter != "hop" || row.Level != Must {
		t.Errorf("RT-HOP-001 is %+v, %t", row, ok)
	}
	if _, ok := c.Requirement("RT-HOP-999"); ok {
		t.Error("an unknown id has a row")
	}
	judged := 0
	for _, row := range c.Requirements {
		for _, v := range c.VectorsFor(row.ID) {
			judged++
			if v.Requirements[0] != row.ID {
				t.Errorf("%s: vector %s is judged by %s", row.ID, v.ID, v.Requirements[0])
			}
		}
	}
	listed := 0
	for _, chapter := range c.VectorChapters() {
		listed += len(c.VectorsOf(chapter))
	}
	if judged != len(c.Vectors) || listed != len(c.Vectors) {
		t.Errorf("%d vectors: %d found by requirement, %d by chapter", len(c.Vectors), judged, listed)
	}
	if got := c.Chapters(); len(got) == 0 || got[0] != "handshake" {
		t.Errorf("chapters are %v", got)
	}
}

const (
	goodRow    = `{"id":"RT-HS-001","level":"must","capability":"core","chapter":"handshake","title":"t","clause":"doc:INFO"}`
	keyed      = `{"key":"speed","source":"doc:INFO","text":"t","kind":"quirk","reason":"r"}`
	goodVector = `{"id":"a","requirements":["RT-HS-001"],"comment":"c","in":"PING\r\n","want":{"ops":[{"op":"PING"}],"live":{"*":"effect:pong"}}}`
)

func TestLoaderNamesTheFault(t *testing.T) {
	row := func(old, new string) string {
		return `{"requirements":[` + strings.Replace(goodRow, old, new, 1) + `],"exclusions":[]}`
	}
	vector := func(old, new string) string { return `[` + strings.Replace(goodVector, old, new, 1) + `]` }
	good := row("", "")
	for _, tt := range []struct{ name, register, vectors, row, member, says string }{
		{"no JSON", `{"requirements":`, `[]`, "", "", "unexpected"},
		{"unknown member", row(`"title"`, `"titel"`), `[]`, "RT-HS-001", "titel", "unknown field"},
		{"wrong type", row(`"t"`, `7`), `[]`, "RT-HS-001", "title", "cannot unmarshal"},
		{"row without id", row(`"id":"RT-HS-001",`, ``), `[]`, "", "id", "RT-PREFIX-NNN"},
		{"prefix of another chapter", row(`RT-HS-001`, `RT-HOP-001`), `[]`, "RT-HOP-001", "id", "RT-HS"},
		{"level", row(`"must"`, `"shall"`), `[]`, "RT-HS-001", "level", "must, should, may"},
		{"capability", row(`"core"`, `"corn"`), `[]`, "RT-HS-001", "capability", `"corn"`},
		{"chapter", row(`"handshake"`, `"handshakes"`), `[]`, "RT-HS-001", "chapter", `"handshakes"`},
		{"clause", row(`doc:INFO`, `doc:INFOS`), `[]`, "RT-HS-001", "clause", "INFOS"},
		{"clause kind", row(`doc:INFO`, `said:INFO`), `[]`, "RT-HS-001", "clause", "doc:, src: or seen:"},
		{"clause seen", row(`doc:INFO`, `seen:2.x`), `[]`, "RT-HS-001", "clause", "FIRST..LAST"},
		{"versions", row(`"title"`, `"versions":["2.5"],"title"`), `[]`, "RT-HS-001", "versions", "FIRST.."},
		{"branch", row(`"title"`, `"branch":"moon=full","title"`), `[]`, "RT-HS-001", "branch", "moon"},
		{"branch value", row(`"title"`, `"branch":"connect_first=yes","title"`), `[]`, "RT-HS-001", "branch", "true, false"},
		{"needs", row(`"title"`, `"needs":["luck"],"title"`), `[]`, "RT-HS-001", "needs", "luck"},
		{"row twice", `{"requirements":[` + goodRow + `,` + goodRow + `],"exclusions":[]}`, `[]`, "RT-HS-001", "id", "twice"},
		{"exclusion", `{"requirements":[` + goodRow + `],"exclusions":[{"source":"seen:2.1.2","text":"t","kind":"lazy","reason":"r"}]}`, `[]`, "exclusion #1", "kind", "lazy"},
		{"exclusion of the page without key", `{"requirements":[` + goodRow + `],"exclusions":[{"source":"doc:INFO","text":"t","kind":"quirk","reason":"r"}]}`, `[]`, "exclusion #1", "key", "joined by -"},
		{"exclusion's key twice", `{"requirements":[` + goodRow + `],"exclusions":[` + keyed + `,` + keyed + `]}`, `[]`, "speed", "key", "twice"},
		{"vector's requirement", good, vector(`RT-HS-001`, `RT-HS-002`), "a", "requirements", "not in the register"},
		{"vector's id", good, vector(`"a"`, `"A b"`), "A b", "id", "words"},
		{"vector twice", good, `[` + goodVector + `,` + goodVector + `]`, "a", "id", "twice"},
		{"vector without id", good, vector(`"id":"a",`, `"idd":"a",`), "#1", "idd", "unknown field"},
		{"no input", good, vector(`"in":"PING\r\n",`, ``), "a", "in", "one of"},
		{"two inputs", good, vector(`"in":`, `"in_hex":"00","in":`), "a", "in", "one of"},
		{"hex", good, vector(`"in":"PING\r\n"`, `"in_hex":"0"`), "a", "in_hex", "odd length"},
		{"unprintable", good, vector(`PING`, `P\u0001NG`), "a", "in", "at 1"},
		{"part without end", good, vector(`"in":"PING\r\n"`, `"in_parts":[{"text":"x","times":0}]`), "a", "in_parts", "number of times"},
		{"dialect", good, vector(`"in":`, `"dialects":["srv-9"],"in":`), "a", "dialects", "srv-9"},
		{"stage", good, vector(`"in":`, `"stage":"on","in":`), "a", "stage", `"on"`},
		{"no ops", good, vector(`"ops":[{"op":"PING"}],`, ``), "a", "want.ops", "write []"},
		{"op", good, vector(`{"op":"PING"}`, `{"op":"ping"}`), "a", "want.ops.op", `"ping"`},
		{"payload of no message", good, vector(`{"op":"PING"}`, `{"op":"PING","payload":"x"}`), "a", "want.ops", "carries no message"},
		{"layer", good, vector(`"live"`, `"error":"bug","live"`), "a", "want.error", "layer"},
		{"token missing", good, vector(`"live"`, `"error":"syntax","live"`), "a", "want.token", "is missing"},
		{"token of another layer", good, vector(`"live"`, `"error":"limit","token":"bad_size","live"`), "a", "want.token", "bad_size"},
		{"live word", good, vector(`effect:pong`, `pong`), "a", "want.live", `"pong"`},
		{"live and reason", good, vector(`"live"`, `"live_reason":"r","live"`), "a", "want.live", "or live_reason"},
		{"nothing to judge", good, vector(`effect:pong`, `effect:delivery`), "a", "want.live", "without a message"},
		{"mode is not live", good, vector(`"in":`, `"mode":["pinned"],"in":`), "a", "want.live", "parsers only"},
		{"rest", good, vector(`"live"`, `"rest":"x","live"`), "a", "want.rest", "incomplete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(fstest.MapFS{
				registerFile:         {Data: []byte(tt.register)},
				"vectors/hop.json":   {Data: []byte(tt.vectors)},
				"captures/empty.txt": {},
			})
			var fault *DataError
			if !errors.As(err, &fault) {
				t.Fatalf("no DataError but %v", err)
			}
			if fault.Row != tt.row || fault.Member != tt.member || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("row %q member %q, wanted %q %q and %q in:\n%v", fault.Row, fault.Member, tt.row, tt.member, tt.says, err)
			}
		})
	}
}

func TestLoaderListsAllFaults(t *testing.T) {
	_, err := load(fstest.MapFS{registerFile: {Data: []byte(`{"requirements":[` + goodRow + `,{"id":"RT-HS-002","level":"x"}],"exclusions":[]}`)}})
	for _, s := range []string{"title: is missing", "level:", "capability:", "chapter:", "clause:"} {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%q is not in:\n%v", s, err)
		}
	}
}

func TestVectorAccessors(t *testing.T) {
	v := Vector{Dialects: []string{"srv-2.5", "srv-2.15"}, Want: Want{Live: map[string]Live{"srv-2.5": Ignored, "*": SoftError}}}
	for dialect, want := range map[string]Live{"srv-2.5": Ignored, "srv-2.15": SoftError, "srv-2.1": ""} {
		if got, ok := v.LiveIn(dialect); got != want || ok != (want != "") {
			t.Errorf("LiveIn(%s) = %q, %t", dialect, got, ok)
		}
	}
	for _, v := range []Vector{{In: "ab\r\n"}, {InHex: "61 62 0d0a"}, {InParts: []Part{{"ab", 1}, {"\r", 1}, {"\n", 1}}}} {
		if got := string(v.Bytes()); got != "ab\r\n" {
			t.Errorf("%+v has the bytes %q", v, got)
		}
	}
	if got := (&Vector{InParts: []Part{{"ab", 3}}}).Bytes(); string(got) != "ababab" {
		t.Errorf("three times ab is %q", got)
	}
	op := Op{Op: "HMSG", PayloadHex: "00ff"}
	if !op.IsMessage() || string(op.PayloadBytes()) != "\x00\xff" || (&Op{Op: "RS+"}).IsMessage() {
		t.Errorf("%+v: message %t, payload %q", op, op.IsMessage(), op.PayloadBytes())
	}
}

// What is written from the types is what the loader reads: no member is lost on the way.
func TestRegisterRoundTrip(t *testing.T) {
	c := mustLoad(t)
	b, err := json.Marshal(Register{c.Requirements, c.Exclusions})
	if err != nil {
		t.Fatal(err)
	}
	again := &Corpus{rows: map[string]int{}}
	if err := again.loadRegister(fstest.MapFS{registerFile: {Data: b}}); err != nil {
		t.Fatal(err)
	}
	p, _ := newProfile("all", "2.15.2", c.Requirements)
	q, _ := newProfile("all", "2.15.2", again.Requirements)
	if p.Digest() != q.Digest() {
		t.Error("the register differs after writing and reading")
	}
}
