package loop

import (
	"bytes"
	"encoding/json"
	"testing"
)

var names = []string{"Parse", "Split", "RoundTrip", "Info", "Connect", "Session", "PeerPair", "Subjects"}

// The same seed gives the same inputs, another seed others.
func TestSeedDecides(t *testing.T) {
	for _, name := range names {
		one, same, other := New(name, 1), New(name, 1), New(name, 2)
		differ := false
		for range 50 {
			in := bytes.Clone(one.Next())
			if !bytes.Equal(in, same.Next()) {
				t.Fatalf("%s: one seed, two inputs", name)
			}
			differ = differ || !bytes.Equal(in, other.Next())
		}
		if !differ {
			t.Errorf("%s: two seeds, the same inputs", name)
		}
	}
}

// Inputs have the forms of their targets, and reach what is rare: long lists, empty inputs, long ones.
func TestForms(t *testing.T) {
	streams, crowded, longest := New("Parse", 1), 0, 0
	for range 3000 {
		in := streams.Next()
		longest = max(longest, len(in))
		for line := range bytes.Lines(in) {
			if bytes.HasPrefix(line, []byte("RMSG")) && len(bytes.Fields(line)) > 18 {
				crowded++
			}
		}
	}
	if crowded < 5 || longest < 60_000 {
		t.Errorf("%d lines with many arguments, the longest stream has %d bytes", crowded, longest)
	}
	bodies, whole := New("Info", 1), 0
	for range 500 {
		if json.Valid(bodies.Next()) {
			whole++
		}
	}
	if whole < 250 || whole == 500 {
		t.Errorf("%d of 500 bodies are JSON: most should be, and not all", whole)
	}
}
