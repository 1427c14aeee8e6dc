package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own, so that a Ctrl-C at our console reaches us alone.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// askToEnd ends it at once: the system knows no polite way that every server understands.
func askToEnd(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func tell(*exec.Cmd, Order) error { return ErrNoOrders }

const canReload = false

func reload(*exec.Cmd) error { return ErrNoOrders }
