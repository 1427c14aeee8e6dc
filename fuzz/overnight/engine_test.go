package overnight

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const tinyTarget = `package tiny

import (
	"os"
	"strings"
	"testing"
)

func FuzzTiny(f *testing.F) {
	masks, _ := os.ReadFile(os.Getenv("NATSROUTE_FUZZ_MASKS"))
	masked := func(bucket string) bool { return strings.Contains(string(masks), bucket+"\n") }
	f.Fuzz(func(t *testing.T, data []byte) {
		switch {
		case len(data) > 2 && data[0] == '!' && !masked("tiny-bang"):
			t.Fatal("a bang\nbucket: tiny-bang")
		case string(data) == "?abcdefgh":
			_ = data[1000+len(data)]
		}
	})
}

func FuzzEmpty(f *testing.F) {}
`

// TestRealEngine holds what Native believes of the engine of Go against the engine itself: its lines, where it puts what fails, that it
// stops there, and that it goes on behind a mask.
func TestRealEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("not run with -short: it builds a test binary")
	}
	source, root := t.TempDir(), t.TempDir()
	binary := filepath.Join(source, "tiny.test")
	for name, text := range map[string]string{
		"go.mod": "module tiny\n\ngo 1.26\n", "tiny_test.go": tinyTarget, "seeds/tiny/1": "!abc", "seeds/tiny/2": "!ab",
	} {
		path := filepath.Join(source, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "test", "-c", "-fuzz=.", "-o", binary, ".")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	targets, err := Natives(t.Context(), binary, root, filepath.Join(source, "seeds"))
	if err != nil || len(targets) != 1 || targets[0].Name() != "FuzzTiny" {
		t.Fatalf("%v %v", targets, err)
	}
	tiny := targets[0].(*Native)
	tiny.Workers = 1
	collect := func() []Finding {
		t.Helper()
		found, err := tiny.Collect()
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if _, err := tiny.Run(t.Context(), 20*time.Second, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	if found := collect(); len(found) != 1 || found[0].Bucket != "tiny-bang" || found[0].Bytes > 4 || found[0].Title != "a bang" {
		t.Fatalf("%+v", found)
	}
	p, err := tiny.Run(t.Context(), 3*time.Second, func(Progress) {})
	if err != nil || p.Execs == 0 || p.Coverage == 0 {
		said, _ := os.ReadFile(tiny.dir("last.log"))
		t.Fatalf("behind the mask: %+v %v\n%s", p, err, said)
	}
	// A panic is found by its seed, and has a bucket although the target names none.
	if err := os.WriteFile(filepath.Join(source, "seeds", "tiny", "3"), []byte("?abcdefgh"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tiny.Run(t.Context(), 20*time.Second, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	found := collect()
	if len(found) != 2 || !strings.HasPrefix(found[1].Bucket, "unnamed-") || !strings.Contains(found[1].Title, "index out of range") {
		t.Errorf("%+v", found)
	}
}
