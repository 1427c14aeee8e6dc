package pipe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
)

// The test binary plays parsers: its first argument names which.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(play(os.Args[1]))
	}
	goleak.VerifyTestMain(m)
}

func play(role string) int {
	switch lines := bufio.NewReader(os.Stdin); role {
	case "healthy":
		if Serve(os.Stdin, os.Stdout) != nil {
			return 1
		}
	case "silent":
		_, _ = io.Copy(io.Discard, lines)
	case "deaf":
		for {
			time.Sleep(time.Hour)
		}
	case "panics":
		_, _ = lines.ReadString('\n')
		panic("size 17")
	case "exits":
		_, _ = lines.ReadString('\n')
		fmt.Fprintln(os.Stderr, "no more")
		return 3
	case "closes":
		_, _ = lines.ReadString('\n')
		_ = os.Stdout.Close()
		_, _ = io.Copy(io.Discard, lines)
	case "babbles":
		_, _ = lines.ReadString('\n')
		fmt.Println("ready")
		_, _ = lines.ReadString('\n')
	case "twice":
		for {
			if _, err := lines.ReadString('\n'); err != nil {
				return 0
			}
			fmt.Print("{\"ops\":[]}\n{\"ops\":[]}\n")
		}
	}
	return 0
}

func start(t *testing.T, role string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(fmt.Sprintf("%q %s", self, role), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

var latest = Setting{Dialect: "srv-2.15"}

const soon = 20 * time.Second

// A process gives the answers of the reference, also where a request is longer than a pipe holds.
func TestProcess(t *testing.T) {
	p := start(t, "healthy")
	for _, in := range []string{"PING\r\n", "RS+ $G foo q 3\r\nRMSG $G foo 2\r\nok\r\nRMSG", "nonsense", "RMSG $G foo 200000\r\n" + strings.Repeat("\x00x", 100_000) + "\r\n"} {
		want, err := Read(latest, []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Ask(NewRequest("x", latest, []byte(in), []int{1, 3}), soon)
		if err != nil {
			t.Fatal(err)
		}
		if d := Compare(&want, &got); d != nil {
			t.Errorf("%.40q: %s", in, d.Detail)
		}
	}
}

// How a process fails is told apart, and none is waited for without end.
func TestProcessFails(t *testing.T) {
	request := NewRequest("x", latest, []byte("PING\r\n"), nil)
	for _, role := range []string{"silent", "deaf"} {
		var silent *harness.SilentError
		if _, err := start(t, role).Ask(request, 200*time.Millisecond); !errors.As(err, &silent) {
			t.Errorf("%s: %v", role, err)
		} else if !strings.Contains(silent.Exit.Tail, "goroutine ") && silent.Exit.Tail != "" {
			t.Errorf("%s: it said %q", role, silent.Exit.Tail)
		}
	}
	for role, says := range map[string]string{"panics": "panic: size 17", "exits": "no more", "closes": ""} {
		var ended *harness.EndedError
		if _, err := start(t, role).Ask(request, soon); !errors.As(err, &ended) || !strings.Contains(ended.Exit.Tail, says) {
			t.Errorf("%s: %v", role, err)
		}
	}
	var babble *harness.BabbleError
	if _, err := start(t, "babbles").Ask(request, soon); !errors.As(err, &babble) {
		t.Errorf("babbles: %v", err)
	}
	p := start(t, "twice")
	_, first := p.Ask(request, soon)
	if _, err := p.Ask(request, soon); !errors.As(err, &babble) || first != nil {
		t.Errorf("twice: %v, then %v", first, err)
	}
	var wrong *harness.CommandError
	for _, command := range []string{"", "./no-such-parser x", "'open"} {
		if _, err := Start(command, 0); !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Error(), Flag) {
			t.Errorf("%q: %v", command, err)
		}
	}
}

// The reference answers in this protocol what the vectors want.
func TestReadKeepsTheVectors(t *testing.T) {
	c, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, v := range c.Vectors {
		for _, dialect := range corpus.ProfileNames() {
			if !v.InDialect(dialect) {
				continue
			}
			s := Setting{Dialect: dialect}
			for _, mode := range v.Mode {
				s.Pinned, s.LNOCU = s.Pinned || mode == corpus.ModePinned, s.LNOCU || mode == corpus.ModeLNOCU
			}
			d, err := s.dialect()
			if err != nil {
				t.Fatal(err)
			}
			s.ConnectFirst = v.Stage == corpus.Greeted && connectFirst(d.Name)
			line, err := json.Marshal(NewRequest(v.ID, s, v.Bytes(), nil))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := Serve(bytes.NewReader(line), &out); err != nil {
				t.Fatal(err)
			}
			got, err := ParseAnswer(out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			played++
			if d := Compare(&Answer{Ops: v.Want.Ops, Error: v.Want.Error, Token: v.Want.Token}, &got); d != nil {
				t.Errorf("%s (%s): %s", v.ID, dialect, d.Detail)
			}
		}
	}
	if played < 2000 {
		t.Errorf("only %d were played", played)
	}
}

func connectFirst(dialect string) bool { return dialect == "srv-2.12.15" || dialect == "srv-2.15" }

func TestServeRefuses(t *testing.T) {
	for _, bad := range []string{"\n", "{", `{"dialect":"srv-9"}`, `{"dialect":"srv-2.1","mode":["x"]}`, `{"dialect":"srv-2.1","chunks":["0"]}`} {
		var wrong *RequestError
		in := `{"dialect":"srv-2.1","chunks":["50"]}` + "\n" + bad
		if err := Serve(strings.NewReader(in), io.Discard); !errors.As(err, &wrong) || wrong.Line != 2 {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What differs is found and named; what the protocol cannot say, or decoders of JSON may differ on, is not held against a parser.
func TestCompare(t *testing.T) {
	answer := func(text string) *Answer {
		t.Helper()
		a, err := ParseAnswer([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return &a
	}
	read := func(in string) *Answer {
		a, err := Read(latest, []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		return &a
	}
	for _, tt := range []struct {
		want *Answer
		got  string
		what string // empty: the same
	}{
		{read("PING\r\n"), `{"ops":[{"op":"PING","weight":0,"queues":null,"payload":"","own":1}],"error":""}`, ""},
		{read("PING\r\n"), `{"ops":[]}`, "no error instead of PING"},
		{read("PING\r\n"), `{"ops":[],"error":"syntax","token":"unknown_op"}`, "syntax unknown_op instead of PING"},
		{read("PING\r\n"), `{"ops":[],"error":"\u001b[31m","token":"x"}`, "another word another word instead of PING"},
		{read("PING\r\n"), `{"ops":[{"op":"PONG"}]}`, "PONG instead of PING"},
		{read("PING\r\n"), `{"ops":[{"op":"PING"},{"op":"pong"}]}`, "another word where no error is due"},
		{read("RS+ $G\r\n"), `{"ops":[],"error":"limit","token":"line_too_long"}`, "limit line_too_long instead of syntax argument_count"},
		{read("RS+ $G\r\n"), `{"ops":[{"op":"RS+"}]}`, "RS+ where syntax argument_count is due"},
		{read("RS+ $G"), `{"ops":[],"error":"eof"}`, ""},
		{read("RS+ $G"), `{"ops":[]}`, "no error instead of eof"},
		{read("RS+ $G a q 2\r\n"), `{"ops":[{"op":"RS+","account":"$G","subject":"a","queue":"q","weight":3}]}`, "weight of RS+"},
		{read("RMSG $G a | q r 2\r\nok\r\n"), `{"ops":[{"op":"RMSG","account":"$G","subject":"a","queues":["q","r"],"payload_hex":"6f6b"}]}`, ""},
		{read("RMSG $G a | q r 2\r\nok\r\n"), `{"ops":[{"op":"RMSG","account":"$G","subject":"a","queues":["q"],"payload_hex":"6f6b"}]}`, "queues of RMSG"},
		{read("RMSG $G a 2\r\nok\r\n"), `{"ops":[{"op":"RMSG","account":"$G","subject":"a","payload":"o"}]}`, "payload of RMSG"},
		{read("RS+ $G \xff\r\n"), `{"ops":[{"op":"RS+","account":"$G","subject":"\ufffd"}]}`, ""},
		{read("RS+ $G \xff\r\n"), `{"ops":[{"op":"RS+","account":"$G"}]}`, "subject of RS+"},
		{read("INFO {\"x\":\"\xff\"}\r\nPING\r\n"), `{"ops":[],"error":"syntax","token":"bad_json"}`, ""},
		{read("INFO {\"x\":\"\\ud800\"}\r\nPING\r\n"), `{"ops":[],"error":"syntax","token":"bad_json"}`, ""},
		{read("INFO {\"x\":\"y\"}\r\nPING\r\n"), `{"ops":[],"error":"syntax","token":"bad_json"}`, "syntax bad_json instead of INFO"},
	} {
		what := ""
		if d := Compare(tt.want, answer(tt.got)); d != nil {
			what = d.What
		}
		if what != tt.what {
			t.Errorf("wanted %s, got %s: %q, want %q", tt.want.Line(), tt.got, what, tt.what)
		}
	}
	for _, bad := range []string{"", "[]", `{"ops":[{"op":7}]}`, `{"ops":[{"op":"RMSG","payload_hex":"6"}]}`} {
		if _, err := ParseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
