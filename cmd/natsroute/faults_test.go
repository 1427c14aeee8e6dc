package main

import (
	"flag"
	"testing"

	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/spec/report"
)

var faultTarget = flag.String("fault-target", "", "what TestFaultsAreCaught launches, as nats-server@v2.15.2; empty: the embedded reference")

// TestFaultsAreCaught plants each fault in front of a healthy server: the run must fail, or warn, for the requirement
// that the fault breaks. The box without a fault must be certified clean, or the other runs would prove nothing.
func TestFaultsAreCaught(t *testing.T) {
	var launch []string
	if *faultTarget != "" {
		launch = []string{"--launch", *faultTarget}
	}
	t.Run("none", func(t *testing.T) {
		got := certify(t, nil, append(launch[:len(launch):len(launch)], "--fault", fault.None)...)
		if got.exit != report.ExitOK {
			t.Errorf("exit %d for a healthy server behind a box that changes nothing\n%s", got.exit, got.text)
		}
	})
	for _, f := range fault.Catalog() {
		t.Run(f.Name, func(t *testing.T) {
			got := certify(t, nil, append(launch[:len(launch):len(launch)], "--fault", f.Name, "--only", f.Breaks)...)
			if !got.caught(f.Breaks) {
				t.Errorf("%s was not broken: %s\n%s", f.Breaks, f.Title, got.text)
			}
		})
	}
}

// caught tells whether any result of the requirement failed, or warned where no failure can be.
func (o outcome) caught(requirement string) bool {
	for _, r := range o.report.Results {
		if r.Requirements[0] == requirement && (r.Status == report.Fail || r.Status == report.Warn) {
			return true
		}
	}
	return false
}
