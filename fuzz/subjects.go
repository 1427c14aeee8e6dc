package fuzz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/route"
	"github.com/natsroute/natsroute/reference/wire"
)

// CheckSubjects takes patterns and subjects, and holds wire's functions and the tables of a machine, which subscriptions come to and
// leave, against a matcher that splits at dots and compares. Inputs that have a line feed are texts, one subject a line,
// the last one published; others are decoded.
func CheckSubjects(data []byte) error {
	texts := subjectsOf(data)
	subject := texts[len(texts)-1]
	var here []string
	node := newSubjectNode()
	var now time.Time
	for i, pattern := range texts {
		if err := checkPattern(pattern, subject); err != nil {
			return err
		}
		node.Step(now, route.Subscribe{Sub: route.SubID(i), Account: "$G", Subject: pattern})
		here = append(here, pattern)
		if i%3 == 2 { // one that goes again leaves the others
			node.Step(now, route.Unsubscribe{Sub: route.SubID(i - 1)})
			here[i-1] = ""
		}
	}
	for range 2 { // worked out, then remembered
		if err := checkDelivery(node.Step(now, route.Publish{Account: "$G", Subject: []byte(subject)}), here, subject); err != nil {
			return err
		}
	}
	return nil
}

func subjectsOf(data []byte) []string {
	if text := string(data); strings.Contains(text, "\n") {
		lines := strings.SplitN(text, "\n", 24)
		return lines[:min(len(lines), 23)]
	}
	src := gen.FromBytes(data)
	texts := make([]string, 2+src.Intn(8))
	for i := range texts {
		var tokens [6]string
		n := 1 + src.Intn(len(tokens))
		for k := range n {
			tokens[k] = src.Pick(subjectTokens)
		}
		texts[i] = strings.Join(tokens[:n], ".")
	}
	return texts
}

var subjectTokens = []string{"a", "b", "*", ">", "", "ab", "*a", ">>", "\xff", "A", "$SYS", "a b"}

func newSubjectNode() *route.Node {
	node, err := route.New(route.Config{ID: "T", Cluster: "C", Dialect: wire.Latest()})
	if err != nil {
		panic(err) // the configuration is a constant
	}
	return node
}

func checkPattern(pattern, subject string) error {
	p, s := []byte(pattern), []byte(subject)
	if got, want := wire.ValidPattern(p), naivelyValid(pattern); got != want {
		return fmt.Errorf("ValidPattern(%q) is %v", pattern, got)
	}
	if got, want := wire.HasWildcard(p), naivelyWild(pattern); got != want {
		return fmt.Errorf("HasWildcard(%q) is %v", pattern, got)
	}
	if got, want := wire.ValidSubject(p), naivelyValid(pattern) && !naivelyWild(pattern); got != want {
		return fmt.Errorf("ValidSubject(%q) is %v", pattern, got)
	}
	// What Match says of a pattern that no server takes means nothing.
	if naivelyValid(pattern) {
		if got, want := wire.Match(p, s), naivelyMatches(pattern, subject); got != want {
			return fmt.Errorf("Match(%q, %q) is %v", pattern, subject, got)
		}
	}
	return nil
}

func checkDelivery(actions []route.Action, patterns []string, subject string) error {
	var got []route.SubID
	for _, a := range actions {
		if a.Kind != route.Deliver {
			return fmt.Errorf("publishing %q caused %+v", subject, a)
		}
		got = append(got, a.Sub)
	}
	slices.Sort(got)
	var want []route.SubID
	for i, pattern := range patterns {
		if naivelyMatches(pattern, subject) {
			want = append(want, route.SubID(i))
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%q among %q reached %v, want %v", subject, patterns, got, want)
	}
	return nil
}

func naivelyValid(pattern string) bool {
	full := false
	for token := range strings.SplitSeq(pattern, ".") {
		if full || token == "" || strings.ContainsAny(token, " \t\r\n") {
			return false
		}
		full = token == ">"
	}
	return true
}

func naivelyWild(pattern string) bool {
	for token := range strings.SplitSeq(pattern, ".") {
		if token == "*" || token == ">" {
			return true
		}
	}
	return false
}

// naivelyMatches says whether a message on subject is wanted by interest in pattern, false for interest that no server takes.
func naivelyMatches(pattern, subject string) bool {
	if subject == "" || strings.HasPrefix(subject, ".") || strings.HasSuffix(subject, ".") || strings.Contains(subject, "..") || !naivelyValid(pattern) {
		return false
	}
	for {
		want, wants, moreWanted := strings.Cut(pattern, ".")
		token, tokens, moreTokens := strings.Cut(subject, ".")
		switch {
		case want == ">":
			return true
		case want != "*" && want != token, moreWanted != moreTokens:
			return false
		case !moreWanted:
			return true
		}
		pattern, subject = wants, tokens
	}
}
