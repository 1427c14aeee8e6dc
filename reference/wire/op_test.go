package wire_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// anyOp draws an operation of every kind and form, for a connection of that mode.
func anyOp(t *rapid.T, mode Mode) Op {
	word := rapid.Custom(func(t *rapid.T) []byte {
		b := rapid.SliceOfN(rapid.Byte(), 1, 24).Draw(t, "bytes")
		for i, c := range b {
			if strings.IndexByte(" \t\r\n", c) >= 0 {
				b[i] = '.'
			}
		}
		return b
	})
	op := Op{Kind: Kind(rapid.IntRange(int(Info), int(AccountUnsub)).Draw(t, "kind"))}
	switch op.Kind {
	case Info:
		op.InfoBody = &InfoBody{ServerID: rapid.String().Draw(t, "id"), Port: rapid.Int().Draw(t, "port"), LNOC: true}
		return op
	case Connect:
		op.ConnectBody = &ConnectBody{Name: rapid.String().Draw(t, "name"), Verbose: true}
		return op
	case Err:
		op.Body = word.Draw(t, "text")
		return op
	case Ping, Pong, OK:
		return op
	case AccountSub, AccountUnsub:
		op.Account = word.Draw(t, "account")
		return op
	}
	op.Subject = word.Draw(t, "subject")
	if !mode.Pinned {
		op.Account = word.Draw(t, "account")
	}
	if op.Kind == LeafSub || op.Kind == LeafMsg || op.Kind == LeafUnsub && mode.LeafUnsubOrigin {
		op.Origin = word.Draw(t, "origin")
	}
	switch op.Kind {
	case Sub, LeafSub, Unsub, LeafUnsub:
		if rapid.Bool().Draw(t, "grouped") {
			op.Queue = word.Draw(t, "queue")
			if op.Kind == Sub || op.Kind == LeafSub {
				op.Weight = rapid.IntRange(-1, 999999999).Draw(t, "weight")
			}
		}
		return op
	}
	if rapid.Bool().Draw(t, "asked") {
		op.Reply = word.Draw(t, "reply")
	}
	op.Queues = rapid.SliceOfN(word, 0, 4).Draw(t, "queues")
	op.Payload = rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
	op.Size = len(op.Payload)
	if op.Kind != Msg {
		op.HeaderSize = rapid.IntRange(0, op.Size).Draw(t, "header size")
	}
	return op
}

// What is appended is read as what it was, in any cut.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := Mode{Pinned: rapid.Bool().Draw(t, "pinned"), LeafUnsubOrigin: rapid.Bool().Draw(t, "lnocu")}
		op := anyOp(t, mode)
		if err := naive.RoundTrip(&op, mode); err != nil {
			t.Fatal(err)
		}
		line := op.AppendTo(nil)
		got, err := naive.One(line, mode)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(line, []byte(op.String()+"\r\n")) {
			t.Fatalf("String %q of %q", op.String(), line)
		}
		p := NewParser(anyFirst())
		p.SetMode(mode)
		cut := rapid.IntRange(0, len(line)).Draw(t, "cut")
		var again Op
		p.Feed(slices.Clone(line[:cut]))
		if err = p.Next(&again); err == ErrNeedMore {
			p.Feed(slices.Clone(line[cut:]))
			err = p.Next(&again)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := naive.Identical(&got, &again); err != nil {
			t.Fatal(err)
		}
	})
}

// A clone shares nothing: writing over every byte of it leaves the original as it was.
func TestCloneIsDeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := anyOp(t, Mode{})
		before := op.AppendTo(nil)
		c := op.Clone()
		if !reflect.DeepEqual(c, op) && !c.Equal(&op) {
			t.Fatalf("%s cloned is %s", &op, &c)
		}
		for _, field := range append([][]byte{c.Origin, c.Account, c.Subject, c.Reply, c.Queue, c.Payload, c.Body}, c.Queues...) {
			for i := range field {
				field[i] ^= 1
			}
		}
		clear(c.Queues)
		if after := op.AppendTo(nil); !bytes.Equal(before, after) {
			t.Fatalf("%q became %q", before, after)
		}
	})
}

func TestConstructors(t *testing.T) {
	rows := []struct {
		op   Op
		want string
	}{
		{NewSub("$G", "foo"), "RS+ $G foo\r\n"},
		{NewSub("", "foo"), "RS+ foo\r\n"},
		{NewQueueSub("$G", "foo", "q", 3), "RS+ $G foo q 3\r\n"},
		{NewQueueSub("", "foo", "q", 0), "RS+ foo q 0\r\n"},
		{NewUnsub("$G", "foo"), "RS- $G foo\r\n"},
		{NewQueueUnsub("$G", "foo", "q"), "RS- $G foo q\r\n"},
		{NewMsg("$G", "foo", "", nil), "RMSG $G foo 0\r\n\r\n"},
		{NewMsg("$G", "foo", "r", []byte("ok")), "RMSG $G foo r 2\r\nok\r\n"},
		{NewQueueMsg("$G", "foo", "r", []string{"q1", "q2"}, []byte("ok")), "RMSG $G foo + r q1 q2 2\r\nok\r\n"},
		{NewQueueMsg("", "foo", "", []string{"q1"}, []byte("ok")), "RMSG foo | q1 2\r\nok\r\n"},
		{NewQueueMsg("$G", "foo", "r", nil, nil), "RMSG $G foo r 0\r\n\r\n"},
		{NewPing(), "PING\r\n"},
		{NewPong(), "PONG\r\n"},
		{NewErr("Stale Connection"), "-ERR 'Stale Connection'\r\n"},
		{NewConnect(&ConnectBody{Name: "a"}), `CONNECT {"echo":false,"verbose":false,"pedantic":false,"tls_required":false,"name":"a"}` + "\r\n"},
		{NewInfo(&InfoBody{ServerID: "a", Port: 1}), `INFO {"server_id":"a","version":"","host":"","port":1,"max_payload":0}` + "\r\n"},
	}
	for _, row := range rows {
		if got := string(row.op.AppendTo(nil)); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
}

func TestEqual(t *testing.T) {
	info := func(text string) Op { return Op{Kind: Info, Body: []byte(text)} }
	with := func(op Op, change func(*Op)) Op {
		change(&op)
		return op
	}
	msg := NewQueueMsg("$G", "foo", "r", []string{"a", "b"}, []byte("ok"))
	rows := []struct {
		name string
		a, b Op
		want bool
	}{
		{"kinds", NewPing(), NewPong(), false},
		{"account", NewSub("$G", "foo"), NewSub("A", "foo"), false},
		{"subject", NewSub("$G", "foo"), NewSub("$G", "fo"), false},
		{"plain and queue", NewSub("$G", "foo"), NewQueueSub("$G", "foo", "q", 1), false},
		{"weight", NewQueueSub("$G", "foo", "q", 2), NewQueueSub("$G", "foo", "q", 1), false},
		{"the same", NewQueueSub("$G", "foo", "q", 2), NewQueueSub("$G", "foo", "q", 2), true},
		{"order of queues", msg, NewQueueMsg("$G", "foo", "r", []string{"b", "a", "b"}, []byte("ok")), true},
		{"other queues", msg, NewQueueMsg("$G", "foo", "r", []string{"a", "c"}, []byte("ok")), false},
		{"fewer queues", msg, NewQueueMsg("$G", "foo", "r", []string{"a"}, []byte("ok")), false},
		{"reply", msg, NewQueueMsg("$G", "foo", "", []string{"a", "b"}, []byte("ok")), false},
		{"payload", msg, NewQueueMsg("$G", "foo", "r", []string{"a", "b"}, []byte("no")), false},
		{"header", with(msg, func(op *Op) { op.Kind, op.HeaderSize = HMsg, 1 }), with(msg, func(op *Op) { op.Kind = HMsg }), false},
		{"origin", with(msg, func(op *Op) { op.Origin = []byte("o") }), msg, false},
		{"quotes", NewErr("x"), Op{Kind: Err, Body: []byte("x")}, true},
		{"text", NewErr("x"), NewErr("y"), false},
		{"a lone quote", Op{Kind: Err, Body: []byte("'")}, NewErr(""), false},
		{"order of members", info(`{"port":1,"SERVER_ID":"a","x":[1, 2]}`), info(`{"server_id":"a","x":[1,2],"port":1}`), true},
		{"text and members", info(`{"server_id":"a"}`), NewInfo(&InfoBody{ServerID: "a"}), true},
		{"null and {}", info(`null`), info(`{}`), true},
		{"a member", info(`{"server_id":"a"}`), info(`{"server_id":"b"}`), false},
		{"an unknown member", info(`{"x":1}`), info(`{"x":2}`), false},
		{"broken JSON is itself", info(`{`), info(`{`), true},
		{"broken JSON", info(`{`), info(`[`), false},
		{"CONNECT", NewConnect(&ConnectBody{Name: "a"}), Op{Kind: Connect, Body: []byte(`{"name":"a"}`)}, true},
		{"CONNECT name", NewConnect(&ConnectBody{Name: "a"}), NewConnect(&ConnectBody{Name: "b"}), false},
	}
	for _, row := range rows {
		if got := row.a.Equal(&row.b); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
		if got := row.b.Equal(&row.a); got != row.want {
			t.Errorf("%s, the other way: %v", row.name, got)
		}
	}
}

func TestErrText(t *testing.T) {
	for in, want := range map[string]string{
		"-ERR 'Stale Connection'\r\n":     "Stale Connection",
		"-ERR Stale Connection\r\n":       "Stale Connection",
		"-ERR 'gateway \"g\" on 'x''\r\n": "gateway \"g\" on 'x'",
		"-ERR '\r\n":                      "'",
		"-ERR ''\r\n":                     "",
		"-ERR \r\n":                       "",
	} {
		op, err := naive.One([]byte(in), Mode{})
		if err != nil || op.ErrText() != want {
			t.Errorf("%q: %q, %v", in, op.ErrText(), err)
		}
	}
}

func TestHeaderAndData(t *testing.T) {
	op, err := naive.One([]byte("HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nok\r\n"), Mode{})
	if err != nil || string(op.Header()) != "NATS/1.0\r\n\r\n" || string(op.Data()) != "ok" {
		t.Errorf("%q %q %v", op.Header(), op.Data(), err)
	}
}

func TestKindString(t *testing.T) {
	var names []string
	for k := None; k <= AccountUnsub+1; k++ {
		names = append(names, k.String())
	}
	const want = "none INFO CONNECT PING PONG +OK -ERR RS+ RS- RMSG HMSG LS+ LS- LMSG A+ A- invalid"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s", got)
	}
}

func TestDialects(t *testing.T) {
	var names []string
	for _, d := range Dialects() {
		names = append(names, d.Name)
		if found, err := DialectByName(d.Name); err != nil || found != d {
			t.Errorf("%s: %+v, %v", d.Name, found, err)
		}
		if d.Limits.ControlLine <= 0 || d.Limits.Payload <= 0 {
			t.Errorf("%s has no bound on memory: %+v", d.Name, d.Limits)
		}
	}
	if got := strings.Join(names, " "); got != "doc-2.0 srv-2.1 srv-2.5 srv-2.10 srv-2.12.15 srv-2.15" {
		t.Error(got)
	}
	if Latest().Name != "srv-2.15" {
		t.Error(Latest().Name)
	}
	if _, err := DialectByName("srv-3"); err == nil || !strings.Contains(err.Error(), "srv-2.12.15") {
		t.Errorf("%v: names no choice", err)
	}
}
