package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteResult writes one line of results.jsonl in one write, so that a run that is killed loses no result it has told.
func WriteResult(w io.Writer, res Result) error {
	line, err := marshal(res)
	if err != nil {
		return err
	}
	_, err = w.Write(line)
	return err
}

// ReadResults reads results.jsonl. A last line that was cut, as a killed run leaves it, is left out; any other line that
// is not a result is an error that names it.
func ReadResults(r io.Reader) ([]Result, error) {
	var results []Result
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return results, nil
		case err != nil:
			return results, err
		}
		var res Result
		if err := json.Unmarshal(line, &res); err != nil {
			return results, fmt.Errorf("results line %d is not a result: %w", n, err)
		}
		results = append(results, res)
	}
}

// ReadReport reads a report.json.
func ReadReport(r io.Reader) (*Report, error) {
	var rep Report
	if err := json.NewDecoder(r).Decode(&rep); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	if rep.Schema != Schema {
		return nil, fmt.Errorf("not a report: schema is %q, want %q", rep.Schema, Schema)
	}
	return &rep, nil
}

// WriteReport writes report.json.
func WriteReport(w io.Writer, r *Report) error {
	text, err := marshal(r)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	_, err = w.Write(indented.Bytes())
	return err
}

// marshal writes < and > as they are: transcripts are full of them. The JSON is no part of a page.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
