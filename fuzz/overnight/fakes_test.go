package overnight

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary plays the parts of the runner and of Go's engine too, each in a process of its own.
const (
	roleVariable = "OVERNIGHT_TEST_ROLE"
	dirVariable  = "OVERNIGHT_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "engine":
		os.Exit(fakeEngine(os.Args[1:]))
	case "runner":
		os.Exit(fakeRunner())
	}
	goleak.VerifyTestMain(m)
}

// fake is a target without a process. It takes its turn's time, and gains and finds what script says for each turn.
type fake struct {
	name   string
	script func(turn int) (gain int, found []Finding, err error)

	turns    int
	coverage int
	findings []Finding
	pruned   int
}

func (f *fake) Name() string { return f.name }

func (f *fake) Run(ctx context.Context, d time.Duration, tell func(Progress)) (Progress, error) {
	f.turns++
	gain, found, err := f.script(f.turns)
	f.coverage += gain
	f.findings = append(f.findings, found...)
	p := Progress{Execs: uint64(d.Seconds() * 1000), Coverage: f.coverage, Classes: 1}
	for range 2 { // it tells of half of its work when it has done half
		select {
		case <-time.After(d / 2):
		case <-ctx.Done():
		}
		tell(Progress{Execs: p.Execs / 2, Coverage: p.Coverage})
	}
	return p, err
}

func (f *fake) Collect() ([]Finding, error) { return f.findings, nil }

func (f *fake) Prune() (int, error) {
	f.pruned++
	return 1, nil
}

// fakeEngine behaves as a test binary with one fuzz target does: it writes corpus entries and prints lines, and stops at a failing
// input, which it writes too. What it has written is in a ledger. An input that begins with "bad" fails, and belongs to the bucket
// of its last letter.
func fakeEngine(args []string) int {
	flags := map[string]string{}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		flags[name] = value
	}
	if run := flags["-test.run"]; run != "^$" {
		_, name, _ := strings.Cut(run, "/")
		text, err := os.ReadFile(filepath.Join("testdata", "fuzz", "FuzzFake", strings.Trim(name, "^$")))
		if err != nil {
			return 2
		}
		raw, _ := rawForm(text)
		return fakeCheck(raw)
	}
	cache := filepath.Join(flags["-test.fuzzcachedir"], "FuzzFake")
	ledger, err := os.OpenFile(filepath.Join(os.Getenv(dirVariable), "ledger"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 2
	}
	masked, _ := os.ReadFile(os.Getenv(MasksVariable))
	for i := 1; ; i++ {
		entry := fmt.Sprintf("entry %d", rand.Uint64())
		path := filepath.Join(cache, fmt.Sprintf("%x", rand.Uint64()))
		if os.WriteFile(path, engineForm([]byte(entry)), 0o644) != nil {
			return 2
		}
		fmt.Fprintf(ledger, "corpus %s\n", path)
		fmt.Printf("fuzz: elapsed: 3s, execs: %d (33/sec), new interesting: 1 (total: %d)\n", i*100, i)
		letter := string(rune('a' + rand.IntN(4)))
		if rand.IntN(4) > 0 || strings.Contains(string(masked), "bucket-"+letter+"\n") {
			time.Sleep(2 * time.Millisecond) // it takes its time, as an engine does
			if i == 20 {
				return 0
			}
			continue
		}
		bad := "bad" + strings.Repeat("x", rand.IntN(5)) + letter
		dir := filepath.Join("testdata", "fuzz", "FuzzFake")
		if os.MkdirAll(dir, 0o755) != nil || os.WriteFile(filepath.Join(dir, fmt.Sprintf("%x", rand.Uint64())), engineForm([]byte(bad)), 0o644) != nil {
			return 2
		}
		fmt.Fprintf(ledger, "bad %s\n", bad)
		return fakeCheck([]byte(bad))
	}
}

func fakeCheck(raw []byte) int {
	if !strings.HasPrefix(string(raw), "bad") {
		return 0
	}
	fmt.Printf("--- FAIL: FuzzFake (0.00s)\n    fake_test.go:12: <script>%s</script> | `went` wrong\n        bucket: bucket-%c\n", raw, raw[len(raw)-1])
	return 1
}

// fakeRunner runs overnight with the engine above.
func fakeRunner() int {
	dir := os.Getenv(dirVariable)
	if os.Setenv(roleVariable, "engine") != nil {
		return 2
	}
	res, err := Run(context.Background(), Config{
		Dir: dir, Duration: 4 * time.Second, Heartbeat: 20 * time.Millisecond,
		Targets: []Target{&Native{Binary: os.Args[0], Fuzz: "FuzzFake", Root: dir, Workers: 1}},
		Log:     func(line string) { fmt.Println(line) },
	})
	switch {
	case err != nil:
		fmt.Println(err)
		return 2
	case len(res.New) > 0:
		return 1
	}
	return 0
}

var errEngine = errors.New("the engine does not start")
