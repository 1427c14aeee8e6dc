package folder

import "time"

// Tell asks for a run's status once a second until done is closed, passes it on to progress, unless that is nil, and reports every fifth.
func Tell[Status any](f *Folder, done <-chan struct{}, status func() Status, progress func(Status)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		st := status()
		if progress != nil {
			progress(st)
		}
		if n%5 == 0 {
			_ = f.Report(&st) // a full disk shows where it matters: at findings
		}
	}
}
