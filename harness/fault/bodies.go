package fault

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

var bodiesFaults = []Fault{
	{
		Name: "connect-body-unread", Title: "ignores a CONNECT whose body is no JSON", Breaks: "RT-JSON-001",
		Mend: mend(wire.BadJSON, func(b Broken) bool { return b.kind() == wire.Connect && !beginsWithJSON(b) }),
	},
	{
		Name: "info-body-unread", Title: "ignores an INFO whose body is no JSON", Breaks: "RT-JSON-002",
		Mend: mend(wire.BadJSON, func(b Broken) bool { return b.kind() == wire.Info && !beginsWithJSON(b) }),
	},
	{
		Name: "body-without-object-ignored", Title: "ignores INFO and CONNECT whose body is JSON and no object", Breaks: "RT-JSON-003",
		Mend: mend(wire.BadJSON, func(b Broken) bool { return json.Valid(b.value()) && b.value()[0] != '{' }),
	},
	{
		Name: "member-types-unchecked", Title: "ignores INFO and CONNECT with a member of the wrong type", Breaks: "RT-JSON-004",
		Mend: mend(wire.BadJSON, func(b Broken) bool { return json.Valid(b.value()) && b.value()[0] == '{' }),
	},
	{
		Name: "text-behind-object-ignored", Title: "reads INFO and CONNECT up to the end of the object, and not what follows", Breaks: "RT-JSON-005",
		Mend: mend(wire.BadJSON, func(b Broken) bool { return beginsWithJSON(b) && !json.Valid(b.value()) }),
	},
	{
		Name: "unknown-members-refused", Title: "refuses INFO and CONNECT with members that it does not know", Breaks: "RT-JSON-006",
		FromPeer: when(func(_ *Link, f Frame) bool {
			info, connect := f.Op.InfoBody, f.Op.ConnectBody
			return info != nil && len(info.Extra) > 0 || connect != nil && len(connect.Extra) > 0
		}, hangUp),
	},
	{
		Name: "escapes-refused", Title: "refuses bodies with escaped letters", Breaks: "RT-JSON-007",
		FromPeer: when(spelled(func(f Frame) bool { return bytes.Contains(f.body(), []byte(`\u`)) }), hangUp),
	},
	{
		Name: "blanks-in-body-refused", Title: "refuses bodies with blanks between their members", Breaks: "RT-JSON-007",
		FromPeer: when(spelled(func(f Frame) bool { return bytes.HasPrefix(f.body(), []byte("{ ")) }), hangUp),
	},
	{
		Name: "empty-members-refused", Title: "refuses members that are written out empty", Breaks: "RT-JSON-008",
		FromPeer: when(spelled(func(f Frame) bool {
			return bytes.Contains(f.body(), []byte(`:""`)) || bytes.Contains(f.body(), []byte(`"max_payload":0`))
		}), hangUp),
	},
	{
		Name: "null-members-refused", Title: "refuses members that are null", Breaks: "RT-JSON-009",
		FromPeer: when(spelled(func(f Frame) bool {
			return bytes.Contains(f.body(), []byte(`_urls":null`)) || bytes.Contains(f.body(), []byte(`"gateway":null`))
		}), hangUp),
	},
	{
		Name: "member-case-refused", Title: "does not know members whose name is in other case", Breaks: "RT-JSON-010",
		FromPeer: when(spelled(func(f Frame) bool {
			return slices.ContainsFunc(memberNames(f.body()), func(name string) bool { return name != strings.ToLower(name) })
		}), hangUp),
	},
	{
		Name: "doubled-members-refused", Title: "refuses bodies with a member given twice", Breaks: "RT-JSON-011",
		FromPeer: when(spelled(func(f Frame) bool {
			names := memberNames(f.body())
			slices.Sort(names)
			return len(slices.Compact(slices.Clone(names))) < len(names)
		}), hangUp),
	},
	{
		Name: "empty-info-closes", Title: "closes on an INFO of {}", Breaks: "RT-JSON-012",
		FromPeer: when(all(is(wire.Info), spelled(func(f Frame) bool { return string(f.body()) == "{}" })), hangUp),
	},
}

// beginsWithJSON tells whether a broken body has a whole JSON value at its beginning.
func beginsWithJSON(b Broken) bool {
	var value json.RawMessage
	return json.NewDecoder(bytes.NewReader(b.value())).Decode(&value) == nil
}

var memberName = regexp.MustCompile(`[{,]\s*"([A-Za-z_]+)"\s*:`)

// memberNames are the names of the members of a body, those inside of other members too.
func memberNames(body []byte) []string {
	var names []string
	for _, match := range memberName.FindAllSubmatch(body, -1) {
		names = append(names, string(match[1]))
	}
	return names
}
