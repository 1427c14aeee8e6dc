package harness

import (
	"context"
	"testing"
	"time"
)

// TestImpatience: waits in vain make the further ones shorter, on every target that shares them; waits that brought
// something, and those with a patience of their own, do not count.
func TestImpatience(t *testing.T) {
	mute := startFake(t, greets(fakeINFO)).target(t)
	other := value[*Target](t)(External(Means{Route: mute.Route}))
	defer func() { must(t, other.Close()) }()
	other.ShareImpatience(mute)

	p := value[*Peer](t)(mute.Dial(deadline(t), "A"))
	own := WithPatience(deadline(t), time.Millisecond)
	if err := p.Fence(own); err == nil || mute.waste.total.Load() != 0 {
		t.Errorf("a wait with a patience of its own: %v, %v wasted", err, time.Duration(mute.waste.total.Load()))
	}
	if err := p.Fence(WithCrowd(deadline(t), time.Millisecond)); err == nil || mute.waste.total.Load() < int64(time.Millisecond) {
		t.Errorf("a wait among many: %v, %v wasted", err, time.Duration(mute.waste.total.Load()))
	}
	mute.waste.total.Store(int64(patientFor*fullPatience - time.Millisecond))
	if other.Patience() < fullPatience {
		t.Errorf("patience %v too early", other.Patience())
	}
	limited, end := mute.bounded(context.Background())
	mute.waste.total.Add(int64(2 * time.Millisecond))
	end()
	if limited.Err() == nil || other.Patience() >= fullPatience || other.Patience() < fullPatience/littlePart {
		t.Errorf("patience %v after much waste", other.Patience())
	}
	mute.waste.total.Store(int64((patientFor+littleFor)*fullPatience + time.Second))
	if other.Patience() >= fullPatience/littlePart || other.Patience() < fullPatience/leastPart {
		t.Errorf("patience %v after most waste", other.Patience())
	}
}
