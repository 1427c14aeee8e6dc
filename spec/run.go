package spec

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/spec/report"
)

// NoMatch says that a selection selects no spec.
type NoMatch struct{ What string }

func (e *NoMatch) Error() string {
	return fmt.Sprintf("no spec matches %s: `natsroute list` shows the requirements, `natsroute show ID` the specs of one", e.What)
}

// selects tells whether the operator wants this spec.
func (sel Selection) selects(e CatalogEntry, row corpus.Requirement) bool {
	named := func(ids []string) bool { return slices.Contains(ids, e.ID) || slices.Contains(ids, row.ID) }
	return (len(sel.Only) == 0 || named(sel.Only)) && !named(sel.Skip) &&
		(len(sel.Chapters) == 0 || slices.Contains(sel.Chapters, row.Chapter)) &&
		(len(sel.Levels) == 0 || slices.Contains(sel.Levels, string(row.Level)))
}

// unmatched returns the first thing named that no spec answers to; empty: all do.
func (sel Selection) unmatched(c *corpus.Corpus, entries []CatalogEntry) string {
	alone := func(one Selection) bool {
		for _, e := range entries {
			row, _ := c.Requirement(e.Requirements[0])
			if one.selects(e, row) {
				return true
			}
		}
		return false
	}
	for _, id := range append(append([]string(nil), sel.Only...), sel.Skip...) {
		if !alone(Selection{Only: []string{id}}) {
			return id
		}
	}
	for _, chapter := range sel.Chapters {
		if !alone(Selection{Chapters: []string{chapter}}) {
			return "chapter " + chapter
		}
	}
	for _, level := range sel.Levels {
		if !alone(Selection{Levels: []string{level}}) {
			return "level " + level
		}
	}
	if !alone(sel) {
		return "the selection"
	}
	return ""
}

// tree is the one tree of specs of this process: Ginkgo keeps it in globals, and registering twice doubles it.
var tree struct {
	once    sync.Once
	suite   *Suite
	entries []CatalogEntry
}

// built builds the tree, once, and lists it.
func built(c *corpus.Corpus) (*Suite, []CatalogEntry) {
	tree.once.Do(func() {
		tree.suite = &Suite{corpus: c}
		register(tree.suite)
		for _, sr := range PreviewSpecs("natsroute").SpecReports {
			if sr.LeafNodeType == types.NodeTypeIt {
				tree.entries = append(tree.entries, entryOf(title(sr), sr.Labels()))
			}
		}
		tree.suite.futures = nil // a run builds the tree anew, futures included
	})
	return tree.suite, tree.entries
}

// Catalog lists every spec of the tree. It runs none.
func Catalog(c *corpus.Corpus) []CatalogEntry {
	_, entries := built(c)
	return append([]CatalogEntry(nil), entries...)
}

// run is Run.
func run(ctx context.Context, o Options) (*report.Report, error) {
	s, entries := built(o.Corpus)
	s.o, s.ctx = o, ctx
	s.sites = []*Site{firstSite(&s.o)}
	s.Site = s.sites[0]
	if what := o.Select.unmatched(o.Corpus, entries); what != "" {
		return nil, &NoMatch{What: what}
	}
	started := time.Now()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	s.sites = append(s.sites, furtherSites(&s.o, &s.known.profile)...)
	s.report = s.newReport(started)
	s.tell(s.Site)
	if o.Begin != nil {
		o.Begin(s.report, len(entries))
	}
	s.runSpecs()
	s.report.DurationMS = time.Since(started).Milliseconds()
	s.report.Interrupted = ctx.Err() != nil || s.interrupted
	s.report.TargetLost = s.sites[0].lost
	return s.report, nil
}

func (s *Suite) newReport(started time.Time) *report.Report {
	return &report.Report{
		Schema:  "natsroute.report/v1",
		Tool:    report.Tool{Name: "natsroute", Version: s.o.Version},
		Profile: report.Profile{Name: s.known.profile.Name, Digest: s.known.profile.Digest(), Branches: s.known.branches},
		Started: started.Format(time.RFC3339),
		Seed:    s.o.Seed, Nonce: s.o.Nonce,
	}
}

// tell puts a site into the report, once.
func (s *Suite) tell(site *Site) {
	if site.told {
		return
	}
	site.told = true
	if site.fault != nil {
		s.report.Warnings = append(s.report.Warnings, fmt.Sprintf("no server with the setup %s: %v", site.Key(), site.fault))
		return
	}
	info, _ := json.Marshal(site.known.info)
	s.report.Targets = append(s.report.Targets, report.Target{
		Key: site.Key(), Server: site.target.Route, Launch: s.o.Launch, Info: info, Offers: site.known.offers,
	})
	if site.known.clustered {
		s.report.Warnings = append(s.report.Warnings, "the target is in a cluster with others: what they blur is not tested; certify a server that is alone")
	}
	if site.known.clientFail != "" {
		s.report.Warnings = append(s.report.Warnings, fmt.Sprintf("the client port of %s cannot be used: %s", site.Key(), site.known.clientFail))
	}
}

// shim is what Ginkgo wants of a *testing.T. Its verdict is not ours: report.Judge reads the results.
type shim struct{}

func (shim) Fail() {}

// runSpecs hands the tree to Ginkgo. Its console report is switched off: results are told through Options.Each.
func (s *Suite) runSpecs() {
	gomega.RegisterFailHandler(Fail)
	defer format.UnregisterCustomFormatter(format.RegisterCustomFormatter(byItsText))
	formatter.ColorableStdOut = io.Discard
	suiteConfig, reporterConfig := GinkgoConfiguration()
	suiteConfig.RandomSeed = s.o.Seed
	suiteConfig.RandomizeAllSpecs = true // without it SpecPriority orders top-level containers only
	suiteConfig.Timeout = 24 * time.Hour // the caller's context ends a run
	suiteConfig.FlakeAttempts = 2        // the second one is for a target that died and came back: see watch.go
	reporterConfig.NoColor = true
	RunSpecs(shim{}, "natsroute", suiteConfig, reporterConfig)
}

// hooks puts the suite's own nodes around all specs.
func (s *Suite) hooks() {
	BeforeEach(s.begin)
	AfterEach(s.watchTarget)
	ReportAfterEach(s.finish)
}

// startFutures starts the futures whose requirement will be judged.
func (s *Suite) startFutures() {
	ctx, cancel := context.WithCancel(s.ctx)
	s.stop = cancel
	for _, f := range s.futures {
		i := slices.IndexFunc(tree.entries, func(e CatalogEntry) bool { return slices.Contains(f.requirements(), e.Requirements[0]) && s.judges(e) })
		if i < 0 {
			continue
		}
		site := s.siteFor(tree.entries[i])
		s.waiting.Go(func() { f.start(ctx, site) })
	}
}

// judges tells whether a spec will be judged, as far as that is known before its site is open.
func (s *Suite) judges(e CatalogEntry) bool {
	status, _ := s.wanted(e)
	if site := s.siteFor(e); status == "" && site == s.sites[0] {
		status, _ = site.standing(s.ctx, e, s.row(e.Requirements[0]))
	}
	return status == ""
}

// stopShared ends what outlives single specs.
func (s *Suite) stopShared() {
	s.stop()
	s.waiting.Wait()
	s.closeSites()
}

// begin gives the spec its own prefix and data, and ends it if it cannot be judged on this target.
func (s *Suite) begin() {
	sr := CurrentSpecReport()
	if sr.NumAttempts > 1 && !s.again {
		Fail(s.now.verdict.Failure.Message)
	}
	s.counter++
	e := entryOf(sr.LeafNodeText, sr.Labels())
	s.Site = s.sites[0]
	s.now = current{
		entry:  e,
		prefix: fmt.Sprintf("nr%s.%d", s.o.Nonce, s.counter),
		rand:   rand.New(rand.NewPCG(uint64(s.o.Seed), hash(e.ID))),
	}
	status, reason := s.wanted(e)
	if status == "" {
		status, reason = s.enter(e)
	}
	if status != "" {
		s.end(status, reason)
	}
	s.now.since = s.target.Since()
}

// enter opens the site where the spec runs, and tells whether the spec can be judged there.
func (s *Suite) enter(e CatalogEntry) (report.Status, string) {
	site := s.siteFor(e)
	err := site.open(s.ctx)
	s.tell(site)
	if err != nil {
		return report.NotTested, report.NeedsSetup
	}
	s.Site = site
	return site.standing(s.ctx, e, s.row(e.Requirements[0]))
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s)
	return h.Sum64()
}

// byItsText leaves out how an error is made inside: its text stands before it in a failure.
func byItsText(value any) (string, bool) {
	_, is := value.(error)
	return "", is
}
