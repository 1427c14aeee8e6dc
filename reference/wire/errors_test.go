package wire_test

import (
	"strconv"
	"strings"
	"testing"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// checkAdvice: an error says where, why, and what to do.
func checkAdvice(t *testing.T, err error, offset int) {
	t.Helper()
	text := err.Error()
	_, advice, _ := strings.Cut(text, ": ")
	_, advice, _ = strings.Cut(advice, ": ")
	if !strings.HasPrefix(text, "wire: byte "+strconv.Itoa(offset)+": ") || len(advice) < 12 {
		t.Errorf("%q gives no place or no advice", text)
	}
}

// What an error tells a person, word for word: what was expected depends on the dialect, the mode and the limits.
func TestErrorTexts(t *testing.T) {
	pinned := Mode{Pinned: true}
	rows := []struct {
		dialect  Dialect
		mode     Mode
		in, want string
	}{
		{tiny(), Mode{}, "SUB foo 1", "wire: byte 0: unknown_op: no operation of this dialect begins like this; it must start right behind the LF or payload before it"},
		{tiny(), Mode{}, "RS+\n", "wire: byte 3: missing_delimiter in RS+: put one blank behind the name"},
		{tiny(), Mode{}, "RS- $G\n", "wire: byte 6: argument_count in RS-: the arguments are account subject [queue]"},
		{tiny(), pinned, "RS- A f q\n", "wire: byte 9: argument_count in RS-: the arguments are account subject [queue], without the account on this pinned route"},
		{tiny(), Mode{}, "RMSG $G f x\n", "wire: byte 10: bad_size in RMSG: a size is a run of 1 to 3 digits"},
		{Dialect{}, Mode{}, "RMSG $G f x\n", "wire: byte 10: bad_size in RMSG: a size is a run of digits"},
		{tiny(), Mode{}, "RMSG $G f 21\n", "wire: byte 12: payload_too_long in RMSG: keep the payload within 20 bytes"},
		{tiny(), Mode{}, "RS+ $G 45678901234567\n", "wire: byte 20: line_too_long in RS+: keep the arguments within 16 bytes"},
		{Latest(), Mode{}, "PING\r\n", "wire: byte 0: connect_required: send CONNECT before anything else"},
	}
	for _, row := range rows {
		p := NewParser(row.dialect)
		p.SetMode(row.mode)
		p.Feed([]byte(row.in))
		if err := p.Next(new(Op)); err == nil || err.Error() != row.want {
			t.Errorf("%q: %v\nwant %s", row.in, err, row.want)
		}
	}
}

// Each token is reached, in each shape that a sender can get wrong, and at the offset that errors.go promises. Every row runs in
// every cut and through the oracle. A "^" in the input marks the offset and is taken out.
func TestErrors(t *testing.T) {
	const pinned = `INFO {"route_account":"A"}` + "\r\n"
	const lnocu = `INFO {"lnocu":true}` + "\r\n"
	rows := []struct {
		name    string
		dialect Dialect
		in      string
		want    string // layer token operation
	}{
		{"garbage", anyFirst(), "^XYZ\r\n", "syntax unknown_op none"},
		{"garbage behind an operation", anyFirst(), "PING\r\n^\x00", "syntax unknown_op none"},
		{"fits for a while", anyFirst(), "CON^FIG {}\r\n", "syntax unknown_op none"},
		{"empty line", anyFirst(), "PING\r\n^\r\n", "syntax unknown_op none"},
		{"empty line without CR", anyFirst(), "^\n", "syntax unknown_op none"},
		{"blank in front", anyFirst(), "^ PING\r\n", "syntax unknown_op none"},
		{"tab in front", anyFirst(), "^\tPING\r\n", "syntax unknown_op none"},
		{"line end inside a name", anyFirst(), "RS^\r\n", "syntax unknown_op none"},
		{"Au is not A-", anyFirst(), "A^u x\r\n", "syntax unknown_op none"},
		{"VT is not +", anyFirst(), "RS^\x0b $G foo\r\n", "syntax unknown_op none"},
		{"dotless i is not I", anyFirst(), "^\u0131nfo {}\r\n", "syntax unknown_op none"},
		{"long s is not S", anyFirst(), "R^\u017f+ $G foo\r\n", "syntax unknown_op none"},
		{"MSG", anyFirst(), "^MSG foo 1 1\r\nx\r\n", "syntax unknown_op none"},
		{"SUB", anyFirst(), "^SUB foo 1\r\n", "syntax unknown_op none"},
		{"UNSUB", anyFirst(), "^UNSUB 1\r\n", "syntax unknown_op none"},
		{"PUB", anyFirst(), "P^UB foo 1\r\nx\r\n", "syntax unknown_op none"},
		{"HPUB", anyFirst(), "H^PUB foo 0 1\r\nx\r\n", "syntax unknown_op none"},
		{"HMSG on the page", mustDialect(t, "doc-2.0"), "^HMSG $G foo 0 0\r\n\r\n", "syntax unknown_op none"},
		{"HMSG on the page, as servers spell it", mustDialect(t, "doc-2.0"), "^HMSG $G orders.eu.new 0 16\r\nand its 16 bytes\r\n", "syntax unknown_op none"},
		{"LS+ in 2.1", mustDialect(t, "srv-2.1"), "^LS+ c $G foo\r\n", "syntax unknown_op none"},
		{"LMSG in 2.1", mustDialect(t, "srv-2.1"), "^LMSG c $G foo 0 0\r\n\r\n", "syntax unknown_op none"},
		{"payload one byte longer than said, new operation", anyFirst(), "RMSG $G foo 0\r\n\r\n^x\r\n", "syntax unknown_op none"},

		{"RS+ and a line end", anyFirst(), "RS+^\r\n", "syntax missing_delimiter RS+"},
		{"RS+ and an argument", anyFirst(), "rs+^$G foo\r\n", "syntax missing_delimiter RS+"},
		{"RMSG and an LF", anyFirst(), "RMSG^\n", "syntax missing_delimiter RMSG"},
		{"-ERR and a line end", anyFirst(), "-ERR^\r\n", "syntax missing_delimiter -ERR"},
		{"A+ and a line end", anyFirst(), "A+^\r\n", "syntax missing_delimiter A+"},
		{"LS- and a quote", anyFirst(), "LS-^'x\r\n", "syntax missing_delimiter LS-"},

		{"RS+ without arguments", anyFirst(), "RS+ \r^\n", "syntax argument_count RS+"},
		{"RS+ without arguments, LF at once", anyFirst(), "RS+ ^\n$G foo\r\n", "syntax argument_count RS+"},
		{"RS+ without subject", anyFirst(), "RS+ $G^\n", "syntax argument_count RS+"},
		{"RS+ with queue, no weight", anyFirst(), "RS+ $G foo q\r^\n", "syntax argument_count RS+"},
		{"RS+ with five arguments", anyFirst(), "RS+ $G foo q 1 2 \r^\n", "syntax argument_count RS+"},
		{"CR inside the subject", anyFirst(), "RS+ $G fo\ro\r^\n", "syntax argument_count RS+"},
		{"RS+ with the account on a pinned route", anyFirst(), pinned + "RS+ A foo\r^\n", "syntax argument_count RS+"},
		{"CR inside the subject on a pinned route", anyFirst(), pinned + "RS+ foo\rbarbaz\r^\n", "syntax argument_count RS+"},
		{"RS- without arguments", anyFirst(), "RS-  \t ^\n", "syntax argument_count RS-"},
		{"RS- without subject", anyFirst(), "RS- $G\r^\n", "syntax argument_count RS-"},
		{"RS- with a weight", anyFirst(), "RS- $G foo q 1\r^\n", "syntax argument_count RS-"},
		{"LS+ without subject", anyFirst(), "LS+ c $G\r^\n", "syntax argument_count LS+"},
		{"LS+ with queue, no weight", anyFirst(), "LS+ c $G foo q\r^\n", "syntax argument_count LS+"},
		{"LS+ without arguments", anyFirst(), "LS+ \r^\n", "syntax argument_count LS+"},
		{"LMSG without arguments", anyFirst(), "LMSG \t^\n", "syntax argument_count LMSG"},
		{"LS- without arguments, origin announced", anyFirst(), lnocu + "LS- \r^\n", "syntax argument_count LS-"},
		{"LS- with origin, not announced", anyFirst(), "LS- c $G foo q\r^\n", "syntax argument_count LS-"},
		{"LS- without origin, announced", anyFirst(), lnocu + "LS- $G foo\r^\n", "syntax argument_count LS-"},
		{"RMSG without arguments", anyFirst(), "RMSG \r^\n", "syntax argument_count RMSG"},
		{"RMSG without size", anyFirst(), "RMSG $G foo\r^\n", "syntax argument_count RMSG"},
		{"HMSG without header size", anyFirst(), "HMSG $G foo 5\r^\n", "syntax argument_count HMSG"},
		{"LMSG without header size", anyFirst(), "LMSG c $G foo 5\r^\n", "syntax argument_count LMSG"},

		{"RMSG with an unknown indicator", anyFirst(), "RMSG $G foo ^- q 1\r\nx\r\n", "syntax bad_indicator RMSG"},
		{"RMSG with a long indicator", anyFirst(), "RMSG $G foo  ^++ r q 1\r\nx\r\n", "syntax bad_indicator RMSG"},
		{"HMSG with two replies", anyFirst(), "HMSG $G foo ^r r 0 1\r\nx\r\n", "syntax bad_indicator HMSG"},
		{"RMSG on a pinned route, two replies", anyFirst(), pinned + "RMSG foo ^a b 1\r\nx\r\n", "syntax bad_indicator RMSG"},

		{"negative size", anyFirst(), "RMSG $G foo ^-1\r\n", "syntax bad_size RMSG"},
		{"size with plus", anyFirst(), "RMSG $G foo ^+2\r\nok\r\n", "syntax bad_size RMSG"},
		{"size with a letter", anyFirst(), "RMSG $G foo\t^2x\r\nok\r\n", "syntax bad_size RMSG"},
		{"size in hex", anyFirst(), "RMSG $G foo ^0x2\r\nok\r\n", "syntax bad_size RMSG"},
		{"size of ten digits", anyFirst(), "RMSG $G foo ^0000000002\r\nok\r\n", "syntax bad_size RMSG"},
		{"2.1: a size beyond an int and a letter", mustDialect(t, "srv-2.1"), "RMSG $G foo ^99999999999999999999x\n", "syntax bad_size RMSG"},
		{"HMSG size is a word", anyFirst(), "HMSG $G foo 0 ^x\r\n", "syntax bad_size HMSG"},
		{
			"size beyond an int, no limits",
			Dialect{Name: "unlimited"},
			"RMSG $G foo ^99999999999999999999\r\n", "syntax bad_size RMSG",
		},

		{"header size is a word", anyFirst(), "HMSG $G foo ^x 5\r\nhello\r\n", "syntax bad_header_size HMSG"},
		{"negative header size", anyFirst(), "HMSG $G foo r ^-1 5\r\nhello\r\n", "syntax bad_header_size HMSG"},
		{"header size of ten digits", anyFirst(), "HMSG $G foo ^0000000000 5\r\nhello\r\n", "syntax bad_header_size HMSG"},
		{"header larger than payload", anyFirst(), "LMSG c $G foo ^6 5\r\nhello\r\n", "syntax bad_header_size LMSG"},

		{"payload and LF alone", anyFirst(), "RMSG $G foo 2\r\nok^\n", "syntax payload_terminator RMSG"},
		{"payload, CR, no LF", anyFirst(), "RMSG $G foo 2\r\nok\r^X", "syntax payload_terminator RMSG"},
		{"payload longer than said", anyFirst(), "HMSG $G foo 0 2\r\nok^ay\r\n", "syntax payload_terminator HMSG"},
		{"empty payload, nothing behind", anyFirst(), "RMSG $G foo 0\r\n^PING\r\n", "syntax payload_terminator RMSG"},
		{"payload in parts", tiny(), "RMSG $G f 8\r\n12345678^9\r\n", "syntax payload_terminator RMSG"},

		{"INFO without JSON", anyFirst(), "INFO\r^\n", "syntax bad_json INFO"},
		{"INFO and an array", anyFirst(), "INFO []\r^\n", "syntax bad_json INFO"},
		{"INFO and a word", anyFirst(), "INFOX {}\r^\n", "syntax bad_json INFO"},
		{"INFO cut short", anyFirst(), `INFO {"server_id":"a"` + "\r^\n", "syntax bad_json INFO"},
		{"INFO with text behind", anyFirst(), "INFO {} x\r^\n", "syntax bad_json INFO"},
		{"INFO with a port in quotes", anyFirst(), `INFO {"port":"1"}` + "\r^\n", "syntax bad_json INFO"},
		{"INFO with a broken port", anyFirst(), `INFO {"port":1.5}` + "\r^\n", "syntax bad_json INFO"},
		{"INFO beyond int32", anyFirst(), `INFO {"max_payload":2147483648}` + "\r^\n", "syntax bad_json INFO"},
		{"INFO with a permission that is no list", anyFirst(), `INFO {"import":{"allow":">"}}` + "\r^\n", "syntax bad_json INFO"},
		{"INFO nested too deep", anyFirst(), "INFO " + strings.Repeat("[", 10001) + "^\n", "syntax bad_json INFO"},
		{"CONNECT without JSON", anyFirst(), "CONNECT ^\n{}", "syntax bad_json CONNECT"},
		{"CONNECT with a number for a name", anyFirst(), `CONNECT{"name":1}` + "^\n", "syntax bad_json CONNECT"},

		{"line one byte too long", tiny(), "RS+  $G 4567890123456^x", "limit line_too_long RS+"},
		{"line as servers spell it, one byte too long", tiny(), "RS+ $G 4567890123456^7\r\n", "limit line_too_long RS+"},
		{"line of a message too long", tiny(), "RMSG $G 4567890123456^ 0\r\n\r\n", "limit line_too_long RMSG"},
		{"line much too long", tiny(), "RS+  $G 4567890123456^xxxxxxxxxxx\r\n", "limit line_too_long RS+"},
		{"CR beyond the limit that ends nothing", tiny(), "RS+  $G 4567890123456^\rx", "limit line_too_long RS+"},
		{"two CRs beyond the limit", tiny(), "RS+  $G 4567890123456^\r\r\n", "limit line_too_long RS+"},
		{"trailing blanks count", tiny(), "RS+ $G foo          ^ \r\n", "limit line_too_long RS+"},
		{"-ERR too long", tiny(), "-ERR 1234567890123456^7", "limit line_too_long -ERR"},
		{"INFO too long", tiny(), "INFO  {              }^ \r\n", "limit line_too_long INFO"},
		{"INFO without delimiter too long", tiny(), "INFO{              }^ \r\n", "limit line_too_long INFO"},
		{"2.1: 4096", mustDialect(t, "srv-2.1"), "RS+ $G " + strings.Repeat("a", 4093) + "^a", "limit line_too_long RS+"},

		{"payload too long", tiny(), "RMSG $G foo 21\r^\n", "limit payload_too_long RMSG"},
		{"payload too long in 2.1", mustDialect(t, "srv-2.1"), "RMSG $G foo 67108865\r^\n", "limit payload_too_long RMSG"},
		{"2.1: a size that wraps around there", mustDialect(t, "srv-2.1"), "RMSG $G foo 18446744073709551618^\n", "limit payload_too_long RMSG"},

		{"INFO first", Latest(), "^INFO {}\r\n", "state connect_required"},
		{"PING first", Latest(), "^PING\r\n", "state connect_required"},
		{"garbage first", Latest(), "^\xff", "state connect_required"},
		{"C passes the gate only", Latest(), "c^xyz\r\n", "syntax unknown_op none"},
	}
	reached := make(map[Token]bool)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			before, behind, marked := strings.Cut(row.in, "^")
			if !marked {
				t.Fatal("the row marks no offset")
			}
			d, in := row.dialect, []byte(before+behind)
			got := func() naive.Result {
				if len(in) <= 200 {
					return agree(t, d, in)
				}
				whole, err := naive.Read(d, in, nil, naive.Announced)
				if err != nil {
					t.Fatal(err)
				}
				return whole
			}()
			layerToken, at, _ := strings.Cut(naive.Describe(got.Err), " @")
			if offset, _, _ := strings.Cut(at, " "); layerToken != row.want || offset != strconv.Itoa(len(before)) {
				t.Errorf("%q: %s, want %s @%d", in, naive.Describe(got.Err), row.want, len(before))
			}
			checkAdvice(t, got.Err, len(before))
			reached[Token(strings.Fields(row.want)[1])] = true
		})
	}
	for _, token := range []Token{
		UnknownOp, MissingDelimiter, ArgumentCount, BadIndicator, BadSize, BadHeaderSize, PayloadTerminator, BadJSON,
		LineTooLong, PayloadTooLong, ConnectRequired,
	} {
		if !reached[token] {
			t.Errorf("no row reaches %s", token)
		}
	}
}
