package live

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/wire"
)

// turn is what one connection says until another one speaks.
type turn struct {
	conn  int // gen.Client: the witness
	sends []send
	bytes []byte // of a route connection: all of it, barriers included
	pings int    // barriers and other PINGs that bytes seem to hold
	end   bool   // the connection ends behind it
}

// send is one message within a turn.
type send struct {
	step int // of the sequence
	end  int // offset in the turn's bytes behind the message and its barrier
}

const ping = "PING\r\n"

// turns cuts a sequence into turns. With stepwise there is a barrier behind each message, else behind the last one of a turn.
func turns(seq *gen.Sequence, env *gen.Env, stepwise bool) []turn {
	var all []turn
	for i := range seq.Steps {
		step := &seq.Steps[i]
		if n := len(all); n == 0 || all[n-1].conn != step.Conn || all[n-1].end {
			all = append(all, turn{conn: step.Conn})
		}
		t := &all[len(all)-1]
		if step.End {
			if t.end = true; stepwise && len(t.sends) == 0 && t.conn != gen.Client {
				t.bytes = barrier(t.bytes) // what the others have caused since it spoke last has to be read
			}
			continue
		}
		if t.conn != gen.Client {
			t.bytes = step.Message.Append(t.bytes, t.conn, env)
			if stepwise {
				t.bytes = barrier(t.bytes)
			}
		}
		t.sends = append(t.sends, send{i, len(t.bytes)})
	}
	for i := range all {
		t := &all[i]
		if t.conn != gen.Client && !stepwise {
			t.bytes = barrier(t.bytes)
			if n := len(t.sends); n > 0 {
				t.sends[n-1].end = len(t.bytes)
			}
		}
		t.pings = countPings(t.bytes)
	}
	return all
}

// barrier appends a PING, and another one where the first becomes the rest of a line that has no end: else no PONG would tell when
// all that was said before has been answered.
func barrier(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, ping...)
	}
	return append(b, ping...)
}

// countPings is how many PINGs bytes hold if no payload hides one.
func countPings(b []byte) int {
	n := 0
	for line := range bytes.Lines(b) {
		if len(line) >= 5 && bytes.EqualFold(line[:4], []byte(ping[:4])) {
			n++
		}
	}
	return n
}

// clientOp is what the witness is asked to do.
type clientOp struct {
	kind                  wire.Kind // Msg: publish, Sub, Unsub
	subject, reply, queue string
	payload               string
	sid                   int
}

// clientOpOf reads a step of the client; false: it is not one that a healthy client sends, and is left out, for the witness is not
// what is fuzzed.
func clientOpOf(m *gen.Message, env *gen.Env) (op clientOp, ok bool) {
	fields := strings.Fields(string(lineOf(m, env)))
	if m.Object || len(fields) == 0 {
		return op, false
	}
	args := fields[1:]
	last := func() (int, bool) {
		if len(args) == 0 {
			return 0, false
		}
		n, err := strconv.Atoi(args[len(args)-1])
		return n, err == nil && n >= 0 && n < 1000
	}
	switch fields[0] {
	case "PUB":
		if len(args) < 2 || len(args) > 3 || m.Close != "\r\n" || args[len(args)-1] != strconv.Itoa(len(m.Payload)) || len(m.Payload) > 1<<16 {
			return op, false
		}
		op = clientOp{kind: wire.Msg, subject: args[0], payload: m.Payload}
		if len(args) == 3 {
			op.reply = args[1]
		}
		return op, plainSubject(op.subject) && (op.reply == "" || plainSubject(op.reply))
	case "SUB":
		if len(args) < 2 || len(args) > 3 {
			return op, false
		}
		op = clientOp{kind: wire.Sub, subject: args[0]}
		if len(args) == 3 {
			op.queue = args[1]
		}
		op.sid, ok = last()
		return op, ok && plainPattern(op.subject) && plainText(op.queue)
	case "UNSUB":
		if len(args) != 1 {
			return op, false
		}
		op.kind = wire.Unsub
		op.sid, ok = last()
		return op, ok
	}
	return op, false
}

// lineOf is the line of a message, without payload.
func lineOf(m *gen.Message, env *gen.Env) []byte {
	bare := *m
	bare.Payload, bare.Close = "", ""
	bare.Fields = make([]string, len(m.Fields))
	for i, f := range m.Fields {
		bare.Fields[i] = strings.ReplaceAll(f, "@size@", strconv.Itoa(len(m.Payload)))
	}
	return bare.Append(nil, 0, env)
}

// plainSubject is a subject that a client may publish on and that no server treats in a way of its own.
func plainSubject(s string) bool {
	return plainPattern(s) && !strings.ContainsAny(s, "*>")
}

func plainPattern(s string) bool {
	return s != "" && plainText(s) && s[0] != '$' && s[0] != '_' && wire.ValidPattern([]byte(s))
}

func plainText(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) < 256
}
