package spec

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// Site is one server under test in one setup, with what is known of it. The first is the operator's target; the others
// are started when the first spec or future needs them. Its exported methods are for specs and futures alike, once it is
// open.
type Site struct {
	o       *Options
	profile *corpus.Profile // nil on the first site until it has chosen
	setup   harness.Setup

	opening sync.Once
	target  *harness.Target
	known   knowledge
	fault   error // why it could not be opened

	strangers atomic.Int64 // servers that futures have told the target about
	ending    atomic.Bool  // it was told to end: that it goes away is no death

	// Only the goroutine of the specs uses these.
	shared   *harness.Client // the witness, opened by the first spec that needs it
	apart    map[string]bool // accounts with a connection of their own, as found out
	services int             // of Means.Imports that specs have taken
	told     bool            // it stands in the report
	hangs    int             // how often it was found not to answer any more
	lost     string          // what was seen when it went away for good; empty: it is there
}

// Key names the site in results.
func (s *Site) Key() string { return s.setup.Name }

// Target is the server under test.
func (s *Site) Target() *harness.Target { return s.target }

// Info is the target's INFO as the first look read it.
func (s *Site) Info() *wire.InfoBody { return s.known.info }

// Dialect is the server generation whose rules the target is held to.
func (s *Site) Dialect() wire.Dialect { return s.known.dialect }

// Account is the account that Client belongs to, as the target names it on routes.
func (s *Site) Account() string { return s.known.account }

// Settings of the target, where the operator knows them.
func (s *Site) Settings() harness.Settings { return s.target.Settings }

// Patience is how long a healthy target may take for what it does by itself.
func (s *Site) Patience() time.Duration { return s.target.Patience() }

// Order tells the target to end, in one way or another. Rows of a site whose target was told so are judged by what was seen
// then.
func (s *Site) Order(ctx context.Context, o harness.Order) error {
	s.ending.Store(true)
	return s.target.Order(ctx, o)
}

// Restart starts a target that has ended again.
func (s *Site) Restart(ctx context.Context) error {
	err := s.target.Restart(ctx)
	if err == nil {
		s.ending.Store(false)
	}
	return err
}

// open starts the site's server, unless it is there, and looks at it. The error is the same each time.
func (s *Site) open(ctx context.Context) error {
	s.opening.Do(func() {
		if s.target == nil {
			if s.target, s.fault = s.o.Open(ctx, s.setup); s.fault != nil {
				return
			}
			s.target.SetNonce(s.o.Nonce)
			s.target.ShareImpatience(s.o.Target)
		}
		s.fault = s.probe(ctx)
	})
	return s.fault
}

// firstSite is the operator's target.
func firstSite(o *Options) *Site {
	return &Site{o: o, target: o.Target, setup: harness.Setup{Name: harness.SetupPlain}}
}

// furtherSites are the setups that the run may start servers for.
func furtherSites(o *Options, profile *corpus.Profile) []*Site {
	var sites []*Site
	for _, setup := range o.Setups {
		if setup.Name != harness.SetupPlain {
			sites = append(sites, &Site{o: o, setup: setup, profile: profile})
		}
	}
	return sites
}

// siteFor is where a spec runs: the first site that meets all it needs. Where none does it is the first of all, whose
// means tell what is missing.
func (s *Suite) siteFor(e CatalogEntry) *Site {
	first := s.sites[0]
	if !slices.ContainsFunc(e.needs, func(need string) bool { return first.unmet(s.ctx, need) != "" }) {
		return first
	}
	for _, site := range s.sites[1:] {
		if site.setup.MeetsAll(e.needs) {
			return site
		}
	}
	return first
}

// closeSites ends the servers that the run has started, side by side: each may take a while.
func (s *Suite) closeSites() {
	var ending sync.WaitGroup
	for _, site := range s.sites {
		if site.shared != nil {
			site.shared.Close()
		}
		if site != s.sites[0] && site.target != nil {
			ending.Go(func() { _ = site.target.Close() })
		}
	}
	ending.Wait()
}
