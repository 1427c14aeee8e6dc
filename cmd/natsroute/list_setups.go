package main

import (
	"fmt"

	"github.com/natsroute/natsroute/harness"
)

// setups lists the ways in which servers are set up for a run.
func (l *listCommand) setups(p *process) error {
	type row struct {
		Name     string   `json:"name"`
		What     string   `json:"what"`
		Settings string   `json:"settings"`
		Flags    string   `json:"flags"`
		Meets    []string `json:"meets"`
	}
	var rows []row
	for _, s := range harness.Setups() {
		words, _ := s.Words()
		rows = append(rows, row{s.Name, words.What, words.Settings, words.Flags, s.Meets})
	}
	if l.JSON {
		return writeJSON(p, rows)
	}
	for _, r := range rows {
		p.hang(22, fmt.Sprintf("%-22s%s", r.Name, r.What))
		if r.Settings != "" {
			p.hang(22, fmt.Sprintf("%22snats-server: %s", "", r.Settings))
		}
		if r.Flags != "" {
			p.hang(22, fmt.Sprintf("%22scertify: %s", "", r.Flags))
		}
	}
	p.hang(2, "What natsroute starts itself (nats-server@VERSION, the reference, a command with {{.ConfigFile}}) it sets up so. For a server that runs, the lines behind certify name the setup.")
	return nil
}
