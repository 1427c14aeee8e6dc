package live

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
)

// Finding is one defect, as it stands in a file: a head of comments for people and tools, and the sequences that show it.
type Finding struct {
	Bucket    string
	Symptom   Symptom
	Target    string // nats-server@v2.1.2, a command, an address
	Server    string // version in its INFO
	Dialect   string
	Found     time.Time
	After     time.Duration // from the beginning of the run
	Seed      uint64
	Replay    string // a command
	Messages  int    // of the sequences
	Bytes     int
	Sequences []gen.Sequence
	Proven    string // how often it happened again: "3 of 3"
}

const findingTitle = "# natsroute finding 1"

// text is the file.
func (f *Finding) text() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, findingTitle)
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "# %-9s %s\n", key, printableLine(value))
		}
	}
	line("bucket", f.Bucket)
	line("kind", string(f.Symptom.Kind))
	line("class", f.Symptom.Class)
	line("symptom", f.Symptom.Detail)
	line("target", f.Target)
	line("server", f.Server)
	line("dialect", f.Dialect)
	line("found", fmt.Sprintf("%s, %.1f s after the start, seed %d", f.Found.UTC().Format(time.RFC3339), f.After.Seconds(), f.Seed))
	line("proven", f.Proven)
	line("size", fmt.Sprintf("%d messages, %d bytes", f.Messages, f.Bytes))
	line("replay", f.Replay)
	if f.Symptom.Stack != "" {
		fmt.Fprintf(&b, "#\n# what the process said:\n")
		for l := range strings.Lines(f.Symptom.Stack) {
			fmt.Fprintf(&b, "#   %s\n", printableLine(strings.TrimRight(l, "\r\n")))
		}
	}
	fmt.Fprintf(&b, "#\n# The bytes, with fz for ids:\n")
	env := gen.FixedEnv()
	for i := range f.Sequences {
		for _, t := range turns(&f.Sequences[i], &env, false) {
			fmt.Fprintf(&b, "#   %s %s\n", connName(t.conn), shownBytes(&f.Sequences[i], &t, &env))
		}
	}
	b.WriteByte('\n')
	return appendSequences(b.Bytes(), f.Sequences)
}

func connName(conn int) string {
	if conn == gen.Client {
		return "client"
	}
	return fmt.Sprintf("%d", conn)
}

// shownBytes are the bytes of a turn, without the barrier, as a Go string.
func shownBytes(seq *gen.Sequence, t *turn, env *gen.Env) string {
	var b []byte
	for _, s := range t.sends {
		b = seq.Steps[s.step].Message.Append(b, max(t.conn, 0), env)
	}
	const most = 2 << 10
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// printableLine keeps what is plain and escapes the rest; it never ends a line.
func printableLine(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c == '\t' {
			b.WriteString("    ")
		} else if c < ' ' || c > '~' {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ReadFinding reads a finding, or a file that holds nothing but sequences.
func ReadFinding(path string) (*Finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseFinding(string(text))
}

func parseFinding(text string) (*Finding, error) {
	f := &Finding{}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "# ")
		if !ok {
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
		case "target":
			f.Target = value
		case "server":
			f.Server = value
		case "dialect":
			f.Dialect = value
		case "proven":
			f.Proven = value
		}
	}
	var err error
	f.Sequences, err = parseSequences(text)
	f.measure()
	return f, err
}

// measure counts messages and bytes.
func (f *Finding) measure() {
	f.Messages, f.Bytes = 0, 0
	env := gen.FixedEnv()
	for i := range f.Sequences {
		for j := range f.Sequences[i].Steps {
			if st := &f.Sequences[i].Steps[j]; !st.End {
				f.Messages++
				f.Bytes += len(st.Message.Append(nil, max(st.Conn, 0), &env))
			}
		}
	}
}
