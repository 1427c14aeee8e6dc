package main

import (
	"context"
	"flag"
	"testing"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/spec/report"
)

var faultTarget = flag.String("fault-target", "", "what TestFaultsAreCaught launches, as nats-server@v2.15.2; empty: the embedded reference")

func faultyTarget() (*harness.Target, error) {
	if *faultTarget == "" {
		return harness.InProcess("")
	}
	return harness.Launch(context.Background(), harness.LaunchConfig{Command: *faultTarget})
}

// TestFaultsAreCaught puts each planted fault in front of a healthy server: the run must fail, for the requirement
// that the fault breaks. The middlebox without a fault must be certified clean, or the other runs would prove nothing.
func TestFaultsAreCaught(t *testing.T) {
	target, err := faultyTarget()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.Close() })
	for _, f := range append([]fault.Fault{{Name: "none"}}, fault.Catalog()...) {
		t.Run(f.Name, func(t *testing.T) {
			box, err := fault.Start(target.Route, f)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = box.Close() }()
			got := certifyExternal(t, nil, target.Means, box.Addr(), target.Client)
			if f.Breaks == "" {
				if got.exit != report.ExitOK {
					t.Errorf("exit %d for a healthy server behind a middlebox that changes nothing\n%s", got.exit, got.text)
				}
				return
			}
			if got.exit != report.ExitFails {
				t.Errorf("exit %d, want %d: %s\n%s", got.exit, report.ExitFails, f.Title, got.text)
			}
			if !got.failed(f.Breaks) {
				t.Errorf("%s did not fail: %s\n%s", f.Breaks, f.Title, got.text)
			}
		})
	}
}

// failed tells whether any result of the requirement failed.
func (o outcome) failed(requirement string) bool {
	for _, r := range o.report.Results {
		if r.Requirements[0] == requirement && r.Status == report.Fail {
			return true
		}
	}
	return false
}
