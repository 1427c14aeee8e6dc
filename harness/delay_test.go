package harness

import (
	"testing"
	"time"
)

// TestDelay registers with a server that is far away: each way takes its time, an end passes too, and nothing is left over.
func TestDelay(t *testing.T) {
	const oneWay = 30 * time.Millisecond
	tg := value[*Target](t)(InProcess(""))
	near := tg.Route
	must(t, tg.Delay(oneWay))
	if tg.Route == near {
		t.Fatal("the route port is as near as before")
	}
	p := value[*Peer](t)(tg.Join(deadline(t), "A"))
	began := time.Now()
	must(t, p.Fence(deadline(t)))
	if took := time.Since(began); took < 2*oneWay {
		t.Errorf("PING and PONG took %v", took)
	}
	must(t, p.CloseWrite())
	value[Closing](t)(p.Closed(deadline(t)))
	open := value[*Peer](t)(tg.Dial(deadline(t), "B"))
	must(t, tg.Close())
	if open.Mark() == 0 {
		t.Error("the target's INFO did not come through")
	}
}
