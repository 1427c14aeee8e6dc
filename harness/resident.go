package harness

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Resident is the memory that a process holds, in bytes; 0: the system does not tell.
func Resident(pid int) int64 {
	g := OpenGauge(pid)
	defer g.Close()
	return g.Resident()
}

// Gauge reads the memory of one process again and again. Not for concurrent use.
type Gauge struct {
	statm *os.File // nil: the system does not tell
	buf   [128]byte
}

// OpenGauge is a gauge of a process; where the system does not tell, one that reads 0. The caller closes it.
func OpenGauge(pid int) *Gauge {
	statm, err := os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		statm = nil
	}
	return &Gauge{statm: statm}
}

// Resident is the memory that the process holds, in bytes; 0: it has ended, or the system does not tell.
func (g *Gauge) Resident() int64 {
	if g.statm == nil {
		return 0
	}
	n, err := g.statm.ReadAt(g.buf[:], 0)
	if err != nil && err != io.EOF {
		return 0
	}
	_, rest, _ := bytes.Cut(g.buf[:n], []byte(" ")) // behind the size of its address space
	pages, _, _ := bytes.Cut(rest, []byte(" "))
	held, err := strconv.ParseInt(string(pages), 10, 64)
	if err != nil {
		return 0
	}
	return held * int64(os.Getpagesize())
}

// Close ends the gauge.
func (g *Gauge) Close() {
	if g.statm != nil {
		_ = g.statm.Close()
	}
}
