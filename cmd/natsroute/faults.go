package main

import (
	"github.com/natsroute/natsroute/harness/fault"
)

// faultsCommand is `natsroute faults`.
type faultsCommand struct {
	JSON bool `short:"j" name:"json" help:"As JSON."`
}

// Run lists the faults that certify --fault can plant.
func (f *faultsCommand) Run(p *process) error {
	type row struct {
		Name    string `json:"name"`
		Title   string `json:"title"`
		Breaks  string `json:"breaks"`
		Dialect string `json:"dialect,omitempty"`
	}
	var rows []row
	var table [][]string
	for _, one := range fault.Catalog() {
		rows = append(rows, row{one.Name, one.Title, one.Breaks, one.Dialect})
		table = append(table, []string{one.Name, one.Breaks, "a server that " + one.Title})
	}
	if f.JSON {
		return writeJSON(p, rows)
	}
	writeTable(p, []string{"fault", "breaks", "what it makes of a healthy server"}, table)
	p.hang(2, counted(len(rows), "fault")+". `natsroute certify --fault NAME` plants one.")
	return nil
}
