package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// judge holds an outcome of a target that is alive against every rule that needs no second look at the target. nil: all is well.
func judge(t *target, o *outcome) *Symptom {
	for i := range o.conns {
		c := &o.conns[i]
		if o.silent >= 0 && o.silent != c.number { // it would have been asked later
			continue
		}
		for _, rule := range []func(*target, *outcome, *connOutcome) *Symptom{gateRule, babbleRule, acceptedRule, muteRule, differenceRule} {
			if s := rule(t, o, c); s != nil {
				return s
			}
		}
	}
	return deliveryRule(o)
}

// gateRule: before a CONNECT that is accepted, a server that wants one says nothing but -ERR.
func gateRule(t *target, _ *outcome, c *connOutcome) *Symptom {
	if !t.gated || c.asked {
		return nil
	}
	for _, token := range c.tokens {
		if token != tokenClosed && token != tokenSilent && !strings.HasPrefix(token, "-ERR") {
			return &Symptom{
				Kind: Gate, Class: "says " + verbOf(token),
				Detail: fmt.Sprintf("before CONNECT was accepted the target said %s", harness.Printable(token)),
			}
		}
	}
	return nil
}

// babbleRule: what a server says is the protocol. Where the reference has no say, it may be the protocol in another form.
func babbleRule(_ *target, o *outcome, c *connOutcome) *Symptom {
	if c.broken == nil || c.s2 || c.shifts && !o.judged() {
		return nil
	}
	class := "bytes that are no operation"
	var syntax *wire.SyntaxError
	if errors.As(c.broken, &syntax) {
		class = fmt.Sprintf("%s in %s", syntax.Token, syntax.Op)
	}
	return &Symptom{Kind: Babble, Class: class, Detail: fmt.Sprintf("the target said what is no operation: %v", c.broken)}
}

// closes is the table "error or close": what a server may do about bytes that break that rule of the grammar. Every one
// of them ends the connection; which words come first is the server's affair, but for what is in the list.
var closes = map[wire.Token][]string{
	wire.UnknownOp:         {"-ERR unknown protocol operation", "-ERR authorization violation"},
	wire.MissingDelimiter:  {"-ERR unknown protocol operation", "-ERR authorization violation"},
	wire.PayloadTerminator: {"-ERR unknown protocol operation"},
	wire.ArgumentCount:     nil,
	wire.BadIndicator:      nil,
	wire.BadSize:           nil,
	wire.BadHeaderSize:     nil,
	wire.BadJSON:           nil,
	wire.LineTooLong:       {"-ERR maximum control line exceeded"},
	wire.PayloadTooLong:    nil,
	wire.ConnectRequired:   {"-ERR authorization violation"},
}

// acceptedRule: malformed bytes end the connection, and nothing behind them is answered.
func acceptedRule(_ *target, o *outcome, c *connOutcome) *Symptom {
	if c.fault == nil || !o.judged() {
		return nil
	}
	token := faultToken(c.fault)
	if !slices.Contains(c.tokens, tokenClosed) {
		return &Symptom{Kind: Accepted, Class: string(token), Detail: fmt.Sprintf("the connection stays open after %v", c.fault)}
	}
	if pongs, want := count(c.tokens, tokenPong), count(c.want, tokenPong); pongs > want {
		return &Symptom{Kind: Accepted, Class: string(token) + ", answers", Detail: fmt.Sprintf("%d PONGs, %d are due, with %v", pongs, want, c.fault)}
	}
	for _, said := range c.tokens {
		if strings.HasPrefix(said, "-ERR") && !slices.Contains(closes[token], said) && !slices.Contains(c.want, said) && closes[token] != nil {
			return &Symptom{Kind: Accepted, Class: string(token) + " named " + said, Detail: fmt.Sprintf("the target says %s about %v", harness.Printable(said), c.fault)}
		}
	}
	return nil
}

func faultToken(err error) wire.Token {
	var syntax *wire.SyntaxError
	var limit *wire.LimitError
	var state *wire.StateError
	switch {
	case errors.As(err, &syntax):
		return syntax.Token
	case errors.As(err, &limit):
		return limit.Token
	case errors.As(err, &state):
		return state.Token
	}
	return ""
}

// muteRule: a barrier is answered.
func muteRule(_ *target, o *outcome, c *connOutcome) *Symptom {
	if !o.judged() || o.silent != c.number {
		return nil
	}
	missing := "PONG"
	if c.lastWant.closed {
		missing = "close"
	}
	return &Symptom{Kind: Mute, Class: "no " + missing, Detail: fmt.Sprintf("%s is due and does not come; the target said %s", missing, harness.Printable(strings.Join(c.tokens, ", ")))}
}

// differenceRule: the answer is the reference's.
func differenceRule(t *target, o *outcome, c *connOutcome) *Symptom {
	if !o.judged() || c.s2 {
		return nil
	}
	said, due := c.tokens, c.want
	if !o.whole() {
		said, due = withoutMessages(said), withoutMessages(due)
	}
	if c.lastWant.open {
		said, due = untilPong(said), untilPong(due)
	}
	i, j, equal := firstDifference(said, due)
	if equal || t.losesAtClose() && tokenAt(said, i) == tokenClosed && slices.Contains(due[j:], tokenClosed) {
		return nil
	}
	got, want := tokenAt(said, i), tokenAt(due, j)
	return &Symptom{
		Kind: Difference, Class: fmt.Sprintf("%s instead of %s", verbOf(got), verbOf(want)),
		Detail: fmt.Sprintf("the target says %s where the reference says %s", harness.Printable(got), harness.Printable(want)),
	}
}

// untilPong is what was said up to the last barrier that was answered: the operation that was begun has swallowed the others, and nobody knows
// what is still under way.
func untilPong(tokens []string) []string {
	for n := len(tokens); n > 0; n-- {
		if tokens[n-1] == tokenPong {
			return tokens[:n]
		}
	}
	return nil
}

// withoutMessages leaves out messages and interest, and the +OK to them.
func withoutMessages(tokens []string) []string {
	return slices.DeleteFunc(slices.Clone(tokens), func(t string) bool {
		return t != tokenPong && t != tokenClosed && t != tokenSilent && !strings.HasPrefix(t, "-ERR") && t != "CONNECT"
	})
}

// firstDifference compares two answers and returns where they part. A text that a close has swallowed is no difference.
func firstDifference(got, want []string) (i, j int, equal bool) {
	for i < len(got) || j < len(want) {
		g, w := tokenAt(got, i), tokenAt(want, j)
		switch {
		case g == w || synonyms[g] == w && g != nothing:
			i, j = i+1, j+1
		case g == tokenClosed && strings.HasPrefix(w, "-ERR") && tokenAt(want, j+1) == tokenClosed:
			j++
		default:
			return i, j, false
		}
	}
	return i, j, true
}

// synonyms are texts of some releases for what the reference words otherwise.
var synonyms = map[string]string{
	"-ERR account missing": "-ERR authorization violation", // CONNECT with an account: seen 2.1.2, 2.5.0; later releases as the reference
}

// losesAtClose tells whether the server closes without writing what it had to say (seen 2.1.2).
func (t *target) losesAtClose() bool { return !t.dialect.Headers }

const nothing = "nothing"

func tokenAt(tokens []string, at int) string {
	if at < len(tokens) {
		return tokens[at]
	}
	return nothing
}

func count(tokens []string, token string) int {
	n := 0
	for _, t := range tokens {
		if t == token {
			n++
		}
	}
	return n
}

// deliveryRule: the witness gets what the reference delivers, once, in order.
func deliveryRule(o *outcome) *Symptom {
	if !o.whole() || o.silent >= 0 || slices.Equal(o.got, o.want) {
		return nil
	}
	class := "other messages"
	switch {
	case len(o.got) > len(o.want):
		class = "too many"
	case len(o.got) < len(o.want):
		class = "too few"
	}
	return &Symptom{
		Kind: Delivery, Class: class,
		Detail: fmt.Sprintf("the client got %s, and should have got %s", harness.Printable(strings.Join(o.got, ", ")), harness.Printable(strings.Join(o.want, ", "))),
	}
}
