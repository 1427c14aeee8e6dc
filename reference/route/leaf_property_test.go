package route

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/natsroute/natsroute/reference/wire"
)

// leafGot notes a message to a leaf.
func (m *member) leafGot(leaf uint64, op *wire.Op) {
	if !op.Kind.IsMessage() {
		return
	}
	m.leafGets[leaf]++
	for _, queue := range op.Queues {
		m.groupsGets[string(queue)]++
	}
}

// TestLeafProperties plays random histories on three nodes of several generations, with clients and leafs that come, go and
// publish, and holds them to this whenever they have come to rest:
//
//   - a message reaches every plain subscription of a client once;
//   - every leaf with plain interest gets it once, except the one it is from and those of the same cluster, wherever they are;
//   - one member of each group in the whole cluster gets it, a leaf's or not, if a client has sent it;
//   - when all are gone, no node believes that anybody wants anything.
func TestLeafProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &leafHistory{sim: newSimulation(fatal{t: t}, rapid.Uint64().Draw(t, "seed")), owners: map[uint64]owner{}, subs: map[SubID]wanted{}}
		names := rapid.SampledFrom([]string{"srv-2.5", "srv-2.10", "srv-2.12.15", "srv-2.15"})
		for i, id := range []string{"A", "B", "C"} {
			d, err := wire.DialectByName(names.Draw(t, "dialect"))
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{ID: id, Dialect: d}
			if d.Pools {
				cfg.PoolSize = -1 // what is of interest here goes over one connection
			}
			for _, other := range []string{"A", "B", "C"}[:i] {
				cfg.Routes = append(cfg.Routes, Dial{Address: other + ":6222"})
			}
			h.sim.add(cfg)
		}
		h.sim.mesh()
		t.Repeat(map[string]func(*rapid.T){
			"join":        h.join,
			"leave":       h.leave,
			"subscribe":   h.subscribe,
			"unsubscribe": h.unsubscribe,
			"publish":     h.publish,
			"cut":         func(t *rapid.T) { h.sim.cut(rapid.SampledFrom(h.sim.ends).Draw(t, "stream")); h.sim.mesh() },
			"":            h.counted,
		})
		for len(h.owners) > 0 {
			h.remove(slices.Min(slices.Collect(maps.Keys(h.owners))))
		}
		h.sim.settle()
		for _, m := range h.sim.members {
			if len(m.node.accounts) != 0 {
				t.Fatalf("%s keeps interest when all are gone", m.address)
			}
		}
	})
}

// counted holds every node to the number of leafs' subscriptions that it keeps with each interest.
func (h *leafHistory) counted(t *rapid.T) {
	check := func(m *member, i interest) {
		leafs := 0
		for _, s := range i.local() {
			if s.leaf != nil {
				leafs++
			}
		}
		if _, got := i.lists(); *got != leafs || i.shared() != (leafs > 0) {
			t.Fatalf("%s counts %d leafs in %q (shared: %v), want %d", m.address, *got, i.entry.pattern, i.shared(), leafs)
		}
	}
	for _, m := range h.sim.members {
		for _, a := range m.node.accounts {
			for _, e := range a.entries {
				check(m, interest{a, e, nil})
				for _, g := range e.groups {
					check(m, interest{a, e, g})
				}
			}
		}
	}
}

// leafHistory is a simulation and the truth about its clients and leafs.
type leafHistory struct {
	sim    *simulation
	owners map[uint64]owner
	subs   map[SubID]wanted
	last   uint64
}

// owner is a client or a leaf.
type owner struct {
	at      *member
	leaf    bool
	cluster string
}

type wanted struct {
	by             uint64
	subject, queue string
}

func (h *leafHistory) join(t *rapid.T) {
	h.last++
	o := owner{at: rapid.SampledFrom(h.sim.members).Draw(t, "server"), leaf: rapid.Bool().Draw(t, "leaf")}
	if o.leaf {
		o.cluster = rapid.SampledFrom([]string{"", "L", "M"}).Draw(t, "cluster")
		h.sim.step(o.at, LeafJoined{Client: h.last, Account: "$G", Cluster: o.cluster, Headers: true})
	}
	h.owners[h.last] = o
}

func (h *leafHistory) anybody(t *rapid.T) uint64 {
	if len(h.owners) == 0 {
		t.Skip("nobody is there")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(h.owners))).Draw(t, "who")
}

func (h *leafHistory) leave(t *rapid.T) { h.remove(h.anybody(t)) }

func (h *leafHistory) remove(id uint64) {
	o := h.owners[id]
	delete(h.owners, id)
	var ids []SubID
	for sub, w := range h.subs {
		if w.by == id {
			ids = append(ids, sub)
			delete(h.subs, sub)
		}
	}
	slices.Sort(ids)
	if o.leaf {
		h.sim.step(o.at, LeafLeft{Client: id})
	} else if len(ids) > 0 {
		h.sim.step(o.at, UnsubscribeAll{Subs: ids})
	}
}

func (h *leafHistory) subscribe(t *rapid.T) {
	w := wanted{by: h.anybody(t), subject: somePatterns.Draw(t, "subject"), queue: someQueues.Draw(t, "queue")}
	for _, other := range h.subs {
		if other == w && h.owners[w.by].leaf {
			t.Skip("a leaf has one entry of a kind")
		}
	}
	h.last++
	h.subs[SubID(h.last)] = w
	h.sim.step(h.owners[w.by].at, Subscribe{
		Sub: SubID(h.last), Client: w.by, Account: "$G", Subject: w.subject, Queue: w.queue, Weight: rapid.IntRange(1, 3).Draw(t, "weight"),
	})
}

func (h *leafHistory) unsubscribe(t *rapid.T) {
	if len(h.subs) == 0 {
		t.Skip("nobody has subscribed")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(h.subs))).Draw(t, "sub")
	at := h.owners[h.subs[id].by].at
	delete(h.subs, id)
	h.sim.step(at, Unsubscribe{Sub: id})
}

func (h *leafHistory) publish(t *rapid.T) {
	by, subject := h.anybody(t), someSubjects.Draw(t, "subject")
	from := h.owners[by]
	h.sim.settle()
	for _, m := range h.sim.members {
		clear(m.gets)
		clear(m.leafGets)
		clear(m.groupsGets)
	}
	clear(h.sim.messages)
	h.sim.step(from.at, Publish{Client: by, Account: "$G", Subject: []byte(subject), Payload: []byte("x")})
	h.sim.settle()

	groups, plainLeafs := map[string]bool{}, map[uint64]bool{}
	served := map[string]int{}
	for id, w := range h.subs {
		o, matches := h.owners[w.by], wire.Match([]byte(w.subject), []byte(subject))
		switch {
		case w.queue != "":
			groups[w.queue] = groups[w.queue] || matches
			served[w.queue] += o.at.gets[id]
		case o.leaf:
			plainLeafs[w.by] = plainLeafs[w.by] || matches
		case o.at.gets[id] != map[bool]int{true: 1}[matches]:
			t.Fatalf("%s: %q of %+v reached %+v %d times", o.at.address, subject, from, w, o.at.gets[id])
		}
	}
	for _, m := range h.sim.members {
		for queue, n := range m.groupsGets {
			served[queue] += n
		}
	}
	for id, o := range h.owners {
		echo := id == by || from.leaf && o.cluster != "" && o.cluster == from.cluster
		switch got := o.at.leafGets[id]; {
		case !o.leaf:
		case echo && got != 0, got > 1, !echo && plainLeafs[id] && got != 1:
			t.Fatalf("%s: %q of %+v reached the leaf %+v %d times (plain interest: %v)", o.at.address, subject, from, o, got, plainLeafs[id])
		}
	}
	for queue, any := range groups {
		if want := map[bool]int{true: 1}[any && !from.leaf]; served[queue] != want {
			t.Fatalf("group %q served %d times with %q of %+v, want %d", queue, served[queue], subject, from, want)
		}
	}
	for path, count := range h.sim.messages {
		if count != 1 {
			t.Fatalf("%q went %s %d times", subject, path, count)
		}
	}
}
