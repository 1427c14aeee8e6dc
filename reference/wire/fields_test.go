package wire

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	largest := strconv.Itoa(math.MaxInt)
	for in, want := range map[string]int{
		"0": 0, "9": 9, "10": 10, "007": 7, "999999999": 999999999,
		largest:               math.MaxInt,
		largest[:18] + "0":    math.MaxInt - math.MaxInt%10,
		"0000" + largest:      math.MaxInt,
		largest[:18] + "8":    math.MaxInt,
		"9223372036854775808": math.MaxInt,
		largest + "0":         math.MaxInt,
		"99999999999999999999999999999999999999999": math.MaxInt,
	} {
		if n, ok := number([]byte(in)); n != want || !ok {
			t.Errorf("%s: %d, %v", in, n, ok)
		}
	}
	for _, in := range []string{"", "-1", "+1", "1 ", " 1", "/", ":", "1/", "1:", "0x1", "1e3", largest + "x", largest + "0x", "\u0661"} {
		if n, ok := number([]byte(in)); ok {
			t.Errorf("%q: %d", in, n)
		}
	}
}

// Every int reads as itself, whatever zeros stand in front.
func TestNumberOfInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.IntMin(0).Draw(t, "n")
		in := strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, "zeros")) + strconv.Itoa(want)
		if n, ok := number([]byte(in)); n != want || !ok {
			t.Fatalf("%s: %d, %v", in, n, ok)
		}
	})
}
