package wire

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// next reads one operation that has to be there.
func next(t *testing.T, p *Parser) *Op {
	t.Helper()
	op := new(Op)
	if err := p.Next(op); err != nil {
		t.Fatal(err)
	}
	return op
}

// The payload and the arguments of a message that came in one piece are the bytes fed, not a copy of them.
func TestPayloadIsBorrowed(t *testing.T) {
	in := []byte("RMSG $G foo + r q1 5\r\nhello\r\n")
	p := NewParser(anyFirst())
	p.Feed(in)
	op := next(t, p)
	for name, field := range map[string][]byte{"subject": op.Subject, "queue": op.Queues[0], "payload": op.Payload} {
		at := bytes.Index(in, field)
		if &field[0] != &in[at] {
			t.Errorf("%s is a copy", name)
		}
		if cap(field) != len(field) {
			t.Errorf("%s: appending to it would write into the bytes behind it", name)
		}
	}
}

// So it is for what whole leaves to the phases: a line is copied only if it straddles feeds or a payload follows, a payload only
// if it straddles feeds itself.
func TestOneFeedIsBorrowed(t *testing.T) {
	for in, field := range map[string]func(*Op) []byte{
		"LS+ o $G foo\r\n":                func(op *Op) []byte { return op.Subject },
		"rs+ $G foo q 1\r\n":              func(op *Op) []byte { return op.Queue },
		"A+ ACC\n":                        func(op *Op) []byte { return op.Account },
		"-ERR 'Stale'\r\n":                func(op *Op) []byte { return op.Body },
		"LMSG o $G foo 0 5\r\nhello\r\n":  func(op *Op) []byte { return op.Payload },
		"rmsg $G foo | q 0005\nhello\r\n": func(op *Op) []byte { return op.Payload },
	} {
		fed := []byte(in)
		p := NewParser(anyFirst())
		p.Feed(fed)
		got := field(next(t, p))
		if at := strings.Index(in, string(got)); len(got) == 0 || &got[0] != &fed[at] {
			t.Errorf("%q: %q is a copy", in, got)
		}
	}
}

// What is handed out lives until the next call, also when it was gathered over several feeds.
func TestSlicesLiveUntilNext(t *testing.T) {
	p := NewParser(anyFirst())
	for _, chunk := range []string{"RMSG $G fo", "o + r q1 q2 1", "0\r\n01234", "56789", "\r"} {
		p.Feed([]byte(chunk))
		if err := p.Next(new(Op)); err != ErrNeedMore {
			t.Fatal(err)
		}
	}
	p.Feed([]byte("\nRS+ $G other.subject\r\n"))
	op := next(t, p)
	if got := op.String() + string(op.Payload); got != "RMSG $G foo + r q1 q2 100123456789" {
		t.Error(got)
	}
	if got := next(t, p).String(); got != "RS+ $G other.subject" {
		t.Error(got)
	}
}

// A size alone sets nothing aside: memory follows the bytes that came.
func TestMemoryFollowsBytes(t *testing.T) {
	p := NewParser(anyFirst())
	p.Feed(fmt.Appendf(nil, "RMSG $G foo %d\r\n", DefaultPayload))
	if err := p.Next(new(Op)); err != ErrNeedMore {
		t.Fatal(err)
	}
	chunk := make([]byte, 1000)
	for sent := len(chunk); sent <= 1<<20; sent += len(chunk) {
		p.Feed(chunk)
		if err := p.Next(new(Op)); err != ErrNeedMore {
			t.Fatal(err)
		}
		if cap(p.part) > 2*sent+1024 {
			t.Fatalf("%d bytes set aside after %d came", cap(p.part), sent)
		}
	}
}

// What one large operation needed is given back with the next call.
func TestMemoryIsGivenBack(t *testing.T) {
	p := NewParser(mustDialect(t, "srv-2.10"))
	large := NewMsg("$G", strings.Repeat("s", OwnControlLine-100), "", make([]byte, 4<<20))
	for _, in := range [][]byte{large.AppendTo(nil), []byte("RMSG $G foo |" + strings.Repeat(" q", 2000) + " 0\r\n\r\n")} {
		for _, chunk := range [][]byte{in[:len(in)/9], in[len(in)/9 : len(in)-1]} {
			p.Feed(chunk)
			if err := p.Next(new(Op)); err != ErrNeedMore {
				t.Fatal(err)
			}
		}
		p.Feed(in[len(in)-1:])
		next(t, p)
		if cap(p.part) <= keepBuffer && cap(p.fields) <= keepFields {
			t.Fatal("nothing large was needed")
		}
		if err := p.Next(new(Op)); err != ErrNeedMore {
			t.Fatal(err)
		}
	}
	p.Feed([]byte("A+" + strings.Repeat(" ACC", 2000) + "\r\n"))
	next(t, p)
	if cap(p.fields) <= keepFields {
		t.Fatal("nothing large was needed")
	}
	if err := p.Next(new(Op)); err != ErrNeedMore {
		t.Fatal(err)
	}
	if cap(p.text) > keepBuffer || cap(p.part) > keepBuffer || cap(p.fields) > keepFields || p.queues != nil || p.head.Subject != nil {
		t.Errorf("kept: line %d, payload %d, fields %d, queues %d", cap(p.text), cap(p.part), cap(p.fields), cap(p.queues))
	}
}

// What is not large is kept: nothing is allocated twice for the largest payload that servers take unless configured, in whatever
// pieces it comes, nor for a line or a payload or a list of exactly what a parser keeps.
func TestMemoryIsKept(t *testing.T) {
	msg := func(line string, size int) []byte {
		return fmt.Appendf(nil, "%s %d\r\n%s\r\n", line, size, make([]byte, size))
	}
	for name, row := range map[string]struct {
		in    []byte
		chunk int
	}{
		"1 MiB in small reads":  {msg("RMSG $G foo", 1<<20), 512},
		"1 MiB in reads":        {msg("RMSG $G foo", 1<<20), 32 << 10},
		"1 MiB in large reads":  {msg("RMSG $G foo", 1<<20), 100000},
		"payload kept exactly":  {msg("RMSG $G foo", keepBuffer), keepBuffer + len("RMSG $G foo 1310720\r\n")},
		"line kept exactly":     {[]byte("RS+ $G " + strings.Repeat("s", keepBuffer-4) + "\r\n"), keepBuffer + len("RS+") /* all but CR LF */},
		"fields kept exactly":   {msg("RMSG $G foo |"+strings.Repeat(" q", keepFields-4), 1), 1 << 10},
		"payload in two pieces": {msg("RMSG $G foo", 1000), 600},
	} {
		p, op := NewParser(Dialect{}), new(Op)
		if n := testing.AllocsPerRun(3, func() {
			for from := 0; from < len(row.in); from += row.chunk {
				p.Feed(row.in[from:min(from+row.chunk, len(row.in))])
				for p.Next(op) == nil {
					continue
				}
			}
			if op.Kind == None || p.Finish() != nil {
				t.Fatalf("%s: not read", name)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for each", name, n)
		}
	}
}

// The line of a message is read in the mode of its time, even if the mode changes before its payload is there.
func TestModeOfLine(t *testing.T) {
	p := NewParser(anyFirst())
	p.Feed([]byte("RMSG $G foo 2\r\no"))
	if err := p.Next(new(Op)); err != ErrNeedMore {
		t.Fatal(err)
	}
	p.SetMode(Mode{Pinned: true})
	p.Feed([]byte("k\r\nRMSG foo 0\r\n\r\n"))
	for _, want := range []string{"RMSG $G foo 2", "RMSG foo 0"} {
		if got := next(t, p).String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRest(t *testing.T) {
	p := NewParser(anyFirst())
	const info, frame = `INFO {"compression":"s2_fast"}` + "\r\n", "\xff\x06\x00\x00S2sTwO"
	p.Feed([]byte(info + frame))
	next(t, p)
	if rest := p.Rest(); string(rest) != frame {
		t.Errorf("%q", rest)
	}
	if p.Offset() != int64(len(info)) || p.Finish() != nil {
		t.Errorf("offset %d, finish %v", p.Offset(), p.Finish())
	}
	p.Feed([]byte("PI"))
	if err := p.Next(new(Op)); err != ErrNeedMore {
		t.Fatal(err)
	}
	if rest := p.Rest(); string(rest) != "PI" {
		t.Errorf("a name that was held over: %q", rest)
	}
	p.Feed([]byte("PING\r\n"))
	if err := p.Next(new(Op)); err != nil || p.Offset() != int64(len(info)+len("PING\r\n")) {
		t.Errorf("%v, offset %d", err, p.Offset())
	}
}

// A name that came over several feeds is given back whole, also behind an operation that straddled feeds itself.
func TestRestOfName(t *testing.T) {
	p := NewParser(anyFirst())
	for _, c := range "PONG x\nRS+ $G foo\r\nCON" {
		p.Feed([]byte{byte(c)})
		for p.Next(new(Op)) == nil {
			continue
		}
	}
	if rest := p.Rest(); string(rest) != "CON" {
		t.Errorf("%q", rest)
	}
}

func TestFeedTooEarlyPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Feed on top of unread bytes did not panic")
		}
	}()
	p := NewParser(anyFirst())
	p.Feed([]byte("PING\r\n"))
	next(t, p)
	p.Feed([]byte("PONG\r\n"))
}

func TestFinish(t *testing.T) {
	for in, want := range map[string]error{
		"":                          nil,
		"PING\r\n":                  nil,
		"PING\r":                    io.ErrUnexpectedEOF,
		"PING":                      io.ErrUnexpectedEOF,
		"P":                         io.ErrUnexpectedEOF,
		"RS+":                       io.ErrUnexpectedEOF,
		"RS+ ":                      io.ErrUnexpectedEOF,
		"RS+ $G foo":                io.ErrUnexpectedEOF,
		"RMSG $G foo 2\r\n":         io.ErrUnexpectedEOF,
		"RMSG $G foo 2\r\nok":       io.ErrUnexpectedEOF,
		"RMSG $G foo 2\r\nok\r":     io.ErrUnexpectedEOF,
		"RMSG $G foo 2\r\nok\r\n":   nil,
		"RMSG $G foo 0\r\n\r\nPONG": io.ErrUnexpectedEOF,
	} {
		p := NewParser(anyFirst())
		p.Feed([]byte(in))
		for p.Next(new(Op)) == nil {
			continue
		}
		if got := p.Finish(); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
	p := NewParser(anyFirst())
	p.Feed([]byte("PING\r\n"))
	if p.Finish() != io.ErrUnexpectedEOF {
		t.Error("bytes that nobody read were taken for the end")
	}
}

// After an error nothing more is read, however good the bytes behind it are.
func TestErrorsStick(t *testing.T) {
	for _, bad := range []string{"XYZ", "\n", "RS+ $G\r\n", "RMSG $G foo x\r\n", "RMSG $G foo 0\r\nX", "INFO {\r\n", "RMSG $G foo 999999999\r\n"} {
		p := NewParser(anyFirst())
		p.Feed([]byte(bad + "RS+ $G foo\r\nRS+ $G foo\r\nRMSG $G foo 0\r\n\r\nPING\r\n"))
		first := p.Next(new(Op))
		if first == nil || first == ErrNeedMore {
			t.Fatalf("%q: %v", bad, first)
		}
		for range 5 {
			if again := p.Next(new(Op)); again != first {
				t.Errorf("%q: %v, then %v", bad, first, again)
			}
			p.Feed([]byte("RS+ $G foo\r\nRS+ $G foo\r\n"))
		}
	}
}

// Nothing is allocated for an operation, in whatever cut, as soon as the parser's buffers have grown.
func TestNoAllocations(t *testing.T) {
	in := []byte("RS+ $G foo\r\nRS+ $G foo q 3\r\nRS- $G foo\r\nRMSG $G foo r 5\r\nhello\r\nRMSG $G foo + r q1 q2 5\r\nhello\r\n" +
		"HMSG $G foo 0 5\r\nhello\r\nLS+ o $G foo\r\nLMSG o $G foo 0 2\r\nok\r\nPING\r\nPONG\r\n+OK\r\n-ERR 'x'\r\nA+ x\r\n")
	for _, step := range []int{len(in), 64, 7, 1} {
		p, op := NewParser(anyFirst()), new(Op)
		if n := testing.AllocsPerRun(100, func() {
			for from := 0; from < len(in); from += step {
				p.Feed(in[from:min(from+step, len(in))])
				for p.Next(op) == nil {
					continue
				}
			}
		}); n != 0 {
			t.Errorf("in steps of %d: %v allocations", step, n)
		}
	}
	buf := make([]byte, 0, 1024)
	op := NewQueueMsg("$G", "foo", "r", []string{"q1", "q2"}, []byte("hello"))
	if n := testing.AllocsPerRun(100, func() { buf = op.AppendTo(buf[:0]) }); n != 0 {
		t.Errorf("AppendTo: %v allocations", n)
	}
	runtime.KeepAlive(buf)
}
