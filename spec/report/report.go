package report

import (
	_ "embed"
	"encoding/json"
)

// Schema is the word in Report.Schema. A change that breaks a reader gets another word.
const Schema = "natsroute.report/v1"

// JSONSchema is the JSON Schema (2020-12) of report.json; a line of results.jsonl is its $defs/result.
//
//go:embed schema/report.schema.json
var JSONSchema []byte

// Status is the outcome of one result.
type Status string

const (
	Pass           Status = "pass"
	Fail           Status = "fail"           // a MUST not kept
	Warn           Status = "warn"           // a SHOULD not kept
	Observed       Status = "observed"       // a MAY: which way the target goes is in Value
	NotApplicable  Status = "not_applicable" // not offered, or another branch
	NotTested      Status = "not_tested"     // Reason says why
	Disputed       Status = "disputed"       // real servers of one profile differ: never fails
	HarnessError   Status = "harness_error"  // the suite itself failed
	ExpectedFail   Status = "expected_failure"
	UnexpectedPass Status = "unexpected_pass"
)

// Reason words of not_tested.
const (
	NeedsClient       = "needs-client"
	NeedsAccounts     = "needs-accounts"
	NeedsListener     = "needs-listener"
	NeedsAuth         = "needs-auth"
	NeedsTLS          = "needs-tls"
	NeedsLaunch       = "needs-launch"
	NeedsSettings     = "needs-settings"
	NeedsSetup        = "needs-setup"        // the server that was set up for the row did not start, or is no route port
	NeedsRegistration = "needs-registration" // the target refuses a plain peer: only the handshake can be judged
	NeedsPong         = "needs-pong"         // the target answers no PING: nothing that needs a fence can be judged
	IsDisruptive      = "disruptive"
	InACluster        = "in-a-cluster"
	Interrupted       = "interrupted"
	Filtered          = "filtered"
)

// Verdict is the outcome of a capability (conforms, fails, not_offered, not_tested; incomplete where only a part of it
// could be tested) or of a run (conforms, fails, incomplete, error).
type Verdict string

const (
	Conforms   Verdict = "conforms"
	Fails      Verdict = "fails"
	NotOffered Verdict = "not_offered"
	Untested   Verdict = "not_tested"
	Incomplete Verdict = "incomplete"
	Errored    Verdict = "error"
)

// Result is what one spec said of one target. ID and Target identify it, for ever.
type Result struct {
	ID           string            `json:"id"` // REQUIREMENT/word
	Target       string            `json:"target"`
	Requirements []string          `json:"requirements"`
	Level        string            `json:"level"`
	Capability   string            `json:"capability"`
	Chapter      string            `json:"chapter"`
	Title        string            `json:"title"`
	Clause       string            `json:"clause"`
	PageDiffers  string            `json:"page_differs"`
	Status       Status            `json:"status"`
	Reason       string            `json:"reason"`
	Value        string            `json:"value"`
	DurationMS   float64           `json:"duration_ms"`
	Failure      *Failure          `json:"failure,omitempty"`
	Transcript   []TranscriptEntry `json:"transcript,omitempty"`
	Repro        string            `json:"repro,omitempty"`
}

// Failure is what a server author needs to act. Texts are as received: every writer escapes them.
type Failure struct {
	Message  string   `json:"message"`
	Expected []string `json:"expected,omitempty"` // each allowed outcome
	Got      string   `json:"got,omitempty"`
	Offset   int      `json:"offset"` // first difference between Expected[0] and Got, from 0; -1: none
}

// TranscriptEntry is one write ('>' sent to the target), read ('<' received) or note ('#').
type TranscriptEntry struct {
	MS    float64 `json:"ms"`
	Conn  string  `json:"conn"`
	Dir   string  `json:"dir"`
	Bytes string  `json:"bytes"`        // escaped as in Go string literals
	S2    bool    `json:"s2,omitempty"` // they stood inside an S2 stream
}

// Report is one run.
type Report struct {
	Schema       string             `json:"schema"` // natsroute.report/v1
	Tool         Tool               `json:"tool"`
	Profile      Profile            `json:"profile"`
	Targets      []Target           `json:"targets"`
	Started      string             `json:"started"` // RFC 3339
	DurationMS   int64              `json:"duration_ms"`
	Seed         int64              `json:"seed"`
	Nonce        string             `json:"nonce"`
	Verdict      Verdict            `json:"verdict"`
	Capabilities map[string]Verdict `json:"capabilities"`
	Summary      Summary            `json:"summary"`
	Results      []Result           `json:"results"`
	// Warnings about the run itself: other members of a cluster seen, the target lost.
	Warnings    []string `json:"warnings,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
	TargetLost  string   `json:"target_lost,omitempty"` // what was seen when the target went away and did not come back
	Narrowed    bool     `json:"narrowed,omitempty"`    // a selection left rows out; Judge sets it
}

type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type Profile struct {
	Name     string            `json:"name"`
	Digest   string            `json:"digest"`
	Branches map[string]string `json:"branches"`
}

type Target struct {
	Key    string          `json:"key"`
	Server string          `json:"server"`
	Launch string          `json:"launch"`
	Info   json.RawMessage `json:"info"` // the target's INFO as received
	// Offered capabilities, from INFO: a capability that is not offered gets the verdict not_offered.
	Offers map[string]bool `json:"offers"`
}

type Summary struct {
	Passed           int `json:"passed"`
	Failed           int `json:"failed"`
	Warned           int `json:"warned"`
	Observed         int `json:"observed"`
	NotApplicable    int `json:"not_applicable"`
	NotTested        int `json:"not_tested"`
	Disputed         int `json:"disputed"`
	ExpectedFailures int `json:"expected_failures"`
	UnexpectedPasses int `json:"unexpected_passes"`
	HarnessErrors    int `json:"harness_errors"`
}
