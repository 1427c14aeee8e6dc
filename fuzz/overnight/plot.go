package overnight

import (
	"fmt"
	"strings"
)

// plot is one figure over the time of a run.
type plot struct {
	Title  string
	x, y   []float64
	format string
}

// plots are the figures of a report. Lines of a run that was cut and went on follow each other by the time spent.
func plots(beats []Heartbeat) []plot {
	all := []plot{
		{Title: "inputs a second", format: "%.0f"},
		{Title: "coverage", format: "%.0f"},
		{Title: "classes", format: "%.0f"},
		{Title: "buckets", format: "%.0f"},
	}
	for i := range beats {
		h := &beats[i]
		for j, y := range []float64{h.Rate, float64(h.Coverage), float64(h.Classes), float64(h.Buckets)} {
			all[j].x, all[j].y = append(all[j].x, h.Elapsed), append(all[j].y, y)
		}
	}
	return all
}

func (p plot) most() float64 {
	most := 0.0
	for _, y := range p.y {
		most = max(most, y)
	}
	return most
}

func (p plot) end() float64 {
	if len(p.x) == 0 {
		return 0
	}
	return p.x[len(p.x)-1]
}

// Points are those of a polyline in a box of 1000 by 160, a margin of 5 above and below.
func (p plot) Points() string {
	var b strings.Builder
	span, most := max(p.end(), 1), max(p.most(), 1)
	for i := range p.x {
		fmt.Fprintf(&b, "%.1f,%.1f ", 1000*p.x[i]/span, 155-150*p.y[i]/most)
	}
	return strings.TrimSpace(b.String())
}

// Most, First and Last are values, Span is the time.
func (p plot) Most() string  { return fmt.Sprintf(p.format, p.most()) }
func (p plot) First() string { return p.value(0) }
func (p plot) Last() string  { return p.value(len(p.y) - 1) }
func (p plot) Span() string  { return shown(p.end()) }

func (p plot) value(i int) string {
	if i < 0 || i >= len(p.y) {
		return "-"
	}
	return fmt.Sprintf(p.format, p.y[i])
}

// spark is the plot in a line of at most 60 characters, each for the values of its part of the time.
func (p plot) spark() string {
	const width = 60
	levels := []rune("▁▂▃▄▅▆▇█")
	cells := min(width, len(p.y))
	most := max(p.most(), 1)
	var b strings.Builder
	for c := range cells {
		part := p.y[c*len(p.y)/cells : (c+1)*len(p.y)/cells]
		sum := 0.0
		for _, y := range part {
			sum += y
		}
		b.WriteRune(levels[int(sum/float64(len(part))/most*float64(len(levels)-1)+0.5)])
	}
	return b.String()
}
