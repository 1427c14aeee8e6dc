package main

import (
	"bufio"
	"errors"

	"github.com/natsroute/natsroute/harness/pipe"
)

// parserCommand is `natsroute parser`.
type parserCommand struct{}

// Help is the end of `natsroute parser --help`.
func (parserCommand) Help() string {
	return `Each line of standard input is {"id":"…","dialect":"srv-2.15","connect_first":false,"mode":[],"chunks":["52532b20…"]}: what a new parser is fed with,
piece by piece, in hexadecimal. Each is answered by {"ops":[{"op":"RS+",…}],"error":"","token":""}. corpus/README.md describes both; it is how vectors are
played on a parser, and how natsroute fuzz --parser speaks to one. A line that is no request: exit 2.`
}

// Run answers until the input ends.
func (parserCommand) Run(p *process) error {
	err := pipe.Serve(bufio.NewReader(p.stdin), p.stdout)
	var wrong *pipe.RequestError
	if errors.As(err, &wrong) {
		return usage("standard input, %w", wrong)
	}
	return err
}
