package live

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/fuzz/gen"
)

const panicked = `[7] [INF] Server is ready
panic: runtime error: index out of range [-9223372036854775680]

goroutine 22 [running]:
github.com/nats-io/nats-server/v2/server.(*client).parse(0x3c602b63d988, {0x3c602b660600, 0x88, 0x200})
	/root/parser.go:126 +0x2f85
github.com/nats-io/nats-server/v2/server.(*Server).createRoute.func2()
	/root/route.go:1157 +0x17
created by github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine in goroutine 25
	/root/server.go:2104 +0x85
`

func TestCrashSymptom(t *testing.T) {
	a := crashSymptom("exit status 2", panicked)
	b := crashSymptom("exit status 2", strings.NewReplacer("9223372036854775680", "17", ":126", ":99", "0x3c602b63d988", "0x1", "goroutine 22", "goroutine 5").Replace(panicked))
	if !a.same(b) || a.bucket("x") != b.bucket("y") {
		t.Errorf("one defect, two buckets: %q, %q", a.Class, b.Class)
	}
	if want := "panic: runtime error: index out of range [-N] in server.(*client).parse < server.(*Server).createRoute.funcN"; a.Class != want {
		t.Errorf("class %q, want %q", a.Class, want)
	}
	if c := crashSymptom("exit status 2", strings.Replace(panicked, "(*client).parse(", "(*client).processInfo(", 1)); c.same(a) {
		t.Error("two places, one bucket")
	}
	if c := crashSymptom("signal: killed", "no stack"); c.Class != "ended: signal: killed" {
		t.Errorf("class %q", c.Class)
	}
}

func TestErrClass(t *testing.T) {
	if a, b := errClass(`Rejecting connection, cluster name "X" does not match "Y 7"`), errClass(`Rejecting connection, cluster name "C1" does not match "C2"`); a != b {
		t.Errorf("%q and %q", a, b)
	}
	if a, b := errClass("Invalid route pool index: 7 - pool size is 3"), errClass("Invalid route pool index: 12 - pool size is 3"); a != b {
		t.Errorf("%q and %q", a, b)
	}
}

func sequence(t *testing.T, text string) gen.Sequence {
	t.Helper()
	return must[[]gen.Sequence](t)(parseSequences("natsroute sequence 1\n" + text))[0]
}

const zeroWeight = `0 send "RS+" " $G" " foo" " q" " 0" end "\r\n"
0 send "PING" end "\r\n"
1 send "RMSG" " $G" " foo" " |" " q" " @size@" end "\r\n" payload "ok" "\r\n"
`

func TestFindingText(t *testing.T) {
	f := &Finding{
		Bucket: "crash-x-1", Symptom: Symptom{Kind: Crash, Class: "panic: N", Detail: "panic: 7\x1b[31m", Stack: "panic\n\tat x\nnatsroute sequence 1\n"}, Target: "nats-server@v2.1.2",
		Server: "2.1.2", Dialect: "srv-2.1", Found: time.Now(), Sequences: []gen.Sequence{sequence(t, zeroWeight), sequence(t, zeroWeight)}, Replay: "natsroute replay x",
	}
	text := string(f.text())
	if strings.Contains(text, "\x1b") {
		t.Error("what a target said reaches the terminal")
	}
	got := must[*Finding](t)(parseFinding(text))
	if got.Bucket != f.Bucket || got.Symptom.Kind != Crash || got.Symptom.Class != "panic: N" || got.Target != f.Target || got.Dialect != f.Dialect {
		t.Errorf("got %+v", got)
	}
	if len(got.Sequences) != 2 || !got.Sequences[1].Equal(&f.Sequences[1]) || got.Messages != 6 {
		t.Errorf("%d sequences, %d messages", len(got.Sequences), got.Messages)
	}
	for _, bad := range []string{"", "x\nnatsroute sequence 1\n", "natsroute sequence 1\n9 send\n"} {
		if _, err := parseFinding(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// What is promoted loads with the corpus, and the spec compiles and fails.
func TestPromote(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"corpus/vectors", "spec"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	register := must[[]byte](t)(os.ReadFile("../../corpus/requirements.json"))
	if err := os.WriteFile(filepath.Join(root, "corpus/requirements.json"), register, 0o644); err != nil {
		t.Fatal(err)
	}
	f := &Finding{Bucket: "crash-x-1", Symptom: Symptom{Kind: Crash, Class: "panic: x", Detail: "panic: x"}, Server: "2.1.2", Dialect: "srv-2.1"}
	f.Sequences = []gen.Sequence{sequence(t, `0 send "RS+" " $G" " @subject@.a" " @id@" " 0" end "\r\n"
0 send "RMSG" " $G" " @subject@.a" " |" " q" " @size@" end "\r\n" payload "\x01ok" "\r\n"
`)}
	for i := range 2 { // the second comes behind the first
		f.Bucket = "crash-x-" + strconv.Itoa(i)
		made := must[Promoted](t)(Promote(f, root))
		if made.Vector == "" || len(made.Files) != 3 {
			t.Errorf("%+v", made)
		}
	}
	vectors := must[[]byte](t)(os.ReadFile(filepath.Join(root, "corpus/vectors/hostile.json")))
	var all []corpus.Vector
	if err := json.Unmarshal(vectors, &all); err != nil || len(all) != 2 {
		t.Fatalf("%v: %s", err, vectors)
	}
	if got := string(all[1].Bytes()); got != "RS+ $G vector.a PEER_ID 0\r\nRMSG $G vector.a | q 3\r\n\x01ok\r\n" || len(all[1].Want.Ops) != 2 {
		t.Errorf("%q, %+v", got, all[1].Want)
	}
	var whole corpus.Register
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(filepath.Join(root, "corpus/requirements.json"))), &whole); err != nil {
		t.Fatal(err)
	}
	if last := whole.Requirements[len(whole.Requirements)-1]; last.ID != all[1].Requirements[0] || last.Clause != "seen:2.1.2" {
		t.Errorf("%+v", last)
	}
	text := must[[]byte](t)(os.ReadFile(filepath.Join(root, "spec/finding_crash_x_1.go")))
	if _, err := parser.ParseFile(token.NewFileSet(), "x.go", text, 0); err != nil || !strings.Contains(string(text), "Fail(") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := Promote(f, t.TempDir()); err == nil {
		t.Error("a folder without a register was taken for the tree")
	}
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		got, want string
		equal     bool
	}{
		{"PONG", "PONG", true},
		{"CLOSED", "-ERR x,CLOSED", true}, // the text may be lost in the close
		{"-ERR y,CLOSED", "-ERR x,CLOSED", false},
		{"-ERR x", "-ERR x,CLOSED", false},
		{"-ERR x,CLOSED", "CLOSED", false},
		{"PONG,PONG", "PONG", false},
		{"-ERR account missing,CLOSED", "-ERR authorization violation,CLOSED", true},
		{"", "PONG", false},
	} {
		if _, _, equal := firstDifference(tokens(c.got), tokens(c.want)); equal != c.equal {
			t.Errorf("%q and %q: equal is %v", c.got, c.want, equal)
		}
	}
}

func tokens(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestHoldsWord(t *testing.T) {
	for text, want := range map[string]bool{"RMSG $G a 0": true, "xmsG": true, "ms g": false, "MS": false, "": false, "m\x13g": false} {
		if holdsWord([]byte(text), "MSG") != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// What takes hold of memory is seen even where something else was seen first that a target short of breath would show, and not in place of anything else.
func TestLate(t *testing.T) {
	for _, s := range []Symptom{{Kind: Mute}, {Kind: Slow}, {Kind: Delivery}, {Kind: Hang, Class: noInfo}} {
		if !s.late() {
			t.Errorf("%s %s is no lateness", s.Kind, s.Class)
		}
	}
	for _, s := range []Symptom{{Kind: Crash}, {Kind: Difference}, {Kind: Gate}, {Kind: Hang, Class: noInfo + ", waits for a lock in main.f"}} {
		if s.late() {
			t.Errorf("%s %s is lateness", s.Kind, s.Class)
		}
	}
}
