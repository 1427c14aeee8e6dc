//go:build unix

package main

import "syscall"

// lameduck CODE WHEN COMMAND ARGS… is interrupt with SIGUSR2.
func init() { commands["lameduck"] = endBy(syscall.SIGUSR2) }
