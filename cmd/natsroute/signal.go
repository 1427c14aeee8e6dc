package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/natsroute/natsroute/spec/report"
)

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("interrupted by a signal")

// untilSignal returns a context that the first SIGINT or SIGTERM ends, so that a command can put down what it has. The
// second ends the process at once. stop gives the signals back to the system's handling.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for range 2 {
			select {
			case <-signals:
				if ctx.Err() != nil {
					os.Exit(report.ExitIncomplete)
				}
				cancel(errSignal)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
