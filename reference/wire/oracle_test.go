package wire_test

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// everyCut calls f with the whole, with each byte alone, the same with nothing fed between them, and with each single cut.
func everyCut(n int, f func(cuts []int)) {
	f(nil)
	var bytewise, empty []int
	for i := 1; i < n; i++ {
		bytewise = append(bytewise, i)
		empty = append(empty, i, i)
		f([]int{i})
	}
	f(bytewise)
	f(empty)
}

// randomCuts are k offsets within n bytes, in order; the same may come twice, which gives an empty chunk.
func randomCuts(r *rand.Rand, n, k int) []int {
	var cuts []int
	for range k {
		cuts = append(cuts, r.IntN(n+1))
	}
	slices.Sort(cuts)
	return cuts
}

// agree runs in through the parser in every cut and through the oracle, and fails where two of them differ.
func agree(t *testing.T, d Dialect, in []byte) naive.Result {
	t.Helper()
	want := naive.Parse(d, in, naive.Announced)
	everyCut(len(in), func(cuts []int) {
		got, err := naive.Read(d, in, cuts, naive.Announced)
		if err == nil {
			err = naive.Same(got, want)
		}
		if err != nil {
			t.Fatalf("%s, %q cut at %v: %v", d.Name, in, cuts, err)
		}
	})
	return want
}

// seeded is a source of randomness that is the same in each run.
func seeded(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// anyFirst is the latest dialect without the gate, as on a connection that we dialled.
func anyFirst() Dialect {
	d := Latest()
	d.ConnectFirst = false
	return d
}

// tiny has limits that short inputs reach.
func tiny() Dialect {
	d := anyFirst()
	d.Name = "tiny"
	d.Limits = Limits{ControlLine: 16, SizeDigits: 3, Payload: 20, Buffered: 7}
	return d
}

func mustDialect(t *testing.T, name string) Dialect {
	t.Helper()
	d, err := DialectByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
