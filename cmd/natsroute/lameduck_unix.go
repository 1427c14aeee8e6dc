//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onLameDuck returns a channel that hears of SIGUSR2, by which servers go into lame duck mode.
func onLameDuck() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	return signals, func() { signal.Stop(signals) }
}
