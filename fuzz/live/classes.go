package live

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// seen is the state space that a run has met: classes of answers, and edges from one to the next.
type seen struct {
	mu      sync.Mutex
	classes map[string]bool
	edges   map[[2]string]bool
	last    time.Time // of the last new class
}

func newSeen() *seen {
	return &seen{classes: map[string]bool{}, edges: map[[2]string]bool{}, last: time.Now()}
}

// note takes in an outcome and tells whether it has shown a new edge.
func (s *seen) note(o *outcome) bool {
	fresh := false
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range o.conns {
		c := &o.conns[i]
		before := c.state.text()
		for _, class := range classesOf(c) {
			if !s.classes[class] {
				s.classes[class] = true
				s.last = time.Now()
			}
			if edge := [2]string{before, class}; !s.edges[edge] {
				s.edges[edge] = true
				fresh = true
			}
			before = class
		}
	}
	if delivered := "delivered " + strings.Join(verbs(o.got), " "); len(o.got) > 0 && !s.classes[delivered] {
		s.classes[delivered] = true
		s.last = time.Now()
		fresh = true
	}
	return fresh
}

func (s *seen) counts() (classes, edges int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.classes), len(s.edges), s.last
}

// text is how far a connection has come and what was agreed on it.
func (s connState) text() string {
	phase := "greeted"
	switch {
	case s.registered:
		phase = "registered"
	case s.connected:
		phase = "connected"
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{{s.headers, "headers"}, {s.lnoc, "lnoc"}, {s.lnocu, "lnocu"}, {s.ln, "ln"}, {s.pool, "pool"}, {s.pins, "pinned"}, {s.verbose, "verbose"}} {
		if flag.on {
			phase += "+" + flag.name
		}
	}
	return phase
}

// classesOf cuts an answer at its PONGs; a class is the words between, each once, and whether the connection is open.
func classesOf(c *connOutcome) []string {
	var all []string
	state := c.state.text()
	from := 0
	for i, token := range c.tokens {
		if token == tokenPong || token == tokenClosed || i == len(c.tokens)-1 {
			all = append(all, state+"|"+strings.Join(verbs(c.tokens[from:i+1]), " "))
			from = i + 1
		}
	}
	if c.broken != nil {
		all = append(all, state+"|no operation")
	}
	return all
}

// verbs are the first words of tokens, each once, in order.
func verbs(tokens []string) []string {
	var words []string
	for _, t := range tokens {
		if v := verbOf(t); !slices.Contains(words, v) {
			words = append(words, v)
		}
	}
	return words
}
