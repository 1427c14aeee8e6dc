//go:build unix

package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own, so that its children can be ended with it, and a Ctrl-C at our
// terminal reaches us alone.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
}

func askToEnd(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// tell sends the signal by which nats-server takes the order.
func tell(cmd *exec.Cmd, o Order) error {
	signal := map[Order]syscall.Signal{EnterLameDuck: syscall.SIGUSR2, ShutDown: syscall.SIGTERM, DumpStacks: syscall.SIGQUIT}[o]
	return cmd.Process.Signal(signal)
}

const canReload = true

// reload makes a server read its configuration again.
func reload(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGHUP) }
