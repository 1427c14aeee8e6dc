package fuzz

import (
	"math/rand/v2"
	"testing"
)

// Random inputs, short and long, hold: the least that a fuzzing engine would try.
func TestRandomInputs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, target := range Targets() {
		t.Run(target.Name, func(t *testing.T) {
			for range 20_000 {
				in := make([]byte, r.IntN(300))
				for i := range in {
					in[i] = byte(r.Uint32())
				}
				if err := target.Check(in); err != nil {
					t.Fatalf("%x: %v", in, err)
				}
			}
		})
	}
}
