package bucket

import (
	"path/filepath"
	"strings"
	"testing"

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

func TestMask(t *testing.T) {
	m := &Masks{path: filepath.Join(t.TempDir(), masksFile)}
	if err := m.Add("b", []gen.Sequence{sequence(t, zeroWeight)}); err != nil {
		t.Fatal(err)
	}
	like := sequence(t, strings.NewReplacer("foo", "bar.x", " q", " workers", `"RS+"`, `"rs+"`, " 0", " 000").Replace(zeroWeight))
	before := like.Clone()
	if !m.Tame(&like) || len(like.Steps) != 2 {
		t.Errorf("it is still there: %s", like)
	}
	if m.Tame(&like) {
		t.Error("what is tame is tamed again")
	}
	for name, change := range map[string][2]string{"weight": {" 0\"", " 3\""}, "form": {" |", " foo"}, "verb": {"RMSG", "HMSG"}} {
		if other := sequence(t, strings.Replace(zeroWeight, change[0], change[1], 1)); m.Tame(&other) {
			t.Errorf("another %s is masked too", name)
		}
	}
	again, err := OpenMasks(filepath.Dir(m.path), nil)
	if err != nil || !again.Tame(&before) {
		t.Errorf("what was stored does not mask: %v", err)
	}
}

// A bucket that comes in many shapes ends in a mask of what they have in common.
func TestMaskWidens(t *testing.T) {
	m := &Masks{path: filepath.Join(t.TempDir(), masksFile)}
	for _, verb := range []string{"RMSG", "HMSG", "LMSG", "PUB", "MSG"} {
		if err := m.Add("b", []gen.Sequence{sequence(t, strings.Replace(zeroWeight, "RMSG", verb, 1))}); err != nil {
			t.Fatal(err)
		}
	}
	alone := sequence(t, strings.SplitAfter(zeroWeight, "\n")[0])
	if !m.Tame(&alone) {
		t.Error("the part in common is not masked")
	}
}

// A message that tells something and stands in several buckets is masked whatever stands around it; one that tells nothing is not.
func TestMaskOfACause(t *testing.T) {
	m := &Masks{path: filepath.Join(t.TempDir(), masksFile)}
	lines := strings.SplitAfter(zeroWeight, "\n")
	alone, message := sequence(t, lines[0]), sequence(t, lines[2])
	for i, verb := range []string{"RMSG", "HMSG", "LMSG"} {
		if m.Tame(&alone) {
			t.Fatalf("%d buckets mask what they have in common", i)
		}
		if err := m.Add(verb, []gen.Sequence{sequence(t, strings.Replace(zeroWeight, "RMSG", verb, 1))}); err != nil {
			t.Fatal(err)
		}
	}
	if !m.Tame(&alone) {
		t.Error("the cause of three buckets is not masked")
	}
	if m.Tame(&message) {
		t.Error("what stood behind it is masked too")
	}
}

// What tells in a line masks it in every form; a member of one bucket that comes with two values is masked with any.
func TestMaskOfWhatTells(t *testing.T) {
	m := &Masks{path: filepath.Join(t.TempDir(), masksFile)}
	const large, index = `0 send "HMSG" " $G" " x" " 1" " 999999999" end "\r\n"` + "\n", `0 send "INFO" object end "\r\n"` + "\n" + `    member "\"route_pool_idx\"" "7"` + "\n"
	for bucket, texts := range map[string][]string{"memory": {large}, "index": {index, strings.Replace(index, "7", "2147483648", 1)}} {
		for _, text := range texts {
			if err := m.Add(bucket, []gen.Sequence{sequence(t, text)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for text, masked := range map[string]bool{
		strings.Replace(large, ` " x"`, ` " x" " |" " q" " r"`, 1): true,
		strings.Replace(large, "999999999", "99", 1):               false,
		strings.Replace(large, "HMSG", "LMSG", 1):                  false,
		strings.Replace(index, "7", "99999999999999999999", 1):     true,
		strings.Replace(index, "_idx", "_size", 1):                 false,
	} {
		seq := sequence(t, text)
		if m.Tame(&seq) != masked {
			t.Errorf("masked is %v for %s", !masked, text)
		}
	}
}

// Masks of several runs are one of each, and what no sequence can hold is left out.
func TestMasksOfSeveralRuns(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		m := &Masks{path: filepath.Join(dir, masksFile)}
		if err := m.Add("b", []gen.Sequence{sequence(t, zeroWeight)}); err != nil {
			t.Fatal(err)
		}
		if err := m.Add("long", []gen.Sequence{sequence(t, strings.Repeat(zeroWeight, longest))}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := OpenMasks(first, []string{filepath.Join(second, masksFile)})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.all) != 2 || len(m.all[0].Patterns) != 1 || len(m.all[1].Patterns) != 0 {
		t.Errorf("%+v", m.all)
	}
}
