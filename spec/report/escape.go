package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable makes text of a target safe for a terminal: whatever is not a printable character (controls, escape
// sequences, bidirectional and zero-width marks, bytes that are not UTF-8) is written as in a Go string literal. A
// backslash stays as it is, so that text that is escaped already is not escaped twice.
func Printable(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = ' ' <= s[i] && s[i] <= '~'
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(printableRune(r, s[i:i+size]))
		i += size
	}
	return b.String()
}

// printableRune writes one character, raw being its bytes.
func printableRune(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return `\x` + string("0123456789abcdef"[raw[0]>>4]) + string("0123456789abcdef"[raw[0]&15])
	case strconv.IsPrint(r):
		return raw
	}
	quoted := strconv.QuoteRune(r)
	return quoted[1 : len(quoted)-1]
}

// unescape reverses the escaping of TranscriptEntry.Bytes. Text that is not escaped as it should be is returned as it is.
func unescape(s string) string {
	raw, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		return s
	}
	return raw
}
