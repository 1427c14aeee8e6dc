package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/fuzz/overnight"
)

// The reference is always fuzzed, then what the flags name. Secrets are in no argument, and no turn takes its server from the
// environment.
func TestLiveTargetsOfANight(t *testing.T) {
	c := &fuzzCommand{Out: "out", Seed: 7, Workers: 1}
	c.Launch, c.User, c.Password = "nats-server@v2.1.2", "u", "s3cret99"
	c.Against = []string{"nats-server@v2.15.2", "./my server -c {{.ClientPort}}"}
	targets, err := c.liveTargets()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, target := range targets {
		l := target.(*overnight.Live)
		names = append(names, l.Name())
		if strings.Contains(strings.Join(l.Args, " "), "s3cret99") || !slices.Contains(l.Env, "NATSROUTE_PASSWORD=s3cret99") {
			t.Errorf("%s: the password is not where it belongs: %v", l.Name(), l.Args)
		}
		if !slices.Contains(l.Env, "NATSROUTE_SERVER=") || !slices.Contains(l.Args, "--workers") {
			t.Errorf("%s: %v %v", l.Name(), l.Args, l.Env)
		}
	}
	want := []string{"live-reference", "live-launched", "live-against-1-nats-server-v2.15.2", "live-against-2-my"}
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if reference := targets[0].(*overnight.Live); slices.Contains(reference.Args, "--launch") || slices.Contains(reference.Args, "--server") {
		t.Errorf("the reference is fuzzed with %v", reference.Args)
	}
}

func TestRunningServerOfANight(t *testing.T) {
	c := &fuzzCommand{Out: "out"}
	c.Server, c.Client, c.Dialect, c.OwnTarget = "127.0.0.1:6222", "nats://127.0.0.1:4222", "srv-2.10", true
	targets, err := c.liveTargets()
	if err != nil || len(targets) != 2 {
		t.Fatalf("%v %v", targets, err)
	}
	got := strings.Join(targets[1].(*overnight.Live).Args, " ")
	if want := "--server 127.0.0.1:6222 --dialect srv-2.10 --client nats://127.0.0.1:4222 --i-own-this-target --quiet"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
