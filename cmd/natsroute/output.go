package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/natsroute/natsroute/spec/report"
)

// output is the directory of --out; without that flag it swallows everything.
type output struct {
	dir *report.Dir // nil: none was asked for
	err error       // the first line that could not be written
}

func (c *certifyCommand) output() (*output, error) {
	if c.Out == "" {
		return &output{}, nil
	}
	dir, err := report.Create(c.Out)
	if err != nil {
		return nil, usage("--out: %w", err)
	}
	return &output{dir: dir}, nil
}

func (o *output) append(res report.Result) {
	if o.dir == nil {
		return
	}
	if err := o.dir.Append(res); err != nil && o.err == nil {
		o.err = fmt.Errorf("%s: %w", res.ID, err)
	}
}

// finish writes the whole-run files and returns where the report is.
func (o *output) finish(r *report.Report) (where string, err error) {
	if o.dir == nil {
		return "", nil
	}
	return o.dir.Path(report.ReportFile), errors.Join(o.err, o.dir.Finish(r))
}

// abandon leaves no empty report behind a run that did not begin.
func (o *output) abandon() error {
	if o.dir == nil {
		return nil
	}
	return o.dir.Abandon()
}

// rerun turns --rerun-failed into --only.
func (c *certifyCommand) rerun() error {
	if c.RerunFailed == "" {
		return nil
	}
	results, err := readResults(c.RerunFailed)
	if err != nil {
		return usage("--rerun-failed: %w", err)
	}
	for i := range results {
		switch results[i].Status {
		case report.Fail, report.Warn, report.HarnessError, report.UnexpectedPass:
			c.Only = append(c.Only, results[i].ID)
		}
	}
	if len(c.Only) == 0 {
		return &failure{Code: report.ExitIncomplete, Err: fmt.Errorf("no result in %s failed: there is nothing to run again", c.RerunFailed)}
	}
	return nil
}

// readResults reads the results of a report.json, or of a results.jsonl that a killed run has left.
func readResults(path string) ([]report.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if filepath.Ext(path) == filepath.Ext(report.ResultsFile) {
		return report.ReadResults(f)
	}
	r, err := report.ReadReport(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r.Results, nil
}

// writeJSON writes a value for scripts, indented for those who read them.
func writeJSON(p *process, v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
