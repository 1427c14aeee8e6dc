package live

import (
	"fmt"

	"github.com/natsroute/natsroute/harness"
)

// memory watches the resident memory of a launched target.
type memory struct {
	gauge *harness.Gauge // nil: the target is not ours
	last  int64          // bytes, when all was well
}

// memoryRoom is what a launched target may take beyond what it held at its start. One that asks for all there is dies of that, soon, before it takes
// the machine's processors for seconds, and each time.
const memoryRoom = 256 << 20

// A target may hold this much more for one sequence, and so much for each byte of it: buffers and a collector that takes its time.
const (
	memoryFree    = 64 << 20
	memoryPerByte = 256
)

// watch begins anew with a process.
func (m *memory) watch(pid int) {
	m.close()
	m.gauge = harness.OpenGauge(pid)
	m.last = m.gauge.Resident()
}

func (m *memory) close() {
	if m.gauge != nil {
		m.gauge.Close()
		m.gauge = nil
	}
}

// check tells whether the target holds more than it may after so many bytes.
func (m *memory) check(sent int) *Symptom {
	if m.gauge == nil {
		return nil
	}
	now := m.gauge.Resident()
	if now == 0 { // it has ended, or the system does not tell
		return nil
	}
	grown := now - m.last
	if grown < memoryFree+memoryPerByte*int64(sent) {
		m.last = now
		return nil
	}
	return &Symptom{Kind: Memory, Class: "resident", Detail: fmt.Sprintf("%d MiB more after %d bytes", grown>>20, sent)}
}

// weighed is what an outcome's symptom comes to where memory is looked at too. A target that is late, or does not answer, while it takes hold of memory
// shows its greed.
func (t *target) weighed(s *Symptom, o *outcome) *Symptom {
	if s != nil && !s.late() {
		return s
	}
	greed := t.memory.check(o.sent)
	switch {
	case greed == nil:
		return s
	case s != nil:
		greed.Detail += ", and " + s.Detail
	}
	return greed
}

// late tells whether a target that is short of breath would show this symptom.
func (s *Symptom) late() bool {
	switch s.Kind {
	case Mute, Slow, Delivery:
		return true
	case Hang:
		return s.Class == noInfo
	}
	return false
}
