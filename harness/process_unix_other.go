//go:build unix && !linux

package harness

import "syscall"

// dieWithUs can do nothing here: the system has no such signal.
func dieWithUs(*syscall.SysProcAttr) {}
