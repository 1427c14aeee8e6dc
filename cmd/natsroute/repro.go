package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/natsroute/natsroute/harness"
)

// repro makes the command that runs one result again. It is kept in reports, so it holds no password, and no path
// of this machine: passwords are named as shell variables that the reader sets, files by their base names.
func (c *certifyCommand) repro(m harness.Means, seed int64) func(id string) string {
	words := append([]string{"natsroute", "certify"}, c.targetWords(m)...)
	if c.Profile != "auto" {
		words = append(words, "--profile", harness.ShellWord(c.Profile))
	}
	if c.Disruptive {
		words = append(words, "--disruptive")
		if c.OwnTarget {
			words = append(words, "--i-own-this-target")
		}
	}
	head := strings.Join(words, " ")
	return func(id string) string {
		return fmt.Sprintf("%s --only %s --seed %d --trace", head, harness.ShellWord(id), seed)
	}
}

func (c *certifyCommand) targetWords(m harness.Means) []string {
	var words []string
	flag := func(name, value string) {
		if value != "" {
			words = append(words, name, value)
		}
	}
	flag("-s", plain(m.Route))
	flag("--client", clientWord(m.Client))
	flag("--launch", plain(c.launchShown()))
	flag("--dialect", plain(c.Dialect))
	flag("--user", plain(m.User))
	if m.Password != "" {
		flag("--password", `"$NATSROUTE_PASSWORD"`)
	}
	for file := range slices.Chunk(c.files(), 2) {
		flag(file[0], plain(baseOf(file[1])))
	}
	var names []string
	for name := range m.Accounts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		flag("--account", harness.ShellWord(name+"="+m.Accounts[name].User+":")+`"$NATSROUTE_PASSWORD_`+variable(name)+`"`)
	}
	if c.PingInterval > 0 {
		flag("--ping-interval", c.PingInterval.String())
	}
	if c.PingMax > 0 {
		flag("--ping-max", fmt.Sprint(c.PingMax))
	}
	if c.AuthTimeout > 0 {
		flag("--auth-timeout", c.AuthTimeout.String())
	}
	flag("--pinned", plain(m.Pinned))
	flag("--leafnode", plain(m.Leafnode))
	flag("--route-to", plain(m.RouteTo))
	if m.Imports != nil {
		flag("--imports", plain(m.Imports.From+":"+m.Imports.To))
	}
	if m.Permissions != nil {
		words = append(words, "--permissions")
	}
	if d := m.Settings.WriteDeadline; d > 0 {
		flag("--write-deadline", d.String())
	}
	if d := m.Settings.TLSTimeout; d > 0 {
		flag("--tls-timeout", d.String())
	}
	flag("--fault", plain(c.Fault))
	if c.Delay > 0 {
		flag("--delay", c.Delay.String())
	}
	if c.Patience > 0 {
		flag("--patience", c.Patience.String())
	}
	flag("--listen", plain(m.Listen))
	flag("--advertise", plain(m.Advertise))
	return words
}

// clientWord is a client URL whose password, or token, is a variable.
func clientWord(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return plain(text)
	}
	before, after := u.Scheme+"://", "@"+u.Host
	if _, both := u.User.Password(); both {
		return harness.ShellWord(before+u.User.Username()+":") + `"$NATS_PASSWORD"` + harness.ShellWord(after)
	}
	return harness.ShellWord(before) + `"$NATS_TOKEN"` + harness.ShellWord(after)
}

// launchShown is the launch command for reports: paths that begin at the root are cut to their last element, because
// they tell about the machine that made the report.
func (c *certifyCommand) launchShown() string {
	fields := strings.Fields(c.Launch)
	changed := false
	for i, f := range fields {
		if filepath.IsAbs(f) {
			fields[i], changed = "…/"+baseOf(f), true
		}
	}
	if !changed {
		return c.Launch
	}
	return strings.Join(fields, " ")
}

// baseOf is a path as a report may show it: relative ones as they are.
func baseOf(path string) string {
	if path == "" || !filepath.IsAbs(path) {
		return path
	}
	return filepath.Base(path)
}

// variable turns an account's name into the tail of a shell variable's.
func variable(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

// plain quotes a word for a POSIX shell where it needs it; empty stays empty.
func plain(word string) string {
	if word == "" {
		return ""
	}
	return harness.ShellWord(word)
}
