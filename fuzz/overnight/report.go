package overnight

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// reportData is what both reports are made of.
type reportData struct {
	Run                int
	Started            string
	Planned, Spent     string
	State              string
	Turns, Resumed     int
	Execs              uint64
	Rate               string // mean
	New, Known, Errors int
	Targets            []targetRow
	Buckets            []bucketRow
	Plots              []plot
}

type targetRow struct {
	Name               string
	Turns, Failed      int
	Seconds            string
	Execs              uint64
	Rate               string
	Coverage, Classes  int
	Pruned, NewBuckets int
	Error              string
}

type bucketRow struct {
	Target, Bucket, Title, File string
	New                         bool
	First                       string // when it was met first; of a known one which run did
	Bytes                       int
}

func newReport(s *State, beats []Heartbeat, planned time.Duration) *reportData {
	d := &reportData{
		Run: s.Run, Started: s.Started.Format(time.RFC3339), Planned: planned.String(), Spent: shown(s.Spent),
		Turns: s.Turns, Resumed: s.Resumed, State: "ended", Plots: plots(beats),
	}
	if !s.Ended {
		d.State = "interrupted: the same command goes on"
	}
	fresh := map[string]int{}
	for _, b := range s.Buckets {
		row := bucketRow{Target: b.Target, Bucket: b.Bucket, Title: b.Title, File: b.File, Bytes: b.Bytes, New: b.Run == s.Run}
		if row.New {
			row.First = shown(b.FirstS)
			fresh[b.Target]++
			d.New++
		} else {
			row.First = fmt.Sprintf("run %d", b.Run)
			d.Known++
		}
		d.Buckets = append(d.Buckets, row)
	}
	slices.SortFunc(d.Buckets, func(a, b bucketRow) int {
		x, y := s.Buckets[a.Target+"/"+a.Bucket], s.Buckets[b.Target+"/"+b.Bucket]
		return cmp.Or(cmp.Compare(y.Run, x.Run), byTime(x, y), cmp.Compare(a.Target, b.Target))
	})
	for name, t := range s.Targets {
		d.Execs += t.Execs
		d.Errors += t.Failed
		d.Targets = append(d.Targets, targetRow{
			Name: name, Turns: t.Turns, Failed: t.Failed, Seconds: shown(t.Seconds), Execs: t.Execs, Rate: rate(t.Execs, t.Seconds),
			Coverage: t.Coverage, Classes: t.Classes, Pruned: t.Pruned, NewBuckets: fresh[name], Error: t.Error,
		})
	}
	slices.SortFunc(d.Targets, func(a, b targetRow) int { return cmp.Compare(a.Name, b.Name) })
	d.Rate = rate(d.Execs, s.Spent)
	return d
}

// howToReplay is what a reader does next.
const howToReplay = "To see one again: `natsroute replay FILE` for one of the live fuzzer; an input of FuzzX is raw, and runs as a seed " +
	"once it is copied to corpus/seeds/x under the first 16 digits of its SHA-256: `go test ./fuzz -run FuzzX`."

// HowToReplay is for the page, without the marks of Markdown.
func (d *reportData) HowToReplay() string { return strings.ReplaceAll(howToReplay, "`", "") }

func shown(s float64) string { return seconds(s).Round(time.Second).String() }

func rate(execs uint64, s float64) string {
	if s <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.0f", float64(execs)/s)
}

// markdown writes the report for a terminal and for an issue.
func (d *reportData) markdown() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Fuzzing, run %d\n\n", d.Run)
	fmt.Fprintf(&b, "%d new and %d known buckets. Started %s, %s of %s (%s), %d turns, %d inputs, %s a second.\n",
		d.New, d.Known, d.Started, d.Spent, d.Planned, d.State, d.Turns, d.Execs, d.Rate)
	if d.Resumed > 0 {
		fmt.Fprintf(&b, "Cut and resumed %d times.\n", d.Resumed)
	}
	b.WriteString("\n## Buckets\n\n")
	if len(d.Buckets) == 0 {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| | target | bucket | first hit | bytes | what | replay |\n|---|---|---|---|---|---|---|\n")
	}
	for _, r := range d.Buckets {
		state := "known"
		if r.New {
			state = "**new**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %s | %s |\n", state, code(r.Target), code(r.Bucket), r.First, r.Bytes, code(r.Title), code(r.File))
	}
	if len(d.Buckets) > 0 {
		b.WriteString("\n" + howToReplay + "\n")
	}
	b.WriteString("\n## Targets\n\n| target | turns | time | inputs | a second | coverage | classes | new buckets | pruned | spoilt |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range d.Targets {
		fmt.Fprintf(&b, "| %s | %d | %s | %d | %s | %d | %d | %d | %d | %d |\n",
			code(r.Name), r.Turns, r.Seconds, r.Execs, r.Rate, r.Coverage, r.Classes, r.NewBuckets, r.Pruned, r.Failed)
	}
	for _, r := range d.Targets {
		if r.Error != "" {
			fmt.Fprintf(&b, "\n%s, its last turn: %s\n", code(r.Name), code(r.Error))
		}
	}
	b.WriteString("\n## Over time\n\n")
	for _, p := range d.Plots {
		fmt.Fprintf(&b, "    %-18s %s  %s to %s\n", p.Title, p.spark(), p.First(), p.Last())
	}
	return b.Bytes(), nil
}

// html writes the same with plots; it needs nothing from elsewhere, and runs no script.
func (d *reportData) html() ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, d)
	return b.Bytes(), err
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{"printable": printable}).Parse(strings.TrimSpace(`
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Fuzzing, run {{.Run}}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #1c2430; background: #fff }
table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .3em .7em; text-align: left; border-bottom: 1px solid #d7dde5; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.new { color: #b3261e; font-weight: 600 } figure { margin: 1em 0 } figcaption { font-weight: 600 }
svg { width: 100%; height: 160px; background: #f6f8fa } polyline { fill: none; stroke: #0b5cad; stroke-width: 1.5 } text { font-size: 11px; fill: #55606e }
</style>
</head>
<body>
<h1>Fuzzing, run {{.Run}}</h1>
<p><strong{{if .New}} class="new"{{end}}>{{.New}} new</strong> and {{.Known}} known buckets.
Started {{.Started}}, {{.Spent}} of {{.Planned}} ({{.State}}), {{.Turns}} turns, {{.Execs}} inputs, {{.Rate}} a second.
{{if .Resumed}}Cut and resumed {{.Resumed}} times.{{end}}</p>
<h2>Buckets</h2>
{{if .Buckets}}<table>
<tr><th></th><th>target</th><th>bucket</th><th>first hit</th><th class="n">bytes</th><th>what</th><th>replay</th></tr>
{{range .Buckets}}<tr><td>{{if .New}}<span class="new">new</span>{{else}}known{{end}}</td><td>{{printable .Target}}</td><td><code>{{printable .Bucket}}</code></td><td>{{.First}}</td><td class="n">{{.Bytes}}</td><td><code>{{printable .Title}}</code></td><td><code>{{printable .File}}</code></td></tr>
{{end}}</table>
<p>{{.HowToReplay}}</p>{{else}}<p>None.</p>{{end}}
<h2>Over time</h2>
{{range .Plots}}<figure><figcaption>{{.Title}}: {{.First}} to {{.Last}}</figcaption>
<svg viewBox="0 0 1000 160" preserveAspectRatio="none" role="img" aria-label="{{.Title}} over time"><polyline points="{{.Points}}"/></svg>
<div>from 0 to {{.Span}}, largest {{.Most}}</div></figure>
{{end}}
<h2>Targets</h2>
<table>
<tr><th>target</th><th class="n">turns</th><th class="n">time</th><th class="n">inputs</th><th class="n">a second</th><th class="n">coverage</th><th class="n">classes</th><th class="n">new buckets</th><th class="n">pruned</th><th class="n">spoilt</th><th></th></tr>
{{range .Targets}}<tr><td>{{printable .Name}}</td><td class="n">{{.Turns}}</td><td class="n">{{.Seconds}}</td><td class="n">{{.Execs}}</td><td class="n">{{.Rate}}</td><td class="n">{{.Coverage}}</td><td class="n">{{.Classes}}</td><td class="n">{{.NewBuckets}}</td><td class="n">{{.Pruned}}</td><td class="n">{{.Failed}}</td><td><code>{{printable .Error}}</code></td></tr>
{{end}}</table>
</body>
</html>
`)))
