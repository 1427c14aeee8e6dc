package fuzz

import (
	"fmt"
	"slices"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/route"
)

// CheckPeerPair decodes a cluster of two servers, now and then three, and what their clients and the network do: subscribe, end, publish,
// cut a connection. Whatever the order in which bytes arrive and the pieces in which they do:
//
//   - no server passes on what a route brought, interest or message, and none sends anything that the other cannot read
//   - the servers come to rest, and then each knows exactly what the clients of the others want, on one connection
//   - a message published at rest reaches each plain subscription once and one member of each group in the whole cluster
//   - one published while bytes are under way reaches nobody twice
func CheckPeerPair(data []byte) error {
	h := newHistory(data)
	if h.play(); h.fault == nil {
		return nil
	}
	again := newHistory(data) // the same, and this time it is told
	again.tells = true
	again.play()
	return fmt.Errorf("%w\n%v", h.fault, again.log)
}

// history is a cluster and the truth about its clients.
type history struct {
	*cluster
	subs []clusterSub
	next route.SubID

	tells bool // what happens goes to the log
	log   []string
}

type clusterSub struct {
	at *member
	sub
}

func newHistory(data []byte) *history {
	src := gen.FromBytes(data)
	return &history{cluster: &cluster{src: src, now: time.Unix(1000, 0), bytes: src.Chance(3)}}
}

// play starts the servers and lets happen what the input says, until the end or a fault.
func (h *history) play() {
	h.start()
	for range 1 + h.src.Intn(12) {
		if h.fault != nil {
			return
		}
		h.act()
	}
	if h.fault == nil {
		if err := h.converge(h.truth()); err != nil {
			h.fail("%w", err)
		}
	}
}

func (h *history) start() {
	src := h.src
	all := dialects[len(dialects)-1-src.Intn(len(dialects))]
	mixed := all.Headers && src.Chance(4)
	n := 2
	if src.Chance(8) && !h.bytes { // three servers say a great deal of JSON to each other
		n = 3
	}
	for i := range n {
		d := all
		if mixed { // servers with cluster names go together; those without do not go with them
			d = dialects[len(dialects)-1-src.Intn(len(dialects)-2)]
		}
		cfg := route.Config{ID: string(rune('A' + i)), Dialect: d, Seed: uint64(src.Byte()), PoolSize: -1}
		if d.Pools {
			cfg.Compression = "off"
			if src.Chance(10) {
				cfg.PoolSize = 0
			}
			if src.Chance(6) {
				cfg.Compression = src.Pick([]string{"accept", "s2_fast", "s2_auto"})
			}
		}
		for k := range i {
			cfg.Routes = append(cfg.Routes, route.Dial{Address: string(rune('A'+k)) + ":1"})
		}
		if h.tells {
			h.note("%s: %s, pool %d, compression %s", cfg.ID, d.Name, cfg.PoolSize, cfg.Compression)
		}
		if err := h.add(cfg); err != nil {
			h.fail("%w", err)
			return
		}
	}
	if !src.Bool() {
		h.settle()
	}
}

// note keeps what happens, for when something is wrong.
func (h *history) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

func (h *history) act() {
	m := h.members[h.src.Intn(len(h.members))]
	switch h.src.Intn(8) {
	case 0, 1, 2:
		h.subscribe(m)
	case 3:
		h.unsubscribe()
	case 4, 5:
		h.publish(m)
	case 6:
		if h.settle(); h.src.Bool() {
			h.publish(m)
		}
	case 7:
		if n := len(h.ends); n > 0 && h.src.Chance(2) {
			e := h.ends[h.src.Intn(n)]
			if h.tells {
				h.note("a connection of %s and %s breaks", e.owner.id, e.other.owner.id)
			}
			h.cut(e)
		} else {
			h.pass(time.Duration(h.src.Intn(20)) * 100 * time.Millisecond)
		}
	}
}

// Few subjects, so that they meet; no tokens of the wild ones that go to logs.
var (
	clusterPatterns = []string{"a", "a.*", ">", "b", "a.b", "*.b", "a.>", "*", "a.b.c", "\xff"}
	clusterQueues   = [...]string{"", "q", "", "r"}
	clusterSubjects = []string{"a", "a.b", "b", "a.x", "a.b.c", "c", "a.*", "\xff"}
)

func (h *history) subscribe(m *member) {
	h.next++
	one := clusterSub{m, sub{id: h.next, account: h.account(), subject: h.src.Pick(clusterPatterns), queue: h.src.Pick(clusterQueues[:])}}
	h.subs = append(h.subs, one)
	if h.tells {
		h.note("%s: client subscribes %s %s %s", m.id, one.account, one.subject, one.queue)
	}
	h.step(m, route.Subscribe{Sub: one.id, Account: one.account, Subject: one.subject, Queue: one.queue})
}

func (h *history) account() string {
	if h.src.Chance(4) {
		return "A"
	}
	return "$G"
}

func (h *history) unsubscribe() {
	if len(h.subs) == 0 {
		return
	}
	at := h.src.Intn(len(h.subs))
	one := h.subs[at]
	h.subs = slices.Delete(h.subs, at, at+1)
	if h.tells {
		h.note("%s: client ends %s %s %s", one.at.id, one.account, one.subject, one.queue)
	}
	h.step(one.at, route.Unsubscribe{Sub: one.id})
}

// truth is what the clients of each server want, as another server is to be told it.
func (h *history) truth() map[*member]map[string]int {
	all := make(map[*member]map[string]int)
	for _, m := range h.members {
		all[m] = make(map[string]int)
	}
	for _, one := range h.subs {
		key := one.account + " " + one.subject + " " + one.queue
		if all[one.at][key]++; one.queue == "" {
			all[one.at][key] = 1
		}
	}
	return all
}

func (h *history) publish(m *member) {
	rest := h.src.Bool()
	if rest {
		if err := h.converge(h.truth()); err != nil {
			h.fail("before a message: %w", err)
			return
		}
	}
	for _, other := range h.members {
		other.gets, other.bodies = other.gets[:0], other.bodies[:0]
	}
	ev := route.Publish{Account: h.account(), Subject: []byte(h.src.Pick(clusterSubjects)), Payload: []byte("x")}
	if h.src.Chance(4) {
		const header = "NATS/1.0\r\nA: b\r\n\r\n"
		ev.HeaderSize, ev.Payload = len(header), []byte(header+"x")
	}
	if h.tells {
		h.note("%s: client publishes %s %s, at rest %v", m.id, ev.Account, ev.Subject, rest)
	}
	h.step(m, ev)
	h.settle()
	if h.fault == nil {
		h.judge(&ev, rest)
	}
}

// judge counts who got the message: exactly those who were to, or while bytes were under way nobody twice.
func (h *history) judge(ev *route.Publish, rest bool) {
	known := 0
	groups := [len(clusterQueues)]struct {
		got    int
		wanted bool
	}{}
	for _, one := range h.subs {
		n := h.got(one.id)
		known += n
		matches := one.account == ev.Account && naivelyMatches(one.subject, string(ev.Subject))
		group := slices.Index(clusterQueues[:], one.queue)
		switch {
		case n > 0 && !matches:
			h.fail("%s: %q went to %+v", one.at.id, ev.Subject, one.sub)
		case one.queue != "":
			groups[group].got += n
			groups[group].wanted = groups[group].wanted || matches
		case n > 1, rest && matches && n == 0:
			h.fail("%s: %q went to %+v %d times", one.at.id, ev.Subject, one.sub, n)
		}
	}
	for _, m := range h.members {
		known -= len(m.gets)
	}
	if known != 0 {
		h.fail("%q went %d times to subscriptions that have ended", ev.Subject, -known)
	}
	for i, g := range groups {
		if g.got > 1 || rest && g.wanted && g.got == 0 {
			h.fail("group %q got %q %d times", clusterQueues[i], ev.Subject, g.got)
		}
	}
}

// got counts what a subscription was delivered, and looks at each payload.
func (h *history) got(id route.SubID) int {
	n := 0
	for _, m := range h.members {
		for i := range m.gets {
			if m.gets[i] != id {
				continue
			}
			if n++; m.bodies[i] != "x" {
				h.fail("%s delivered %q", m.id, m.bodies[i])
			}
		}
	}
	return n
}
