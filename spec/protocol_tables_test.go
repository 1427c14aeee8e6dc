package spec

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"regexp"
	"strings"
	"testing"

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
