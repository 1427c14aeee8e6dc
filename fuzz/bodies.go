package fuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// CheckInfo holds a body of INFO, whatever bytes it is, to what a second decoder makes of it, member by member: the same error or none,
// every known member the last value that came under its name in any case, unknown ones kept. And what is marshalled of
// it means the same.
func CheckInfo(data []byte) error { return checkBody[wire.InfoBody](data, "INFO") }

// CheckConnect is CheckInfo for CONNECT.
func CheckConnect(data []byte) error { return checkBody[wire.ConnectBody](data, "CONNECT") }

func checkBody[T any](data []byte, name string) error {
	var got, want T
	gotErr := json.Unmarshal(data, &got)
	wantErr := memberwise(data, &want)
	if (gotErr == nil) != (wantErr == nil) {
		return fmt.Errorf("%s %q: %v, member by member %v", name, data, gotErr, wantErr)
	}
	if err := lineAgrees(data, name, gotErr); err != nil || gotErr != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s %q: %+v, member by member %+v", name, data, got, want)
	}
	text, err := json.Marshal(got)
	if err != nil {
		return fmt.Errorf("%s %q does not marshal: %w", name, data, err)
	}
	var again T
	if err := json.Unmarshal(text, &again); err != nil {
		return fmt.Errorf("%s %q, marshalled %q: %w", name, data, text, err)
	}
	twice, err := json.Marshal(again)
	if err != nil || !bytes.Equal(text, twice) {
		return fmt.Errorf("%s %q, marshalled %q, then %q: %v", name, data, text, twice, err)
	}
	return nil
}

// lineAgrees holds the parser to the decoder: a body without a line feed makes an operation exactly if it decodes. Blanks in front
// and behind are not the body's.
func lineAgrees(data []byte, name string, decodes error) error {
	if bytes.IndexByte(data, '\n') >= 0 {
		return nil
	}
	line := append(append(append(make([]byte, 0, len(data)+16), name...), ' '), data...)
	_, err := naive.One(append(line, '\r', '\n'), wire.Mode{})
	if (err == nil) != (decodes == nil) {
		return fmt.Errorf("%s %q: the line gives %v, the decoder %v", name, data, err, decodes)
	}
	return nil
}

// fieldsOf lists the members of a body type: its JSON name and the index of its field.
var fieldsOf sync.Map // reflect.Type -> map[string]int

func fields(t reflect.Type) map[string]int {
	if known, ok := fieldsOf.Load(t); ok {
		return known.(map[string]int)
	}
	all := make(map[string]int)
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			all[name] = i
		}
	}
	fieldsOf.Store(t, all)
	return all
}

// memberwise decodes one JSON object, token by token: each value into the field whose name it has, the case of letters folded, or into
// Extra. The last of several wins, null leaves a field alone. null as a whole is a body without members.
func memberwise[T any](data []byte, into *T) error {
	if !json.Valid(data) {
		return fmt.Errorf("not JSON")
	}
	if string(bytes.Trim(data, " \t\r\n")) == "null" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("no object: %v %w", open, err)
	}
	body := reflect.ValueOf(into).Elem()
	var wrong error
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if field := fieldOf(body.Type(), name.(string)); field >= 0 {
			if err := json.Unmarshal(value, body.Field(field).Addr().Interface()); err != nil {
				wrong = err
			}
			continue
		}
		extra := body.FieldByName("Extra")
		if extra.IsNil() {
			extra.Set(reflect.ValueOf(map[string]json.RawMessage{}))
		}
		extra.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(value))
	}
	return wrong
}

func fieldOf(t reflect.Type, name string) int {
	known := fields(t)
	if field, ok := known[name]; ok {
		return field
	}
	for candidate, field := range known {
		if strings.EqualFold(candidate, name) {
			return field
		}
	}
	return -1
}
