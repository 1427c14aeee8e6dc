package parser

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// newMade is a run that makes cases and sends none.
func newMade(t *testing.T, dialect string) *run {
	t.Helper()
	return &run{cfg: &Config{Dialect: dialect}, dialect: must(wire.DialectByName(dialect)), masks: new(bucket.Masks)}
}

// Every case that is made reads back from its text, has one connection, and cuts that lie in it, in order.
func TestCasesReadBack(t *testing.T) {
	for _, d := range wire.Dialects() {
		r, src := newMade(t, d.Name), gen.FromSeed(7)
		var all []Case
		for i := range 400 {
			c := r.make(src)
			if i%4 == 0 {
				r.corpus = append(r.corpus, c)
			}
			if length := len(c.bytes()); length > longestStream || !slices.Equal(c.Cuts, inside(c.Cuts, length)) || !slices.IsSorted(c.Cuts) || c.Stream.Conns() > 1 {
				t.Fatalf("%d bytes cut at %v: %s", length, c.Cuts, c.Stream)
			}
			all = append(all, c)
		}
		read, err := parseCases("# a comment\n"+string(appendCases(nil, all)), pipe.Setting{})
		if err != nil || len(read) != len(all) {
			t.Fatalf("%d of %d cases, %v", len(read), len(all), err)
		}
		for i := range all {
			if !read[i].Stream.Equal(&all[i].Stream) || read[i].Setting != all[i].Setting || !slices.Equal(read[i].Cuts, all[i].Cuts) {
				t.Fatalf("%+v was read back as %+v", all[i], read[i])
			}
		}
	}
}

// Every limit, setting and rule of the grammar is reached.
func TestCasesReach(t *testing.T) {
	d := wire.Latest()
	r, src := newMade(t, d.Name), gen.FromSeed(3)
	ends, settings := map[string]int{}, map[string]int{}
	for range 20_000 {
		c := r.make(src)
		a := must(pipe.Read(c.Setting, c.bytes()))
		ends[a.Error+" "+a.Token]++
		settings[fmt.Sprint(c.Setting)]++
	}
	for _, token := range wire.Tokens() {
		found := 0
		for end, n := range ends {
			if len(end) > len(token) && end[len(end)-len(token):] == string(token) {
				found += n
			}
		}
		if found < 3 {
			t.Errorf("%s was reached %d times: %v", token, found, ends)
		}
	}
	if len(settings) != 8 || ends[" "] < 2000 {
		t.Errorf("settings %v, whole streams %d", settings, ends[" "])
	}
}

func TestParseCasesRefuses(t *testing.T) {
	const one = "natsroute sequence 1\n0 send \"PING\" end \"\\r\\n\"\n"
	for _, bad := range []string{
		"", "x\n" + one, "natsroute sequence 1\n9 send\n", "# stream srv-9\n" + one, "# stream srv-2.1 sometimes\n" + one, "# stream srv-2.1 cut 4 2\n" + one,
		"# stream srv-2.1 cut x\n" + one, "# stream  \n" + one,
	} {
		if _, err := parseCases(bad, pipe.Setting{}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	// A file of sequences for servers is one of streams too: what connection 0 says.
	other := pipe.Setting{Dialect: "srv-2.1"}
	got, err := parseCases(one+"1 send \"PONG\" end \"\\n\"\n0 end\n\n# stream srv-2.5 connect_first pinned lnocu cut 2 900\n"+one, other)
	if err != nil || len(got) != 2 || string(got[0].bytes()) != "PING\r\n" || got[0].Setting != other {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := (Case{pipe.Setting{Dialect: "srv-2.5", ConnectFirst: true, Pinned: true, LNOCU: true}, got[0].Stream, []int{2}}); !reflect.DeepEqual(got[1], want) {
		t.Errorf("%+v, want %+v", got[1], want)
	}
}

func TestLineEnds(t *testing.T) {
	for in, want := range map[string][]int{
		"a\r\nb\n": {1, 2, 3, 4}, "\r\n": {1}, "": nil, "ab": nil, "\n\n": {1},
	} {
		if got := lineEnds([]byte(in)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

// Two ends of one defect are one bucket, whatever the input was, and two defects are two.
func TestSymptoms(t *testing.T) {
	traceback := "Traceback (most recent call last):\n  File \"p.py\", line %d, in parse\nValueError: invalid literal for int() with base 10: '%s'\n"
	a := crash(&harness.Exit{State: "exit status 1", Tail: fmt.Sprintf(traceback, 7, "+5")})
	b := crash(&harness.Exit{State: "exit status 1", Tail: fmt.Sprintf(traceback, 19, "x\x1b")})
	if !a.same(b) || a.bucket(nil) != b.bucket([]Case{{}}) || !a.placed {
		t.Errorf("%q and %q", a.Class, b.Class)
	}
	if c := crash(&harness.Exit{State: "exit status 1", Tail: "KeyError: 'x'\n"}); c.same(a) {
		t.Errorf("%q and %q", a.Class, c.Class)
	}
	if c := crash(&harness.Exit{State: "signal: segmentation fault"}); c.placed || c.Class != "ended: signal: segmentation fault" {
		t.Errorf("%q, placed: %t", c.Class, c.placed)
	}
	if c := crash(&harness.Exit{State: "exit status 2", Tail: "fatal error: runtime: out of memory\n\ngoroutine 1 [running]:\nmain.grow(0x1)\n"}); c.placed || c.Class != bucket.OutOfMemory {
		t.Errorf("%q, placed: %t", c.Class, c.placed)
	}
}
