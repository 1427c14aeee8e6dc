package live

import (
	"fmt"
	"os"
	"time"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// Finding is one defect, as it stands in a file: a head of comments for people and tools, and the sequences that show it.
type Finding struct {
	Bucket    string
	Symptom   Symptom
	Target    string // nats-server@v2.1.2, a command, an address
	Beside    string // command of the server that it was compared with; empty: there was none
	Server    string // version in its INFO
	Dialect   string
	Found     time.Time
	After     time.Duration // from the beginning of the run
	Seed      uint64
	Replay    string // a command
	Messages  int    // of the sequences
	Bytes     int
	Sequences []gen.Sequence
	Proven    string // how often it happened again: "3 of 3"
}

const findingTitle = "# natsroute finding 1"

// text is the file.
func (f *Finding) text() []byte {
	b := folder.AppendHead(nil, findingTitle, [][2]string{
		{"bucket", f.Bucket},
		{"kind", string(f.Symptom.Kind)},
		{"class", f.Symptom.Class},
		{"symptom", f.Symptom.Detail},
		{"target", f.Target},
		{"server", f.Server},
		{"beside", f.Beside},
		{"dialect", f.Dialect},
		{"found", folder.When(f.Found, f.After, f.Seed)},
		{"proven", f.Proven},
		{"size", folder.Size(f.Messages, f.Bytes)},
		{"replay", f.Replay},
	})
	b = folder.AppendSaid(b, f.Symptom.Stack)
	b = append(b, "#\n# The bytes, with fz for ids:\n"...)
	env := gen.FixedEnv()
	for i := range f.Sequences {
		for _, t := range turns(&f.Sequences[i], &env, false) {
			b = fmt.Appendf(b, "#   %s %s\n", connName(t.conn), shownBytes(&f.Sequences[i], &t, &env))
		}
	}
	return appendSequences(append(b, '\n'), f.Sequences)
}

func connName(conn int) string {
	if conn == gen.Client {
		return "client"
	}
	return fmt.Sprintf("%d", conn)
}

// shownBytes are the bytes of a turn, without the barrier, as a Go string.
func shownBytes(seq *gen.Sequence, t *turn, env *gen.Env) string {
	var b []byte
	for _, s := range t.sends {
		b = seq.Steps[s.step].Message.Append(b, max(t.conn, 0), env)
	}
	const most = 2 << 10
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// ReadFinding reads a finding, or a file that holds nothing but sequences.
func ReadFinding(path string) (*Finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseFinding(string(text))
}

func parseFinding(text string) (*Finding, error) {
	head := folder.Head(text)
	f := &Finding{
		Bucket: head["bucket"], Target: head["target"], Beside: head["beside"], Server: head["server"], Dialect: head["dialect"], Proven: head["proven"],
		Symptom: Symptom{Kind: Kind(head["kind"]), Class: head["class"], Detail: head["symptom"]},
	}
	var err error
	f.Sequences, err = parseSequences(text)
	f.measure()
	return f, err
}

// measure counts messages and bytes.
func (f *Finding) measure() {
	f.Messages, f.Bytes = 0, 0
	env := gen.FixedEnv()
	for i := range f.Sequences {
		for j := range f.Sequences[i].Steps {
			if st := &f.Sequences[i].Steps[j]; !st.End {
				f.Messages++
				f.Bytes += len(st.Message.Append(nil, max(st.Conn, 0), &env))
			}
		}
	}
}
