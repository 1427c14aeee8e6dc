package live

import "testing"

// A line without an end swallows the first PING: a second one is the barrier.
func TestBarrierBehindAnOpenLine(t *testing.T) {
	for said, want := range map[string]string{"": "PING\r\n", "PONG\r\n": "PONG\r\nPING\r\n", "+OK": "+OKPING\r\nPING\r\n"} {
		if got := string(barrier([]byte(said))); got != want {
			t.Errorf("behind %q: %q, want %q", said, got, want)
		}
	}
}
