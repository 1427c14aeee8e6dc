package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample is a report with a result of each kind, and with hostile text in every place that a target can fill.
func sample() *Report {
	hostile := "\x1b[2J\u202e]]>\x00\xff&\"'"
	r := &Report{
		Schema: Schema, Tool: Tool{"natsroute", "1.2.3"},
		Profile: Profile{Name: "srv-2.15", Digest: "sha256:" + strings.Repeat("0a", 32), Branches: map[string]string{"connect_first": "true", "line_limit": "65536"}},
		Targets: []Target{{
			Key: "plain", Server: "127.0.0.1:6222", Launch: "nats-server@v2.15.2", Offers: map[string]bool{"core": true},
			Info: json.RawMessage(`{"version":"2.15.2\u001b[2J","proto":3,"headers":true,"route_pool_size":3,"lnoc":true}`),
		}},
		Started: "2026-11-22T10:11:12Z", DurationMS: 4123, Seed: 42, Nonce: "k3f9aa",
	}
	for _, status := range []Status{Pass, Fail, Warn, Observed, NotApplicable, NotTested, Disputed, HarnessError, ExpectedFail, UnexpectedPass} {
		res := Result{
			ID: "RT-MSG-017/" + strings.ReplaceAll(string(status), "_", "-"), Target: "plain", Requirements: []string{"RT-MSG-017"},
			Level: "must", Capability: "core", Chapter: "message", Title: "RMSG with a queue list keeps the reply marker",
			Clause: "seen:2.1.2..2.15.2", Status: status, DurationMS: 1.25, Repro: "natsroute certify --only RT-MSG-017",
		}
		switch status {
		case Fail, Warn, HarnessError, UnexpectedPass:
			res.Failure = &Failure{
				Message: "the reply marker is gone" + hostile, Expected: []string{"RMSG $G x.svc + _INBOX.a q1 3"},
				Got: "RMSG $G x.svc _INBOX.a q1 3", Offset: 14,
			}
			res.Transcript = []TranscriptEntry{
				{0, "A", ">", `RS+ $G x.svc q1 1\r\nPING\r\n`, false},
				{0.3, "A", "<", `PONG\r\n`, false},
				{0.9, "A", "<", `RMSG $G x.svc _INBOX.a q1 3\r\nab\x1b\r\n`, false},
			}
		case NotTested:
			res.Reason = NeedsClient
		case NotApplicable:
			res.Reason = "connect_first=false" + hostile
		}
		r.Results = append(r.Results, res)
	}
	r.Results = append(r.Results, Result{
		ID: "RT-HS-001/info", Target: "plain", Requirements: []string{"RT-HS-001"}, Level: "must", Capability: "core", Chapter: "handshake",
		Title: "INFO comes first", Status: Pass, DurationMS: 2,
	})
	Judge(r, nil, Judging{})
	return r
}

func TestResultsSurviveACut(t *testing.T) {
	want := sample().Results
	var b bytes.Buffer
	for _, res := range want {
		if err := WriteResult(&b, res); err != nil {
			t.Fatal(err)
		}
	}
	whole := b.Bytes()
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut <= len(whole); cut++ {
		got, err := ReadResults(bytes.NewReader(whole[:cut]))
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		n := len(want) - 1
		if cut == len(whole) {
			n = len(want)
		}
		if len(got) != n {
			t.Fatalf("cut at %d of %d: %d results, want %d", cut, len(whole), len(got), n)
		}
	}
	got, _ := ReadResults(bytes.NewReader(whole))
	if got[1].Failure == nil || got[1].Failure.Expected[0] != want[1].Failure.Expected[0] {
		t.Errorf("a result changed on its way: %s", cmp.Diff(want[1], got[1]))
	}
}

func TestReadResultsNamesABadLine(t *testing.T) {
	_, err := ReadResults(strings.NewReader("{\"id\":\"RT-A-1/x\"}\nnot a result\n{}\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want an error that names line 2", err)
	}
}

// flaky counts writes: a result has to be one, so that a kill never leaves half of it in a buffer of ours.
type flaky struct{ writes [][]byte }

func (f *flaky) Write(p []byte) (int, error) {
	f.writes = append(f.writes, bytes.Clone(p))
	return len(p), nil
}

func TestAResultIsOneWriteOfOneLine(t *testing.T) {
	var f flaky
	if err := WriteResult(&f, sample().Results[1]); err != nil {
		t.Fatal(err)
	}
	if len(f.writes) != 1 || bytes.Count(f.writes[0], []byte("\n")) != 1 || !bytes.HasSuffix(f.writes[0], []byte("\n")) {
		t.Errorf("got writes %q, want one line in one write", f.writes)
	}
}

func schemaOf(t *testing.T, ref string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.schema.json" + ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReportKeepsItsSchema(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReport(&b, sample()); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemaOf(t, "").Validate(doc); err != nil {
		t.Error(err)
	}
	back, err := ReadReport(&b)
	if err != nil {
		t.Fatal(err)
	}
	if back.Verdict != Errored || len(back.Results) != len(sample().Results) {
		t.Errorf("read back: verdict %s, %d results", back.Verdict, len(back.Results))
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := schemaOf(t, "#/$defs/result")
	good := `{"id":"RT-A-1/x","target":"plain","requirements":["RT-A-1"],"level":"must","capability":"core","chapter":"c","title":"","clause":"","page_differs":"","status":"pass","reason":"","value":"","duration_ms":0}`
	for _, tt := range []struct{ name, old, new string }{
		{"a status that is no word", `"pass"`, `"green"`},
		{"not tested without a reason", `"pass"`, `"not_tested"`},
		{"a failure that says nothing", `"pass"`, `"fail"`},
		{"an id without a word", `RT-A-1/x`, `RT-A-1`},
		{"no requirement", `["RT-A-1"]`, `[]`},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: accepted", tt.name)
		}
	}
	doc, _ := jsonschema.UnmarshalJSON(strings.NewReader(good))
	if err := s.Validate(doc); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestReadReportRefusesOtherFiles(t *testing.T) {
	for _, text := range []string{"", "[]", `{"schema":"natsroute.report/v2"}`, `{}`} {
		if _, err := ReadReport(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read as a report", text)
		}
	}
}

func TestDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "out")
	d, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r := sample()
	if err := d.Append(r.Results[0]); err != nil {
		t.Fatal(err)
	}
	half, err := os.ReadFile(d.Path(ResultsFile))
	if err != nil || bytes.Count(half, []byte("\n")) != 1 {
		t.Errorf("while the run goes on: %q, %v; want the line that was appended", half, err)
	}
	if err := d.Finish(r); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{JUnitFile, ReportFile, ResultsFile}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := Create(path); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second run into the same directory: got %v, want a refusal", err)
	}
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if _, err := Create(path); err == nil {
			t.Errorf("Create(%s) worked", path)
		}
	}
}

func TestAbandonLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	d, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Path(ResultsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("results.jsonl is still there: %v", err)
	}
	if _, err := Create(path); err != nil {
		t.Errorf("the next run is refused: %v", err)
	}
}
