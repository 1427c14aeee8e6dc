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
