package shrink

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
)

func sequence(t *testing.T, text string) gen.Sequence {
	t.Helper()
	var seq gen.Sequence
	if err := seq.UnmarshalText([]byte("natsroute sequence 1\n" + text)); err != nil {
		t.Fatal(err)
	}
	return seq
}

const zeroWeight = `0 send "RS+" " $G" " foo" " q" " 0" end "\r\n"
0 send "PING" end "\r\n"
1 send "RMSG" " $G" " foo" " |" " q" " @size@" end "\r\n" payload "ok" "\r\n"
`

// Whatever stands around it, what is needed remains and nothing else.
func TestSequences(t *testing.T) {
	needed := func(seqs []gen.Sequence) bool {
		zero, sent := false, false
		for _, seq := range seqs {
			for _, st := range seq.Steps {
				f := st.Message.Fields
				zero = zero || st.Message.Verb == "RS+" && len(f) == 4 && f[3] == " 0"
				sent = sent || zero && strings.EqualFold(st.Message.Verb, "RMSG") && slices.Contains(f, " |")
			}
		}
		return sent
	}
	for seed := range uint64(20) {
		src := gen.FromSeed(seed)
		noise := src.Generate(gen.Options{Clients: true})
		case0 := sequence(t, zeroWeight)
		seq := gen.Sequence{Steps: slices.Concat(noise.Steps, case0.Steps[:2], noise.Steps, case0.Steps[2:])}
		small := Sequences([]gen.Sequence{noise, seq}, Limits{Tests: 5000, Until: time.Now().Add(time.Minute)}, needed)
		if len(small) != 1 || len(small[0].Steps) != 2 || len(small[0].Steps[1].Message.Fields) != 1 {
			t.Errorf("seed %d: left are %s", seed, small)
		}
	}
}

// A large number is cut only where the cause of a failure can be told.
func TestKeepNumbers(t *testing.T) {
	large := func(seqs []gen.Sequence) bool { return strings.Contains(text(seqs), "99999") }
	for keep, want := range map[bool]string{true: `" 9999999999"`, false: `"99999"`} {
		seq := sequence(t, `0 send "RMSG" " $G" " foo" " 9999999999" end "\r\n" payload "" "\r\n"`+"\n")
		small := text(Sequences([]gen.Sequence{seq}, Limits{Tests: 500, Until: time.Now().Add(time.Minute), KeepNumbers: keep}, large))
		if !strings.Contains(small, want) {
			t.Errorf("keep %v: left is %s, want %s in it", keep, small, want)
		}
	}
}

// What has not failed once is not asked for again.
func TestNothingTwice(t *testing.T) {
	asked := map[string]int{}
	seq := sequence(t, zeroWeight)
	Sequences([]gen.Sequence{seq}, Limits{Tests: 5000, Until: time.Now().Add(time.Minute)}, func(seqs []gen.Sequence) bool {
		asked[text(seqs)]++
		return strings.Contains(text(seqs), "foo")
	})
	for case0, times := range asked {
		if times > 1 {
			t.Errorf("%d times: %s", times, case0)
		}
	}
}
