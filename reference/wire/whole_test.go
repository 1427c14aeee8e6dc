package wire

import (
	"strings"
	"testing"
)

// The short cut is taken for what servers write, and only for that. What it makes of a line is compared with the phases by TestLines and
// TestErrors; here it is only whether it is taken, which no result shows.
func TestWhole(t *testing.T) {
	noHeaders := mustDialect(t, "srv-2.1")
	limited := anyFirst()
	limited.Limits = Limits{ControlLine: 16, Payload: 20, Buffered: 7}
	rows := []struct {
		name    string
		dialect Dialect
		pinned  bool
		in      string
		want    bool
	}{
		{"shortest RS+", anyFirst(), false, "RS+ $G foo\r\n", true},
		{"shortest RS-", anyFirst(), false, "RS- $G foo\r\n", true},
		{"RS+ with queue", anyFirst(), false, "RS+ $G foo workers 10\r\n......", true},
		{"RS+ with more behind", anyFirst(), false, "RS+ $G orders.new\r\nRS+ ", true},
		{"RS+ on a pinned route", anyFirst(), true, "RS+ orders.new\r\n......", true},
		{"RMSG", anyFirst(), false, "RMSG $G foo r 5\r\nhello\r\n", true},
		{"RMSG, empty", anyFirst(), false, "RMSG $G foo.bar 0\r\n\r\n....", true},
		{"HMSG", anyFirst(), false, "HMSG $G foo.bar 0 5\r\nhello\r\n", true},
		{"bytes next to the separators", anyFirst(), false, "RS+ $G f!o\"\x7f\x80\xff!a!\r\n....", true},
		{"no limits at all", Dialect{}, false, "RMSG $G foo r 5\r\nhello\r\n", true},
		{"line at the limit", limited, false, "RS+ $G 4567890123456\r\n......", true},
		{"payload of one part", limited, false, "RMSG $G foo 7\r\n1234567\r\n", true},
		{"as many arguments as there may be", anyFirst(), false, "RMSG $G foo + r" + strings.Repeat(" q", maxFields-5) + " 0\r\n\r\n....", true},

		{"too short to be looked at", anyFirst(), true, "RS+ foobar\r", false},
		{"LF not there yet", anyFirst(), false, "RS+ $G foo.\r", false},
		{"CR and another byte", anyFirst(), false, "RS+ $G foo\rbar\r\n....", false},
		{"bare LF", anyFirst(), false, "RS+ $G foo\n........", false},
		{"two blanks", anyFirst(), false, "RS+ $G  foo\r\n....", false},
		{"blank in front", anyFirst(), false, "RS+  $G foo\r\n....", false},
		{"blank behind", anyFirst(), false, "RS+ $G foo \r\n....", false},
		{"tab", anyFirst(), false, "RS+ $G\tfoo\r\n....", false},
		{"lower case", anyFirst(), false, "rs+ $G foo\r\n....", false},
		{"tab behind the name", anyFirst(), false, "RMSG\t$G foo.bar 0\r\n\r\n", false},
		{"another operation", anyFirst(), false, "LS+ o $G foo\r\n....", false},
		{"HMSG without headers", noHeaders, false, "HMSG $G foo.bar 0 5\r\nhello\r\n", false},
		{"one argument more", anyFirst(), false, "RMSG $G foo + r" + strings.Repeat(" q", maxFields-4) + " 0\r\n\r\n....", false},
		{"no subject", anyFirst(), false, "RS+ accounts\r\n....", false},
		{"line beyond the limit", limited, false, "RS+ $G 45678901234567\r\n......", false},
		{"payload of two parts", limited, false, "RMSG $G foo 8\r\n12345678\r\n", false},
		{"payload not there yet", anyFirst(), false, "RMSG $G foo.bar 5\r\nhell", false},
		{"payload without CR LF", anyFirst(), false, "RMSG $G foo.bar 5\r\nhello", false},
		{"payload with half of CR LF", anyFirst(), false, "RMSG $G foo.bar 5\r\nhello\r", false},
		{"payload and LF alone", anyFirst(), false, "RMSG $G foo.bar 5\r\nhello\n\n", false},
		{"payload, CR, no LF", anyFirst(), false, "RMSG $G foo.bar 5\r\nhello\r.", false},
	}
	for _, row := range rows {
		p := NewParser(row.dialect)
		p.SetMode(Mode{Pinned: row.pinned})
		p.Feed([]byte(row.in))
		if got := p.whole(new(Op)); got != row.want {
			t.Errorf("%s: %q: %v", row.name, row.in, got)
		}
		if !row.want && p.pos != 0 {
			t.Errorf("%s: %d bytes are gone", row.name, p.pos)
		}
	}
}
