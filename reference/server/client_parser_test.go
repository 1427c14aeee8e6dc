package server

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parsed is one operation, printed: slices of the parser do not outlive it.
func parsed(op *clientOp) string {
	switch op.kind {
	case opSub:
		return fmt.Sprintf("SUB subject=%s queue=%s sid=%s", op.subject, op.queue, op.sid)
	case opUnsub:
		return fmt.Sprintf("UNSUB sid=%s max=%d", op.sid, op.max)
	case opPub, opHPub:
		return fmt.Sprintf("%v subject=%s reply=%s header=%d payload=%q", op.kind, op.subject, op.reply, op.headerSize, op.payload)
	default:
		return fmt.Sprintf("%v text=%s", op.kind, op.text)
	}
}

// parseAll feeds the chunks and returns the operations and the error's reply: what a client gets to see.
func parseAll(maxPayload int, chunks ...[]byte) (ops []string, failure string) {
	p := newClientParser(maxPayload)
	var op clientOp
	for _, chunk := range chunks {
		p.feed(bytes.Clone(chunk))
		for {
			err := p.next(&op)
			if err == errClientNeedMore {
				break
			}
			var broken *clientError
			if errors.As(err, &broken) {
				return ops, "error:" + broken.Reply
			}
			ops = append(ops, parsed(&op))
		}
	}
	return ops, ""
}

func TestClientParser(t *testing.T) {
	const silent, unknown = "error:", "error:" + errUnknownOperation
	for _, test := range []struct {
		name, in string
		want     []string
		failure  string
	}{
		{"ping", "PING\r\nping\nPiNg  x\r\n", []string{"PING text=", "PING text=", "PING text=x"}, ""},
		{"connect", "CONNECT {\"a\":1}\r\nconnect{}\n", []string{`CONNECT text={"a":1}`, "CONNECT text={}"}, ""},
		{"sub", "SUB a 1\r\nsub\ta.b  q \t2 \r\n", []string{"SUB subject=a queue= sid=1", "SUB subject=a.b queue=q sid=2"}, ""},
		{"unsub", "UNSUB 1\r\nUNSUB 1 5\r\nUNSUB 1 x\r\n", []string{"UNSUB sid=1 max=0", "UNSUB sid=1 max=5", "UNSUB sid=1 max=0"}, ""},
		{"pub", "PUB a 2\r\n\r\n\r\nPUB a r 0\r\n\r\n", []string{`PUB subject=a reply= header=0 payload="\r\n"`, `PUB subject=a reply=r header=0 payload=""`}, ""},
		{
			"hpub", "HPUB a 4 5\r\nhhhhx\r\nhpub a r 0 1\nx\r\n",
			[]string{`HPUB subject=a reply= header=4 payload="hhhhx"`, `HPUB subject=a reply=r header=0 payload="x"`},
			"",
		},
		{"leading zero", "PUB a 01\r\nx\r\n", []string{`PUB subject=a reply= header=0 payload="x"`}, ""},
		{"tolerated", "PONG\r\n+OK\r\nINFO {}\r\n-ERR 'x'\r\n", []string{"PONG text=", "+OK text=", "INFO text={}", "-ERR text='x'"}, ""},
		{"unknown", "PING\r\nFOO\r\n", []string{"PING text="}, unknown},
		{"unknown at its first byte", "X", nil, unknown},
		{"unknown at its third byte", "PUX", nil, unknown},
		{"route operation", "RS+ $G a\r\n", nil, unknown},
		{"empty line", "\r\n", nil, unknown},
		{"blank before", " PING\r\n", nil, unknown},
		{"no delimiter", "SUB\r\n", nil, unknown},
		{"not ASCII", "\u212aPING\r\n", nil, unknown},
		{"terminator", "PUB a 1\r\nxy", nil, unknown},
		{"half a terminator", "PUB a 1\r\nx\rx", nil, unknown},
		{"sub one argument", "SUB a\r\n", nil, silent},
		{"sub four arguments", "SUB a b c d\r\n", nil, silent},
		{"sub many arguments", "SUB a b c d e f g h\r\n", nil, silent},
		{"unsub none", "UNSUB \r\n", nil, silent},
		{"unsub three", "UNSUB 1 2 3\r\n", nil, silent},
		{"pub one", "PUB a\r\n", nil, silent},
		{"pub four", "PUB a b c 1\r\n", nil, silent},
		{"pub size", "PUB a x\r\n", nil, silent},
		{"pub negative", "PUB a -1\r\n", nil, silent},
		{"pub size beyond 64 bits", "PUB a 18446744073709551617\r\n", nil, silent},
		{"hpub two", "HPUB a 1\r\n", nil, silent},
		{"hpub header beyond size", "HPUB a 6 5\r\n", nil, silent},
		{"hpub header no number", "HPUB a x 5\r\n", nil, silent},
		{"payload at the limit", "PUB a 20\r\n" + strings.Repeat("x", 20) + "\r\n", []string{`PUB subject=a reply= header=0 payload="xxxxxxxxxxxxxxxxxxxx"`}, ""},
		{"payload above", "PUB a 21\r\n", nil, "error:" + errMaxPayload},
		{"header payload above", "HPUB a 1 21\r\n", nil, "error:" + errMaxPayload},
		{"line at the limit", "SUB " + strings.Repeat("x", maxClientLine-2) + " 1\r\n", []string{"SUB subject=" + strings.Repeat("x", maxClientLine-2) + " queue= sid=1"}, ""},
		{"line above", "SUB " + strings.Repeat("x", maxClientLine-1) + " 1\r\n", nil, "error:" + errControlLine},
		{"line without end", "CONNECT " + strings.Repeat("x", maxClientLine+1), nil, "error:" + errControlLine},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := []byte(test.in)
			check := func(how string, chunks ...[]byte) {
				t.Helper()
				ops, failure := parseAll(20, chunks...)
				if diff := cmp.Diff(test.want, ops); diff != "" || failure != test.failure {
					t.Fatalf("%s: failure %q, want %q; operations (-want +got):\n%s", how, failure, test.failure, diff)
				}
			}
			check("whole", in)
			check("byte by byte", singles(in)...)
			step := 1 + len(in)/256 // every split of what is short
			for i := 0; i < len(in); i += step {
				check(fmt.Sprintf("split at %d", i), in[:i], in[i:])
			}
		})
	}
}

func singles(in []byte) [][]byte {
	var chunks [][]byte
	for i := range in {
		chunks = append(chunks, in[i:i+1])
	}
	return chunks
}

// TestClientParserErrorSticks checks that nothing is read behind an error.
func TestClientParserErrorSticks(t *testing.T) {
	p := newClientParser(10)
	var op clientOp
	p.feed([]byte("FOO\r\n"))
	first := p.next(&op)
	p.feed([]byte("PING\r\n"))
	if again := p.next(&op); first == nil || again != first {
		t.Fatalf("first %v, then %v: want the same error", first, again)
	}
}

// TestClientParserAllocations checks that operations in one chunk cost no memory, and those over two only the bytes held back.
func TestClientParserAllocations(t *testing.T) {
	in := []byte("PUB foo.bar 5\r\nhello\r\nSUB a b 1\r\nPING\r\nHPUB a r 2 4\r\nhhxx\r\n")
	p := newClientParser(100)
	var op clientOp
	drain := func() {
		for p.next(&op) == nil {
		}
	}
	if n := testing.AllocsPerRun(100, func() { p.feed(in); drain() }); n != 0 {
		t.Errorf("whole chunks: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { p.feed(in[:17]); drain(); p.feed(in[17:]); drain() }); n != 0 {
		t.Errorf("split chunks: %v allocations", n)
	}
}

// FuzzClientParser checks that the cut of the input changes nothing.
func FuzzClientParser(f *testing.F) {
	f.Add([]byte("CONNECT {}\r\nSUB a 1\r\nPUB a 3\r\nabc\r\nPING\r\n"), uint16(7))
	f.Add([]byte("HPUB a r 2 3\r\nhhx\r\nUNSUB 1 2\r\nPUB a 999\r\n"), uint16(20))
	f.Add([]byte("SUB "+strings.Repeat(" ", maxClientLine)+"a 1\r\n"), uint16(9))
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		wantOps, wantFailure := parseAll(64, in)
		at := 0
		if len(in) > 0 {
			at = int(cut) % len(in)
		}
		for _, chunks := range [][][]byte{singles(in), {in[:at], in[at:]}} {
			ops, failure := parseAll(64, chunks...)
			if diff := cmp.Diff(wantOps, ops); diff != "" || failure != wantFailure {
				t.Fatalf("failure %q, whole input %q; operations (-whole +cut):\n%s", failure, wantFailure, diff)
			}
		}
	})
}
