package harness

import (
	"sync"
	"time"
)

// roundTrip keeps the smallest round trip seen. A fence measures it well. A greeting, the time from dial to INFO, may be
// anything from half of one to two (a proxy accepts before it dials): it serves until the first fence.
type roundTrip struct {
	mu              sync.Mutex
	fences, greeted time.Duration // 0: none yet
}

func (r *roundTrip) fence(d time.Duration) { r.note(&r.fences, d) }

func (r *roundTrip) greeting(d time.Duration) { r.note(&r.greeted, d) }

func (r *roundTrip) note(least *time.Duration, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d > 0 && (*least == 0 || d < *least) {
		*least = d
	}
}

func (r *roundTrip) least() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fences > 0 {
		return r.fences
	}
	return r.greeted
}

// RTT is the round trip to the target: the smallest that a Fence took; until the first Fence the smallest time from
// dial to INFO. 0: nothing was measured yet.
func (t *Target) RTT() time.Duration { return t.rtt.least() }
