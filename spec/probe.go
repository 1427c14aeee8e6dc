package spec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// knowledge is what is known of the target before the first spec: read from its INFO, or probed once.
type knowledge struct {
	info       *wire.InfoBody
	profile    corpus.Profile
	dialect    wire.Dialect
	branches   map[string]string
	offers     map[string]bool
	account    string // of Means.Client's clients, as routes name it
	registers  bool   // accepts a plain peer
	answers    bool   // answers PING
	unreadable bool   // what it says is no operation
	clientFail string // why there is no client, although a URL was given
	clustered  bool   // other members of its cluster were seen
}

// Branches: what healthy servers do differently without announcing it.
const (
	branchConnectFirst = "connect_first" // "true": another first op than CONNECT is refused; "false"
	branchLineLimit    = "line_limit"    // "4096", "65536" or "none": the longest argument text accepted on a route
	branchClusterName  = "cluster_name"  // "static", "dynamic" (generated, can change) or "none" (not announced)
	branchPoolSizes    = "pool_sizes"    // "same": a peer's pool has to have the target's size; "any"; unset: no pools
)

// defaultAccount is where clients are that belong to no other account (every nats-server).
const defaultAccount = "$G"

// probe looks at the target before the first spec.
func (s *Site) probe(ctx context.Context) error {
	info, err := s.target.Look(ctx)
	if err != nil {
		return err
	}
	k := &s.known
	k.info, k.account = info, defaultAccount
	k.offers = offers(info, &s.target.Means)
	k.offers["auth"] = k.offers["auth"] || s.setup.Auth
	k.offers["permissions"] = k.offers["permissions"] || s.setup.Permissions
	if s.setup.NoPool { // it was told to have none, so it knows them
		k.offers["pooling"], k.offers["pinned"] = true, true
	}
	k.branches = map[string]string{branchClusterName: clusterNaming(info)}
	s.probeRegistration(ctx)
	if k.answers {
		k.branches[branchConnectFirst] = s.probeConnectFirst(ctx)
		k.branches[branchLineLimit] = s.probeLineLimit(ctx)
		if info.RoutePoolSize > 0 {
			k.branches[branchPoolSizes] = s.probePoolSizes(ctx)
		}
		s.probeAccount(ctx)
	}
	if s.profile != nil {
		k.profile = *s.profile
	} else if k.profile, err = s.chooseProfile(); err != nil {
		return err
	}
	k.dialect, err = wire.DialectByName(k.profile.Name)
	return err
}

// offers reads the capabilities from INFO. What is always there, or shows only by its effect, is true.
func offers(info *wire.InfoBody, m *harness.Means) map[string]bool {
	return map[string]bool{
		"core": true, "gossip": true, "dialling": true, "keepalive": true, "lameduck": true, "slow": true,
		"accounts":    true,
		"imports":     true,
		"reload":      true,
		"headers":     info.Headers,
		"auth":        info.AuthRequired,
		"tls":         info.TLSRequired || m.TLS != nil,
		"pooling":     info.RoutePoolSize > 0,
		"pinned":      info.RoutePoolSize > 0,
		"compression": info.Compression != "" && info.Compression != modeNone,
		"leaf":        info.LNOC,
		"permissions": info.Import != nil || info.Export != nil,
	}
}

func clusterNaming(info *wire.InfoBody) string {
	switch {
	case info.Cluster == "":
		return "none"
	case info.ClusterDynamic:
		return "dynamic"
	}
	return "static"
}

// probeRegistration finds out whether the target takes a plain peer and answers its PING: all but a few specs rest on it.
func (s *Site) probeRegistration(ctx context.Context) {
	p, err := s.target.Dial(ctx, "probe")
	if err != nil {
		return
	}
	defer p.Leave()
	err = p.Register(ctx)
	var closed *harness.ClosedError
	var unreadable *harness.MalformedError
	s.known.answers, s.known.unreadable = err == nil, errors.As(err, &unreadable)
	s.known.registers = !errors.As(err, &closed)
}

// refusesUs tells whether the target wants credentials and does not take ours: that is no fault of its own.
func (s *Site) refusesUs() bool { return !s.known.registers && s.known.info.AuthRequired }

// probeConnectFirst sends PING before CONNECT. With credentials configured every server wants CONNECT first, so that
// the answer means something only without.
func (s *Site) probeConnectFirst(ctx context.Context) string {
	p, err := s.target.Dial(ctx, "probe")
	if err != nil {
		return "true"
	}
	defer p.Leave()
	if p.Fence(ctx) == nil {
		return "false"
	}
	return "true"
}

// probeLineLimit sends RS- lines, which no server keeps, longer than the limits known (2.1.2: 4096 bytes, counted only
// over what a read leaves over, so that 20,000 are sure to be too many; 2.12.15: 65536; 2.5.0 to 2.12.1: none).
func (s *Site) probeLineLimit(ctx context.Context) string {
	for _, probe := range []struct {
		length int
		limit  string
	}{{20_000, "4096"}, {70_000, "65536"}} {
		if !s.takesLine(ctx, probe.length) {
			return probe.limit
		}
	}
	return "none"
}

func (s *Site) takesLine(ctx context.Context, length int) bool {
	p, err := s.target.Dial(ctx, "probe")
	if err != nil {
		return false
	}
	defer p.Leave()
	if p.Register(ctx) != nil {
		return false
	}
	line := append([]byte("RS- $G "), bytes.Repeat([]byte("a"), length-len("$G "))...)
	_ = p.SendRaw(append(line, "\r\n"...), 0)
	return p.Fence(ctx) == nil
}

// probePoolSizes shows a larger pool than the target's.
func (s *Site) probePoolSizes(ctx context.Context) string {
	p, err := s.target.Join(ctx, "probe", harness.Pooled(s.known.info.RoutePoolSize+1, 0))
	if err != nil {
		return "same"
	}
	p.Leave()
	return "any"
}

// probeAccount learns the name that routes give to the account of our client.
func (s *Site) probeAccount(ctx context.Context) {
	if s.target.Client == "" {
		return
	}
	account, err := s.accountOfClient(ctx)
	var unreadable *harness.MalformedError
	switch {
	case err == nil:
		s.known.account = account
	case !errors.As(err, &unreadable): // what a target says that cannot be read is its fault, and the specs': its client port is there
		s.known.clientFail = err.Error()
	}
}

// accountOfClient subscribes as a client and reads the account off the RS+ that a peer gets.
func (s *Site) accountOfClient(ctx context.Context) (string, error) {
	p, err := s.target.Join(ctx, "probe")
	if err != nil {
		return "", err
	}
	defer p.Leave()
	c, err := s.target.ConnectClient(ctx, "")
	if err != nil {
		return "", err
	}
	defer c.Close()
	subject := "nr" + s.o.Nonce + ".probe.import.account" // harness.SetupPermissions let it pass
	if _, err := c.Subscribe(subject); err != nil {
		return "", err
	}
	s.known.clustered = s.hasCompany(c)
	if err := c.Fence(ctx); err != nil {
		return "", err
	}
	seen, err := p.Await(ctx, func(seen harness.Seen) bool {
		return seen.Op.Kind == wire.Sub && string(seen.Op.Subject) == subject
	})
	if err != nil {
		return "", fmt.Errorf("no RS+ for the client's subscription: %w", err)
	}
	return string(seen.Op.Account), nil
}

// hasCompany tells whether the target is in a cluster already: clients are told where to connect to instead, which the
// target's INFO to routes leaves to the others to say of themselves.
func (s *Site) hasCompany(c *harness.Client) bool {
	told, own := c.Infos(), s.known.info.ConnectURLs
	if len(told) == 0 || len(own) == 0 {
		return false // it does not advertise: nothing shows
	}
	return slices.ContainsFunc(told[0].ConnectURLs, func(url string) bool { return !slices.Contains(own, url) })
}

// blurred tells whether other members of a cluster blur a row: they dial where the target was told to dial, and their names
// and routes decide with it.
func blurred(row *corpus.Requirement) bool {
	return slices.ContainsFunc([]string{"listener", "route", "dynamic-name"}, func(need string) bool { return slices.Contains(row.Needs, need) })
}

// chooseProfile takes the profile named, or the one that the announced capabilities and the probes point to. The text
// of `version` counts only for a nats-server that we launched ourselves.
func (s *Site) chooseProfile() (corpus.Profile, error) {
	name := s.o.Profile
	if name == "" || name == "auto" {
		name = s.autoProfile()
	}
	return s.o.Corpus.Profile(name)
}

func (s *Site) autoProfile() string {
	info := s.known.info
	switch {
	case info.LN:
		return "srv-2.15"
	case info.RoutePoolSize > 0 || info.LNOCU || info.Compression != "":
		if s.known.branches[branchConnectFirst] == "true" && !info.AuthRequired || s.known.branches[branchLineLimit] == "65536" {
			return "srv-2.12.15"
		}
		return "srv-2.10"
	case info.Headers:
		return "srv-2.5"
	case strings.HasPrefix(s.o.Launch, "nats-server@v2.1."):
		return "srv-2.1"
	}
	return "doc-2.0"
}

// wanted tells whether a spec is to be judged at all, wherever it runs: an empty status says yes.
func (s *Suite) wanted(e CatalogEntry) (status report.Status, reason string) {
	row, first := s.row(e.Requirements[0]), s.sites[0]
	switch {
	case !s.o.Select.selects(e, row):
		return report.NotTested, report.Filtered
	case first.lost != "" || s.ctx.Err() != nil:
		return report.NotTested, report.Interrupted
	case !first.known.profile.Has(row.ID):
		return report.NotApplicable, "not in profile " + first.known.profile.Name
	}
	return "", ""
}

// standing tells whether a spec can be judged on this target: an empty status says yes.
func (s *Site) standing(ctx context.Context, e CatalogEntry, row corpus.Requirement) (status report.Status, reason string) {
	switch {
	case s.lost != "":
		return report.NotTested, report.Interrupted
	case !s.known.offers[row.Capability]:
		return report.NotApplicable, "the target does not offer " + row.Capability
	case !s.onBranch(row.Branch):
		return report.NotApplicable, "the target is not on branch " + row.Branch
	}
	if s.known.clustered && blurred(&row) {
		return report.NotTested, report.InACluster
	}
	for _, need := range e.needs {
		if reason := s.unmet(ctx, need); reason != "" {
			return report.NotTested, reason
		}
	}
	switch {
	case !s.known.registers && !slices.Contains(e.without, "registration"):
		return report.NotTested, report.NeedsRegistration
	case s.known.unreadable && slices.Contains(e.without, "grammar"): // that is what it is about
	case !s.known.answers && !slices.Contains(e.without, "pong"):
		return report.NotTested, report.NeedsPong
	}
	return "", ""
}

// onBranch tells whether the target is on the branch "name=value", or "name=value|value".
func (s *Site) onBranch(branch string) bool {
	if branch == "" {
		return true
	}
	name, values, _ := strings.Cut(branch, "=")
	return slices.Contains(strings.Split(values, "|"), s.known.branches[name])
}

// unmet returns the reason word if the target, or the operator, does not give what the need names.
func (s *Site) unmet(ctx context.Context, need string) string {
	t := s.target
	if slices.Contains(s.setup.Meets, need) {
		return ""
	}
	have := map[string]bool{
		"client":      t.Client != "" && s.known.clientFail == "",
		"accounts":    t.Client != "" && len(t.Accounts) >= 2,
		"auth":        t.User != "",
		"odd-auth":    harness.Credentials{User: t.User, Password: t.Password}.Odd(),
		"tls":         t.TLS != nil,
		"listener":    t.CanListen(ctx),
		"launch":      t.Launched(),
		"settings":    t.Settings.PingInterval > 0,
		"second-peer": true,
		"disruptive":  s.o.Disruptive,
		"pinned":      t.Pinned != "",
		"permissions": t.Permissions != nil,
		"imports":     t.Imports != nil,
		"leafnode":    t.Leafnode != "",
		"route":       t.RouteListener() != nil,
		"deadline":    t.Settings.WriteDeadline > 0,
		// What a server can only be set up for, as one started for it is: a running one tells these by its INFO, or not at all.
		"dynamic-name": s.known.info != nil && s.known.info.ClusterDynamic,
		"advertise":    s.known.info != nil && s.known.info.IP != "",
		"no-pool":      s.known.info != nil && s.known.info.RoutePoolSize == 0,
		"reload":       false,
		"lameduck":     false,
		"shutdown":     false,
	}
	mode, isMode := strings.CutPrefix(need, "mode-")
	switch met, known := have[need]; {
	case met, isMode && s.known.info != nil && s.known.info.Compression == mode:
		return ""
	case !known && !isMode:
		panic("spec: the register needs " + need + ", which the suite does not know")
	case need == "disruptive":
		return report.IsDisruptive
	}
	return "needs-" + need
}
