package fuzz

import (
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// Every input that a server was once found not to survive is played to the reference in every dialect: the model holds, and the first
// connection ends as the note says.
func TestRegressions(t *testing.T) {
	all, err := corpus.Regressions()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		for _, d := range wire.Dialects() {
			t.Run(r.Bucket+"/"+d.Name, func(t *testing.T) {
				s := startSession(route.Config{Dialect: d, PoolSize: -1})
				if err := s.seq.UnmarshalText(r.Sequence); err != nil {
					t.Fatal(err)
				}
				for conn := range s.seq.Conns() {
					if err := gen.CheckLoopback(s.seq.Append(nil, conn, &s.env)); err != nil {
						t.Error(err)
					}
				}
				if got, want := playVerdict(t, s), r.Verdict(d.Name); got != want {
					t.Errorf("%s, want %s\n%s", got, want, s.seq)
				}
			})
		}
	}
}

// playVerdict plays a session and says what became of connection 0.
func playVerdict(t *testing.T, s *session) string {
	t.Helper()
	verdict := "open"
	for i := range s.seq.Steps {
		step := &s.seq.Steps[i]
		if verdict != "open" && step.Conn == 0 {
			break // what follows would open another connection
		}
		if err := s.play(step); err != nil {
			t.Fatal(err)
		}
		if step.Conn != 0 || !s.got.closed {
			continue
		}
		verdict = "close"
		for _, m := range s.got.sends {
			if m.kind == wire.Err {
				verdict = "error"
			}
		}
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	return verdict
}
