package route

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/natsroute/natsroute/reference/wire"
)

// TestClusterProperties plays random histories on two or three nodes, with clients that come, go and publish and routes
// that break, and holds them to what a cluster promises whenever it has come to rest:
//
//   - every node knows exactly what the clients of every other want, weights included;
//   - a message reaches every plain subscription once, and one member of each group in the whole cluster;
//   - it leaves its server at most once for each route, and no other server passes it on.
func TestClusterProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		t.Repeat(map[string]func(*rapid.T){
			"subscribe":   h.subscribe,
			"unsubscribe": h.unsubscribe,
			"publish":     h.publish,
			"cut":         h.cut,
			"":            func(*rapid.T) {},
		})
		h.sim.mesh()
		h.sim.converged()
		for id := range h.subs {
			h.sim.step(h.subs[id].at, Unsubscribe{Sub: id})
		}
		h.sim.settle()
		h.sim.converged()
		for _, m := range h.sim.members {
			if len(m.node.accounts) != 0 {
				t.Fatalf("%s keeps %d accounts without interest", m.address, len(m.node.accounts))
			}
		}
	})
}

// history is a simulation and the truth about its clients.
type history struct {
	sim  *simulation
	subs map[SubID]truth
	last SubID
}

type truth struct {
	at *member
	Subscribe
}

// fatal lets a simulation fail a rapid check.
type fatal struct {
	testing.TB
	t *rapid.T
}

func (f fatal) Helper()                           {}
func (f fatal) Logf(format string, args ...any)   { f.t.Logf(format, args...) }
func (f fatal) Fatal(args ...any)                 { f.t.Fatal(args...) }
func (f fatal) Fatalf(format string, args ...any) { f.t.Fatalf(format, args...) }

func newHistory(t *rapid.T) *history {
	d := rapid.SampledFrom(wire.Dialects()).Draw(t, "dialect")
	h := &history{sim: newSimulation(fatal{t: t}, rapid.Uint64().Draw(t, "seed")), subs: map[SubID]truth{}}
	pinned := rapid.Bool().Draw(t, "pinned")
	add := func(id string, routes ...Dial) {
		cfg := Config{ID: id, Dialect: d, Routes: routes}
		if d.Pools {
			cfg.PoolSize = rapid.SampledFrom(poolSizes(d)).Draw(t, "pool size of "+id)
			cfg.Compression = rapid.SampledFrom(configurable).Draw(t, "compression of "+id)
		}
		if cfg.PoolSize > 0 && pinned {
			cfg.PinnedAccounts = []string{"A"}
		}
		h.sim.add(cfg)
	}
	add("A")
	add("B", Dial{Address: "A:6222"})
	if rapid.Bool().Draw(t, "three") {
		add("C", Dial{Address: "A:6222"}, Dial{Address: "B:6222"})
	}
	return h
}

// poolSizes are those that servers of one cluster may have.
func poolSizes(d wire.Dialect) []int {
	if traitsOf(d).equalPools {
		return []int{-1, 2}
	}
	return []int{-1, 1, 2, 3}
}

var (
	someAccounts = rapid.SampledFrom([]string{"$G", "A"})
	somePatterns = rapid.SampledFrom([]string{"a", "b", "a.b", "a.*", "a.>", "*.b", ">", "*", "a.b.c", "*.*.c"})
	someSubjects = rapid.SampledFrom([]string{"a", "b", "c", "a.b", "a.x", "x.b", "a.b.c", "x.y.c", "a.*"})
	someQueues   = rapid.SampledFrom([]string{"", "", "q", "r"})
	someClients  = rapid.Uint64Range(1, 3)
)

func (h *history) member(t *rapid.T) *member {
	return rapid.SampledFrom(h.sim.members).Draw(t, "server")
}

func (h *history) subscribe(t *rapid.T) {
	h.last++
	s := truth{at: h.member(t), Subscribe: Subscribe{
		Sub: h.last, Client: someClients.Draw(t, "client"), NoEcho: rapid.Bool().Draw(t, "noecho"),
		Account: someAccounts.Draw(t, "account"), Subject: somePatterns.Draw(t, "subject"), Queue: someQueues.Draw(t, "queue"),
	}}
	h.subs[h.last] = s
	h.sim.step(s.at, s.Subscribe)
}

func (h *history) unsubscribe(t *rapid.T) {
	if len(h.subs) == 0 {
		t.Skip("nobody has subscribed")
	}
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(h.subs))), 1, min(len(h.subs), 4), rapid.ID).Draw(t, "ids")
	at := h.subs[ids[0]].at
	ids = slices.DeleteFunc(ids, func(id SubID) bool { return h.subs[id].at != at })
	for _, id := range ids {
		delete(h.subs, id)
	}
	h.sim.step(at, UnsubscribeAll{Subs: ids})
}

// cut breaks a route, and the old dialects aside the mesh heals. (2.1 does not dial a learned route again; here every
// route is configured on one side at least.)
func (h *history) cut(t *rapid.T) {
	h.sim.mesh()
	h.sim.cut(rapid.SampledFrom(h.sim.ends).Draw(t, "stream"))
	if rapid.Bool().Draw(t, "heal") {
		h.sim.mesh()
	}
}

func (h *history) publish(t *rapid.T) {
	s := h.sim
	s.mesh()
	s.converged()
	from, client := h.member(t), someClients.Draw(t, "client")
	account, subject := someAccounts.Draw(t, "account"), someSubjects.Draw(t, "subject")
	for _, m := range s.members {
		clear(m.gets)
	}
	clear(s.messages)
	s.step(from, Publish{Client: client, Account: account, Subject: []byte(subject), Payload: []byte("x")})
	s.settle()

	groups, served := map[string]bool{}, map[string]int{}
	for id, sub := range h.subs {
		got := sub.at.gets[id]
		want := 0
		ownEcho := sub.NoEcho && sub.Client == client && sub.at == from
		if sub.Account == account && wire.Match([]byte(sub.Subject), []byte(subject)) && !ownEcho {
			want = 1
		}
		if sub.Queue == "" {
			if got != want {
				t.Fatalf("%s: %d of %q for subscription %+v, want %d", sub.at.address, got, subject, sub.Subscribe, want)
			}
			continue
		}
		if got > want {
			t.Fatalf("%s: %q reached %+v %d times", sub.at.address, subject, sub.Subscribe, got)
		}
		served[sub.Queue] += got
		groups[sub.Queue] = groups[sub.Queue] || want == 1
	}
	for queue, wanted := range groups {
		if want := map[bool]int{true: 1}[wanted]; served[queue] != want {
			t.Fatalf("group %q served %d times with %q, want %d", queue, served[queue], subject, want)
		}
	}
	for path, count := range s.messages {
		if count != 1 || !strings.HasPrefix(path, from.address+">") {
			t.Fatalf("%q was published at %s and went %s %d times", subject, from.address, path, count)
		}
	}
}

// TestTreeMatchesLikeWire holds the tree and the result cache against the plain comparison of two subjects.
func TestTreeMatchesLikeWire(t *testing.T) {
	tokens := rapid.SampledFrom([]string{"a", "b", "*", ">", "", "ab", "*a"})
	pattern := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(tokens, 1, 4).Draw(t, "tokens"), ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		n, err := New(Config{ID: "T", Cluster: "C", Dialect: wire.Latest()})
		if err != nil {
			t.Fatal(err)
		}
		subs := map[SubID]string{}
		for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
			id, p := SubID(step), pattern.Draw(t, "pattern")
			if rapid.Bool().Draw(t, "remove") && len(subs) > 0 {
				id = rapid.SampledFrom(slices.Sorted(maps.Keys(subs))).Draw(t, "id")
				n.Step(noTime, Unsubscribe{Sub: id})
				delete(subs, id)
			} else {
				n.Step(noTime, Subscribe{Sub: id, Account: "$G", Subject: p})
				if wire.ValidPattern([]byte(p)) {
					subs[id] = p
				}
			}
			subject := pattern.Draw(t, "subject")
			want := map[SubID]bool{}
			for id, p := range subs {
				if wire.Match([]byte(p), []byte(subject)) {
					want[id] = true
				}
			}
			got := map[SubID]bool{}
			for _, a := range n.Step(noTime, Publish{Account: "$G", Subject: []byte(subject)}) {
				if a.Kind != Deliver || got[a.Sub] {
					t.Fatalf("%q caused %+v", subject, a)
				}
				got[a.Sub] = true
			}
			if !maps.Equal(got, want) {
				t.Fatalf("%q among %v reached %v, want %v", subject, subs, got, want)
			}
		}
		if len(n.subs) != len(subs) {
			t.Fatalf("%d subscriptions kept, want %d", len(n.subs), len(subs))
		}
	})
}
