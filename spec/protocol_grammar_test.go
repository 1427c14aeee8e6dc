package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestProtocolGrammar reads the vectors by the grammar that PROTOCOL.md prints: what a parser accepts it accepts, what
// breaks the syntax of lines it refuses.
func TestProtocolGrammar(t *testing.T) {
	text, err := between(protocolText, "```abnf\n", "```\n")
	if err != nil {
		t.Fatal(err)
	}
	read, refused := 0, 0
	for _, v := range mustCorpus(t).Vectors {
		if !v.InDialect("srv-2.15") {
			continue
		}
		g, err := grammarOf(text, v.Mode)
		if err != nil {
			t.Fatal(err)
		}
		switch verdict := g.reads(latin(v.Bytes())); {
		case v.Want.Error == "" && v.Want.Token == "":
			read++
			if lenient[v.ID] != "" == (verdict == whole) {
				t.Errorf("%s is read by servers, the grammar has it %s (what goes beyond it is in lenient): %q", v.ID, verdict, v.Bytes())
			}
		case ofTheLine[v.Want.Token]:
			refused++
			if verdict == whole {
				t.Errorf("%s is refused by servers, the grammar has it %s: %q", v.ID, verdict, v.Bytes())
			}
		}
	}
	if read < 100 || refused < 100 {
		t.Errorf("%d vectors were to be read, %d to be refused", read, refused)
	}
}

// ofTheLine are the tokens of faults that a grammar can know.
var ofTheLine = map[string]bool{
	"unknown_op": true, "missing_delimiter": true, "argument_count": true, "bad_indicator": true, "bad_size": true,
	"payload_terminator": true,
}

// lenient are vectors beyond the grammar that servers read all the same, and what allows them to.
var lenient = map[string]string{
	"rs-plus-weight-word":         "RT-ARG-016",
	"rs-plus-weight-negative":     "RT-ARG-016",
	"rs-plus-weight-plus":         "RT-ARG-016",
	"rs-plus-weight-ten-digits":   "RT-ARG-016",
	"connect-null":                "RT-JSON-012",
	"info-null":                   "RT-JSON-012",
	"rs-plus-two-cr":              "RT-LINE-007",
	"rmsg-two-cr":                 "RT-LINE-007",
	"rs-plus-cr-before-arguments": "a CR inside a line, which nobody sends",
}

const (
	whole  = "whole"
	open   = "cut short"
	broken = "broken"
)

// grammar has one expression for each operation's line.
type grammar struct {
	lines    map[string]*regexp.Regexp
	messages map[string]bool // operations with a payload
}

// latin makes a rune of each byte, so that expressions see bytes.
func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// reads tells whether the input is a stream of operations.
func (g *grammar) reads(in string) string {
	for in != "" {
		line, rest, ended := strings.Cut(in, "\n")
		if !ended {
			return open
		}
		name := g.operation(line + "\n")
		if name == "" {
			return broken
		}
		if g.messages[name] {
			fields := strings.Fields(line)
			size, _ := strconv.Atoi(fields[len(fields)-1]) // the grammar wants digits here
			payload := []rune(rest)
			if len(payload) < size+2 {
				return open
			}
			if string(payload[size:size+2]) != "\r\n" {
				return broken
			}
			rest = string(payload[size+2:])
		}
		in = rest
	}
	return whole
}

func (g *grammar) operation(line string) string {
	for name, form := range g.lines {
		if form.MatchString(line) {
			return name
		}
	}
	return ""
}

// grammarOf builds the expressions. A payload is counted by reads; acc and from depend on what was agreed.
func grammarOf(text string, mode []string) (*grammar, error) {
	rules := rulesOf(text)
	rules["payload"], rules["acc"], rules["from"] = `""`, "account delim", `""`
	for _, m := range mode {
		switch m {
		case "pinned":
			rules["acc"] = `""`
		case "lnocu":
			rules["from"] = "origin delim"
		}
	}
	g := &grammar{lines: map[string]*regexp.Regexp{}, messages: map[string]bool{}}
	for _, name := range strings.Split(rules["operation"], "/") {
		name = strings.TrimSpace(name)
		a := &abnf{rules: rules, in: rules[name]}
		form := a.alternatives()
		if a.err != nil || strings.TrimSpace(a.in) != "" {
			return nil, fmt.Errorf("rule %s: %v at %q", name, a.err, a.in)
		}
		g.lines[name] = regexp.MustCompile(`(?s)^` + form + `$`)
		g.messages[name] = strings.HasSuffix(rules[name], " payload")
	}
	return g, nil
}

// rulesOf splits a grammar into rules without comments.
func rulesOf(text string) map[string]string {
	rules, name := map[string]string{
		"SP": "%x20", "HTAB": "%x09", "CR": "%x0D", "LF": "%x0A", "CRLF": "%x0D %x0A", "DIGIT": "%x30-39", "OCTET": "%x00-FF",
	}, ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, ";")
		if left, right, ok := strings.Cut(line, "="); ok {
			name, line = strings.TrimSpace(left), right
		}
		rules[name] = strings.TrimSpace(rules[name] + " " + strings.TrimSpace(line))
	}
	return rules
}

// abnf turns a rule into a regular expression; rules named in it are put in their place.
type abnf struct {
	rules map[string]string
	in    string
	err   error
}

func (a *abnf) alternatives() string {
	forms := []string{a.sequence()}
	for a.next("/") {
		forms = append(forms, a.sequence())
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}

func (a *abnf) sequence() string {
	var b strings.Builder
	for a.in = strings.TrimSpace(a.in); a.err == nil && a.in != "" && !strings.ContainsAny(a.in[:1], "/)]"); a.in = strings.TrimSpace(a.in) {
		b.WriteString(a.repetition())
	}
	return b.String()
}

var (
	repeatForm = regexp.MustCompile(`^(\d*)\*(\d*)`)
	rangeForm  = regexp.MustCompile(`^%x([0-9A-F]{2})(?:-([0-9A-F]{2}))?`)
	textForm   = regexp.MustCompile(`^"([^"]*)"`)
	proseForm  = regexp.MustCompile(`^<[^>]*>`)
	nameForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*`)
)

func (a *abnf) repetition() string {
	times := a.take(repeatForm)
	if times == nil {
		return a.element()
	}
	least := times[1]
	if least == "" {
		least = "0"
	}
	return a.element() + "{" + least + "," + times[2] + "}"
}

func (a *abnf) element() string {
	if a.next("(") {
		return a.closed(")", "")
	}
	if a.next("[") {
		return a.closed("]", "?")
	}
	if bytes := a.take(rangeForm); bytes != nil {
		if bytes[2] == "" {
			bytes[2] = bytes[1]
		}
		return `[\x` + bytes[1] + `-\x` + bytes[2] + `]`
	}
	if text := a.take(textForm); text != nil {
		return "(?i:" + regexp.QuoteMeta(text[1]) + ")"
	}
	if a.take(proseForm) != nil { // the JSON object
		return `\{[^\n]*\}`
	}
	if name := a.take(nameForm); name != nil && a.rules[name[0]] != "" {
		inner := &abnf{rules: a.rules, in: a.rules[name[0]]}
		form := inner.alternatives()
		a.err = inner.err
		return form
	}
	a.err = fmt.Errorf("%q is no element", a.in)
	return ""
}

func (a *abnf) closed(end, suffix string) string {
	form := a.alternatives()
	if !a.next(end) {
		a.err = fmt.Errorf("%q is missing at %q", end, a.in)
	}
	return form + suffix
}

func (a *abnf) next(text string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(a.in), text)
	if ok {
		a.in = rest
	}
	return ok
}

func (a *abnf) take(form *regexp.Regexp) []string {
	a.in = strings.TrimSpace(a.in)
	found := form.FindStringSubmatch(a.in)
	if found != nil {
		a.in = a.in[len(found[0]):]
	}
	return found
}

func TestGrammarReads(t *testing.T) {
	const text = "operation = a / b\na = \"A\" SP 1*2DIGIT LF payload\nb = \"B\" [SP %x61-63] (CRLF / LF) ; comment\n"
	g, err := grammarOf(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"B\n": whole, "b c\r\nB\n": whole, "B d\n": broken, "B": open, "a 2\nhi\r\n": whole, "A 2\nhi!\r\n": broken,
		"A 2\nhi": open, "A 123\n": broken, "A2\n": broken,
	} {
		if got := g.reads(in); got != want {
			t.Errorf("%q is %s, wanted %s", in, got, want)
		}
	}
	if _, err := grammarOf("operation = a\na = b\n", nil); err == nil {
		t.Error("a rule that does not exist is no error")
	}
}
