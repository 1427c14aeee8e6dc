package route

import (
	"math"
	"testing"
)

// TestPoolIndex holds which connection of a pool an account has, whatever size a peer names.
func TestPoolIndex(t *testing.T) {
	for _, tc := range []struct {
		account    string
		size, want int
	}{
		{"$G", 3, 2}, {"A", 3, 0}, {"E", 3, 1}, {"$G", 1, 0}, {"$G", 0, 0}, {"$G", -1, 0},
	} {
		if got := poolIndex(tc.account, tc.size); got != tc.want {
			t.Errorf("%q is on connection %d of %d, want %d", tc.account, got, tc.size, tc.want)
		}
	}
	for _, size := range []int{1 << 32, 1 << 40, math.MaxInt} {
		if got := poolIndex("$G", size); got < 0 || got >= size {
			t.Errorf("$G is on connection %d of %d", got, size)
		}
	}
}
