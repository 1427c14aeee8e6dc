package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/natsroute/natsroute/fuzz/live"
	"github.com/natsroute/natsroute/spec/report"
)

// fuzzScreen tells how a run of the fuzzer goes: on a terminal in one line that changes, else in a line every ten seconds.
type fuzzScreen struct {
	p     *process
	quiet bool
	live  bool
	width int

	mu        sync.Mutex
	drawn     bool // the line that changes is there
	last      time.Time
	elapsed   float64 // at the last progress, seconds
	sequences uint64
}

const pipedEvery = 10 * time.Second

func newFuzzScreen(p *process, quiet bool) *fuzzScreen {
	f := &fuzzScreen{p: p, quiet: quiet, last: time.Now()}
	if s, ok := screenOf(p.stdout, p.getenv); ok {
		f.live, f.width = true, s.width
	}
	return f
}

// line writes something that stays.
func (f *fuzzScreen) line(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wipe()
	fmt.Fprintln(f.p.stdout, report.Printable(text))
}

func (f *fuzzScreen) wipe() {
	if f.drawn {
		fmt.Fprint(f.p.stdout, "\r\x1b[2K")
		f.drawn = false
	}
}

// progress shows a status, which line words, given how many sequences a second there were since the last one.
func (f *fuzzScreen) progress(elapsed float64, sequences uint64, line func(rate float64) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rate := 0.0
	if d := elapsed - f.elapsed; d > 0 {
		rate = float64(sequences-f.sequences) / d
	}
	f.elapsed, f.sequences = elapsed, sequences
	text := line(rate)
	switch {
	case f.quiet:
	case f.live:
		f.wipe()
		fmt.Fprint(f.p.stdout, text[:min(len(text), f.width-1)])
		f.drawn = true
	case time.Since(f.last) >= pipedEvery:
		f.last = time.Now()
		fmt.Fprintln(f.p.stdout, text)
	}
}

// fuzzLine is a status in one line.
func fuzzLine(s *live.Status, rate float64) string {
	return fmt.Sprintf("%s  %.0f/s  %d sequences  %d classes  %d edges  %d findings (%d new)  %d restarts  last new class %s ago  %s",
		seconds(s.Elapsed), rate, s.Sequences, s.Classes, s.Edges, s.Findings, s.New, s.Restarts, seconds(s.LastClass), s.Phase)
}

func seconds(s float64) string {
	return (time.Duration(s) * time.Second).String()
}

// end is the last word: what came of the run, the new buckets, how many there are.
func (f *fuzzScreen) end(run string, buckets []string, outcome string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wipe()
	fmt.Fprintln(f.p.stdout, run)
	for _, bucket := range buckets {
		fmt.Fprintf(f.p.stdout, "new: %s\n", report.Printable(bucket))
	}
	fmt.Fprintln(f.p.stdout, outcome)
}

// fuzzEnd is what came of a run against a live server.
func fuzzEnd(r *live.Result, interrupted bool) string {
	text := fmt.Sprintf("%d sequences in %s (%.0f/s)%s: %d classes, %d edges, %d not judged because of a quirk, %d masked, %d stopped by the loopback guard, %d restarts",
		r.Sequences, seconds(r.Elapsed), r.Rate, whetherInterrupted(interrupted), r.Classes, r.Edges, r.Quirks, r.Masked, r.Guarded, r.Restarts)
	if r.Compared > 0 {
		text += fmt.Sprintf("\n  %d of those not judged were compared with the server beside the target", r.Compared)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Quirked)) {
		text += fmt.Sprintf("\n  quirk %-18s %d", name, r.Quirked[name])
	}
	return text
}

func whetherInterrupted(interrupted bool) string {
	if interrupted {
		return ", interrupted"
	}
	return ""
}

func fuzzOutcome(findings, fresh int, known, unproven uint64) string {
	return fmt.Sprintf("%d findings, %d of them new; met again %d times; %d suspects did not happen again", findings, fresh, known, unproven)
}
