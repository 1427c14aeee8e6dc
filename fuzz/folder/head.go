package folder

import (
	"fmt"
	"strings"
	"time"
)

// AppendHead appends the head of a finding's file: the title, and a line of comment for each pair of key and value, but for those whose
// value is empty.
func AppendHead(b []byte, title string, lines [][2]string) []byte {
	b = append(append(b, title...), '\n')
	for _, l := range lines {
		if l[1] != "" {
			b = fmt.Appendf(b, "# %-9s %s\n", l[0], Plain(l[1]))
		}
	}
	return b
}

// When tells in a head when a finding was found: at what time, how long after the start, and of which seed.
func When(found time.Time, after time.Duration, seed uint64) string {
	return fmt.Sprintf("%s, %.1f s after the start, seed %d", found.UTC().Format(time.RFC3339), after.Seconds(), seed)
}

// Size tells in a head how large the smallest case is.
func Size(messages, size int) string { return fmt.Sprintf("%d messages, %d bytes", messages, size) }

// AppendSaid appends what a process has said, hostile text, as comment; nothing where that is empty.
func AppendSaid(b []byte, said string) []byte {
	if said == "" {
		return b
	}
	b = append(b, "#\n# what the process said:\n"...)
	for l := range strings.Lines(said) {
		b = fmt.Appendf(b, "#   %s\n", Plain(strings.TrimRight(l, "\r\n")))
	}
	return b
}

// Head reads the values of a finding's head by their keys.
func Head(text string) map[string]string {
	values := make(map[string]string)
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "# "); ok {
			key, value, _ := strings.Cut(rest, " ")
			values[key] = strings.TrimSpace(value)
		}
	}
	return values
}

// Plain keeps what is printable ASCII and escapes the rest; it never ends a line.
func Plain(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '\t':
			b.WriteString("    ")
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
