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

// The fields of proc(5) statm that are of use here, in pages.
const (
	residentField = 1
	dataField     = 5 // what the process may write to: data and stack
)

// Resident is the memory that the process holds, in bytes; 0: it has ended, or the system does not tell.
func (g *Gauge) Resident() int64 { return g.bytes(residentField) }

// bytes is a field of statm in bytes; 0: the process has ended, or the system does not tell.
func (g *Gauge) bytes(field int) int64 {
	if g.statm == nil {
		return 0
	}
	n, err := g.statm.ReadAt(g.buf[:], 0)
	if err != nil && err != io.EOF {
		return 0
	}
	text := g.buf[:n]
	for range field {
		_, text, _ = bytes.Cut(text, []byte(" "))
	}
	text, _, _ = bytes.Cut(text, []byte(" "))
	pages, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// Close ends the gauge.
func (g *Gauge) Close() {
	if g.statm != nil {
		_ = g.statm.Close()
	}
}
