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

// memberNames lists the JSON names of the fields of T.
func memberNames[T any]() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// readBody decodes text into members, and what names does not list into extra.
func readBody(text []byte, members any, extra *map[string]json.RawMessage, names []string) error {
	if err := json.Unmarshal(text, members); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, value := range all {
		// The decoder folds the case of member names.
		if slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(name, known) }) {
			continue
		}
		if *extra == nil {
			*extra = make(map[string]json.RawMessage)
		}
		(*extra)[name] = value
	}
	return nil
}

// appendBodyJSON appends the members, and extra behind them.
func appendBodyJSON(b []byte, members any, extra map[string]json.RawMessage) ([]byte, error) {
	text, err := json.Marshal(members)
	if err != nil || len(extra) == 0 {
		return append(b, text...), err
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
