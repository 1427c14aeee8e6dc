package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// header is the run in two lines, the tool and the target, and what the target says of itself; then the warnings.
func header(r *Report) []string {
	target := Target{}
	if len(r.Targets) > 0 {
		target = r.Targets[0]
	}
	first := fmt.Sprintf("natsroute %s · profile %s · target %s", r.Tool.Version, r.Profile.Name, target.Server)
	if target.Launch != "" {
		first += " · launched " + target.Launch
	}
	lines := []string{first}
	if said := selfPortrait(target, r.Profile.Branches); said != "" {
		lines = append(lines, said)
	}
	for _, w := range r.Warnings {
		lines = append(lines, "warning: "+w)
	}
	return lines
}

// selfPortrait reads from INFO what decides which rows apply, and from the probes what INFO does not say.
func selfPortrait(target Target, branches map[string]string) string {
	var info struct {
		Version     string `json:"version"`
		Proto       int    `json:"proto"`
		Headers     bool   `json:"headers"`
		Pool        int    `json:"route_pool_size"`
		Compression string `json:"compression"`
		LNOC        bool   `json:"lnoc"`
		LNOCU       bool   `json:"lnocu"`
		LN          bool   `json:"ln"`
		Auth        bool   `json:"auth_required"`
	}
	// A foreign server's members may have other types: what cannot be read is not told.
	if err := json.Unmarshal(target.Info, &info); err != nil {
		return ""
	}
	var offers []string
	for _, o := range []struct {
		has  bool
		what string
	}{
		{info.Headers, "headers"},
		{info.Pool > 0, fmt.Sprintf("pool=%d", info.Pool)},
		{compresses(info.Compression), "s2(" + strings.TrimPrefix(info.Compression, "s2_") + ")"},
		{info.LNOC, "lnoc"},
		{info.LNOCU, "lnocu"},
		{info.LN, "ln"},
	} {
		if o.has {
			offers = append(offers, o.what)
		}
	}
	who := "says version " + orNone(info.Version) // on a foreign server the text means nothing
	if strings.HasPrefix(target.Launch, "nats-server@") {
		who = "nats-server " + orNone(info.Version)
	}
	facts := []string{who, fmt.Sprintf("proto %d", info.Proto), "offers: " + orNone(strings.Join(offers, " "))}
	if needs := needsOf(info.Auth, branches); needs != "" {
		facts = append(facts, needs)
	}
	return strings.Join(facts, " · ")
}

// compresses tells whether a mode of compression in INFO lets a connection be compressed.
func compresses(mode string) bool { return mode != "" && mode != "off" && mode != "not supported" }

func needsOf(auth bool, branches map[string]string) string {
	var needs []string
	if auth {
		needs = append(needs, "credentials")
	}
	if branches["connect_first"] == "true" {
		needs = append(needs, "CONNECT first")
	}
	if limit := branches["line_limit"]; limit != "" && limit != "none" {
		needs = append(needs, "lines ≤ "+limit)
	}
	if len(needs) == 0 {
		return ""
	}
	return "needs " + strings.Join(needs, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// remarks are the lines between the failures and the verdict: what is not green although nothing failed, and why.
func remarks(r *Report, j Judgement) []string {
	var lines []string
	if line := setups(r); line != "" {
		lines = append(lines, line)
	}
	if line := untested(r); line != "" {
		lines = append(lines, "not tested: "+line)
	}
	if len(j.Unmet) > 0 {
		var names []string
		for _, name := range j.Unmet {
			names = append(names, fmt.Sprintf("%s (%s)", name, strings.ReplaceAll(orNone(string(r.Capabilities[name])), "_", " ")))
		}
		lines = append(lines, "required and not fully tested: "+strings.Join(names, ", "))
	}
	if len(j.Denied) > 0 {
		lines = append(lines, "the target offers, and kept from being tested: "+strings.Join(j.Denied, ", "))
	}
	if r.TargetLost != "" {
		lines = append(lines, "target lost, the rest was not tested: "+r.TargetLost)
	}
	if r.Interrupted {
		lines = append(lines, "interrupted: the results so far are kept, the rest was not tested")
	}
	return append(lines, coreGaps(r, j)...)
}

// setups names the servers that the run started beside the first one.
func setups(r *Report) string {
	if len(r.Targets) < 2 {
		return ""
	}
	var names []string
	for _, t := range r.Targets[1:] {
		names = append(names, t.Key)
	}
	slices.Sort(names)
	return "also tested, set up in other ways: " + strings.Join(names, ", ")
}

// coreGaps names the rows that keep the verdict from being conforms.
func coreGaps(r *Report, j Judgement) []string {
	if r.Verdict != Incomplete || r.Interrupted || r.Narrowed {
		return nil
	}
	var ids []string
	for _, g := range j.Gaps {
		if g.Capability == core {
			ids = append(ids, g.Requirement)
		}
	}
	const most = 6
	if len(ids) == 0 {
		return nil
	}
	named := strings.Join(ids[:min(most, len(ids))], ", ")
	if len(ids) > most {
		named += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return []string{"incomplete: no judgement on " + named}
}

// untested lists the capabilities of which anything was not tested, how much, and what the operator can give to change
// that. What an end before its time left over is told in a line of its own.
func untested(r *Report) string {
	type want struct {
		n     int
		means []string
	}
	wants := make(map[string]*want)
	for i := range r.Results {
		res := &r.Results[i]
		if res.Status != NotTested || res.Reason == Filtered || res.Reason == Interrupted {
			continue
		}
		w := wants[res.Capability]
		if w == nil {
			w = new(want)
			wants[res.Capability] = w
		}
		w.n++
		if m := means(res.Reason); !slices.Contains(w.means, m) {
			w.means = append(w.means, m)
		}
	}
	var names, parts []string
	for name := range wants {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		slices.Sort(wants[name].means)
		parts = append(parts, fmt.Sprintf("%s %d (%s)", name, wants[name].n, strings.Join(wants[name].means, "; ")))
	}
	return strings.Join(parts, ", ")
}

// means says what would make a row testable.
func means(reason string) string {
	switch reason {
	case NeedsClient:
		return "--client"
	case NeedsAccounts:
		return "--account"
	case NeedsListener:
		return "--listen"
	case NeedsAuth:
		return "--user, --password"
	case "needs-odd-auth":
		return "--user, --password: such as have more than letters and digits"
	case NeedsTLS:
		return "--tlsca, --tlscert, --tlskey"
	case NeedsLaunch:
		return "--launch"
	case NeedsSettings:
		return "--ping-interval, --ping-max, --auth-timeout"
	case NeedsSetup:
		return "a server that starts with the setup: see the warnings"
	case "needs-pinned", "needs-imports", "needs-permissions", "needs-leafnode":
		return "--" + strings.TrimPrefix(reason, "needs-")
	case "needs-route":
		return "--route-to"
	case "needs-deadline":
		return "--write-deadline"
	case "needs-advertise":
		return "a target whose route port is advertised"
	case "needs-no-pool":
		return "a target without route pools"
	case "needs-dynamic-name":
		return "a target without a configured cluster name"
	case "needs-reload":
		return "--launch with {{.ConfigFile}}"
	case "needs-lameduck", "needs-shutdown":
		return "--launch"
	case NeedsRegistration:
		return "the target refuses a plain peer"
	case NeedsPong:
		return "the target answers no PING"
	case IsDisruptive:
		return "--disruptive"
	case InACluster:
		return "a target that is in no cluster"
	}
	if mode, ok := strings.CutPrefix(reason, "needs-mode-"); ok {
		return "a target whose compression is " + mode
	}
	return reason
}
