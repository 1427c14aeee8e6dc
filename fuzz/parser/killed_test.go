package parser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A fuzzer that is killed loses nothing: neither the case in flight nor a suspect that is being made smaller. The run that goes on finds it at once.
func TestKilled(t *testing.T) {
	for role, trace := range map[string]string{
		"hangs":           "hanging", // killed while it waits for the answer: the case is in the ledger alone
		"crashes-on-zero": "suspects/*.txt",
	} {
		t.Run(role, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(must(os.Executable()), "fuzz", dir, role, "new")
			cmd.Stderr = os.Stderr
			cmd.Env = append(os.Environ(), hangMark+"="+filepath.Join(dir, "hanging"))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitTrace(t, dir, trace)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if len(findingsIn(t, dir)) > 0 {
				t.Skip("not run: it had stored its finding before it was killed")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			cfg := Config{Command: as(t, role), Dir: dir, Resume: true, Sequences: 1, Seed: 99, Workers: 1, Patience: 2 * time.Second, Log: func(line string) { t.Log(line) }}
			result, err := Run(ctx, cfg)
			if err != nil || result.New != 1 {
				t.Errorf("%+v, %v", result, err)
			}
			if left := must(filepath.Glob(filepath.Join(dir, "suspects", "*.txt"))); len(left) > 0 && result.New == 1 {
				t.Errorf("what is settled is still suspected: %q", left)
			}
		})
	}
}

// awaitTrace waits until a file of that form is there.
func awaitTrace(t *testing.T, dir, form string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if len(must(filepath.Glob(filepath.Join(dir, form)))) > 0 {
			return
		}
	}
	t.Fatal("the fuzzer came to nothing")
}
