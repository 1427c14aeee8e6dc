package route

import (
	"testing"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

func TestAddresses(t *testing.T) {
	for ip, want := range map[string]string{
		"nats-route://127.0.0.1:6222/":          "127.0.0.1:6222",
		"nats-route://127.0.0.1:6222":           "127.0.0.1:6222",
		"nats-route://user:pa@ss@a.example:1/":  "a.example:1",
		"nats://[fd00::3]:6222/":                "[fd00::3]:6222",
		"nats-route://fd00::3:6222/":            "",
		"nats-route://[fd00::3:6222/":           "",
		"nats-route://a.example/":               "",
		"nats-route://a.example:/":              "",
		"nats-route://:6222/":                   "",
		"nats-route://a.example:port/":          "",
		"127.0.0.1:6222":                        "",
		"":                                      "",
		"nats-route://a.example:6222/some/path": "a.example:6222",
	} {
		if got := addressOf(ip); got != want {
			t.Errorf("addressOf(%q) = %q, want %q", ip, got, want)
		}
	}
	for address, want := range map[string][2]string{
		"a.example:6222": {"a.example", "6222"},
		"[fd00::3]:6222": {"fd00::3", "6222"},
		":6222":          {"", "6222"},
		"a.example:":     {"a.example", ""},
		"a.example":      {"", ""},
		"fd00::3":        {"", ""},
	} {
		if host, port := splitHostPort(address); host != want[0] || port != want[1] {
			t.Errorf("splitHostPort(%q) = %q, %q, want %q", address, host, port, want)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := Config{ID: "T", Cluster: "C1", Dialect: wire.Latest()}
	for name, spoil := range map[string]func(*Config){
		"no id":              func(c *Config) { c.ID = "" },
		"no cluster name":    func(c *Config) { c.Cluster = "" },
		"reserved name":      func(c *Config) { c.Cluster = "_" },
		"route without port": func(c *Config) { c.Routes = []Dial{{Address: "a"}} },
		"bad advertise":      func(c *Config) { c.Advertise = "a" },
		"negative interval":  func(c *Config) { c.PingInterval = -1 },
		"negative ping max":  func(c *Config) { c.PingMax = -1 },
		"too large a pool":   func(c *Config) { c.PoolSize = maxPool + 1 },
		"pinned, no pool":    func(c *Config) { c.PoolSize, c.PinnedAccounts = -1, []string{"A"} },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New does not mind", name)
		}
	}
	for name, vary := range map[string]func(*Config){
		"as it is":                 func(*Config) {},
		"the largest pool":         func(c *Config) { c.PoolSize = maxPool },
		"pinned, the default pool": func(c *Config) { c.PinnedAccounts = []string{"A"} },
	} {
		cfg := good
		vary(&cfg)
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAutoLevels holds the limits of s2_auto's levels; each belongs to the faster one (src: 2.10.27, 2.15.2).
func TestAutoLevels(t *testing.T) {
	for rtt, want := range map[time.Duration]string{
		0:                        s2Uncompressed,
		10 * time.Millisecond:    s2Uncompressed,
		10*time.Millisecond + 1:  s2Fast,
		50 * time.Millisecond:    s2Fast,
		50*time.Millisecond + 1:  s2Better,
		100 * time.Millisecond:   s2Better,
		100*time.Millisecond + 1: s2Best,
		time.Hour:                s2Best,
	} {
		if got := autoLevel(rtt); got != want {
			t.Errorf("at %v: %s, want %s", rtt, got, want)
		}
	}
}
