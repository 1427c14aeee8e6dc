//go:build unix

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// script writes a shell script and returns a launch command for it, whose first argument is the route port.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.sh")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path + " {{.RoutePort}}"
}

func TestLaunchTellsOfAnEarlyEnd(t *testing.T) {
	starts := filepath.Join(t.TempDir(), "starts")
	command := script(t, "echo x >>"+starts+"\nprintf 'cannot listen: \\033[31m%s\\n' $1\nexit 7\n")
	_, err := Launch(deadline(t), LaunchConfig{Command: command})
	var failure *LaunchError
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), `cannot listen: \x1b[31m`) {
		t.Errorf("%v", err)
	}
	if got := value[[]byte](t)(os.ReadFile(starts)); len(got) != launchAttempts*2 {
		t.Errorf("it was started %d times, want %d: its port may have been taken", len(got)/2, launchAttempts)
	}
}

func TestLaunchWatchesAndEndsTheProcess(t *testing.T) {
	self := value[string](t)(os.Executable())
	t.Setenv(childVariable, "route-port")
	log := filepath.Join(t.TempDir(), "log")
	tg := value[*Target](t)(Launch(deadline(t), LaunchConfig{Command: `"` + self + `" {{.RoutePort}}`, Log: log}))
	if tg.Client != "" || tg.Settings != (Settings{}) || !tg.Launched() || tg.Exited() != nil {
		t.Errorf("means %+v, exit %v", tg.Means, tg.Exited())
	}
	route := tg.Route
	process, _ := tg.engine.(*process)
	pid := process.current().cmd.Process.Pid
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	if tg.Alive(deadline(t)) == nil {
		t.Error("alive after its death")
	}
	if exit := tg.Exited(); exit == nil || exit.State != "signal: killed" || !strings.Contains(exit.Tail, "listening") {
		t.Errorf("exit %+v", exit)
	}
	must(t, tg.Restart(deadline(t)))
	must(t, tg.Alive(deadline(t)))
	if tg.Route != route || tg.Exited() != nil {
		t.Errorf("restarted at %s, was at %s; exit %v", tg.Route, route, tg.Exited())
	}
	must(t, tg.Close())
	if conn, err := net.Dial("tcp", route); err == nil {
		_ = conn.Close()
		t.Error("Close left the process running")
	}
	if got := value[[]byte](t)(os.ReadFile(log)); bytes.Count(got, []byte("listening")) != 2 {
		t.Errorf("the log holds %q", got)
	}
	if _, err := os.Stat(process.dir); !os.IsNotExist(err) {
		t.Error("Close left its folder")
	}
}

// A server that does not end when asked to, and the process it has started, end all the same.
func TestCloseEndsTheWholeGroup(t *testing.T) {
	self := value[string](t)(os.Executable())
	t.Setenv(childVariable, "route-port")
	pids := filepath.Join(t.TempDir(), "pid")
	command := script(t, "trap '' TERM\n'"+self+"' $1 &\necho $! >"+pids+"\nwait\nwait\n")
	tg := value[*Target](t)(Launch(deadline(t), LaunchConfig{Command: command}))
	text := value[[]byte](t)(os.ReadFile(pids))
	pid := value[int](t)(strconv.Atoi(strings.TrimSpace(string(text))))
	must(t, tg.Close())
	for syscall.Kill(pid, 0) == nil { // it is gone, or about to be taken from the table by init
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			break
		}
		if deadline(t).Err() != nil {
			t.Fatal("the server's child is still there")
		}
		runtime.Gosched()
	}
}
