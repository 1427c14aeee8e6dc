package fuzz

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One defect is one bucket, whatever the input; another defect is another one.
func TestBucket(t *testing.T) {
	target := Target{Name: "Parse"}
	of := func(text string) string { return target.Bucket(errors.New(text)) }
	one := of("srv-2.5, parser against naive parser: operation 11: RS+ $G s.a..b q 5 against RS+ $G s.a..b q -1\ndetails")
	if other := of("any first, parser against naive parser: operation 3: RS+ A x workeRS- 7 against RS+ A worker r -1"); other != one || !strings.HasPrefix(one, "parse-parser-against-naive") {
		t.Errorf("%s and %s", one, other)
	}
	if other := of("srv-2.5, parser against naive parser: one operation more, RS+ $G x"); other == one {
		t.Errorf("another rule, the same bucket %s", one)
	}
	if other := of("any first, parser against naive parser: operation 3: RMSG A x r 7 against RMSG A x 7"); other == one {
		t.Errorf("another operation, the same bucket %s", one)
	}
	if a, b := of(`group "aaaa" got 2`), of(`group "bbbbb" got 3`); a != b {
		t.Errorf("quoted text of the input counts: %s, %s", a, b)
	}
	for _, hostile := range []string{"", "../../etc/passwd", "\x1b[31m", strings.Repeat("long ", 500)} {
		if bucket := of(hostile); strings.ContainsAny(bucket, "./\x1b ") || len(bucket) > 80 || bucket == "" {
			t.Errorf("%q is named %q", hostile, bucket)
		}
	}
}

func TestTryCatchesPanics(t *testing.T) {
	at := func(i int) Target {
		return Target{"Parse", func(data []byte) error {
			_ = data[i]
			return nil
		}}
	}
	first, second := at(3).Try(nil), at(4).Try(nil)
	var crash *Crash
	if !errors.As(first, &crash) || !strings.Contains(first.Error(), "index out of range") {
		t.Fatalf("%v", first)
	}
	if a, b := at(3).Bucket(first), at(4).Bucket(second); a != b || !strings.HasPrefix(a, "parse-crash-") {
		t.Errorf("%s and %s", a, b)
	}
	if err := at(0).Try([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestReadMasks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "masks")
	if masks, err := ReadMasks(path); err != nil || len(masks) != 0 {
		t.Errorf("no file: %v %v", masks, err)
	}
	if err := os.WriteFile(path, []byte("a\n\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if masks, err := ReadMasks(path); err != nil || len(masks) != 2 || !masks["a"] || !masks["b"] {
		t.Errorf("%v %v", masks, err)
	}
}
