package harness

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
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

// boundData is limitData for more than the process may write to now.
func boundData(pid int, more uint64) {
	const dataField = 5 // of proc(5) statm: data and stack, in pages
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(text)
	if len(fields) <= dataField {
		return
	}
	if pages, err := strconv.ParseUint(string(fields[dataField]), 10, 64); err == nil {
		limitData(pid, pages*uint64(os.Getpagesize())+more)
	}
}
