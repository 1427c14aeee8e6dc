package main

import (
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/spec/report"
)

// TestDialects certifies the reference as every server generation that it plays: nothing may be left untested.
func TestDialects(t *testing.T) {
	for _, dialect := range corpus.ProfileNames() {
		t.Run(dialect, func(t *testing.T) {
			got := certify(t, nil, "--dialect", dialect)
			if s := got.report.Summary; got.exit != report.ExitOK || s.NotTested > 0 || s.Warned > 0 && !underRace { // a SHOULD may be about time
				t.Errorf("exit %d, %+v\n%s", got.exit, s, got.text)
			}
		})
	}
}
