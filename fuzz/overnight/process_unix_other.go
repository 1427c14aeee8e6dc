//go:build unix && !linux

package overnight

import "syscall"

// dieWithUs can do nothing here: the system has no such signal.
func dieWithUs(*syscall.SysProcAttr) {}
