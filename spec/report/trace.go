package report

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// wireLog writes a transcript in the trace form that users of nats-server know: ->> is sent by us, <<- is received, each
// operation in brackets, payloads quoted after their operation. It splits bytes only as far as that takes: it is a
// log, and must show what is no operation as well.
type wireLog struct {
	most    int    // operations shown of one read or write; 0: all
	focus   string // how the operation begins that the next line is about: what precedes it is shortened away
	letters bool
	pending map[string]int // by connection and direction: bytes of payload and its line end that are still to come
}

func newWireLog(entries []TranscriptEntry, most int) *wireLog {
	l := &wireLog{most: most, pending: make(map[string]int)}
	for _, e := range entries {
		l.letters = l.letters || e.Conn != entries[0].Conn
	}
	return l
}

// line writes one entry.
func (l *wireLog) line(e TranscriptEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+.1fms ", e.MS)
	if l.letters {
		b.WriteString(Printable(e.Conn) + " ")
	}
	if e.Dir == "#" {
		delete(l.pending, e.Conn+">")
		delete(l.pending, e.Conn+"<")
		return b.String() + "--- " + Printable(unescape(e.Bytes))
	}
	b.WriteString(map[string]string{">": "->>", "<": "<<-"}[e.Dir])
	for _, part := range l.shorten(l.parts(e.Conn+e.Dir, []byte(unescape(e.Bytes)))) {
		b.WriteString(" " + part)
	}
	return b.String()
}

// shorten keeps the first and the last few of many operations, or those from the one that the line is about.
func (l *wireLog) shorten(parts []string) []string {
	if l.most == 0 {
		return parts
	}
	if at := slices.IndexFunc(parts, func(p string) bool { return l.focus != "" && strings.HasPrefix(p, l.focus) }); at > 0 {
		parts = append([]string{"…"}, parts[at:]...) // the shorter, the more of it is seen
	}
	if len(parts) <= l.most {
		return parts
	}
	half := l.most / 2
	cut := append([]string(nil), parts[:half]...)
	cut = append(cut, fmt.Sprintf("… %d more …", len(parts)-2*half))
	return append(cut, parts[len(parts)-half:]...)
}

// parts splits the bytes of one read or write into operations and payloads.
func (l *wireLog) parts(stream string, data []byte) []string {
	if len(data) == 0 {
		return []string{l.quote(data)} // a write of nothing is a write
	}
	var parts []string
	for len(data) > 0 {
		if n := l.pending[stream]; n > 0 {
			n = min(n, len(data))
			l.pending[stream] -= n
			parts = append(parts, l.payload(data[:n], l.pending[stream] == 0))
			data = data[n:]
			continue
		}
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return append(parts, l.quote(data))
		}
		line := bytes.TrimSuffix(data[:end], []byte("\r"))
		if plainLine(line) {
			parts = append(parts, "["+l.clip(Printable(string(line)))+"]")
		} else {
			parts = append(parts, l.quote(data[:end+1]))
		}
		data = data[end+1:]
		if size := payloadSize(line); size >= 0 {
			l.pending[stream] = size + len("\r\n")
		}
	}
	return parts
}

// payload quotes a payload, or the part of one that came in this read; its line end is left out where it is as it must be.
func (l *wireLog) payload(data []byte, last bool) string {
	if last {
		data = bytes.TrimSuffix(data, []byte("\r\n"))
	}
	return l.quote(data)
}

func (l *wireLog) quote(data []byte) string {
	const most = 64
	if l.most == 0 || len(data) <= most {
		return strconv.QuoteToASCII(string(data))
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.QuoteToASCII(string(data[:most])), len(data))
}

// clip shortens an operation: INFO lines are longer than a screen.
func (l *wireLog) clip(s string) string {
	const most = 160
	if l.most == 0 || len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}

// plainLine tells whether a line can stand in brackets and be read back: it begins like an operation and hides no byte.
func plainLine(line []byte) bool {
	if len(line) == 0 || line[0] == ' ' || bytes.HasSuffix(line, []byte(" ")) && !bytes.HasSuffix(line, []byte("} ")) {
		return false
	}
	return !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' })
}

// payloadSize is what a message's control line announces; -1: the line announces no payload.
func payloadSize(line []byte) int {
	fields := bytes.Fields(line)
	if len(fields) < 3 {
		return -1
	}
	switch strings.ToUpper(string(fields[0])) {
	case "RMSG", "HMSG", "LMSG":
	default:
		return -1
	}
	size, err := strconv.Atoi(string(fields[len(fields)-1]))
	if err != nil || size < 0 || size > 1<<30 {
		return -1
	}
	return size
}
