package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Capture is what real servers of one version sent one another in one scenario.
type Capture struct {
	File     string // name in captures/
	Version  string // of all servers in it: "2.15.2"
	Scenario string // "queue-weights"
	About    string // the first line of the file
	Events   []CaptureEvent
}

// CaptureEvent is one line of a capture: bytes of one read, or a note on what was done.
type CaptureEvent struct {
	Seconds    float64 // since the scenario began
	Connection int     // 0 for a note
	Sender     string  // the server's letter; empty for a note
	Bytes      []byte
	Note       string
}

// captureLine is "seconds [connection] X> bytes" or "seconds # note".
var captureLine = regexp.MustCompile(`^ *(\d+\.\d+) (?:\[(\d+)\] ([A-Z])> (.*)|# (.*))$`)

// Captures returns all captures, by file name.
func Captures() ([]Capture, error) { return loadCaptures(data) }

func loadCaptures(fsys fs.FS) ([]Capture, error) {
	names, err := fs.Glob(fsys, "captures/*.txt")
	if err != nil {
		return nil, &DataError{File: "captures", Err: err}
	}
	var out []Capture
	for _, name := range names {
		c, err := loadCapture(fsys, name)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func loadCapture(fsys fs.FS, name string) (Capture, error) {
	c := Capture{File: path.Base(name)}
	version, scenario, _ := strings.Cut(strings.TrimSuffix(c.File, ".txt"), "-")
	var ok bool
	if c.Version, ok = strings.CutPrefix(version, "v"); !ok || scenario == "" {
		return c, &DataError{File: name, Err: errors.New("the name is not vVERSION-SCENARIO.txt")}
	}
	c.Scenario = scenario
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return c, &DataError{File: name, Err: err}
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, len(b)+1)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if text, header := strings.CutPrefix(line, "# "); header {
			if c.About == "" {
				c.About = text
			}
			continue
		}
		e, err := parseCaptureLine(line)
		if err != nil {
			return c, &DataError{File: name, Row: fmt.Sprintf("line %d", n), Err: err}
		}
		c.Events = append(c.Events, e)
	}
	return c, lines.Err()
}

func parseCaptureLine(line string) (CaptureEvent, error) {
	m := captureLine.FindStringSubmatch(line)
	if m == nil {
		return CaptureEvent{}, errors.New("is neither SECONDS [CONNECTION] SENDER> BYTES nor SECONDS # NOTE")
	}
	e := CaptureEvent{Sender: m[3], Note: m[5]}
	var err error
	if e.Seconds, err = strconv.ParseFloat(m[1], 64); err != nil {
		return e, err
	}
	if m[2] == "" {
		return e, nil
	}
	if e.Connection, err = strconv.Atoi(m[2]); err != nil {
		return e, err
	}
	e.Bytes, err = unescape(m[4])
	return e, err
}

// unescape undoes the escapes of captures: \r \n \t \\ and \xNN.
func unescape(s string) ([]byte, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			return nil, errors.New("ends in half an escape")
		}
		switch s[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case 'x':
			if i+2 >= len(s) {
				return nil, errors.New("ends in half an escape")
			}
			b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return nil, fmt.Errorf("escape \\x%s: %w", s[i+1:i+3], err)
			}
			out = append(out, byte(b))
			i += 2
		default:
			return nil, fmt.Errorf("unknown escape \\%c", s[i])
		}
	}
	return out, nil
}

// Stream is one direction of one connection.
type Stream struct {
	Connection int
	Sender     string
}

// Streams lists the directions that carry bytes, in the order of their first byte.
func (c *Capture) Streams() []Stream {
	var out []Stream
	seen := map[Stream]bool{}
	for _, e := range c.Events {
		s := Stream{e.Connection, e.Sender}
		if e.Sender != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Reads returns a direction's bytes as they were read from the socket: lines of one time came in one read. Joined they
// are the stream.
func (c *Capture) Reads(s Stream) [][]byte {
	var out [][]byte
	last := -1.0
	for _, e := range c.Events {
		if e.Connection != s.Connection || e.Sender != s.Sender || e.Sender == "" {
			continue
		}
		if e.Seconds != last {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], e.Bytes...)
		last = e.Seconds
	}
	return out
}

// Bytes returns the whole stream of a direction.
func (c *Capture) Bytes(s Stream) []byte { return bytes.Join(c.Reads(s), nil) }
