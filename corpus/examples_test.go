package corpus

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// runnerParser makes the test binary play the parser of examples/run_vectors.py: "knowing" answers what the vectors
// want, "forgetful" leaves replies out.
const runnerParser = "CORPUS_TEST_PARSER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(runnerParser); kind != "" {
		if err := answerVectors(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRunnerInPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("not run: examples/run_vectors.py needs python3, which is not on the path")
	}
	// Read here too, so that the test's cached result does not outlive a change of the script.
	if _, err := os.ReadFile("examples/run_vectors.py"); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, kind string
		args       []string
		fails      bool
		says       []string
	}{
		{name: "lint", says: []string{"0 played, 0 faults"}},
		{name: "plays a parser that knows", kind: "knowing", args: []string{"--dialect", "srv-2.15", "--chapter", "headers", self}, says: []string{"13 played, 0 faults"}},
		{name: "finds a parser that drops replies", kind: "forgetful", args: []string{"--dialect", "srv-2.1", "--chapter", "message", self}, fails: true, says: []string{"rmsg-reply (srv-2.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(python, append([]string{"-B", "examples/run_vectors.py"}, tt.args...)...)
			cmd.Env = append(os.Environ(), runnerParser+"="+tt.kind)
			out, err := cmd.CombinedOutput()
			if _, failed := err.(*exec.ExitError); failed != tt.fails || err != nil && !failed {
				t.Fatalf("ended with %v, failure wanted %t:\n%s", err, tt.fails, out)
			}
			for _, s := range tt.says {
				if !strings.Contains(string(out), s) {
					t.Errorf("does not say %q:\n%.2000s", s, out)
				}
			}
		})
	}
}

// answerVectors is a parser of the runner's line protocol that looks its answers up.
func answerVectors(kind string) error {
	c, err := Load()
	if err != nil {
		return err
	}
	byID := map[string]*Vector{}
	for i := range c.Vectors {
		byID[c.Vectors[i].ID] = &c.Vectors[i]
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var request struct {
			ID     string   `json:"id"`
			Chunks []string `json:"chunks"`
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		v := byID[request.ID]
		sent, err := hex.DecodeString(strings.Join(request.Chunks, ""))
		if err != nil || v == nil || !bytes.Equal(sent, v.Bytes()) {
			return fmt.Errorf("request for %q does not carry its input (%v)", request.ID, err)
		}
		want := Want{Error: v.Want.Error, Token: v.Want.Token, Ops: append([]Op(nil), v.Want.Ops...)}
		for i := range want.Ops {
			if kind == "forgetful" {
				want.Ops[i].Reply = ""
			}
		}
		answer, err := json.Marshal(want)
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("%s\n", answer); err != nil {
			return err
		}
	}
	return lines.Err()
}
