package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// junitElement is what the schema of the Ant tasks says of one element: attributes (those with ? may be left out), and
// children in their order: ? none or one, * any number, and the group of a test case, of which it may have one.
type junitElement struct {
	attrs    []string
	children string
}

var junitSchema = map[string]junitElement{
	"testsuites": {nil, `(testsuite )*`},
	"testsuite":  {[]string{"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped?", "time"}, `properties (testcase )*system-out system-err `},
	"properties": {nil, `(property )*`},
	"property":   {[]string{"name", "value"}, ``},
	"testcase":   {[]string{"name", "classname", "time"}, `((skipped|error|failure) )?`},
	"skipped":    {[]string{"message?"}, ``},
	"error":      {[]string{"message?", "type"}, ``},
	"failure":    {[]string{"message?", "type"}, ``},
	"system-out": {nil, ``},
	"system-err": {nil, ``},
}

// types of attributes, where the schema has one narrower than text.
var junitTypes = map[string]*regexp.Regexp{
	"timestamp": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`),
	"tests":     regexp.MustCompile(`^\d+$`), "failures": regexp.MustCompile(`^\d+$`), "errors": regexp.MustCompile(`^\d+$`),
	"skipped": regexp.MustCompile(`^\d+$`), "id": regexp.MustCompile(`^\d+$`),
	"time":      regexp.MustCompile(`^\d+(\.\d+)?$`),
	"name":      regexp.MustCompile(`^\S+( \S+)*$`), // xs:token, at least one character
	"classname": regexp.MustCompile(`^\S+( \S+)*$`),
	"hostname":  regexp.MustCompile(`^localhost$`),
}

// node is an element with what is in it.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []node     `xml:",any"`
	Text     string     `xml:",chardata"`
}

func checkNode(n *node) error {
	rule, known := junitSchema[n.XMLName.Local]
	if !known {
		return fmt.Errorf("<%s> is no element of the schema", n.XMLName.Local)
	}
	have := map[string]bool{}
	for _, a := range n.Attrs {
		have[a.Name.Local] = true
		if !slices.Contains(rule.attrs, a.Name.Local) && !slices.Contains(rule.attrs, a.Name.Local+"?") {
			return fmt.Errorf("<%s> has no attribute %s", n.XMLName.Local, a.Name.Local)
		}
		if re := junitTypes[a.Name.Local]; re != nil && !re.MatchString(a.Value) && n.XMLName.Local != "property" {
			return fmt.Errorf("<%s %s=%q> is not of its type", n.XMLName.Local, a.Name.Local, a.Value)
		}
	}
	for _, want := range rule.attrs {
		if !strings.HasSuffix(want, "?") && !have[want] {
			return fmt.Errorf("<%s> lacks the attribute %s", n.XMLName.Local, want)
		}
	}
	var names strings.Builder
	for i := range n.Children {
		names.WriteString(n.Children[i].XMLName.Local + " ")
		if err := checkNode(&n.Children[i]); err != nil {
			return err
		}
	}
	if !regexp.MustCompile(`^` + rule.children + `$`).MatchString(names.String()) {
		return fmt.Errorf("<%s> holds %q, want %q", n.XMLName.Local, names.String(), rule.children)
	}
	return nil
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func junitOfSample(t *testing.T) (text []byte, root node) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJUnit(&b, sample()); err != nil {
		t.Fatal(err)
	}
	text = b.Bytes()
	if err := xml.Unmarshal(text, &root); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return text, root
}

func TestJUnitKeepsTheSchema(t *testing.T) {
	text, root := junitOfSample(t)
	if err := checkNode(&root); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	empty := &Report{}
	var b bytes.Buffer
	if err := WriteJUnit(&b, empty); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b.Bytes(), &root); err != nil {
		t.Errorf("a report without results: %v", err)
	}
}

func TestJUnitOutcomes(t *testing.T) {
	_, root := junitOfSample(t)
	if len(root.Children) != 2 || root.Children[0].attr("name") != "handshake" || root.Children[1].attr("name") != "message" {
		t.Fatalf("want the suites handshake and message, got %d", len(root.Children))
	}
	message := root.Children[1]
	for attr, want := range map[string]string{"tests": "10", "failures": "2", "errors": "1", "skipped": "3"} {
		if got := message.attr(attr); got != want {
			t.Errorf("%s: got %s, want %s", attr, got, want)
		}
	}
	want := map[string]string{
		"pass": "", "fail": "failure", "warn": "", "observed": "", "not-applicable": "skipped", "not-tested": "skipped",
		"disputed": "", "harness-error": "error", "expected-failure": "skipped", "unexpected-pass": "failure",
	}
	for _, c := range message.Children {
		if c.XMLName.Local != "testcase" {
			continue
		}
		word, _, _ := strings.Cut(strings.TrimPrefix(c.attr("name"), "RT-MSG-017/"), " ")
		got := ""
		if len(c.Children) > 0 {
			got = c.Children[0].XMLName.Local
		}
		if got != want[word] {
			t.Errorf("%s: got <%s>, want <%s>", word, got, want[word])
		}
		if word == "not-tested" && c.Children[0].attr("message") != "not_tested: needs-client" {
			t.Errorf("the reason is lost: %q", c.Children[0].attr("message"))
		}
		if word == "fail" && !strings.Contains(c.Children[0].Text, "first difference at byte 14") {
			t.Errorf("the failure's text lacks the difference:\n%s", c.Children[0].Text)
		}
	}
}

func TestJUnitHoldsNothingOfThisMachine(t *testing.T) {
	text, _ := junitOfSample(t)
	host, _ := os.Hostname()
	dir, _ := os.Getwd()
	for _, secret := range []string{host, dir} {
		if secret != "" && secret != "localhost" && bytes.Contains(text, []byte(secret)) {
			t.Errorf("the report names %q", secret)
		}
	}
	if bytes.ContainsAny(text, "\x00\x1b\u202e\ufffd") {
		t.Error("hostile characters came through")
	}
}
