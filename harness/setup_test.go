package harness

import (
	"slices"
	"testing"
)

// TestSetups wants every setup to have a name of its own, words for an operator, and needs that MeetsAll knows.
func TestSetups(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Setups() {
		if words, ok := s.Words(); !ok || words.What == "" || seen[s.Name] {
			t.Errorf("setup %q: %+v", s.Name, words)
		}
		seen[s.Name] = true
		if !s.MeetsAll(append(slices.Clone(s.Meets), "client", "listener")) {
			t.Errorf("%s does not meet its own needs", s.Name)
		}
		if s.MeetsAll([]string{"tls", "lameduck"}) {
			t.Errorf("%s meets what no server does at once", s.Name)
		}
	}
	for name := range setupWords {
		if _, ok := SetupNamed(name); !ok {
			t.Errorf("words for a setup %q that does not exist", name)
		}
	}
}

// TestCanSetUp: what a command can hand over.
func TestCanSetUp(t *testing.T) {
	for _, c := range []struct {
		command string
		can     []string
	}{
		{"nats-server@v2.15.2", []string{"tls", "auth", "reload", "disposable"}},
		{"srv -c {{.ConfigFile}}", []string{"tls", "auth", "reload", "lameduck"}},
		{"srv {{.RoutePort}}", []string{"disposable", "shutdown"}},
		{"srv {{.RoutePort}} {{.User}} {{.Password}} {{.Routes}}", []string{"disposable", "auth", "route"}},
	} {
		for _, s := range Setups() {
			if slices.Contains(c.can, s.Name) && !CanSetUp(c.command, s) {
				t.Errorf("%s cannot be set up as %s", c.command, s.Name)
			}
		}
	}
	for _, name := range []string{"tls", "auth", "reload", "lameduck", "route", "dynamic", "mode-off"} {
		if s, _ := SetupNamed(name); CanSetUp("srv {{.RoutePort}}", s) {
			t.Errorf("a command that hands over a port alone can be set up as %s", name)
		}
	}
}
