package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// memberNames holds the JSON names of the fields of T.
func memberNames[T any]() map[string]bool {
	names := make(map[string]bool)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			names[name] = true
		}
	}
	return names
}

// readBody decodes text into members, and what names does not list into extra.
func readBody(text []byte, members any, extra *map[string]json.RawMessage, names map[string]bool) error {
	if err := json.Unmarshal(text, members); err != nil {
		return err
	}
	if !hasOthers(text, names) {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, value := range all {
		// The decoder folds the case of member names.
		if isKnown(names, name) {
			continue
		}
		if *extra == nil {
			*extra = make(map[string]json.RawMessage)
		}
		(*extra)[name] = value
	}
	return nil
}

func isKnown(names map[string]bool, name string) bool {
	if names[name] {
		return true
	}
	for known := range names {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// hasOthers says whether text, which is valid JSON, may have a member that names does not list: what does not stand there letter
// for letter is looked at again. Most bodies have none, and need not be decoded twice.
func hasOthers(text []byte, names map[string]bool) bool {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := stringEnd(text, at)
			if depth == 1 && isName(text, end) && !names[string(text[at+1:end-1])] {
				return true
			}
			at = end - 1
		}
	}
	return false
}

// stringEnd is the offset behind the string that begins at text[at].
func stringEnd(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// isName says whether what ends at text[at] is followed by a colon.
func isName(text []byte, at int) bool {
	for text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n' {
		at++
	}
	return text[at] == ':'
}

// appendBodyJSON appends the members, and extra behind them.
func appendBodyJSON(b []byte, members any, extra map[string]json.RawMessage) ([]byte, error) {
	text, err := json.Marshal(members)
	if err != nil {
		return b, err
	}
	out := bytes.NewBuffer(append(b, text[:len(text)-1]...))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		quoted, err := json.Marshal(name)
		if err != nil {
			return b, err
		}
		out.WriteByte(',')
		out.Write(quoted)
		out.WriteByte(':')
		value := extra[name]
		if value == nil {
			value = json.RawMessage("null")
		}
		if err := json.Compact(out, value); err != nil { // compact: a line feed inside would end the line
			return b, fmt.Errorf("wire: extra member %q is not JSON: %w", name, err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// mustBody is for AppendTo, which has no error to return.
func mustBody(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
