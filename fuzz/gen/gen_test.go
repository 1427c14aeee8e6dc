package gen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/natsroute/natsroute/reference/wire"
)

// Every member that wire knows takes part, and no other but the unknown one.
func TestMembersAreThoseOfWire(t *testing.T) {
	for _, c := range []struct {
		known []memberWord
		body  any
	}{{infoMembers, wire.InfoBody{}}, {connectMembers, wire.ConnectBody{}}} {
		var want, got []string
		for f := range reflect.TypeOf(c.body).NumField() {
			if name, _, _ := strings.Cut(reflect.TypeOf(c.body).Field(f).Tag.Get("json"), ","); name != "-" {
				want = append(want, `"`+name+`"`)
			}
		}
		for _, w := range c.known {
			got = append(got, w.name)
		}
		want = append(want, `"tomorrow"`)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the dictionary has %q, wire %q", got, want)
		}
	}
}

func TestQuotedWordsAreJSON(t *testing.T) {
	for _, list := range [][]string{addresses, urls, modes, ids, clusters} {
		for _, text := range list {
			if !json.Valid([]byte(text)) {
				t.Errorf("%s is not JSON", text)
			}
		}
	}
}

func TestSource(t *testing.T) {
	s := FromBytes([]byte{255, 7, 1, 2})
	if !s.Chance(16) || s.Intn(5) != 2 || s.Intn(1000) != 0x0102%1000 {
		t.Error("decisions do not follow the bytes")
	}
	if !s.Empty() || s.Chance(2) || s.Bool() || s.Intn(70000) != 0 || s.Byte() != 0 {
		t.Error("without bytes every decision is the first choice")
	}
	a, b := FromSeed(1), FromSeed(1)
	for range 100 {
		if a.Byte() != b.Byte() {
			t.Fatal("one seed gives two streams")
		}
	}
}

// Every []byte is an input, and the empty one is the plainest: a handshake and a PING.
func TestGenerateFromNothing(t *testing.T) {
	seq := FromBytes(nil).Generate(Options{})
	env := FixedEnv()
	got := string(seq.Append(nil, 0, &env))
	want := `CONNECT {"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"name":"FZNC0","headers":true,"cluster":"C"}` + "\r\n" +
		`INFO {"server_id":"FZNC0","server_name":"FZNC0","version":"2.0.0","proto":2,"host":"127.0.0.1","port":1,"headers":true,` +
		`"max_payload":1048576,"cluster":"C"} ` + "\r\nPING\r\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What a run of the live fuzzer needs comes about, and soon; each is counted in 20,000 sequences.
func TestGenerateReaches(t *testing.T) {
	reach := map[string]int{}
	see := func(what string, is bool) {
		if is {
			reach[what]++
		} else {
			reach[what] += 0
		}
	}
	s := FromSeed(3)
	for range 20_000 {
		seq := s.Generate(Options{Clients: true})
		zero, sent := map[string]bool{}, false
		verbs := map[string]int{}
		for _, st := range seq.Steps {
			m := st.Message
			verbs[m.Verb]++
			fields := strings.Join(m.Fields, "")
			if m.Verb == "RS+" && len(m.Fields) == 4 && m.Fields[0] == " $G" && m.Fields[3] == " 0" {
				zero[m.Fields[1]] = true
			}
			sent = sent || m.Verb == "PUB" && len(m.Fields) > 1 && zero[m.Fields[0]]
			see("size of 2^63-1", m.Verb == "RMSG" && strings.HasSuffix(fields, " 9223372036854775807"))
			see("size of 21 digits", m.Verb == "RMSG" && strings.HasSuffix(fields, " 100000000000000000000"))
			see("lower case", m.Verb == "rs+")
			see("long line", len(fields) > 65536)
			see("end of a connection", st.End)
			see("client", st.Conn == Client)
			see("bare LF", m.End == "\n")
		}
		see("weight 0, then a matching publish", sent)
		see("three connections", seq.Conns() == 3)
		see("INFO again", verbs["INFO"] > seq.Conns())
		for _, v := range []string{"RS-", "LS+", "LS-", "LMSG", "HMSG", "PING", "PONG", "+OK", "-ERR", "A+", "A-", "SUB", "UNSUB", "PUB", "HPUB", "MSG"} {
			see(v, verbs[v] > 0)
		}
	}
	for what, n := range reach {
		if n == 0 {
			t.Errorf("never: %s", what)
		}
	}
	t.Log(reach)
}

func TestTextFormReadsBack(t *testing.T) {
	s := FromSeed(5)
	var last Sequence
	for range 3000 {
		seq := s.Generate(Options{Clients: true})
		if s.Bool() {
			seq = s.Mutate(&seq, []Sequence{last}, Options{Clients: true})
		}
		last = seq
		text, _ := seq.MarshalText()
		var back Sequence
		if err := back.UnmarshalText(text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !back.Equal(&seq) {
			t.Fatalf("%s\nreads back as\n%s", seq, back)
		}
	}
}

func TestTextErrors(t *testing.T) {
	for _, bad := range []string{
		"", "natsroute sequence 2\n", textTitle + "\n3 end\n", textTitle + "\n0\n", textTitle + "\n0 send\n", textTitle + "\n0 send \"a\" \"b\n",
		textTitle + "\n\"0\" end\n", textTitle + "\n0 send \"a\" end \"x\" member\n", textTitle + "\nmember \"a\" \"b\"\n",
		textTitle + "\n0 send \"a\" payload \"b\"\n", textTitle + "\n0 send \"a\" object\nmember \"a\"\n",
	} {
		var q Sequence
		var fault *TextError
		if err := q.UnmarshalText([]byte(bad)); !errors.As(err, &fault) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMutateLeavesTheOriginal(t *testing.T) {
	s := FromSeed(9)
	changed := 0
	for range 3000 {
		q := s.Generate(Options{})
		before := q.String()
		m := s.Mutate(&q, nil, Options{})
		if q.String() != before {
			t.Fatalf("changed the original:\n%s\n%s", before, q)
		}
		if !m.Equal(&q) {
			changed++
		}
		if len(m.Steps) > maxSteps {
			t.Fatalf("%d steps", len(m.Steps))
		}
	}
	if changed < 2000 {
		t.Errorf("%d of 3000 mutants differ", changed)
	}
}

func TestCheckLoopback(t *testing.T) {
	good := []string{
		"", "RS+ $G 8.8.8.8\r\n", `INFO {"host":"127.0.0.1","ip":"nats-route://[::1]:1/"}`, `INFO {"ip":""}`, `INFO {"host":"localhost"}`,
		`INFO {"version":"2.10.27","ip":"nats-route://127.0.0.1:99999/"}`, `INFO {"ip":"nats-route://[::1"}`, `INFO {"host":"127.0.0.1%zz"}`,
		"INFO {}\r\nRMSG $G foo 9\r\n\"8.8.8.8\"\r\n",
	}
	bad := []string{
		`INFO {"host":"8.8.8.8"}`, `info{"ip":"nats-route://evil:1/"}`, `INFO {"IP":"evil"}`, `INFO {"\u0069p":"evil"}`, `INFO {"ip":"\u0038.8.8.8"}`,
		`INFO {"connect_urls":["127.0.0.1:1","10.0.0.1:1"]}`, `INFO {"ho` + "\u017f" + `t":"evil"}`, `INFO {"x":"nats://evil:1"}`, `INFO {8.8.8.8}`,
		`PING` + "\r\n" + `xINFO {"host":"evil"}`, `INFO {"ip":"nats-route://127.0.0.1@evil/"}`, `INFO {"ip":"nats-route://evil#@127.0.0.1/"}`,
		`INFO {"host":"[::1]evil"}`, `INFO {"host":":;1"}`, `INFO {"host":"127.0.0.1.evil"}`, `INFO {"ip":"//evil"}`, "INFO \n{\"host\":\"evil\"}\r\n", `INFO {"host":"evil`,
		`INFO {"a":"nats-route://127.0.0.1:1/","gateway_url":"evil:1"}`, `INFO {"host":"127.0.0.1","host":"::2"}`, `INFO {"v":"1.2.3.4"}`,
	}
	for _, in := range good {
		if err := CheckLoopback([]byte(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, in := range bad {
		var fault *AddressError
		if err := CheckLoopback([]byte(in)); !errors.As(err, &fault) {
			t.Errorf("%q passes", in)
		}
	}
}

// A million sequences, a quarter of them changed and spliced: every address that an INFO line names is loopback, as the guard sees it and as
// encoding/json does.
func TestNoSequenceLeavesTheMachine(t *testing.T) {
	million := 1_000_000
	if raceEnabled {
		million /= 20
	}
	var wg sync.WaitGroup
	const shares = 8
	faults := make(chan error, shares)
	for share := range shares {
		wg.Go(func() {
			if err := loopbackOnly(uint64(share), million/shares); err != nil {
				faults <- err
			}
		})
	}
	wg.Wait()
	close(faults)
	for err := range faults {
		t.Error(err)
	}
}

func loopbackOnly(seed uint64, n int) error {
	s, env := FromSeed(seed), FixedEnv()
	var stream []byte
	var last [3]Sequence
	for i := range n {
		seq := s.Generate(Options{Clients: i%2 == 0})
		if i%4 == 0 {
			seq = s.Mutate(&seq, last[:], Options{})
		}
		last[i%3] = seq
		for conn := range seq.Conns() {
			stream = seq.Append(stream[:0], conn, &env)
			if i%16 == 0 { // making the sequence has asked the guard already
				if err := CheckLoopback(stream); err != nil {
					return fmt.Errorf("%w\n%s", err, seq)
				}
			}
			if err := onlyLoopbackMembers(stream); err != nil {
				return fmt.Errorf("%w\n%s", err, seq)
			}
		}
	}
	return nil
}

// onlyLoopbackMembers reads each INFO line as a server does. It knows hosts by their beginning alone, the guard's way is its own.
func onlyLoopbackMembers(stream []byte) error {
	for len(stream) > 0 {
		line, rest, _ := bytes.Cut(stream, []byte("\n"))
		stream = rest
		if len(line) < 6 || !bytes.EqualFold(line[:4], []byte("INFO")) {
			continue
		}
		var body struct {
			Host, IP, Client_IP, Gateway_URL                           any
			Connect_URLs, WS_Connect_URLs, Gateway_URLs, LeafNode_URLs any
		}
		if json.Unmarshal(line[4:], &body) != nil {
			continue
		}
		for _, v := range []any{body.Host, body.IP, body.Client_IP, body.Gateway_URL, body.Connect_URLs, body.WS_Connect_URLs, body.Gateway_URLs, body.LeafNode_URLs} {
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, one := range list {
				if text, ok := one.(string); ok && !beginsLoopback(text) {
					return fmt.Errorf("%q in %q", text, line)
				}
			}
		}
	}
	return nil
}

func beginsLoopback(text string) bool {
	if at := strings.Index(text, "://"); at >= 0 {
		text = text[at+3:]
	}
	text = text[strings.LastIndexByte(text, '@')+1:]
	return strings.Trim(text, "/:-0123456789") == "" && strings.Count(text, ":") < 2 || strings.HasPrefix(text, "127.") || strings.HasPrefix(text, "[::1") || text == "::1" ||
		strings.HasPrefix(strings.ToLower(text), "localhost")
}

func BenchmarkGenerate(b *testing.B) {
	s, env := FromSeed(1), FixedEnv()
	var stream []byte
	b.ReportAllocs()
	for b.Loop() {
		seq := s.Generate(Options{})
		stream = seq.Append(stream[:0], 0, &env)
	}
}
