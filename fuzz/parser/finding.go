package parser

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/pipe"
)

// Finding is one defect, as it stands in a file: a head of comments for people and tools, and the streams that show it.
type Finding struct {
	Bucket  string
	Symptom Symptom
	Parser  string // the command
	Found   time.Time
	After   time.Duration // from the beginning of the run
	Seed    uint64
	Proven  string // how often it happened again: "3 of 3"
	Replay  string // a command
	Cases   []Case
}

// findingTitle is the first line of a finding's file.
const findingTitle = "# natsroute finding in a parser 1"

// Text is the finding as a file.
func (f *Finding) Text() []byte {
	b := folder.AppendHead(nil, findingTitle, [][2]string{
		{"bucket", f.Bucket},
		{"kind", string(f.Symptom.Kind)},
		{"class", f.Symptom.Class},
		{"symptom", f.Symptom.Detail},
		{"parser", f.Parser},
		{"found", folder.When(f.Found, f.After, f.Seed)},
		{"proven", f.Proven},
		{"size", folder.Size(f.Size())},
		{"replay", f.Replay},
	})
	b = folder.AppendSaid(b, f.Symptom.Said)
	for i := range f.Cases {
		b = f.Cases[i].explain(b)
	}
	return appendCases(append(b, '\n'), f.Cases)
}

// explain appends the pieces of a stream, and what the reference makes of it.
func (c *Case) explain(b []byte) []byte {
	const most = 400
	stream := c.bytes()
	b = append(b, "#\n# the bytes:\n"...)
	from := 0
	for _, to := range append(inside(c.Cuts, len(stream)), len(stream)) {
		if piece := stream[from:to]; len(piece) > most {
			b = fmt.Appendf(b, "#   %+q and more, %d bytes\n", piece[:most], len(piece))
		} else {
			b = fmt.Appendf(b, "#   %+q\n", piece)
		}
		from = to
	}
	want, err := pipe.Read(c.Setting, stream)
	if err != nil {
		return b
	}
	return fmt.Appendf(b, "# wanted:\n#   %s\n", folder.Plain(want.Line()))
}

// Size is how many messages the streams have, and how many bytes.
func (f *Finding) Size() (messages, size int) {
	for i := range f.Cases {
		messages += len(f.Cases[i].Stream.Steps)
		size += len(f.Cases[i].bytes())
	}
	return messages, size
}

// IsFinding tells whether the text of a file is a finding in a parser.
func IsFinding(text []byte) bool { return bytes.HasPrefix(text, []byte(findingTitle)) }

// ReadFinding reads a finding, or a file that holds nothing but sequences: these are streams of that dialect, of which connection 0
// counts. Empty: the latest.
func ReadFinding(path, dialect string) (*Finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := Config{Dir: path, Dialect: dialect}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return parseFinding(string(text), pipe.Setting{Dialect: cfg.Dialect})
}

func parseFinding(text string, otherwise pipe.Setting) (*Finding, error) {
	f := &Finding{}
	if IsFinding([]byte(text)) {
		head := folder.Head(text)
		f.Bucket, f.Parser, f.Proven = head["bucket"], head["parser"], head["proven"]
		f.Symptom = Symptom{Kind: Kind(head["kind"]), Class: head["class"], Detail: head["symptom"]}
	}
	var err error
	f.Cases, err = parseCases(text, otherwise)
	return f, err
}

// newFinding describes cases that show a symptom.
func (r *run) newFinding(s *Symptom, cases []Case) *Finding {
	f := &Finding{Bucket: s.bucket(cases), Symptom: *s, Parser: r.cfg.Command, Found: time.Now(), After: time.Since(r.began), Seed: r.cfg.Seed, Cases: cases}
	f.Replay = fmt.Sprintf("natsroute replay %s --parser %s", harness.ShellWord(r.folder.Path("findings", f.Bucket)), harness.ShellWord(r.cfg.Command))
	return f
}
