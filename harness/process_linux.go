package harness

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithUs ends the child when we are gone, also when we were killed.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// limitData bounds the memory that the process may write to. A process that has gone meanwhile needs no bound.
func limitData(pid int, bytes uint64) {
	limit := unix.Rlimit{Cur: bytes, Max: bytes}
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &limit, nil)
}
