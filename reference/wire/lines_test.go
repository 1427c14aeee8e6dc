package wire_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// lines are streams that are fine, and the operations they hold as a trace shows them. A payload stands behind its line in
// quotes. All run in every cut and through the oracle.
var lines = []struct {
	name string
	in   string
	want []string
}{
	{"PING", "PING\r\n", []string{"PING"}},
	{"PING, blank", "PING \r\n", []string{"PING"}},
	{"PING and what else there is", "PINGxyz 1\x00\xff\r\n", []string{"PING"}},
	{"PING, bare LF", "PING\n", []string{"PING"}},
	{"PING, two CRs", "PING\r\r\n", []string{"PING"}},
	{"PING, CR is no line end", "PING\rPING\r\n", []string{"PING"}},
	{"PONG and +OK", "PoNg 1\r\n+ok\r\n+OK x\n", []string{"PONG", "+OK", "+OK"}},
	{"-ERR", "-ERR 'Stale Connection'\r\n", []string{"-ERR 'Stale Connection'"}},
	{"-ERR without quotes", "-err  a b \t\r\n", []string{"-ERR a b"}},
	{"-ERR without text", "-ERR \r\n-ERR \nPING\r\n", []string{"-ERR ", "-ERR ", "PING"}},

	{"RS+", "RS+ $G foo\r\n", []string{"RS+ $G foo"}},
	{"RS+ with queue", "RS+ $G foo q 3\r\n", []string{"RS+ $G foo q 3"}},
	{"RS+ in lower case", "rs+ $G Foo\r\n", []string{"RS+ $G Foo"}},
	{"tabs", "RS+\t$G\tfoo\r\n", []string{"RS+ $G foo"}},
	{"runs of blanks", "RS+  \t $G \t foo  q\t\t1 \t\r\n", []string{"RS+ $G foo q 1"}},
	{"bare LF", "RS+ $G foo\nRS- $G foo\n", []string{"RS+ $G foo", "RS- $G foo"}},
	{"CR in front of CR LF", "RS+ $G foo\r\r\n", []string{"RS+ $G foo"}},
	{"CR between arguments", "RS+\t$G\rfoo\r\n", []string{"RS+ $G foo"}},
	{"CR right behind the delimiter", "RS+ \r$G foo\r\n", []string{"RS+ $G foo"}},
	{"other bytes are ordinary", "RS+ \x00 a\x0b\x0c\x80!\x7f\r\n", []string{"RS+ \x00 a\x0b\x0c\x80!\x7f"}},
	{"any subject", "RS+ $G foo..bar.>.x\r\n", []string{"RS+ $G foo..bar.>.x"}},
	{"long and short arguments", "RS+ account.of.24.characters a.subject.of.27.characters! q12345678 12\r\n", []string{"RS+ account.of.24.characters a.subject.of.27.characters! q12345678 12"}},
	{"weight 0", "RS+ $G foo q 0\r\n", []string{"RS+ $G foo q 0"}},
	{"weight with leading zeros", "RS+ $G foo q 000000007\r\n", []string{"RS+ $G foo q 7"}},
	{"largest weight", "RS+ $G foo q 999999999\r\n", []string{"RS+ $G foo q 999999999"}},
	{"weights that are none", "RS+ $G foo q x\r\nRS+ $G foo q -5\r\nRS+ $G foo q 1000000000\r\n", []string{"RS+ $G foo q -1", "RS+ $G foo q -1", "RS+ $G foo q -1"}},
	{"RS-", "RS- $G foo\r\nRS- $G foo q\r\n", []string{"RS- $G foo", "RS- $G foo q"}},
	{"LS+", "LS+ o $G foo\r\nLS+ _ $G foo q 2\r\n", []string{"LS+ o $G foo", "LS+ _ $G foo q 2"}},
	{"LS-, no origin announced", "LS- $G foo\r\nLS-  $G foo q\r\n", []string{"LS- $G foo", "LS- $G foo q"}},
	{"LS-, origin announced", `INFO {"lnocu":true}` + "\r\nLS- o $G foo\r\nls- o $G foo q\r\n", []string{`INFO {"lnocu":true}`, "LS- o $G foo", "LS- o $G foo q"}},
	{"A+ and A- take anything", "A+ ACC\r\na- ACC x y\r\nA+ \r\n", []string{"A+ ACC", "A- ACC", "A+ "}},

	{"RMSG", "RMSG $G foo 2\r\nok\r\n", []string{`RMSG $G foo 2"ok"`}},
	{"RMSG, empty", "RMSG $G foo 0\r\n\r\nPING\r\n", []string{`RMSG $G foo 0""`, "PING"}},
	{"RMSG, line ends in LF", "rmsg $G foo 2\nok\r\n", []string{`RMSG $G foo 2"ok"`}},
	{"RMSG, payload looks like operations", "RMSG $G foo 8\r\nPING\r\n\r\n\r\n", []string{"RMSG $G foo 8\"PING\r\n\r\n\""}},
	{"RMSG with reply", "RMSG $G foo r 2\r\nok\r\n", []string{`RMSG $G foo r 2"ok"`}},
	{"RMSG, four arguments: + and | are replies", "RMSG $G foo + 0\r\n\r\nRMSG $G foo | 0\r\n\r\n", []string{`RMSG $G foo + 0""`, `RMSG $G foo | 0""`}},
	{"RMSG with + and no queue", "RMSG $G foo + r 0\r\n\r\n", []string{`RMSG $G foo r 0""`}},
	{"RMSG with reply and queues", "RMSG $G foo + r q1 q2 2\r\nok\r\n", []string{`RMSG $G foo + r q1 q2 2"ok"`}},
	{"RMSG with queues", "RMSG $G foo | q1 2\r\nok\r\nRMSG $G foo  |\tq1 q1 q3 0\r\n\r\n", []string{`RMSG $G foo | q1 2"ok"`, `RMSG $G foo | q1 q1 q3 0""`}},
	{"RMSG, the reply is +", "RMSG $G foo + + q 0\r\n\r\n", []string{`RMSG $G foo + + q 0""`}},
	{"size with leading zeros", "RMSG $G foo 000000002\r\nok\r\n", []string{`RMSG $G foo 2"ok"`}},
	{"HMSG", "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nok\r\n", []string{"HMSG $G foo 12 14\"NATS/1.0\r\n\r\nok\""}},
	{"HMSG, all header", "HMSG $G foo r 2 2\r\nok\r\n", []string{`HMSG $G foo r 2 2"ok"`}},
	{"HMSG, no header", "HMSG $G foo + r q 0 2\r\nok\r\n", []string{`HMSG $G foo + r q 0 2"ok"`}},
	{"LMSG", "LMSG o $G foo 0 2\r\nok\r\nlmsg o $G foo | q 1 2\r\nok\r\n", []string{`LMSG o $G foo 0 2"ok"`, `LMSG o $G foo | q 1 2"ok"`}},
	{"many queues", "RMSG $G foo | " + strings.Repeat("q ", 300) + "0\r\n\r\nRMSG $G foo 0\r\n\r\n", []string{"RMSG $G foo | " + strings.Repeat("q ", 300) + `0""`, `RMSG $G foo 0""`}},

	{
		"pinned route", `INFO {"route_account":"A","lnocu":true}` + "\r\nRS+ foo\r\nRS+ foo q 1\r\nRS- foo q\r\nRMSG foo 0\r\n\r\nRMSG foo + r q 0\r\n\r\n" +
			"HMSG foo r 0 0\r\n\r\nLS+ o foo\r\nLS- o foo q\r\nA+ A\r\n",
		[]string{
			`INFO {"route_account":"A","lnocu":true}`, "RS+ foo", "RS+ foo q 1", "RS- foo q", `RMSG foo 0""`, `RMSG foo + r q 0""`,
			`HMSG foo r 0 0""`, "LS+ o foo", "LS- o foo q", "A+ A",
		},
	},

	{"INFO as servers write their own", `INFO {"server_id":"a"} ` + "\r\n", []string{`INFO {"server_id":"a"}`}},
	{"INFO, no delimiter", "INFO{}\n", []string{"INFO {}"}},
	{"INFO, tabs and blanks", "info \t{} \t\r\n", []string{"INFO {}"}},
	{"INFO null", "INFO null\r\n", []string{"INFO null"}},
	{"CONNECT", "CONNECT {}\r\nconnect\t{}\r\nConnect{\"echo\" : true}\r\n", []string{"CONNECT {}", "CONNECT {}", `CONNECT {"echo" : true}`}},
}

func TestLines(t *testing.T) {
	for _, row := range lines {
		t.Run(row.name, func(t *testing.T) {
			got := agree(t, anyFirst(), []byte(row.in))
			if got.Err != nil || got.Inside {
				t.Fatalf("%q: error %v, inside %v", row.in, got.Err, got.Inside)
			}
			if shown := show(got.Ops); !slices.Equal(shown, row.want) {
				t.Errorf("%q:\n got %q\nwant %q", row.in, shown, row.want)
			}
		})
	}
}

// show gives each operation as a trace line, with a message's payload behind it.
func show(ops []Op) []string {
	var shown []string
	for i := range ops {
		s := ops[i].String()
		if ops[i].Kind.IsMessage() {
			s += `"` + string(ops[i].Payload) + `"`
		}
		shown = append(shown, s)
	}
	return shown
}

// Every case variant of every name is the same operation.
func TestNamesIgnoreCase(t *testing.T) {
	behind := map[Kind]string{
		Info: " {}\n", Connect: " {}\n", Ping: "\n", Pong: "\n", OK: "\n", Err: " x\n", Sub: " a s\n", Unsub: " a s\n", Msg: " a s 0\n\r\n",
		HMsg: " a s 0 0\n\r\n", LeafSub: " o a s\n", LeafUnsub: " a s\n", LeafMsg: " o a s 0 0\n\r\n", AccountSub: " a\n", AccountUnsub: " a\n",
	}
	for kind := Info; kind <= AccountUnsub; kind++ {
		name := kind.String()
		for variant := range 1 << len(name) {
			spelled := []byte(name)
			for i := range spelled {
				if variant&(1<<i) != 0 {
					spelled[i] = strings.ToLower(name)[i]
				}
			}
			p := NewParser(anyFirst())
			p.Feed(append(spelled, behind[kind]...))
			var op Op
			if err := p.Next(&op); err != nil || op.Kind != kind {
				t.Errorf("%q: %v, kind %s", spelled, err, op.Kind)
			}
		}
	}
}

// All of the 256 bytes in the first place: those that begin an operation and those that do not.
func TestFirstByte(t *testing.T) {
	for _, d := range append(Dialects(), anyFirst()) {
		begin := "+-ACIPRacipr"
		if d.Headers {
			begin += "HLhl"
		}
		for b := range 256 {
			p := NewParser(d)
			p.Feed([]byte{byte(b)})
			err := p.Next(new(Op))
			want := ErrNeedMore.Error()
			switch {
			case d.ConnectFirst && b != 'C' && b != 'c':
				want = "state connect_required @0"
			case !strings.ContainsRune(begin, rune(b)):
				want = "syntax unknown_op none @0"
			}
			if got := naive.Describe(err); got != want && got != "untyped: "+want {
				t.Errorf("%s, first byte %#x: %s, want %s", d.Name, b, got, want)
			}
		}
	}
}

// What counts against no limit does not: bytes behind PING, blanks behind a name. And none of it is kept.
func TestUncounted(t *testing.T) {
	d := tiny()
	p := NewParser(d)
	blanks, junk := bytes.Repeat([]byte(" \t"), 1<<16), bytes.Repeat([]byte("x\r"), 1<<16)
	var got []string
	for _, chunk := range [][]byte{[]byte("PING"), junk, junk, []byte("\nRS+ "), blanks, blanks, []byte("$G foo\r\n")} {
		p.Feed(chunk)
		for {
			var op Op
			err := p.Next(&op)
			if err == ErrNeedMore {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, op.String())
		}
		if _, _, kept := p.Held(); kept > 64 {
			t.Errorf("%d bytes kept", kept)
		}
	}
	if want := []string{"PING", "RS+ $G foo"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A line of exactly the limit passes, with either line end.
func TestLineAtLimit(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		for _, in := range []string{"RS+  $G 4567890123456", "INFO {             }", "-ERR 1234567890123456", "RMSG $G foo r       0"} {
			if strings.HasPrefix(in, "RMSG") {
				end += "\r\n"
			}
			if got := agree(t, tiny(), []byte(in+end)); got.Err != nil || len(got.Ops) != 1 {
				t.Errorf("%q: %v", in+end, got.Err)
			}
		}
	}
	d := mustDialect(t, "srv-2.12.15")
	in := []byte("CONNECT {}\r\nRS+ $G " + strings.Repeat("a", 65533) + "\r\n")
	if got, err := naive.Read(d, in, []int{100, 60000, len(in) - 2}, naive.Announced); err != nil || got.Err != nil || len(got.Ops) != 2 {
		t.Errorf("65536 bytes: %v %v", err, got.Err)
	}
}

// A payload above Limits.Buffered comes in parts of that size, the same in every cut, and their bytes add up.
func TestParts(t *testing.T) {
	const payload = "0123456789abcdefghij" // 20 bytes in parts of 7
	for _, size := range []int{0, 6, 7, 8, 14, 20} {
		in := fmt.Appendf(nil, "HMSG $G a q 3 %d\r\n%s\r\nPING\r\n", size, payload[:size])
		if size < 3 {
			in = fmt.Appendf(nil, "RMSG $G a %d\r\n%s\r\nPING\r\n", size, payload[:size])
		}
		got := agree(t, tiny(), in)
		var joined []byte
		parts := got.Ops[:len(got.Ops)-1]
		for i, op := range parts {
			if op.Offset != 7*i || op.More != (i < len(parts)-1) || op.Size != size || string(op.Subject) != "a" {
				t.Errorf("size %d, part %d: %+v", size, i, op)
			}
			joined = op.AppendTo(joined)
		}
		joined = append(joined, "PING\r\n"...)
		if want := max(1, (size+6)/7); len(parts) != want || !bytes.Equal(joined, in) {
			t.Errorf("size %d: %d parts, want %d; together %q", size, len(parts), want, joined)
		}
	}
}
