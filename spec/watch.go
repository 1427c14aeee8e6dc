package spec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

// comeback is how long a target that somebody else runs, and starts again when it dies, may take for that.
const comeback = 2 * time.Second

// watchTarget looks whether the target still lives after a spec that failed or saw it close a connection.
//
// A target whose process is seen to exit, or that goes away twice when the same spec runs, has failed that spec. One that
// goes away once is lost with nothing to blame. Ginkgo runs each spec that fails a second time: only those of a target
// that came back do anything then, the others fail again at once, with what they said before.
func (s *Suite) watchTarget(ctx SpecContext) {
	first := !s.again
	s.again = false
	if first && CurrentSpecReport().NumAttempts > 1 || s.now.status != "" || s.lost != "" {
		return
	}
	if CurrentSpecReport().State.Is(types.SpecStateFailureStates) {
		s.now.verdict = CurrentSpecReport()
	}
	if s.ending.Load() || first && !CurrentSpecReport().Failed() && !s.now.sawClose() {
		return
	}
	switch err := s.gone(ctx); {
	case s.ctx.Err() != nil:
	case err == nil && first:
	case err == nil:
		s.lose("the target went away while %s was in flight, and came back; when that ran again, it stayed", s.now.entry.ID)
	case s.target.Launched():
		s.exited(ctx, err)
	case !first:
		s.lost = fmt.Sprintf("the target went away twice while %s was in flight: %v", s.now.entry.ID, err) + s.lastSent()
		s.die(err.Error() + ", and it went away again when this ran a second time")
	case s.comesBack():
		s.again = true
		Fail("the target went away and came back: this runs again, to see whether it is the reason")
	default:
		s.lose("the target went away while %s was in flight: %v", s.now.entry.ID, err)
	}
}

// exited judges a target that we started and that is gone, and starts it again.
func (s *Suite) exited(ctx context.Context, err error) {
	how := err.Error()
	if exit := s.target.Exited(); exit != nil {
		how = exit.State + "\n" + exit.Tail
	}
	if s.hangs++; s.target.Exited() == nil && s.hangs > 2 {
		s.lose("the target has stopped answering for the third time, while %s was in flight: %v", s.now.entry.ID, err)
	}
	if err := s.target.Restart(ctx); err != nil {
		s.lost = fmt.Sprintf("the target ended (%s) and did not start again: %v", how, err)
	}
	s.die(how)
}

// die fails the spec by the target's end.
func (s *Suite) die(how string) {
	s.now.death = how
	Fail("the target's process ended: " + how)
}

// lose ends the spec, and those that follow on this site, without a judgement.
func (s *Suite) lose(format string, args ...any) {
	s.lost = fmt.Sprintf(format, args...) + s.lastSent()
	s.end(report.NotTested, report.Interrupted)
}

// lastSent names the last bytes that the spec's peers wrote: the last one is often no more than a PING that looks whether
// the target still answers.
func (s *Suite) lastSent() string {
	const writes, most = 3, 120
	var last []string
	for _, e := range s.transcript() {
		if e.Dir == ">" {
			last = append(last, e.Bytes[:min(len(e.Bytes), most)])
		}
	}
	if len(last) == 0 {
		return ""
	}
	return "; last sent: " + strings.Join(last[max(0, len(last)-writes):], " ")
}

// gone tells why the target is of no use any more: no connection, no INFO, or no PONG to a peer although it took one in
// before; nil: it lives.
func (s *Suite) gone(ctx context.Context) error {
	err := s.alive(ctx)
	if err != nil && s.target.Exited() == nil {
		err = s.alive(ctx) // a machine under load may be slow once
	}
	if err != nil || !s.known.answers || !CurrentSpecReport().Failed() {
		return err
	}
	for try := 1; ; try++ {
		p, err := s.target.Join(ctx, "watch")
		if err == nil {
			p.Leave()
			return nil
		}
		var closed *harness.ClosedError
		if try == 2 && !errors.As(err, &closed) {
			return fmt.Errorf("it answers no peer any more: %w", err)
		}
		if try == 2 {
			return nil // it says no, but it speaks: what it says is for the specs to judge
		}
	}
}

func (s *Suite) alive(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.target.Patience())
	defer cancel()
	return s.target.Alive(limited)
}

// comesBack waits for a target that somebody else runs to be there again.
func (s *Suite) comesBack() bool {
	limited, cancel := context.WithTimeout(s.ctx, comeback)
	defer cancel()
	pace := time.NewTicker(comeback / 20)
	defer pace.Stop()
	for {
		if s.target.Alive(limited) == nil {
			return true
		}
		select {
		case <-pace.C:
		case <-limited.Done():
			return false
		}
	}
}

func (c *current) sawClose() bool {
	for _, p := range c.peers {
		if p.Ended() {
			return true
		}
	}
	return false
}
