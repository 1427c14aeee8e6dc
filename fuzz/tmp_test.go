package fuzz

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTmp(t *testing.T) {
	r := rand.New(rand.NewPCG(77, 2))
	n := 0
	for start := time.Now(); time.Since(start) < 15*time.Second; n++ {
		in := make([]byte, r.IntN(3000))
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		if err := CheckPeerPair(in); err != nil {
			t.Fatalf("after %d: %v", n, err)
		}
	}
	t.Log(n)
}
