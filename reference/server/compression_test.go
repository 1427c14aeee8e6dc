package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/reference/server"
)

// TestCompression checks the traffic of two members, whatever each of them says of compression.
func TestCompression(t *testing.T) {
	modes := []string{"off", "accept", "s2_auto", "s2_uncompressed", "s2_fast", "s2_better", "s2_best"}
	for i, ours := range modes {
		theirs := modes[(i*3+1)%len(modes)] // each mode meets another one, on either side
		t.Run(ours+" dialled by "+theirs, func(t *testing.T) {
			a := start(t, server.Config{Cluster: "C", Seed: 1, Compression: ours})
			b := start(t, server.Config{Cluster: "C", Seed: 2, Compression: theirs, Routes: []string{"nats-route://" + a.RouteAddr()}})
			ca, cb := connect(t, a.ClientURL()), connect(t, b.ClientURL())
			fence(t, ca, cb)
			fence(t, cb, ca)
			t.Run("to the dialler", func(t *testing.T) { checkTraffic(t, ca, cb, true) })
			t.Run("to the dialled", func(t *testing.T) { checkTraffic(t, cb, ca, true) })
		})
	}
}

// TestEverythingTogether checks TLS, a pool, the connection of an account and compression at one time.
func TestEverythingTogether(t *testing.T) {
	_, _, ca, cb := join(t, server.Config{
		RouteTLS: newAuthority(t).config(t), PoolSize: 5, PinnedAccounts: []string{"$G"}, Compression: "s2_better",
	})
	checkTraffic(t, ca, cb, true)
	checkTraffic(t, cb, ca, true)
}

// TestCompressionWithRealServer checks each side's wish for S2, and the level that comes of it.
func TestCompressionWithRealServer(t *testing.T) {
	for _, c := range []struct{ ours, theirs, want string }{
		{"s2_fast", "accept", "s2_fast"},
		{"accept", "s2_better", "s2_better"},
		{"s2_best", "s2_fast", "s2_fast"},
		{"s2_auto", "s2_auto", "s2_"}, // the level is the load's
		{"off", "s2_fast", "off"},
	} {
		t.Run(fmt.Sprintf("%s here, %s there", c.ours, c.theirs), func(t *testing.T) {
			testFeature(t, feature{
				plain:   true,
				cluster: "pool_size: -1\n  compression: " + c.theirs, routes: map[string]int{"": 1}, compression: c.want,
				config: func(cfg *server.Config) { cfg.PoolSize, cfg.Compression = -1, c.ours },
			}, withPools...)
		})
	}
}

// TestEverythingWithRealServer checks TLS, a pool, the connection of an account and compression at one time.
func TestEverythingWithRealServer(t *testing.T) {
	testFeature(t, feature{
		cluster: fmt.Sprintf("pool_size: 3\n  accounts: [ %q ]\n  compression: s2_fast", launchedAccount),
		config: func(c *server.Config) {
			c.PoolSize, c.PinnedAccounts, c.Compression = 3, []string{launchedAccount}, "s2_fast"
		},
		routes: map[string]int{"": 3, "$SYS": 1, launchedAccount: 1}, compression: "s2_fast",
	}, withPools...)
}

// TestCompressedRouteEnds checks that the end of a compressed route is seen as one, not as a broken stream.
func TestCompressedRouteEnds(t *testing.T) {
	lines := make(chan string, 10000)
	a := start(t, server.Config{Cluster: "C", Compression: "s2_fast", PoolSize: -1})
	b := start(t, server.Config{
		Cluster: "C", Compression: "s2_fast", PoolSize: -1, Routes: []string{"nats-route://" + a.RouteAddr()}, Log: func(line string) { lines <- line },
	})
	fence(t, connect(t, a.ClientURL()), connect(t, b.ClientURL()))
	a.Close()
	await(t, lines, func(line string) bool {
		if strings.Contains(line, "S2 stream") {
			t.Error(line)
		}
		return strings.Contains(line, "Router connection closed")
	})
}
