package parser

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/natsroute/natsroute/harness/pipe"
)

// Finding is one defect, as it stands in a file: a head of comments for people and tools, and the streams that show it.
type Finding struct {
	Bucket  string
	Symptom Symptom
	Parser  string // the command
	Found   time.Time
	After   time.Duration // from the beginning of the run
	Seed    uint64
	Proven  string // how often it happened again: "3 of 3"
	Replay  string // a command
	Cases   []Case
}

// findingTitle is the first line of a finding's file.
const findingTitle = "# natsroute finding in a parser 1"

// Text is the finding as a file.
func (f *Finding) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, findingTitle)
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "# %-9s %s\n", key, printable(value))
		}
	}
	line("bucket", f.Bucket)
	line("kind", string(f.Symptom.Kind))
	line("class", f.Symptom.Class)
	line("symptom", f.Symptom.Detail)
	line("parser", f.Parser)
	line("found", fmt.Sprintf("%s, %.1f s after the start, seed %d", f.Found.UTC().Format(time.RFC3339), f.After.Seconds(), f.Seed))
	line("proven", f.Proven)
	messages, size := f.Size()
	line("size", fmt.Sprintf("%d messages, %d bytes", messages, size))
	line("replay", f.Replay)
	if f.Symptom.Said != "" {
		fmt.Fprintf(&b, "#\n# what the process said:\n")
		for l := range strings.Lines(f.Symptom.Said) {
			fmt.Fprintf(&b, "#   %s\n", printable(strings.TrimRight(l, "\r\n")))
		}
	}
	for i := range f.Cases {
		f.Cases[i].explain(&b)
	}
	b.WriteByte('\n')
	return appendCases(b.Bytes(), f.Cases)
}

// explain writes the pieces of a stream, and what the reference makes of it.
func (c *Case) explain(b *bytes.Buffer) {
	const most = 400
	stream := c.bytes()
	fmt.Fprintf(b, "#\n# the bytes:\n")
	from := 0
	for _, to := range append(inside(c.Cuts, len(stream)), len(stream)) {
		if piece := stream[from:to]; len(piece) > most {
			fmt.Fprintf(b, "#   %+q and more, %d bytes\n", piece[:most], len(piece))
		} else {
			fmt.Fprintf(b, "#   %+q\n", piece)
		}
		from = to
	}
	want, err := pipe.Read(c.Setting, stream)
	if err != nil {
		return
	}
	fmt.Fprintf(b, "# wanted:\n#   %s\n", printable(want.Line()))
}

// Size is how many messages the streams have, and how many bytes.
func (f *Finding) Size() (messages, size int) {
	for i := range f.Cases {
		messages += len(f.Cases[i].Stream.Steps)
		size += len(f.Cases[i].bytes())
	}
	return messages, size
}

// IsFinding tells whether the text of a file is a finding in a parser.
func IsFinding(text []byte) bool { return bytes.HasPrefix(text, []byte(findingTitle)) }

// ReadFinding reads a finding, or a file that holds nothing but sequences: these are streams of that dialect, of which connection 0
// counts. Empty: the latest.
func ReadFinding(path, dialect string) (*Finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := Config{Dir: path, Dialect: dialect}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return parseFinding(string(text), pipe.Setting{Dialect: cfg.Dialect})
}

func parseFinding(text string, otherwise pipe.Setting) (*Finding, error) {
	f := &Finding{}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "# ")
		if !ok || !IsFinding([]byte(text)) {
			continue
		}
		key, value, _ := strings.Cut(rest, " ")
		value = strings.TrimSpace(value)
		switch key {
		case "bucket":
			f.Bucket = value
		case "kind":
			f.Symptom.Kind = Kind(value)
		case "class":
			f.Symptom.Class = value
		case "symptom":
			f.Symptom.Detail = value
		case "parser":
			f.Parser = value
		case "proven":
			f.Proven = value
		}
	}
	var err error
	f.Cases, err = parseCases(text, otherwise)
	return f, err
}

// newFinding describes cases that show a symptom.
func (r *run) newFinding(s *Symptom, cases []Case) *Finding {
	f := &Finding{Bucket: s.bucket(cases), Symptom: *s, Parser: r.cfg.Command, Found: time.Now(), After: time.Since(r.began), Seed: r.cfg.Seed, Cases: cases}
	f.Replay = fmt.Sprintf("natsroute replay %s --parser %s", shellWord(r.folder.Path("findings", f.Bucket)), shellWord(r.cfg.Command))
	return f
}

// shellWord quotes a word for a shell where it has to be.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
