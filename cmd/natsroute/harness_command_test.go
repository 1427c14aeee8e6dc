package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/natsroute/natsroute/harness"
)

// listenAsHarness VAR opens a listener as the harness does for the dials of a target.
func listenAsHarness(ts *testscript.TestScript, _ bool, args []string) {
	target, err := harness.InProcess("")
	ts.Check(err)
	fakesOf(ts).onClose(func() { _ = target.Close() })
	l, err := target.NewListener(context.Background())
	ts.Check(err)
	host, port := l.Address()
	ts.Setenv(args[0], net.JoinHostPort(host, strconv.Itoa(port)))
}

// wellformed FILE wants XML that a strict reader reads to its end.
func wellformed(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = f.Close() }()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			ts.Fatalf("%s: %v", args[0], err)
		}
	}
}
