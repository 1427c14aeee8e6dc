package corpus

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCaptures(t *testing.T) {
	captures, err := Captures()
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]int{}
	for _, c := range captures {
		versions[c.Version]++
		if c.About == "" || !strings.Contains(c.About, "v"+c.Version) {
			t.Errorf("%s: the first line does not tell what it is: %q", c.File, c.About)
		}
		streams := c.Streams()
		if len(streams) == 0 {
			t.Errorf("%s: no streams", c.File)
		}
		total := 0
		for _, s := range streams {
			total += checkStream(t, &c, s)
		}
		if want := plainLength(t, c.File); total != want {
			t.Errorf("%s: streams have %d bytes, lines have %d", c.File, total, want)
		}
	}
	for version, least := range map[string]int{"2.1.2": 9, "2.9.25": 10, "2.10.27": 6, "2.15.2": 12} {
		if versions[version] < least {
			t.Errorf("%d captures of %s, there were %d", versions[version], version, least)
		}
	}
}

// checkStream wants a stream of whole lines (S2 frames, where the scenario is about them), and returns its length.
func checkStream(t *testing.T, c *Capture, s Stream) int {
	t.Helper()
	b := c.Bytes(s)
	switch {
	case len(b) == 0:
		t.Errorf("%s: %v is empty", c.File, s)
	case c.Scenario == "compression-s2":
		if !bytes.Contains(b, []byte("\xff\x06\x00\x00S2sTwO")) {
			t.Errorf("%s: %v has no S2 stream", c.File, s)
		}
	case !bytes.HasSuffix(b, []byte("\r\n")):
		t.Errorf("%s: %v does not end with a line end: %q", c.File, s, b[max(0, len(b)-40):])
	}
	length := 0
	for _, read := range c.Reads(s) {
		length += len(read)
	}
	if length != len(b) {
		t.Errorf("%s: %v: reads have %d bytes, the stream %d", c.File, s, length, len(b))
	}
	return length
}

// plainLength counts a file's bytes in another way than the loader: by Go's own unquoting.
func plainLength(t *testing.T, file string) int {
	t.Helper()
	b, err := data.ReadFile("captures/" + file)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		mark, text, ok := strings.Cut(line, "> ")
		if !ok || strings.Contains(mark, "#") {
			continue
		}
		plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s: %v: %s", file, err, line)
		}
		total += len(plain)
	}
	return total
}

// What is known of two captures by reading them.
func TestCaptureContents(t *testing.T) {
	captures, err := Captures()
	if err != nil {
		t.Fatal(err)
	}
	find := func(file string) *Capture {
		for i := range captures {
			if captures[i].File == file {
				return &captures[i]
			}
		}
		t.Fatalf("no %s", file)
		return nil
	}
	c := find("v2.1.2-connect.txt")
	from := c.Bytes(Stream{1, "B"})
	if !bytes.HasPrefix(from, []byte(`CONNECT {"echo":true`)) || !bytes.HasSuffix(from, []byte("PING\r\nPONG\r\n")) {
		t.Errorf("B says %.60q … %q", from, from[len(from)-20:])
	}
	if reads := c.Reads(Stream{1, "B"}); len(reads) != 3 || bytes.Count(reads[0], []byte("\r\n")) != 2 {
		t.Errorf("%d reads, the first %q", len(reads), reads[0])
	}
	c = find("v2.15.2-headers.txt")
	if got := string(c.Events[4].Bytes); c.Scenario != "headers" || got != "HMSG $G foo 24 29\r\n" || c.Events[4].Seconds != 0.2691 {
		t.Errorf("fifth event of %s is %+v", c.Scenario, c.Events[4])
	}
	if c.Events[0].Note == "" || c.Events[0].Sender != "" {
		t.Errorf("first event is %+v", c.Events[0])
	}
}

func TestCaptureErrors(t *testing.T) {
	for _, tt := range []struct{ name, file, text, row, says string }{
		{"name", "captures/notes.txt", "", "", "vVERSION-SCENARIO"},
		{"line", "captures/v1-a.txt", "# a\n  0.1 [1] A> PING\nstray\n", "line 3", "is neither"},
		{"escape", "captures/v1-a.txt", `  0.1 [1] A> a\q`, "line 1", `\q`},
		{"half an escape", "captures/v1-a.txt", `  0.1 [1] A> a\`, "line 1", "half"},
		{"half a byte", "captures/v1-a.txt", `  0.1 [1] A> a\x4`, "line 1", "half"},
		{"no byte", "captures/v1-a.txt", `  0.1 [1] A> a\xzz`, "line 1", "zz"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadCaptures(fstest.MapFS{tt.file: {Data: []byte(tt.text)}})
			var fault *DataError
			if !errors.As(err, &fault) || fault.Row != tt.row || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, wanted %q and %q", err, tt.row, tt.says)
			}
		})
	}
}
