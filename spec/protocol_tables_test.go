package spec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/natsroute/natsroute/reference/wire"
)

// TestProtocolHasEveryMember wants each member of INFO and CONNECT that the reference knows in its table.
func TestProtocolHasEveryMember(t *testing.T) {
	for _, tt := range []struct {
		heading string
		body    reflect.Type
	}{
		{"### 4.1 INFO\n", reflect.TypeFor[wire.InfoBody]()},
		{"### 4.2 CONNECT\n", reflect.TypeFor[wire.ConnectBody]()},
	} {
		told := firstColumn(section(protocolText, tt.heading))
		for i := range tt.body.NumField() {
			member, _, _ := strings.Cut(tt.body.Field(i).Tag.Get("json"), ",")
			if member != "-" && !strings.Contains(told, "`"+member+"`") {
				t.Errorf("%s of %v is not in %s", member, tt.body, tt.heading)
			}
		}
	}
}

// TestProtocolHasEveryError wants each -ERR text of the diagram in the table of errors.
func TestProtocolHasEveryError(t *testing.T) {
	told := firstColumn(section(protocolText, "## 9. Errors\n"))
	diagram, err := between(protocolText, "<!-- BEGIN DIAGRAM", "<!-- END DIAGRAM")
	if err != nil {
		t.Fatal(err)
	}
	texts := regexp.MustCompile(`: '([^'%]*)`).FindAllStringSubmatch(diagram, -1)
	if len(texts) < 8 {
		t.Fatalf("%d texts are found in the diagram", len(texts))
	}
	for _, text := range texts {
		if !strings.Contains(told, text[1]) {
			t.Errorf("%q is not in the table of errors", text[1])
		}
	}
}

// section is the text from a heading to the next one.
func section(text, heading string) string {
	_, rest, _ := strings.Cut(text, "\n"+heading)
	inner, _, _ := strings.Cut(rest, "\n#")
	return inner
}

// firstColumn joins the first cells of a section's tables.
func firstColumn(text string) string {
	var cells []string
	for line := range strings.Lines(text) {
		if row, ok := strings.CutPrefix(line, "| "); ok {
			cell, _, _ := strings.Cut(row, " |")
			cells = append(cells, cell)
		}
	}
	return strings.Join(cells, "\n")
}

// TestProtocolChunk reads the S2 stream of the chapter on compression whose bytes are all there.
func TestProtocolChunk(t *testing.T) {
	written := regexp.MustCompile(`S> ((?:[0-9a-f]{2} +)+)PING`).FindStringSubmatch(protocolText)
	if written == nil {
		t.Fatal("there is no PING in S2")
	}
	stream, err := hex.DecodeString(strings.ReplaceAll(written[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(s2.NewReader(bytes.NewReader(stream))); err != nil || string(text) != "PING\r\n" {
		t.Errorf("the stream reads %q, %v", text, err)
	}
}

// TestProtocolHashes counts the table of FNV-1a after.
func TestProtocolHashes(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `(\\S+)` \\| ([0-9a-f]{8}) \\| (\\d) \\| (\\d) \\|$").FindAllStringSubmatch(protocolText, -1)
	if len(rows) < 4 {
		t.Fatalf("%d rows are found", len(rows))
	}
	for _, row := range rows {
		h := fnv.New32a()
		_, _ = h.Write([]byte(row[1])) // a hash never fails
		if want := fmt.Sprintf("%08x %d %d", h.Sum32(), h.Sum32()%3, h.Sum32()%5); want != strings.Join(row[2:], " ") {
			t.Errorf("%s is %s, PROTOCOL.md has %q", row[1], want, row[2:])
		}
	}
}

// outcomes of lines: what PROTOCOL.md says begins with one of these.
var refusals = []struct {
	outcome string
	tokens  []wire.Token
}{
	{"-ERR, close", []wire.Token{wire.UnknownOp, wire.MissingDelimiter, wire.PayloadTerminator}},
	{"close", []wire.Token{wire.ArgumentCount, wire.BadIndicator, wire.BadSize}},
}

// TestProtocolOutcomes parses the lines of 2.3 and wants the outcome that stands behind them.
func TestProtocolOutcomes(t *testing.T) {
	line := regexp.MustCompile("`([^`]+)`")
	lines := 0
	for row := range strings.Lines(section(protocolText, "### 2.3 Arguments\n")) {
		cells := strings.Split(strings.ReplaceAll(row, `\|`, "\x00"), " | ")
		if len(cells) != 2 || !strings.HasPrefix(row, "| `") {
			continue
		}
		for _, form := range line.FindAllStringSubmatch(cells[0], -1) {
			lines++
			in := strings.NewReplacer("\x00", "|", `\r`, "\r", `\n`, "\n", `\t`, "\t").Replace(form[1])
			if got := tokenOf(in); !slices.Contains(tokensFor(cells[1]), got) {
				t.Errorf("%q ends with the token %q, PROTOCOL.md says: %s", in, got, cells[1])
			}
		}
	}
	if lines < 20 {
		t.Errorf("%d lines are found", lines)
	}
}

func tokensFor(outcome string) []wire.Token {
	for _, r := range refusals {
		if strings.HasPrefix(outcome, r.outcome) {
			return r.tokens
		}
	}
	return []wire.Token{""}
}

// tokenOf is the rule that the input breaks; empty if none.
func tokenOf(in string) wire.Token {
	var syntax *wire.SyntaxError
	if errors.As(parseAll([]byte(in), wire.Mode{}), &syntax) {
		return syntax.Token
	}
	return ""
}
