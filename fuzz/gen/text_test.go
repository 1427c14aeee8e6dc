package gen

import (
	"strconv"
	"testing"
)

func TestAppendQuote(t *testing.T) {
	for _, text := range []string{"", "RS+", ` $G`, `"@id@"`, `a\b`, "\r\n", "\x00", "\x7f", "\xff", "é", "~ "} {
		if got, want := string(appendQuote([]byte("x"), text)), "x"+strconv.Quote(text); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
