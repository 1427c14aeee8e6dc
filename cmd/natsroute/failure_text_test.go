package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/spec/report"
)

var (
	failureTexts = flag.Bool("failure-texts", false, "write the files of testdata/faults that are missing: the text of each fault's first failure")
	// Compared on request: how reads fall on a loaded machine shows in a wire log.
	failureTextsCheck = flag.Bool("failure-texts-check", false, "hold the text of each fault's first failure against its file in testdata/faults")
	againAll          = flag.Bool("again-all", false, "run the command of every failure text again, not of some")
)

const failureDir = "testdata/faults"

// firstFailure is the result of the fault's row that fails, the first by its id.
func (o faulty) firstFailure() (report.Result, bool) {
	var broken []report.Result
	for _, r := range o.of(o.Breaks) {
		if r.Status == report.Fail || r.Status == report.Warn || r.Status == report.Disputed {
			broken = append(broken, r)
		}
	}
	if len(broken) == 0 {
		return report.Result{}, false
	}
	return slices.MinFunc(broken, func(a, b report.Result) int { return strings.Compare(a.ID, b.ID) }), true
}

// textOf is what the run said of a result, from its headline to the command that runs it again.
func (o outcome) textOf(id string) string {
	lines := strings.Split(o.text, "\n")
	for i, line := range lines {
		if !strings.Contains(line, " "+id+" ") || i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "    ") {
			continue
		}
		for end := i + 1; end < len(lines); end++ {
			if strings.HasPrefix(lines[end], "    again ") {
				return strings.Join(lines[i:end+1], "\n") + "\n"
			}
		}
	}
	return ""
}

// varying is what differs from run to run, and what stands for it.
var varying = []struct {
	what    *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\bN[A-Z2-7X0-9]{50,}\b`), "SERVER-ID"},
	{regexp.MustCompile(`\bnr[a-z2-7]{6}\.\d+`), "SUBJECT"},
	{regexp.MustCompile(`natsroute-nr[a-z0-9-]+`), "OTHER-CLUSTER"},
	{regexp.MustCompile(`\b127\.\d+\.\d+\.\d+:\d+`), "HOST:PORT"},
	{regexp.MustCompile(`\b127\.\d+\.\d+\.\d+\b`), "HOST"},
	{regexp.MustCompile(`"nonce":"[^"]*"`), `"nonce":"NONCE"`},
	{regexp.MustCompile(`0x[0-9a-f]{6,}`), "0xADDRESS"},
	{regexp.MustCompile(`"\.\.\.[A-Z0-9]{3}"`), `"...END"`},
	{regexp.MustCompile(`\b[A-Z0-9]{18,24}(~?)`), "GENERATED$1"},
	{regexp.MustCompile(`connection P\d+`), "connection PN"},
	{regexp.MustCompile(`churn\.\d+: \d+ sub`), "churn.N: N sub"},
	{regexp.MustCompile(`(, in ".{20}).*`), "$1…"},
	{regexp.MustCompile(`"port":\d+`), `"port":PORT`},
	{regexp.MustCompile(`[-+]?\d+(\.\d+)?(ms|µs|s)\b`), "TIME"},
	{regexp.MustCompile(`(within TIME: ).*`), "$1…"},
	{regexp.MustCompile(`\d{2,}`), "N"},
	{regexp.MustCompile(`byte \d`), "byte N"},
}

// vectorWord is the first token of a vector's subjects.
var vectorWord = regexp.MustCompile(`(\$G )[a-z2-7]{6}\b|\b[a-z2-7]{6}(\.\S)`)

// masked is a failure text in which what differs from run to run is replaced. Ids of rows and versions stay.
func masked(text string) string {
	var out []string
	vector := strings.Contains(text, "Vectors of")
	for line := range strings.Lines(text) {
		label := strings.TrimSpace(line[:min(len(line), 13)])
		switch {
		case !strings.HasPrefix(line, "    "), label == "clause", label == "page", label == "again":
		default:
			if vector {
				line = vectorWord.ReplaceAllString(line, "${1}vector$2")
			}
			for _, v := range varying {
				line = v.what.ReplaceAllString(line, v.instead)
			}
		}
		if len(out) == 0 || out[len(out)-1] != line { // as many lines as there were peers
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// withoutWire leaves out the wire log: how the bytes fall into reads and what comes in between is up to the machine.
func withoutWire(text string) string {
	before, rest, found := strings.Cut(text, "\n    wire ")
	if !found {
		return text
	}
	_, again, _ := strings.Cut(rest, "\n    again ")
	return before + "\n    wire …\n    again " + again
}

// checkText holds the text of a fault's first failure against its file: the requirement, its level, the clause and its source,
// what was expected and got, the wire, and the command that runs it again.
func (o faulty) checkText(t *testing.T) {
	first, ok := o.firstFailure()
	if ok && first.Status == report.Disputed {
		return // nothing is said of it
	}
	if !ok {
		t.Errorf("%s: no result of %s is broken\n%s", o.Name, o.Breaks, o.text)
		return
	}
	text := o.textOf(first.ID)
	for _, part := range []string{o.Breaks + "/", strings.ToUpper(string(first.Level)), "\n    clause ", "\n    because ", "\n    again    natsroute certify ", " --fault " + o.Name + " "} {
		if !strings.Contains(text, part) {
			t.Errorf("%s: the text of its first failure lacks %q:\n%s", o.Name, part, text)
		}
	}
	file := filepath.Join(failureDir, o.Name+".txt")
	now := masked(text)
	if *failureTexts {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !*failureTextsCheck {
		return
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%s: %v; go test ./cmd/natsroute -run TestFaultsAreCaught -failure-texts writes it", o.Name, err)
		return
	}
	if withoutWire(string(golden)) != withoutWire(now) {
		t.Errorf("%s: the text of its first failure is not that of %s:\n%s", o.Name, file, now)
	}
}

// checkAgain runs the command that a failure text ends with: it has to fail for the same result, if need be the third time, where the fault is one of
// time or chance.
func (o faulty) checkAgain(t *testing.T) {
	first, ok := o.firstFailure()
	if !ok {
		return // checkText has said so
	}
	words := strings.Fields(first.Repro)
	if len(words) < 2 || words[0] != "natsroute" || words[1] != "certify" {
		t.Errorf("%s: no command runs %s again: %q", o.Name, first.ID, first.Repro)
		return
	}
	var again faulty
	for range aloneRuns {
		again = faulty{o.Fault, certify(t, faultEnv, words[2:]...)}
		if got, ok := again.firstFailure(); ok && got.ID == first.ID {
			return
		}
		t.Logf("%s: %s did not break %s again", o.Name, first.Repro, first.ID)
	}
	t.Errorf("%s: %s did not break %s in %d runs:\n%s", o.Name, first.Repro, first.ID, aloneRuns, again.text)
}

// TestFailureTextsHaveFaults wants no text of a fault that is gone.
func TestFailureTextsHaveFaults(t *testing.T) {
	files, err := os.ReadDir(failureDir)
	if err != nil {
		t.Fatal(err)
	}
	names := faultNames()
	for _, file := range files {
		if !slices.Contains(names, strings.TrimSuffix(file.Name(), ".txt")) {
			t.Errorf("%s is the text of no fault", file.Name())
		}
	}
}

func hasText(name string) bool {
	_, err := os.Stat(filepath.Join(failureDir, name+".txt"))
	return err == nil
}
