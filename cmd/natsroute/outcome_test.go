package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/natsroute/natsroute/spec/report"
)

// outcome is what one certify of a process of its own left behind.
type outcome struct {
	exit   int
	text   string
	report report.Report
}

// certify runs the command, as a script would, and reads its report.
func certify(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("natsroute", append([]string{"certify", "-o", dir}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
		return outcome{exit: report.ExitHarness}
	}
	o := outcome{exit: cmd.ProcessState.ExitCode(), text: text.String()}
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err == nil {
		err = json.Unmarshal(b, &o.report)
	}
	if err != nil {
		t.Errorf("exit %d and no report: %v\n%s", o.exit, err, o.text)
	}
	return o
}
