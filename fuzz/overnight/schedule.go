package overnight

import (
	"math"
	"time"
)

// Bounds of a turn. A short one is mostly start-up, a long one keeps the others waiting.
const (
	minTurn = 3 * time.Second
	maxTurn = time.Minute
)

// turnLength lets every target have two turns at least.
func turnLength(whole time.Duration, targets int) time.Duration {
	return min(max(whole/time.Duration(2*max(targets, 1)), minTurn), maxTurn)
}

// choose returns the target that is to have the next turn: the one whose last turn yielded most, but none waits for ever. A
// target without a turn comes before all others.
func choose(targets []Target, state *State) Target {
	var best Target
	most := math.Inf(-1)
	for _, t := range targets {
		if score := state.Targets[t.Name()].score(state.Turns); score > most {
			best, most = t, score
		}
	}
	return best
}

// score grows with the yield of the last turns and with the number of turns that others have had since.
func (s *TargetState) score(turns int) float64 {
	if s == nil || s.Turns == 0 {
		return math.MaxFloat64
	}
	return s.Yield + float64(turns-s.LastTurn)
}

// worth is what a finding counts beside new coverage: much, for where one is there are more.
const worth = 16

// yield of a turn, on a scale on which turns of waiting count one each; each turn halves what earlier ones have left.
func (s *TargetState) noteYield(coverage, findings int) {
	s.Yield = s.Yield/2 + math.Log2(1+float64(max(coverage, 0))+worth*float64(findings))
}
