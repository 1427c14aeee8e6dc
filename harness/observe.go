package harness

// PID is the process id of a launched target that runs; 0: there is none to be seen.
func (t *Target) PID() int {
	p, ok := t.engine.(*process)
	if !ok || p.exited() != nil {
		return 0
	}
	if e := p.current(); e != nil && e.cmd.Process != nil {
		return e.cmd.Process.Pid
	}
	return 0
}

// Output is the end of what a launched target has written so far, as written: hostile text. At most 64 KiB.
func (t *Target) Output() string {
	p, ok := t.engine.(*process)
	if !ok {
		return ""
	}
	if e := p.current(); e != nil {
		return e.output.last()
	}
	return ""
}

// BoundMemory bounds what a launched target may write to beyond what it holds now, in bytes, where the system can (Linux), until it is started again.
func (t *Target) BoundMemory(more uint64) {
	pid := t.PID()
	g := OpenGauge(pid)
	defer g.Close()
	if held := g.bytes(dataField); held > 0 {
		limitData(pid, uint64(held)+more)
	}
}
