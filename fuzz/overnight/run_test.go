package overnight

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func quiet(int) (int, []Finding, error) { return 0, nil, nil }

// A night in virtual time: every target has turns, more of them where there is more to find, and the state, a line a minute and both
// reports tell of it.
func TestNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		rich := &fake{name: "rich", script: func(turn int) (int, []Finding, error) {
			if turn == 3 {
				return 50, []Finding{{Bucket: "b1", Title: "<b>|`\x1b[31m", Bytes: 7, File: "rich/b1"}}, nil
			}
			return 50, nil, nil
		}}
		poor := &fake{name: "poor", script: quiet}
		poorer := &fake{name: "poorer", script: quiet}
		res, err := Run(t.Context(), Config{Dir: dir, Duration: time.Hour, Targets: []Target{poor, rich, poorer}})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.New) != 1 || res.New[0].Bucket != "b1" || res.Known != 0 || res.Interrupted {
			t.Errorf("result %+v", res)
		}
		if rich.turns < 2*poor.turns || poor.turns < 3 || poorer.turns < 3 {
			t.Errorf("turns: rich %d, poor %d, poorer %d: the rich one should have most, and nobody none", rich.turns, poor.turns, poorer.turns)
		}
		if rich.pruned != rich.turns {
			t.Errorf("%d turns, pruned %d times", rich.turns, rich.pruned)
		}
		beats, err := readHeartbeats(dir, 1)
		if err != nil || len(beats) < 59 || len(beats) > 62 {
			t.Fatalf("%d heartbeats in an hour: %v", len(beats), err)
		}
		for i := 1; i < len(beats); i++ {
			if beats[i].Execs < beats[i-1].Execs || beats[i].Elapsed < beats[i-1].Elapsed || beats[i].Coverage < beats[i-1].Coverage {
				t.Errorf("line %d goes back: %+v after %+v", i, beats[i], beats[i-1])
			}
		}
		if last := beats[len(beats)-1]; last.Execs == 0 || last.Rate < 500 || last.Rate > 1500 || last.New != 1 || last.Left > 1 {
			t.Errorf("the last line: %+v", last)
		}
		checkReports(t, dir)
	})
}

// checkReports: hostile text is in both reports and does nothing there; the page runs and loads nothing.
func checkReports(t *testing.T, dir string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dir, htmlFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"&lt;b&gt;", "<polyline points=", "1 new", ">rich<", "b1"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, part := range []string{"<b>", "\x1b", "<script", "http://", "https://"} {
		if strings.Contains(string(page), part) {
			t.Errorf("the page has %q", part)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, markdownFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := "| **new** | `rich` | `b1` | "; !strings.Contains(string(text), want) {
		t.Errorf("the report lacks %q:\n%s", want, text)
	}
	if want := "| 7 | `<b>¦'\\x1b[31m` | `rich/b1` |"; !strings.Contains(string(text), want) {
		t.Errorf("the report lacks %q:\n%s", want, text)
	}
	if strings.Contains(string(text), "\x1b") {
		t.Error("an escape sequence went into the report")
	}
}

// What the folder holds is known to the next run, and only what is new counts.
func TestOnlyNewBucketsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		run := func(found ...string) *Result {
			t.Helper()
			f := &fake{name: "f", script: func(turn int) (int, []Finding, error) {
				var all []Finding
				for _, b := range found {
					if turn == 1 {
						all = append(all, Finding{Bucket: b, Bytes: 1})
					}
				}
				return 0, all, nil
			}}
			res, err := Run(t.Context(), Config{Dir: dir, Duration: 2 * time.Minute, Targets: []Target{f}})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		for i, step := range []struct {
			found      []string
			fresh, old int
		}{{nil, 0, 0}, {[]string{"a"}, 1, 0}, {[]string{"a"}, 0, 1}, {[]string{"a", "b"}, 1, 1}} {
			if res := run(step.found...); len(res.New) != step.fresh || res.Known != step.old {
				t.Errorf("run %d: %d new, %d known, want %d and %d", i+1, len(res.New), res.Known, step.fresh, step.old)
			}
		}
	})
}

// A run that is interrupted says so and goes on with what is left of its time.
func TestInterruptedGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
		defer cancel()
		first := &fake{name: "f", script: func(turn int) (int, []Finding, error) {
			return 1, []Finding{{Bucket: "b", Bytes: 1}}, nil
		}}
		res, err := Run(ctx, Config{Dir: dir, Duration: time.Hour, Targets: []Target{first}})
		if err != nil || !res.Interrupted {
			t.Fatalf("%+v %v", res, err)
		}
		began := time.Now()
		second := &fake{name: "f", script: quiet, findings: first.findings}
		res, err = Run(t.Context(), Config{Dir: dir, Duration: time.Hour, Targets: []Target{second}})
		if err != nil || res.Interrupted {
			t.Fatalf("%+v %v", res, err)
		}
		if took := time.Since(began).Round(time.Minute); took != 35*time.Minute {
			t.Errorf("it went on for %v, 35m were left", took)
		}
		if len(res.New) != 1 {
			t.Errorf("%d new buckets in the whole run, want 1", len(res.New))
		}
		if beats, _ := readHeartbeats(dir, 1); len(beats) < 59 {
			t.Errorf("%d heartbeats of both parts", len(beats))
		}
	})
}

// An engine that always fails ends the run; one of several does not, and does not get the time.
func TestSpoiltTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &fake{name: "broken", script: func(int) (int, []Finding, error) { return 0, nil, errEngine }}
		_, err := Run(t.Context(), Config{Dir: t.TempDir(), Duration: time.Hour, Targets: []Target{broken}})
		if err == nil || !strings.Contains(err.Error(), errEngine.Error()) {
			t.Errorf("a run without any engine ended with %v", err)
		}
		broken.turns = 0
		good := &fake{name: "good", script: func(int) (int, []Finding, error) { return 3, nil, nil }}
		res, err := Run(t.Context(), Config{Dir: t.TempDir(), Duration: time.Hour, Targets: []Target{broken, good}})
		if err != nil {
			t.Fatal(err)
		}
		if res.Spoilt != broken.turns || good.turns < 2*broken.turns {
			t.Errorf("%d spoilt turns, %d good ones", res.Spoilt, good.turns)
		}
	})
}

func TestNothingToDo(t *testing.T) {
	if _, err := Run(t.Context(), Config{Dir: t.TempDir(), Duration: time.Hour}); err == nil {
		t.Error("a run without targets is no error")
	}
}

func TestForeignState(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"{", `{"schema":"other"}`} {
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := open(dir, time.Now()); err == nil {
			t.Errorf("%q is taken for a state", text)
		}
	}
}

// A line that a kill has cut, and lines of other runs, are passed over.
func TestTornHeartbeat(t *testing.T) {
	dir := t.TempDir()
	whole, _ := json.Marshal(Heartbeat{Run: 2, Execs: 5})
	text := `{"run":1}` + "\n" + string(whole) + "\n" + string(whole[:20])
	if err := os.WriteFile(filepath.Join(dir, heartbeatFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	beats, err := readHeartbeats(dir, 2)
	if err != nil || len(beats) != 1 || beats[0].Execs != 5 {
		t.Errorf("%+v %v", beats, err)
	}
}

func TestTurnLength(t *testing.T) {
	for _, tc := range []struct {
		whole   time.Duration
		targets int
		want    time.Duration
	}{{8 * time.Hour, 9, time.Minute}, {2 * time.Minute, 10, 6 * time.Second}, {time.Second, 10, 3 * time.Second}} {
		if got := turnLength(tc.whole, tc.targets); got != tc.want {
			t.Errorf("%v for %d targets: turns of %v, want %v", tc.whole, tc.targets, got, tc.want)
		}
	}
}
