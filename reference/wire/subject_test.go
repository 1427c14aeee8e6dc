package wire

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSubjects(t *testing.T) {
	rows := []struct {
		subject                  string
		publish, pattern, isWild bool
	}{
		{"foo", true, true, false},
		{"foo.bar.$SYS._x-1", true, true, false},
		{"foo.\x00\xff", true, true, false},
		{"", false, false, false},
		{".", false, false, false},
		{".foo", false, false, false},
		{"foo.", false, false, false},
		{"foo..bar", false, false, false},
		{"*", false, true, true},
		{">", false, true, true},
		{"foo.*.bar", false, true, true},
		{"*.*.>", false, true, true},
		{"foo.>", false, true, true},
		{"foo.>.bar", false, false, true},
		{">.", false, false, true},
		{"*.", false, false, true},
		{"foo.>x", true, true, false},
		{"foo*.bar", true, true, false},
		{"foo.**", true, true, false},
		{">>.x", true, true, false},
		{"foo bar", false, false, false},
		{"foo\tbar", false, false, false},
		{"foo\r", false, false, false},
		{"foo\nPING", false, false, false},
	}
	for _, row := range rows {
		s := []byte(row.subject)
		if ValidSubject(s) != row.publish || ValidPattern(s) != row.pattern || HasWildcard(s) != row.isWild {
			t.Errorf("%q: publish %v, pattern %v, wildcard %v", row.subject, ValidSubject(s), ValidPattern(s), HasWildcard(s))
		}
	}
}

func TestMatch(t *testing.T) {
	rows := []struct {
		pattern, subject string
		want             bool
	}{
		{"foo", "foo", true},
		{"foo", "bar", false},
		{"foo", "Foo", false},
		{"foo", "foo.bar", false},
		{"foo.bar", "foo", false},
		{"*", "foo", true},
		{"*", "foo.bar", false},
		{"*.*", "foo.bar", true},
		{"foo.*", "foo", false},
		{"foo.*.c", "foo.b.c", true},
		{"foo.*.c", "foo.b.d", false},
		{">", "foo", true},
		{">", "foo.bar.c", true},
		{"foo.>", "foo", false},
		{"foo.>", "foo.bar.c", true},
		{"foo.>", "fooo.bar", false},
		{"*.>", "foo.b.c", true},
		{"foo*", "foox", false},
		{"foo*", "foo*", true},
		{"foo.>x", "foo.>x", true},
		{"foo.>x", "foo.y", false},
		{"foo.*", "foo.*", true},
		{"foo.bar", "foo.*", false},
		{">", "foo.>", true},
		{">", "", false},
		{">", "foo.", false},
		{">", ".foo", false},
		{"foo.>", "foo..bar", false},
		{"foo.>", "foo.a..b", false},
		{"*.*", "foo.", false},
		{"foo.", "foo.", false},
	}
	for _, row := range rows {
		if got := Match([]byte(row.pattern), []byte(row.subject)); got != row.want {
			t.Errorf("%q wants %q: %v", row.pattern, row.subject, got)
		}
	}
}

// Match against the plainest matcher there is, over few short tokens.
func TestMatchNaive(t *testing.T) {
	naive := func(pattern, subject string) bool {
		want, have := strings.Split(pattern, "."), strings.Split(subject, ".")
		for _, token := range have {
			if token == "" {
				return false
			}
		}
		for i, w := range want {
			if w == ">" && i == len(want)-1 {
				return len(have) > i
			}
			if i >= len(have) || w != "*" && w != have[i] {
				return false
			}
		}
		return len(want) == len(have)
	}
	tokens := func(t *rapid.T, name string, from ...string) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 1, 5).Draw(t, name), ".")
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern, subject := tokens(t, "pattern", "a", "b", "*", ">", "a*", ""), tokens(t, "subject", "a", "b", "*", "a*", "")
		if got := Match([]byte(pattern), []byte(subject)); got != naive(pattern, subject) {
			t.Fatalf("%q wants %q: %v", pattern, subject, got)
		}
	})
}
