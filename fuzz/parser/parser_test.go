package parser

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/harness"
)

// fuzzUntil fuzzes a parser until it has found something, and returns the findings.
func fuzzUntil(t *testing.T, role string, cfg Config) (map[string]*Finding, Result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cfg.Command = as(t, role)
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Seed == 0 {
		cfg.Seed = 1
	}
	cfg.Log = func(line string) {
		t.Log(line)
		if strings.HasPrefix(line, "FOUND ") && cfg.Sequences == 0 {
			cancel()
		}
	}
	result, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result.Status)
	return findingsIn(t, cfg.Dir), result
}

func findingsIn(t *testing.T, dir string) map[string]*Finding {
	t.Helper()
	f := must(folder.Open(dir))
	defer func() { _ = f.Close() }()
	found := map[string]*Finding{}
	for _, name := range must(f.Names(folder.Findings)) {
		found[name] = must(ReadFinding(f.Path(folder.Findings, name), ""))
	}
	return found
}

// The reference's own parser: thousands of sequences, and nothing to find.
func TestHealthy(t *testing.T) {
	sequences := uint64(3000)
	if testing.Short() {
		sequences = 300
	}
	for _, dialect := range []string{"srv-2.15", "srv-2.1", "doc-2.0"} {
		found, result := fuzzUntil(t, "healthy", Config{Sequences: sequences, Dialect: dialect})
		if len(found) > 0 || result.Unproven > 0 || result.New > 0 || result.Sequences < sequences {
			t.Errorf("%s: %v, %+v", dialect, found, result)
		}
		if result.Requests < 3*result.Sequences || result.Classes < 50 {
			t.Errorf("%s: %d requests, %d classes of %d sequences", dialect, result.Requests, result.Classes, result.Sequences)
		}
	}
}

// Each mistake is found under its name, is small, and happens again when it is replayed, and not in a healthy parser.
func TestMistakesAreFound(t *testing.T) {
	for _, tt := range []struct {
		role    string
		kind    Kind
		class   string
		verdict Verdict
		small   int // bytes of all streams
		cases   int
	}{
		{role: "takes-ten-digits", kind: Difference, class: "eof instead of syntax bad_size", verdict: VerdictFail, small: 30},
		{role: "line-one-too-long", kind: Difference, class: "syntax argument_count instead of limit line_too_long", verdict: VerdictFail, small: 66_000},
		{role: "drops-reply", kind: Difference, class: "reply of RMSG", verdict: VerdictFail, small: 40},
		{role: "crashes-on-zero", kind: Crash, class: "panic: weight N of N in parser.mistaken", verdict: VerdictCrash, small: 30},
		{role: "traceback", kind: Crash, class: "IndexError: list index N out of range", verdict: VerdictCrash, small: 60},
		{role: "dies-wordless", kind: Crash, class: "ended: exit status N", verdict: VerdictCrash, small: 30},
		{role: "hangs", kind: Hang, class: "no answer", verdict: VerdictHang, small: 30},
		{role: "third-ping-hangs-up", kind: Crash, class: "panic: third", verdict: VerdictCrash, small: 5000, cases: 12},
		{role: "leaks", kind: Memory, class: "resident", verdict: VerdictFail, small: 30},
		{role: "cut-cr-lf", kind: Split, class: " instead of ", verdict: VerdictFail, small: 30},
		{role: "logs-on-stdout", kind: Babble, class: "no answer", verdict: VerdictFail, small: 10},
	} {
		t.Run(tt.role, func(t *testing.T) {
			if tt.kind == Memory && harness.Resident(os.Getpid()) == 0 {
				t.Skip("not run: this system does not tell how much memory a process holds")
			}
			cfg := Config{Patience: 2 * time.Second, Dir: t.TempDir()}
			found, result := fuzzUntil(t, tt.role, cfg)
			if len(result.Buckets) == 0 {
				t.Fatal("nothing was found")
			}
			f := found[result.Buckets[0]]
			if f == nil || f.Symptom.Kind != tt.kind || !strings.Contains(f.Symptom.Class, tt.class) {
				t.Fatalf("found %+v", f)
			}
			path := filepath.Join(cfg.Dir, "findings", f.Bucket+".txt")
			text := string(must(os.ReadFile(path)))
			if _, size := f.Size(); size > tt.small || len(f.Cases) > max(tt.cases, 1) {
				t.Errorf("the case has %d streams of %d bytes:\n%.3000s", len(f.Cases), size, text)
			}
			if tt.kind == Split && (len(f.Cases) != 1 || len(f.Cases[0].Cuts) != 1) {
				t.Errorf("the stream is cut more than once:\n%s", text)
			}
			for _, line := range []string{"# replay    natsroute replay ", "# proven    3 of 3", "# wanted:"} {
				if !strings.Contains(text, line) {
					t.Errorf("there is no %q in\n%.3000s", line, text)
				}
			}
			cfg.Command = as(t, tt.role)
			for range 2 {
				if r := must(Replay(t.Context(), cfg, f, false)); r.Verdict != tt.verdict || !r.Same {
					t.Errorf("replayed: %+v", r)
				}
			}
			cfg.Command = as(t, "healthy")
			if r := must(Replay(t.Context(), cfg, f, true)); r.Verdict != VerdictPass {
				t.Errorf("a healthy parser: %+v", r)
			}
		})
	}
}

// A bucket that the folder holds is met again, is not filed again, and does not stop the run; what kills is masked.
func TestKnownFindings(t *testing.T) {
	for _, role := range []string{"drops-reply", "crashes-on-zero", "dies-wordless"} {
		t.Run(role, func(t *testing.T) {
			dir := t.TempDir()
			first, _ := fuzzUntil(t, role, Config{Dir: dir, Workers: 1})
			again, result := fuzzUntil(t, role, Config{Dir: dir, Seed: 2, Sequences: 1500})
			if len(first) != 1 || len(again) != 1 || result.New != 0 || result.Sequences < 1500 {
				t.Errorf("%d findings, then %d, %+v", len(first), len(again), result)
			}
			if role == "drops-reply" && result.Known == 0 {
				t.Error("it was not met again")
			}
			if role != "drops-reply" && result.Masked == 0 {
				t.Error("nothing was masked")
			}
		})
	}
}

// A run that goes on knows what its corpus shows, sends all of it again, and adds nothing that is there.
func TestResume(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Workers: 1, Sequences: 300}
	_, first := fuzzUntil(t, "healthy", cfg)
	cfg.Resume, cfg.Sequences, cfg.Seed = true, uint64(first.Corpus), 1
	_, again := fuzzUntil(t, "healthy", cfg)
	if first.Corpus < 50 || again.Corpus != first.Corpus || again.Classes != first.Classes || again.Sequences != uint64(first.Corpus) {
		t.Errorf("first %+v, then %+v", first, again)
	}
}

// A parser that is not there, or says nothing from the start, is told, and is no finding.
func TestUnreachable(t *testing.T) {
	run := func(command string) error {
		_, err := Run(t.Context(), Config{Command: command, Dir: t.TempDir(), Sequences: 1})
		return err
	}
	var command *harness.CommandError
	if err := run("./there-is-no-such-parser"); !errors.As(err, &command) {
		t.Error(err)
	}
	var away *UnreachableError
	if err := run("true"); !errors.As(err, &away) {
		t.Error(err)
	}
	if err := run("echo hello"); !errors.As(err, &away) {
		t.Error(err)
	}
	var wrong *ConfigError
	if _, err := Run(t.Context(), Config{Command: "true", Dir: t.TempDir(), Dialect: "srv-9"}); !errors.As(err, &wrong) {
		t.Error(err)
	}
	if _, err := Run(t.Context(), Config{Command: "true", Dir: t.TempDir(), Masks: []string{"nowhere.json"}}); !errors.As(err, &wrong) {
		t.Error(err)
	}
}
