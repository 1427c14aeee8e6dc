package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name  string
		line  string
		width int
		want  []string
	}{
		{"fits", "one two", 7, []string{"one two"}},
		{"at a blank", "one two three", 8, []string{"one two", "three"}},
		{"a blank right behind the last column", "one two three", 7, []string{"one two", "three"}},
		{"a word longer than a line", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"a blank too early to be of use", "INFO {abcdefghijklm}", 12, []string{"INFO {abcdef", "ghijklm}"}},
		{"characters, not bytes", "é é é é", 3, []string{"é é", "é é"}},
		{"nothing", "", 10, []string{""}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.line, tt.width)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Whatever is wrapped fits, and loses nothing but blanks.
func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringMatching(`[a-zé ]{0,80}`).Draw(t, "line")
		width := rapid.IntRange(1, 20).Draw(t, "width")
		indent := rapid.IntRange(0, 5).Draw(t, "indent")
		bare := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		got := wrap(line, width)
		if bare(strings.Join(got, "")) != bare(line) {
			t.Fatalf("%q became %q", line, got)
		}
		for _, part := range got {
			if utf8.RuneCountInString(part) > width {
				t.Fatalf("%q has more than %d columns", part, width)
			}
		}
		hung := Hang(line, width+minimum, indent)
		if bare(hung) != bare(line) {
			t.Fatalf("%q hangs as %q", line, hung)
		}
		for _, part := range strings.Split(hung, "\n") {
			if utf8.RuneCountInString(part) > max(width+minimum, indent+minimum) {
				t.Fatalf("%q has more than %d columns", part, width+minimum)
			}
		}
	})
}

func TestHang(t *testing.T) {
	for _, tt := range []struct {
		line          string
		width, indent int
		want          string
	}{
		{"a line that fits", 16, 4, "a line that fits"},
		{"a line on no terminal", 0, 4, "a line on no terminal"},
		{"    in    what stands under a label", 30, 10, "    in    what stands under a\n          label"},
		{"one  two words and three and four more", 26, 2, "one  two words and three\n  and four more"},
	} {
		if diff := cmp.Diff(tt.want, Hang(tt.line, tt.width, tt.indent)); diff != "" {
			t.Error(diff)
		}
	}
}
