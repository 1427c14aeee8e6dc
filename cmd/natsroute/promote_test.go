package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/fuzz/live"
)

const promotable = `# natsroute finding 1
# bucket    crash-no-such-thing
# kind      crash
# class     panic: no such thing
# symptom   panic: no such thing
# target    nats-server@v2.15.2
# server    2.15.2
# dialect   srv-2.15

natsroute sequence 1
0 send "CONNECT" " " object end "\r\n"
    member "\"name\"" "\"@id@\""
    member "\"cluster\"" "\"@cluster@\""
0 send "INFO" " " object end "\r\n"
    member "\"server_id\"" "\"@id@\""
    member "\"cluster\"" "\"@cluster@\""
0 send "RS+" " $G" " @subject@.a" end "\r\n"
`

// What promote writes goes through the compiler with the rest of the tree, its row and its vector are in the register, and the spec fails until
// somebody fills it in.
func TestPromotedSpecFailsUntilFilledIn(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tree, finding := t.TempDir(), filepath.Join(t.TempDir(), "finding.txt")
	write(t, finding, []byte(promotable))
	for _, file := range []string{"corpus/requirements.json", "corpus/vectors/hostile.json"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(tree, file), text)
	}
	for _, dir := range []string{"corpus/vectors", "spec"} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f, err := live.ReadFinding(finding)
	if err != nil {
		t.Fatal(err)
	}
	made, err := live.Promote(f, tree)
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for _, file := range made.Files {
		replace[filepath.Join(root, file)] = filepath.Join(tree, file)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tree, "overlay.json"), overlay)
	binary := filepath.Join(tree, "promoted")
	build := exec.Command("go", "build", "-overlay", filepath.Join(tree, "overlay.json"), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v does not go through the compiler: %v\n%s", made.Files, err, out)
	}
	shown, err := exec.Command(binary, "show", made.Row).CombinedOutput()
	if err != nil || !strings.Contains(string(shown), made.Vector) {
		t.Errorf("show %s says nothing of the vector %s: %v\n%s", made.Row, made.Vector, err, shown)
	}
	out, err := exec.Command(binary, "certify", "--only", made.Row).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "FILL IN what has to be seen") {
		t.Errorf("the spec that nobody has filled in: %v\n%s", err, out)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
