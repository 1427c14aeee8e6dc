package overnight

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledAtRandom kills the runner without warning twenty times: no finding and no corpus entry is lost, and the run ends in
// its time with the reports of all of it.
func TestKilledAtRandom(t *testing.T) {
	dir := t.TempDir()
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVariable+"=runner", dirVariable+"="+dir)
		out, err := os.OpenFile(filepath.Join(dir, "said"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	for range 20 {
		cmd := start()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-time.After(time.Duration(20+rand.IntN(100)) * time.Millisecond):
			_ = cmd.Process.Kill()
			<-ended
		case err := <-ended:
			t.Fatalf("it ended by itself: %v\n%s", err, said(dir))
		}
	}
	err := start().Wait()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Fatalf("with new buckets it ended with %v\n%s", err, said(dir))
	}
	state, err := open(dir, time.Now())
	if err != nil || state.Run != 2 {
		t.Fatalf("after the end another run begins: %+v %v", state, err)
	}
	checkLedger(t, dir, state)
}

func said(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "said"))
	return string(text)
}

// checkLedger holds what the engine has written against what there is.
func checkLedger(t *testing.T, dir string, state *State) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	smallest := map[string]int{}
	entries := 0
	for line := range strings.Lines(string(text)) {
		kind, what, whole := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case !whole:
		case kind == "corpus":
			entries++
			if _, err := os.Stat(what); err != nil {
				t.Errorf("a corpus entry is lost: %v", err)
			}
		case kind == "bad":
			bucket := "bucket-" + what[len(what)-1:]
			if n, ok := smallest[bucket]; !ok || len(what) < n {
				smallest[bucket] = len(what)
			}
		}
	}
	if entries < 20 || len(smallest) == 0 {
		t.Fatalf("the engine wrote %d entries and %d buckets: nothing was tested", entries, len(smallest))
	}
	for bucket, size := range smallest {
		b := state.Buckets["FuzzFake/"+bucket]
		if b == nil {
			t.Errorf("%s is lost", bucket)
			continue
		}
		if b.Bytes > size {
			t.Errorf("%s: %d bytes, there was an input of %d", bucket, b.Bytes, size)
		}
		if input, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(b.File))); err != nil || len(input) != b.Bytes {
			t.Errorf("%s: %d bytes in %s, %v", bucket, len(input), b.File, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "native", "FuzzFake", "work", "testdata", "fuzz", "FuzzFake", "*")); len(left) > 0 {
		t.Errorf("%d failing inputs are not filed", len(left))
	}
}

func TestEngineForm(t *testing.T) {
	for _, content := range []string{"", "PING\r\n", "\x00\xff\"`)\n", "é"} {
		if got, err := rawForm(engineForm([]byte(content))); err != nil || string(got) != content {
			t.Errorf("%q became %q, %v", content, got, err)
		}
	}
	for _, text := range []string{"", "go test fuzz v1\nint(3)\n", "go test fuzz v1\n[]byte(\"x"} {
		if _, err := rawForm([]byte(text)); err == nil {
			t.Errorf("%q is an input", text)
		}
	}
}

func TestBucketOf(t *testing.T) {
	const crash = "--- FAIL: FuzzX (0.00s)\n    panic: runtime error: index out of range [%d] with length 16\n\tgoroutine 7\n\tgithub.com/natsroute/natsroute/reference/wire.(*Parser).whole(0x%d)\n"
	one := bucketOf(strings.ReplaceAll(crash, "%d", "16"))
	two := bucketOf(strings.ReplaceAll(crash, "%d", "29"))
	if one != two {
		t.Errorf("numbers make other buckets: %s, %s", one, two)
	}
	if other := bucketOf(strings.ReplaceAll(crash, "whole", "split")); other == one {
		t.Error("another function, the same bucket")
	}
	if got := bucketOf("x_test.go:1: bad\n    bucket: split-offset-1f\n"); got != "split-offset-1f" {
		t.Errorf("the name that the target gives is not taken: %s", got)
	}
	if got := bucketOf("bucket: ../../etc"); strings.ContainsAny(got, "./") {
		t.Errorf("a path: %s", got)
	}
}

// Prune drops what is there twice, and the largest beyond the limit.
func TestPrune(t *testing.T) {
	n := &Native{Fuzz: "FuzzFake", Root: t.TempDir(), Entries: 2}
	if err := os.MkdirAll(n.cache(), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"1": "a", "2": "a", "3": "bb", "4": "cccc", "5": "ddd"} {
		if err := os.WriteFile(filepath.Join(n.cache(), name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := n.Prune()
	left, _ := filepath.Glob(filepath.Join(n.cache(), "*"))
	if err != nil || gone != 3 || len(left) != 2 {
		t.Errorf("%d gone, left %v, %v", gone, left, err)
	}
	if _, err := os.Stat(filepath.Join(n.cache(), "3")); err != nil {
		t.Error("the second smallest is gone")
	}
	if gone, err := (&Native{Fuzz: "FuzzNone", Root: n.Root}).Prune(); gone != 0 || err != nil {
		t.Errorf("no corpus: %d, %v", gone, err)
	}
}

// Seeds are given to the engine in its own form, once.
func TestSeeds(t *testing.T) {
	seeds := t.TempDir()
	if err := os.WriteFile(filepath.Join(seeds, "0123456789abcdef"), []byte("PING\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	n := &Native{Fuzz: "FuzzFake", Root: t.TempDir(), Seeds: seeds}
	for range 2 {
		if err := n.prepare(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(n.cache(), "seed-0123456789abcdef"))
	if err != nil || string(text) != "go test fuzz v1\n[]byte(\"PING\\r\\n\")\n" {
		t.Errorf("%q %v", text, err)
	}
}

// The findings and the status of the live fuzzer are read as it writes them.
func TestLiveFolder(t *testing.T) {
	l := &Live{Label: "reference", Root: t.TempDir()}
	if err := os.MkdirAll(l.dir("findings"), 0o755); err != nil {
		t.Fatal(err)
	}
	finding := "# natsroute finding 1\n# bucket    crash-x-1\n# symptom   the process ended\n# size      2 messages, 61 bytes\n#\n\nnatsroute sequence 1\n"
	status := "{\"sequences\":10,\"classes\":3,\"edges\":4}\n"
	for name, text := range map[string]string{"findings/crash-x-1.txt": finding, "status.jsonl": status} {
		if err := os.WriteFile(l.dir(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := l.Collect()
	want := Finding{Bucket: "crash-x-1", Title: "the process ended", File: "live/reference/findings/crash-x-1.txt", Bytes: 61}
	if err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("%+v %v", found, err)
	}
	before := l.size()
	if got := l.progress(before); got != (Progress{}) {
		t.Errorf("of an earlier turn: %+v", got)
	}
	if err := os.WriteFile(l.dir("status.jsonl"), []byte(status+"{\"sequences\":7,\"classes\":5,\"edges\":9}\n{\"seq"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := l.progress(before); got != (Progress{Execs: 7, Coverage: 9, Classes: 5}) {
		t.Errorf("%+v", got)
	}
}
