package live

import (
	"strings"
	"testing"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

const (
	hi   = `CONNECT {"name":"@id@","cluster":"@cluster@","headers":true}`
	here = `INFO {"server_id":"@id@","host":"127.0.0.1","port":1,"cluster":"@cluster@","headers":true}`
)

// script makes a sequence of lines: "1:" before a line is the connection, "c:" the client, nothing connection 0; "1!" ends it.
func script(lines ...string) *gen.Sequence {
	var seq gen.Sequence
	for _, line := range lines {
		st := gen.Step{}
		for prefix, conn := range map[string]int{"c": gen.Client, "0": 0, "1": 1, "2": 2} {
			if rest, ok := strings.CutPrefix(line, prefix+":"); ok {
				st.Conn, line = conn, rest
			} else if line == prefix+"!" {
				st.Conn, st.End = conn, true
			}
		}
		if st.End {
			seq.Steps = append(seq.Steps, st)
			continue
		}
		line, payload, _ := strings.Cut(line, "\n")
		st.Message = gen.Message{Verb: line, End: "\r\n"}
		if payload != "" {
			st.Message.Payload, st.Message.Close = payload, "\r\n"
		}
		if !strings.Contains(line, "{") {
			words := strings.SplitAfter(strings.ReplaceAll(line, " ", "\x00 "), "\x00")
			st.Message.Verb = strings.TrimSuffix(words[0], "\x00")
			for _, w := range words[1:] {
				st.Message.Fields = append(st.Message.Fields, strings.TrimSuffix(w, "\x00"))
			}
		}
		seq.Steps = append(seq.Steps, st)
	}
	return &seq
}

func lineFeedFirst() *gen.Sequence {
	seq := script(hi)
	m := &seq.Steps[0].Message
	m.Verb = strings.Replace(m.Verb, " ", " \n", 1)
	return seq
}

// Each quirk is met by a sequence that shows it, on the servers that it was seen on, and by no sequence beside it.
func TestQuirks(t *testing.T) {
	for _, tc := range []struct {
		name, dialect string // name: empty, none is met
		seq           *gen.Sequence
	}{
		{"", "srv-2.15", script(hi, here, "RS+ $G foo", "RS+ $G foo q 2", "RMSG $G foo 2\nhi", "c:PUB foo 2\nhi")},
		{"", "srv-2.1", script(hi, here, "RS+ $G foo", "1:"+hi, "1:"+here, "1:RS+ $G bar")},
		{"ended", "srv-2.15", script(hi, here, "0!", "1:"+hi)},
		{"", "srv-2.15", script(hi, here, "0!")},
		{"client-operations", "srv-2.15", script(hi, here, "SUB foo 1")},
		{"", "srv-2.15", script(hi, here, "FOO foo 1")},
		{"carriage-return", "srv-2.15", script(hi, here, "RS+ $G f\roo")},
		{"line-feed", "srv-2.15", lineFeedFirst()},
		{"own-limits", "srv-2.1", script(hi, here, "RMSG $G foo 123456789012345678901\nx")},
		{"", "srv-2.15", script(hi, here, "RMSG $G foo 123456789012345678901\nx")},
		{"unknown-members", "srv-2.5", script(hi, `INFO {"server_id":"@id@","headers":true,"gossip_mode":"x"}`)},
		{"", "srv-2.15", script(hi, `INFO {"server_id":"@id@","headers":true,"gossip_mode":"x"}`)},
		{"members-in-two-steps", "srv-2.15", script(`CONNECT {"cluster":1,"account":"A"}`)},
		{"", "srv-2.15", script(`CONNECT {"cluster":1,,"account":"A"}`)},
		{"compressed", "srv-2.15", script(hi, `INFO {"server_id":"@id@","host":"127.0.0.1","port":1,"headers":true,"compression":"s2_fast"}`)},
		{"pinned-late", "srv-2.15", script(hi, "RS+ $G foo", strings.ReplaceAll(here, "{", `{"route_account":"A",`))},
		{"begun", "srv-2.15", script(hi, here, "RMSG $G foo 99", "c:SUB foo 1", "0:RS+ $G foo")},
		{"", "srv-2.15", script(hi, here, "c:SUB foo 1", "RMSG $G foo 99")},
		{"blanks-in-keys", "srv-2.15", script(hi, here, "RS+ $G\tfoo", "RS- $G foo")},
		{"weights", "srv-2.15", script(hi, here, "RS+ $G foo q 0", "c:PUB foo 2\nhi")},
		{"", "srv-2.15", script(hi, here, "RS+ $G foo q 0")},
		{"weights", "srv-2.15", script(hi, here, "RS+ $G foo q q", "RMSG $G foo 2\nhi")},
		{"", "srv-2.15", script(hi, here, "RS+ $G foo q 9")},
		{"chance", "srv-2.15", script(hi, here, "RS+ $G foo q 1", "1:"+hi, "1:"+here, "1:RS+ $G foo q 1", "c:PUB foo 2\nhi")},
		{"queue-returns", "srv-2.15", script(hi, here, "RS+ $G foo q 1", "RMSG $G foo | q 2\nhi")},
		{"odd-subjects", "srv-2.15", script(hi, here, "RMSG $G $JS.API.INFO 2\nhi")},
		{"odd-subjects", "srv-2.1", script(hi, here, "RS+ $G a..b")},
		{"", "srv-2.15", script(hi, here, "RS+ $G a..b")},
		{"first-id", "srv-2.1", script(hi, strings.ReplaceAll(here, "@id@", "@third@"))},
		{"first-id", "srv-2.1", script(hi, strings.ReplaceAll(here, "{", `{"gateway":"B",`))},
		{"", "srv-2.15", script(hi, strings.ReplaceAll(here, "{", `{"gateway":"B",`))},
		{"renamed", "srv-2.15", script(hi, here, strings.ReplaceAll(hi, "@id@", "X"), here)},
		{"", "srv-2.15", script(strings.ReplaceAll(hi, "@id@", "X"), here, hi, here)},
		{"", "srv-2.15", script(hi, here, strings.ReplaceAll(hi, "@id@", "X"))},
		{"ids-again", "srv-2.15", script(hi, strings.ReplaceAll(here, "@id@", "X"))},
		{"ids-again", "srv-2.10", script("1:"+hi, "1:"+strings.ReplaceAll(here, "@id@", "@id0@"), "1:"+strings.ReplaceAll(here, "@cluster@", "other"), "0:"+hi, "0:"+here)},
		{"", "srv-2.10", script("1:"+hi, "1:"+strings.ReplaceAll(here, "@id@", "@id0@"), "0:"+hi, "0:"+here)},
		{"half-pools", "srv-2.15", script(hi, strings.ReplaceAll(here, "{", `{"route_pool_idx":1,`))},
		{"behind-a-close", "srv-2.15", script(hi, strings.ReplaceAll(here, "@cluster@", "other"), "RS+ $G foo")},
		{"account-moves", "srv-2.15", script(hi, here, strings.ReplaceAll(here, "{", `{"route_acc_add_reqid":"r",`))},
		{"two-of-one", "srv-2.15", script(hi, strings.ReplaceAll(here, "{", `{"route_pool_size":3,`), "1:"+hi, "1:"+here)},
	} {
		m, env := played(t, tc.dialect, tc.seq)
		met := ""
		if q := quirkOf(&target{dialect: m.cfg.Dialect}, m, tc.seq, env); q != nil {
			met = q.name
		}
		if met != tc.name {
			t.Errorf("%s, %s: meets %q, want %q", tc.dialect, appendSequences(nil, []gen.Sequence{*tc.seq}), met, tc.name)
		}
	}
}

// played is the model of a server of that dialect that has got the sequence.
func played(t *testing.T, dialect string, seq *gen.Sequence) (*model, *gen.Env) {
	t.Helper()
	d := must[wire.Dialect](t)(wire.DialectByName(dialect))
	info := &wire.InfoBody{ServerID: "T", ServerName: "T", Version: "2.0.0", Host: "127.0.0.1", Port: 1, Cluster: "C", MaxPayload: 1 << 20, Headers: d.Headers}
	if d.Pools {
		info.RoutePoolSize = 3
	}
	m := must[*model](t)(newModel(info, d, &harness.Means{}, true))
	env := &gen.Env{Nonce: "abc", Cluster: "C", Target: "T", TargetName: "T", Subject: "fz", Port: 1}
	m.play(turns(seq, env, false), env, seq)
	return m, env
}

// What a target keeps for good is a reason to take another one.
func TestLasting(t *testing.T) {
	leafs := func(line string) string { return strings.Replace(line, "{", `{"lnocu":true,`, 1) }
	for _, tc := range []struct {
		seq  *gen.Sequence
		want bool
	}{
		{script(hi, here, "RS+ $G a q 1", hi), false},
		{script(hi, leafs(here), "RS+ $G a q 1", leafs(hi)), false},
		{script(hi, leafs(here), hi, "RS+ $G a q 1"), false},
		{script(hi, leafs(here), "RS+ $G a q 1", here), false},
		{script(hi, leafs(here), "RS+ $G a", hi), false},
		{script(hi, leafs(here), "RS+ $G a q 1", hi), true},
		{script(hi, leafs(here), "LS+ L $G a q 1", hi, "0!"), true},
		{script(hi, "RS+ $G a q 1", leafs(here)), true},
		{script(hi, here, strings.ReplaceAll(here, "{", `{"route_acc_add_reqid":"r",`)), true},
	} {
		m, _ := played(t, "srv-2.15", tc.seq)
		if got := m.lasting(); got != tc.want {
			t.Errorf("%s: lasting %v, want %v", appendSequences(nil, []gen.Sequence{*tc.seq}), got, tc.want)
		}
	}
}
