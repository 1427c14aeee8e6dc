package live

import (
	"testing"
)

const beside = "nats-server@v2.15.2"

// Servers read a client's operations on a route, and the reference refuses them, which a quirk keeps from being judged: beside a server it is a
// difference, and a replay shows it.
func TestDifferenceFromTheServerBeside(t *testing.T) {
	t.Parallel()
	released(t, beside)
	target := reference(t)
	cfg := Config{Server: target.Route, Client: target.Client, Dialect: "srv-2.15", Beside: beside, Sequences: 20_000}
	f := fuzzUntil(t, cfg, Versions)[Versions]
	if f == nil {
		t.Fatal("no difference was found")
	}
	if f.Beside != beside || f.Messages > 4 {
		t.Errorf("beside %q, %d messages:\n%s", f.Beside, f.Messages, f.Text())
	}
	cfg.Sequences = 0
	replayed, err := Replay(t.Context(), cfg, f, false)
	if err != nil || !replayed.Same {
		t.Errorf("replay says %+v, %v", replayed, err)
	}
}

// A server does not differ from itself.
func TestServerBesideItself(t *testing.T) {
	t.Parallel()
	released(t, beside)
	for kind, f := range fuzzUntil(t, Config{Launch: beside, Beside: beside, Workers: 1, Sequences: 600}, "") {
		t.Errorf("%s: %s\n%s", kind, f.Symptom.Detail, f.Text())
	}
}
