package overnight

import "syscall"

// dieWithUs ends the child when we are gone, also when we were killed.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
