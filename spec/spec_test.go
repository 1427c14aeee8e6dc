package spec

import (
	"context"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

var (
	targetFlag  = flag.String("target", "", "command to launch, nats-server@VERSION or host:port of a route port; empty: the embedded reference")
	clientFlag  = flag.String("client", "", "client URL, with a host:port target")
	dialectFlag = flag.String("dialect", "", "the generation that the embedded reference plays; empty: the newest")
	onlyFlag    = flag.String("only", "", "requirement or result ids, comma separated")
	chapterFlag = flag.String("chapter", "", "chapters, comma separated")
)

// TestCertify runs the whole suite once, on the embedded reference if no flag says otherwise.
func TestCertify(t *testing.T) {
	ctx := context.Background()
	target, err := openTarget(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	c, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[report.Status]int{}
	_, err = Run(ctx, Options{
		Target: target, Launch: *targetFlag, Corpus: c, Profile: "auto", Seed: 1, Nonce: "test",
		Setups: setups(), Open: openSetup,
		Select: Selection{Only: list(*onlyFlag), Chapters: list(*chapterFlag)},
		Each: func(r report.Result) {
			counts[r.Status]++
			switch r.Status {
			case report.Warn: // a SHOULD, which may be about time
				t.Logf("warn %s: %+v", r.ID, *r.Failure)
			case report.Fail, report.HarnessError, report.Disputed:
				t.Errorf("%s %s: %s\n%+v", r.Status, r.ID, r.Title, *r.Failure)
				for _, e := range r.Transcript {
					if len(e.Bytes) > 300 {
						e.Bytes = e.Bytes[:300] + "…"
					}
					t.Logf("%8.1f %s %s %s", e.MS, e.Conn, e.Dir, e.Bytes)
				}
			case report.NotTested, report.NotApplicable, report.Observed:
				if testing.Verbose() && r.Reason != report.Filtered {
					t.Logf("%s %s: %s%s", r.Status, r.ID, r.Reason, r.Value)
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(counts)
}

func openTarget(ctx context.Context) (*harness.Target, error) {
	switch {
	case *targetFlag == "":
		return openSetup(ctx, harness.Setup{})
	case launched():
		return openSetup(ctx, harness.Setup{})
	}
	return harness.External(harness.Means{Route: *targetFlag, Client: *clientFlag})
}

func launched() bool { return strings.Contains(*targetFlag, "@") || strings.Contains(*targetFlag, " ") }

// setups are all that the target can be started with.
func setups() []harness.Setup {
	switch {
	case *targetFlag == "":
		return harness.Setups()
	case launched():
		return slices.DeleteFunc(harness.Setups(), func(s harness.Setup) bool { return !harness.CanSetUp(*targetFlag, s) })
	}
	return nil
}

func openSetup(ctx context.Context, s harness.Setup) (*harness.Target, error) {
	if *targetFlag == "" {
		return harness.Embed(ctx, harness.EmbedConfig{Dialect: *dialectFlag, Setup: s})
	}
	return harness.Launch(ctx, harness.LaunchConfig{Command: *targetFlag, Setup: s})
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
