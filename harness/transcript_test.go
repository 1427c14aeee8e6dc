package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMaskInAnySplit(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"password", `CONNECT {"user":"u","pass":"s3cr\"et","name":"n"}` + "\r\n", `CONNECT {"user":"u","pass":"***","name":"n"}` + "\r\n"},
		{"token, other case, blanks", `CONNECT {"AUTH_TOKEN" : "tok\\"}` + "\r\n", `CONNECT {"AUTH_TOKEN" : "***"}` + "\r\n"},
		{"empty", `{"pass":""}`, `{"pass":"***"}`},
		{"a value, not a name", `{"name":"pass","x":"y"}`, `{"name":"pass","x":"y"}`},
		{"longer name", `{"auth_token_and_more":"y","passing":"z"}`, `{"auth_token_and_more":"y","passing":"z"}`},
		{"no text", `{"pass":7,"pass":null}`, `{"pass":7,"pass":null}`},
		{"unclosed, next line free", "{\"pass\":\"abc\r\nRS+ $G a\r\n", "{\"pass\":\"***\nRS+ $G a\r\n"},
		{"odd quote in a payload", "RMSG $G a 1\r\n\"\r\nCONNECT {\"pass\":\"abc\"}\r\n", "RMSG $G a 1\r\n\"\r\nCONNECT {\"pass\":\"***\"}\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for a := range len(tc.in) + 1 {
				for b := a; b <= len(tc.in); b++ {
					var m masker
					var got []byte
					for _, piece := range []string{tc.in[:a], tc.in[a:b], tc.in[b:]} {
						got = append(got, m.mask([]byte(piece))...)
					}
					if string(got) != tc.want {
						t.Fatalf("cut at %d and %d: %q, want %q", a, b, got, tc.want)
					}
				}
			}
		})
	}
}

// Without a secret nothing is changed, and no memory of the caller is kept or written to.
func TestMaskLeavesTheRestAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.SampledFrom([]byte("{}\":, \\\r\nabps"))).Draw(t, "in")
		if bytes.Contains(in, []byte("pass")) {
			t.Skip("may hold a secret")
		}
		before := bytes.Clone(in)
		var m masker
		if got := m.mask(in); !bytes.Equal(got, before) || !bytes.Equal(in, before) {
			t.Fatalf("%q became %q", before, got)
		}
	})
}

func TestTranscriptMasksTheKnownPasswordAnywhere(t *testing.T) {
	tr := newTranscript("A", time.Now(), "hunter22")
	tr.wrote([]byte(`CONNECT {"pass" "hunter22"}`))
	tr.read([]byte("-ERR 'bad password hunter22'\r\n"))
	for _, e := range tr.Entries() {
		if bytes.Contains(e.Data, []byte("hunter")) || !bytes.Contains(e.Data, []byte(maskText)) {
			t.Errorf("%q", e.Data)
		}
	}
}

func TestTranscriptKeepsHeadAndTail(t *testing.T) {
	tr := newTranscript("A", time.Now(), "")
	const n = 20000
	total := 0
	for i := range n {
		line := fmt.Appendf(nil, "line %d\r\n", i)
		total += len(line)
		tr.read(line)
	}
	entries := tr.Entries()
	kept, notes := 0, 0
	for _, e := range entries {
		if e.Dir == '#' {
			notes++
			var bytesCut, entriesCut int
			if _, err := fmt.Sscanf(string(e.Data), "%d bytes in %d entries left out", &bytesCut, &entriesCut); err != nil {
				t.Fatal(err)
			}
			if bytesCut+kept > total || entriesCut+len(entries)-1 != n {
				t.Errorf("%s; %d entries are there", e.Data, len(entries)-1)
			}
			total -= bytesCut
			continue
		}
		kept += len(e.Data)
	}
	if kept != total || notes != 1 || kept > transcriptHead+transcriptTail || kept < transcriptHead+transcriptTail-100 {
		t.Errorf("kept %d bytes of %d that were not cut, %d notes", kept, total, notes)
	}
	if first, last := string(entries[0].Data), string(entries[len(entries)-1].Data); first != "line 0\r\n" || last != fmt.Sprintf("line %d\r\n", n-1) {
		t.Errorf("first %q, last %q", first, last)
	}
}

func TestTranscriptShortensLongEntries(t *testing.T) {
	tr := newTranscript("A", time.Now(), "")
	whole, long := strings.Repeat("w", entryWhole), "head"+strings.Repeat("x", entryWhole)+"tail"
	tr.wrote([]byte(whole))
	tr.wrote([]byte(long))
	e := tr.Entries()
	if string(e[0].Data) != whole || e[0].Tail != nil || e[0].Size != entryWhole {
		t.Errorf("an entry of %d bytes was not kept whole", entryWhole)
	}
	sum := sha256.Sum256([]byte(long))
	if e[1].Size != len(long) || e[1].SHA256 != hex.EncodeToString(sum[:]) || len(e[1].Data) != entryHead ||
		!strings.HasPrefix(string(e[1].Data), "head") || !strings.HasSuffix(string(e[1].Tail), "tail") {
		t.Errorf("%d bytes kept as %d and %d, size %d", len(long), len(e[1].Data), len(e[1].Tail), e[1].Size)
	}
}

func TestTranscriptOwnsItsBytes(t *testing.T) {
	tr := newTranscript("A", time.Now(), "")
	b := []byte("PING\r\n")
	tr.wrote(b)
	b[0] = 'X'
	if e := tr.Entries()[0]; string(e.Data) != "PING\r\n" || e.Dir != '>' || e.Conn != "A" {
		t.Errorf("%+v", e)
	}
}

// What was sent is given as one stream, up to where bytes are missing from it.
func TestSentIsWholeOrEnds(t *testing.T) {
	tr := newTranscript("A", time.Now(), "")
	tr.read([]byte("INFO {} \r\n"))
	tr.wrote([]byte("PI"))
	tr.note("a note")
	tr.wrote([]byte("NG\r\n"))
	if got := string(tr.Sent()); got != "PING\r\n" {
		t.Errorf("got %q", got)
	}
	tr.wrote(bytes.Repeat([]byte("x"), entryWhole+1))
	tr.wrote([]byte("PONG\r\n"))
	if got := string(tr.Sent()); got != "PING\r\n" {
		t.Errorf("a write that is not kept whole was passed over: %d bytes", len(got))
	}

	tr = newTranscript("A", time.Now(), "")
	tr.wrote([]byte("PING\r\n"))
	tr.inside('>', []byte("PONG\r\n"), 20)
	if got := string(tr.Sent()); got != "PING\r\n" {
		t.Errorf("got %q, which the target read as S2", got)
	}

	tr = newTranscript("A", time.Now(), "")
	line := bytes.Repeat([]byte("y"), entryWhole)
	for range (transcriptHead + transcriptTail) / entryWhole * 2 {
		tr.wrote(line)
	}
	if got := len(tr.Sent()); got != transcriptHead {
		t.Errorf("%d bytes, want what stands before the gap: %d", got, transcriptHead)
	}
}
