package main

import (
	"fmt"

	"github.com/natsroute/natsroute/fuzz/live"
)

// promoteCommand is `natsroute promote`.
type promoteCommand struct {
	File string `arg:"" type:"existingfile" placeholder:"FILE" help:"A finding of natsroute fuzz."`
	Tree string `default:"." type:"existingdir" placeholder:"DIR" help:"The tree of natsroute's sources that is written to."`
}

// Help is the end of `natsroute promote --help`.
func (promoteCommand) Help() string {
	return `Written are a row of corpus/requirements.json, a vector of corpus/vectors (of a case on one connection), and a spec in spec/finding_….go
that compiles, and fails until FILL IN is filled in. What crashes a released server belongs to its maintainers before it is committed.`
}

// Run promotes.
func (c *promoteCommand) Run(p *process) error {
	if err := noParserFinding(c.File, "what a parser has to make of it the reference knows already, and a server is not concerned"); err != nil {
		return err
	}
	f, err := live.ReadFinding(c.File)
	if err != nil {
		return usage("%s: %w", c.File, err)
	}
	made, err := live.Promote(f, c.Tree)
	if err != nil {
		return usage("%w", err)
	}
	fmt.Fprintf(p.stdout, "row %s\n", made.Row)
	if made.Vector != "" {
		fmt.Fprintf(p.stdout, "vector %s\n", made.Vector)
	}
	for _, file := range made.Files {
		fmt.Fprintf(p.stdout, "wrote %s\n", file)
	}
	return nil
}
