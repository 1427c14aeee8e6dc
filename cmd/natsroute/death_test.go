package main

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/natsroute/natsroute/harness/fault"
	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/spec/report"
)

// TestDeathInEachChapter lets a server die for good in the middle of each chapter that needs nothing but it and its client port.
// The run ends soon, says that the target is lost, or that the row in flight killed it, and has kept what was found before.
func TestDeathInEachChapter(t *testing.T) {
	probes := connections(t, 0, "--only", "RT-HS-001")
	for _, chapter := range register(t).Chapters() {
		t.Run(chapter, func(t *testing.T) {
			t.Parallel()
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			args := []string{"--chapter", chapter, "--skip", lightly(fault.Fault{Breaks: "none"})}
			all := connections(t, 0, args...)
			if all.accepted <= probes.accepted {
				t.Skipf("not run: %d connections, no more than one row of another chapter takes: its rows run on servers of their own", all.accepted)
			}
			half := connections(t, (probes.accepted+all.accepted+1)/2, args...)
			if half.exit != report.ExitUnreachable && half.exit != report.ExitFails || half.report.TargetLost == "" {
				t.Errorf("exit %d, target lost: %q\n%s", half.exit, half.report.TargetLost, half.text)
			}
			if half.took > all.took+20*time.Second {
				t.Errorf("it took %v, the whole chapter %v", half.took, all.took)
			}
			if s := half.report.Summary; s.Passed+s.NotTested == 0 || half.report.Verdict == report.Conforms {
				t.Errorf("verdict %s, %+v", half.report.Verdict, s)
			}
		})
	}
}

// lived is a run against a server that may have died.
type lived struct {
	outcome
	accepted int64
	took     time.Duration
}

// connections runs certify against a reference server behind a port that dies for good at its connection at; 0: it lives. The
// client port stays: it is the route port that is judged.
func connections(t *testing.T, at int64, args ...string) lived {
	t.Helper()
	f := &fakes{}
	var once sync.Once
	end := func() { once.Do(f.close) }
	t.Cleanup(end)
	defer end()
	srv, err := f.reference(server.Config{Cluster: "C1"})
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{mortality: mortality{at: at}, target: srv.RouteAddr(), conns: map[net.Conn]bool{}}
	if err := m.open("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	f.onClose(m.close)
	began := time.Now()
	o := certify(t, nil, append([]string{"-s", m.address, "--client", srv.ClientURL(), "--quiet"}, args...)...)
	return lived{outcome: o, accepted: m.accepted.Load(), took: time.Since(began)}
}
