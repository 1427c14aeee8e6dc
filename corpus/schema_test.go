package corpus

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestDataMatchesSchema(t *testing.T) {
	names, err := fs.Glob(data, "vectors/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no vector files: %v", err)
	}
	files := map[string]string{registerFile: "requirements.schema.json", pageFile: "page.schema.json"}
	for _, name := range names {
		files[name] = "vectors.schema.json"
	}
	for name, schema := range files {
		t.Run(path.Base(name), func(t *testing.T) {
			b, err := fs.ReadFile(data, name)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, schema, b); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// The schemas are of use only if they refuse.
func TestSchemaRefuses(t *testing.T) {
	const row = `"id":"RT-HS-001","level":"must","capability":"core","chapter":"handshake","title":"t","clause":"doc:INFO"`
	const vector = `"id":"a","requirements":["RT-HS-001"],"comment":"c"`
	for _, tt := range []struct{ name, schema, data string }{
		{"level", "requirements.schema.json", `{"requirements":[{"id":"RT-HS-001","level":"shall","capability":"core","chapter":"handshake","title":"t","clause":"doc:INFO"}],"exclusions":[]}`},
		{"unknown member", "requirements.schema.json", `{"requirements":[{` + row + `,"extra":1}],"exclusions":[]}`},
		{"version range", "requirements.schema.json", `{"requirements":[{` + row + `,"versions":["2.5"]}],"exclusions":[]}`},
		{"clause", "requirements.schema.json", `{"requirements":[{` + row + `}],"exclusions":[{"source":"hearsay","text":"t","kind":"quirk","reason":"r"}]}`},
		{"no live and no reason", "vectors.schema.json", `[{` + vector + `,"in":"x","want":{"ops":[]}}]`},
		{"two inputs", "vectors.schema.json", `[{` + vector + `,"in":"x","in_hex":"00","want":{"ops":[],"live_reason":"r"}}]`},
		{"error without token", "vectors.schema.json", `[{` + vector + `,"in":"x","want":{"ops":[],"error":"syntax","live_reason":"r"}}]`},
		{"token of another layer", "vectors.schema.json", `[{` + vector + `,"in":"x","want":{"ops":[],"error":"limit","token":"bad_size","live_reason":"r"}}]`},
		{"unprintable input", "vectors.schema.json", `[{` + vector + `,"in":"\u0001","want":{"ops":[],"live_reason":"r"}}]`},
		{"sentence without rows and exclusion", "page.schema.json", `[{"section":"INFO","n":1,"says":"s","digest":"0123456789abcdef"}]`},
		{"dialect", "vectors.schema.json", `[{` + vector + `,"in":"x","want":{"ops":[],"live":{"srv-9":"ignored"}}}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if validate(t, tt.schema, []byte(tt.data)) == nil {
				t.Errorf("accepted: %s", tt.data)
			}
		})
	}
}

func validate(t *testing.T, schemaFile string, b []byte) error {
	t.Helper()
	text, err := os.ReadFile("schema/" + schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}
