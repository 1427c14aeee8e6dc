package planted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	benchFlag    = flag.Bool("fuzz-bench", false, "run the bench: every patch against the fuzzers that are meant to kill it")
	benchOnly    = flag.String("bench-only", "", "only patches whose name this regular expression matches")
	benchSeeds   = flag.Int("bench-seeds", 3, "seeds of the bench")
	benchFor     = flag.Duration("bench-for", 120*time.Second, "how long a fuzzer may take to kill a patch")
	benchAtOnce  = flag.Int("bench-at-once", 2, "hunts that run side by side")
	benchResults = flag.String("bench-results", "", "file of results, one a line: what it holds is not run again")
	benchCommand = flag.String("bench-natsroute", "", "the natsroute whose live fuzzer is measured (default: built from the source)")
	benchUpdate  = flag.Bool("bench-update", false, "write the table into fuzz/BENCHMARKS.md")
)

// result is one hunt of the bench: a patch and a seed. The patch "none" is the clean reference.
type result struct {
	Patch string `json:"patch"`
	Seed  int    `json:"seed"`
	kill
}

const clean = "none"

// TestBench is make fuzz-bench.
func TestBench(t *testing.T) {
	if !*benchFlag {
		t.Skip("not run: give -fuzz-bench, as make fuzz-bench does")
	}
	b := newBench(t)
	patches := slices.Concat(b.controls(), All())
	var all sync.WaitGroup
	jobs := make(chan Patch)
	for range *benchAtOnce {
		all.Go(func() {
			for p := range jobs {
				b.patch(p)
			}
		})
	}
	only := regexp.MustCompile(*benchOnly)
	for _, p := range patches {
		if only.MatchString(p.Name) {
			jobs <- p
		}
	}
	close(jobs)
	all.Wait()
	table := tableOf(b.results)
	t.Log("\n" + table)
	if *benchUpdate {
		if err := writeTable("../BENCHMARKS.md", table); err != nil {
			t.Error(err)
		}
	}
	for _, r := range b.results {
		if r.Patch == clean && r.Killed {
			t.Errorf("the clean reference was killed with seed %d by %s: %s", r.Seed, r.By, r.Detail)
		}
	}
}

// bench holds what the hunts share.
type bench struct {
	t         *testing.T
	root      string
	natsroute string // the clean command, for the live fuzzer

	mu      sync.Mutex
	results []result
	file    *os.File
}

func newBench(t *testing.T) *bench {
	t.Helper()
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, root: absolute, natsroute: filepath.Join(t.TempDir(), "natsroute")}
	if *benchResults != "" {
		if b.results, err = readResults(*benchResults); err != nil {
			t.Fatal(err)
		}
		if b.file, err = os.OpenFile(*benchResults, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.file.Close() })
	}
	if *benchCommand != "" {
		b.natsroute = *benchCommand
	} else if !b.run("build", "-o", b.natsroute, "./cmd/natsroute") {
		t.FailNow()
	}
	return b
}

// controls are hunts on the clean reference: in process, and live.
func (b *bench) controls() []Patch {
	return []Patch{
		{Name: clean, Targets: []string{"Parse", "Split", "RoundTrip", "Info", "Connect", "Session", "PeerPair", "Subjects"}},
		{Name: clean, Targets: []string{Live}},
	}
}

func readResults(path string) ([]result, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var all []result
	for line := range bytes.Lines(text) {
		var r result
		if json.Unmarshal(line, &r) == nil {
			all = append(all, r)
		}
	}
	return all, err
}

// patch hunts one patch with every seed.
func (b *bench) patch(p Patch) {
	binary := ""
	for seed := 1; seed <= *benchSeeds; seed++ {
		if b.done(p, seed) {
			continue
		}
		if binary == "" {
			dir := b.t.TempDir()
			binary = filepath.Join(dir, "planted.test")
			args := []string{"test", "-c", "-o", binary}
			if p.Name != clean {
				overlay, err := p.Overlay(b.root, dir)
				if err != nil {
					b.t.Error(err)
					return
				}
				args = append(args, "-overlay", overlay)
			}
			if !b.run(append(args, "./fuzz/planted")...) {
				return
			}
		}
		k := kill{}
		if slices.Contains(p.Targets, Live) {
			k = b.live(binary, seed)
		} else {
			k = b.inProcess(binary, p.Targets, seed)
		}
		b.add(result{p.Name, seed, k})
	}
	if binary != "" {
		_ = os.Remove(binary)
	}
}

// done tells whether the results hold that hunt already. A control is run each time.
func (b *bench) done(p Patch, seed int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.Name != clean && slices.ContainsFunc(b.results, func(r result) bool { return r.Patch == p.Name && r.Seed == seed })
}

func (b *bench) add(r result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, r)
	b.t.Logf("%-32s seed %d: killed %v in %.1f s by %s %.200q", r.Patch, r.Seed, r.Killed, r.Seconds, r.By, r.Detail)
	if b.file != nil {
		line, err := json.Marshal(r)
		if err == nil {
			_, err = b.file.Write(append(line, '\n'))
		}
		if err != nil {
			b.t.Error(err)
		}
	}
}

func (b *bench) run(args ...string) bool {
	cmd := exec.Command("go", args...)
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		return false
	}
	return true
}

// inProcess lets the patched binary hunt.
func (b *bench) inProcess(binary string, targets []string, seed int) kill {
	ctx, cancel := context.WithTimeout(context.Background(), *benchFor+time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^TestHunt$", "-hunt="+strings.Join(targets, ","),
		fmt.Sprintf("-hunt-seed=%d", seed), "-hunt-for="+benchFor.String())
	cmd.Dir = b.root
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		var k kill
		if text, ok := strings.CutPrefix(line, huntMark); ok && json.Unmarshal([]byte(text), &k) == nil {
			return k
		}
	}
	// It has not come to its end: what a goroutine panics with cannot be caught, and memory runs out.
	return kill{Killed: true, By: "crash", Detail: fmt.Sprintf("%v: %s", err, tail(string(out))), Seconds: time.Since(began).Seconds()}
}

func tail(s string) string { return s[max(0, len(s)-300):] }

// live lets the clean fuzzer work on the patched server until it has stored a finding.
func (b *bench) live(binary string, seed int) kill {
	ctx, cancel := context.WithTimeout(context.Background(), *benchFor)
	defer cancel()
	dir := b.t.TempDir()
	launch := fmt.Sprintf("%q -test.run=^TestServe$ -test.timeout=0 -serve={{.ClientPort}},{{.RoutePort}}", binary)
	cmd := exec.CommandContext(ctx, b.natsroute, "fuzz", "--launch", launch, "-o", dir, "--workers", "1", "--seed", fmt.Sprint(seed), "--quiet")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.t.Error(err)
		return kill{}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			found, _ := filepath.Glob(filepath.Join(dir, "findings", "*.txt"))
			if len(found) == 0 {
				continue
			}
			took := time.Since(began)
			cancel()
			<-ended
			return liveKill(found[0], took)
		case err := <-ended:
			if ctx.Err() == nil {
				b.t.Errorf("natsroute fuzz ended: %v: %s", err, tail(out.String()))
			}
			return kill{Seconds: time.Since(began).Seconds()}
		}
	}
}

var findingHead = regexp.MustCompile(`(?m)^# (kind|symptom) +(.*)$`)

func liveKill(path string, took time.Duration) kill {
	k := kill{Killed: true, By: Live, Seconds: took.Seconds()}
	text, err := os.ReadFile(path)
	if err != nil {
		k.Detail = err.Error()
	}
	for _, m := range findingHead.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "kind" {
			k.By = Live + ": " + m[2]
		} else {
			k.Detail = m[2]
		}
	}
	return k
}
