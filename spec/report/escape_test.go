package report

import (
	"strconv"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"PING":                  "PING",
		"-ERR 'Invalid \"x\"'":  "-ERR 'Invalid \"x\"'",
		`already \r\n escaped`:  `already \r\n escaped`,
		"PING\r\n":              `PING\r\n`,
		"tab\there":             `tab\there`,
		"\x1b[2Jgone":           `\x1b[2Jgone`,
		"\x9b31m":               `\x9b31m`,
		"\u009b31m":             `\u009b31m`,
		"\u202egnp.exe":         `\u202egnp.exe`,
		"zero\u200bwidth\ufeff": `zero\u200bwidth\ufeff`,
		"\xff\xfe":              `\xff\xfe`,
		"\u2028":                `\u2028`,
		"naïve ✔":               "naïve ✔",
		"\x00\x7f":              `\x00\x7f`,
		"\ufffd":                "\ufffd", // the character itself, as against a byte that is none
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestPrintableShowsOnlyPrintableCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := Printable(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		for _, r := range out {
			if !strconv.IsPrint(r) {
				t.Fatalf("%q has the unprintable %U", out, r)
			}
		}
		if again := Printable(out); again != out {
			t.Fatalf("escaped twice: %q became %q", out, again)
		}
	})
}

func TestUnescapeReversesTranscripts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		quoted := strconv.QuoteToASCII(raw)
		if got := unescape(quoted[1 : len(quoted)-1]); got != raw {
			t.Fatalf("got %q, want %q", got, raw)
		}
	})
	if got := unescape(`broken \q`); got != `broken \q` {
		t.Errorf("got %q: what is not escaped as it should be stays", got)
	}
}
