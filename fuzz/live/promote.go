package live

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// promotedChapter is where rows and vectors of findings begin their life: what anybody may send who reaches the port.
const (
	promotedChapter = "hostile"
	promotedPrefix  = "RT-HOST-"
)

// Promoted is what Promote has written.
type Promoted struct {
	Row    string   // id of the register's row
	Vector string   // id of the vector; empty: the case needs more than one connection, the spec alone shows it
	Files  []string // that were changed or made, below root
}

// Promote makes a row of the register, a vector and a spec skeleton of a finding, in the tree at root. The row and the vector load as
// they are; the spec compiles, and fails until somebody has filled in what is to be seen.
func Promote(f *Finding, root string) (Promoted, error) {
	if len(f.Sequences) != 1 {
		return Promoted{}, fmt.Errorf("the finding has %d sequences: only a case of one can be promoted", len(f.Sequences))
	}
	p := &promotion{f: f, root: root, name: bucket.Slug(f.Bucket)}
	for _, write := range []func() error{p.row, p.vector, p.spec} {
		if err := write(); err != nil {
			return p.out, err
		}
	}
	return p.out, nil
}

type promotion struct {
	f    *Finding
	root string
	name string // words joined by -
	out  Promoted
}

// insert puts text before the last place where mark stands in a file of the tree.
func (p *promotion) insert(file, mark, text string) error {
	path := filepath.Join(p.root, file)
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: is %s the tree of natsroute?", err, p.root)
	}
	at := bytes.LastIndex(old, []byte(mark))
	if at < 0 {
		return fmt.Errorf("%s does not look as it should: there is no %q", path, mark)
	}
	whole := string(old[:at]) + text + string(old[at:])
	if err := folder.Write(path, []byte(whole)); err != nil {
		return err
	}
	p.out.Files = append(p.out.Files, file)
	return nil
}

var rowNumber = regexp.MustCompile(`"` + promotedPrefix + `([0-9]{3})"`)

// row adds the register's row.
func (p *promotion) row() error {
	const file = "corpus/requirements.json"
	text, err := os.ReadFile(filepath.Join(p.root, file))
	if err != nil {
		return fmt.Errorf("%w: is %s the tree of natsroute?", err, p.root)
	}
	last := 0
	for _, m := range rowNumber.FindAllSubmatch(text, -1) {
		var n int
		if _, err := fmt.Sscan(strings.TrimLeft(string(m[1]), "0"), &n); err == nil {
			last = max(last, n)
		}
	}
	p.out.Row = fmt.Sprintf("%s%03d", promotedPrefix, last+1)
	row := corpus.Requirement{
		ID: p.out.Row, Level: corpus.Must, Capability: "core", Chapter: promotedChapter,
		Title: "FILL IN what a server has to do; the fuzzer saw: " + folder.Plain(p.f.Symptom.Class), Clause: p.clause(),
	}
	line, err := marshal(row)
	if err != nil {
		return err
	}
	return p.insert(file, "\n  ],\n  \"exclusions\"", ",\n    "+line)
}

var release = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

func (p *promotion) clause() string {
	if release.MatchString(p.f.Server) {
		return "seen:" + p.f.Server
	}
	return "doc:overview"
}

// marshal is JSON without the escapes of HTML.
func marshal(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimRight(b.String(), "\n"), err
}

// vector adds what the one connection of the case says, with what the reference's parser reads in it.
func (p *promotion) vector() error {
	seq := &p.f.Sequences[0]
	if seq.Conns() != 1 || !onlyRoutes(seq) {
		return nil
	}
	v := corpus.Vector{
		ID: p.name, Requirements: []string{p.out.Row}, Comment: "a finding of the fuzzer: " + folder.Plain(p.f.Symptom.Detail), Stage: corpus.Greeted,
	}
	in := promotedBytes(seq, 0)
	if plainInput(in) {
		v.In = string(in)
	} else {
		v.InHex = hex.EncodeToString(in)
	}
	d, err := wire.DialectByName(p.f.Dialect)
	if err != nil {
		d = wire.Latest()
	} else {
		v.Dialects = []string{d.Name}
	}
	if v.Want, err = readOps(in, d); err != nil {
		return err
	}
	v.Want.LiveReason = "from a finding: say in live what has to be seen"
	line, err := marshal(v)
	if err != nil {
		return err
	}
	p.out.Vector = v.ID
	file := "corpus/vectors/" + promotedChapter + ".json"
	if _, err := os.Stat(filepath.Join(p.root, file)); errors.Is(err, os.ErrNotExist) {
		p.out.Files = append(p.out.Files, file)
		return folder.Write(filepath.Join(p.root, file), []byte("[\n  "+line+"\n]\n"))
	}
	return p.insert(file, "\n]", ",\n  "+line)
}

func onlyRoutes(seq *gen.Sequence) bool {
	for i := range seq.Steps {
		if seq.Steps[i].Conn == gen.Client {
			return false
		}
	}
	return true
}

// promotedBytes is what a connection says, with the words of vectors in the place of ids.
func promotedBytes(seq *gen.Sequence, conn int) []byte {
	env := gen.Env{Nonce: "PROMOTED", Cluster: corpus.ClusterWord, Target: "TARGET_ID", TargetName: "TARGET_NAME", Subject: corpus.SubjectWord, Port: 1}
	b := seq.Append(nil, conn, &env)
	return bytes.ReplaceAll(b, []byte(env.ID(conn)), []byte(corpus.PeerWord))
}

func plainInput(b []byte) bool {
	for _, c := range b {
		if c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// readOps is what the reference's parser makes of bytes.
func readOps(in []byte, d wire.Dialect) (corpus.Want, error) {
	a, err := pipe.Read(pipe.Setting{Dialect: d.Name, ConnectFirst: d.ConnectFirst}, in)
	return corpus.Want{Ops: a.Ops, Error: a.Error, Token: a.Token}, err
}

// spec makes the skeleton.
func (p *promotion) spec() error {
	seq := &p.f.Sequences[0]
	var b strings.Builder
	fmt.Fprintf(&b, `package spec

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/natsroute/natsroute/corpus"
)

func init() { promoted = append(promoted, %s) }

// %s is a finding of the fuzzer:
// %s
func %s(s *Suite) {
	It(%q, s.Req(%q), func(ctx SpecContext) {
`, p.function(), p.function(), folder.Plain(p.f.Symptom.Detail), p.function(), "FILL IN: "+p.name, p.out.Row+"/"+p.word())
	used := map[int]bool{}
	for i := range seq.Steps {
		conn := seq.Steps[i].Conn
		if used[conn] || conn == gen.Client {
			continue
		}
		used[conn] = true
		name := string(rune('A' + conn))
		fmt.Fprintf(&b, `		%[1]s := s.Dial(ctx, %[2]q)
		_ = %[1]s.SendRaw([]byte(strings.NewReplacer(corpus.PeerWord, %[1]s.ID(), corpus.ClusterWord, %[1]s.Info().Cluster).Replace(%[3]q)), 0)
`, strings.ToLower(name), name, promotedBytes(seq, conn))
	}
	for i := range seq.Steps {
		if seq.Steps[i].Conn == gen.Client {
			fmt.Fprintf(&b, "		// a client: %s\n", folder.Plain(strings.TrimSpace(seq.Steps[i].Message.Verb+strings.Join(seq.Steps[i].Message.Fields, ""))))
		}
	}
	b.WriteString("\t\tFail(\"FILL IN what has to be seen\")\n\t})\n}\n")
	file := "spec/finding_" + strings.ReplaceAll(p.name, "-", "_") + ".go"
	p.out.Files = append(p.out.Files, file)
	return folder.Write(filepath.Join(p.root, file), []byte(b.String()))
}

// word is the last part of the spec's id: another than the vector's.
func (p *promotion) word() string { return p.name + "-spec" }

func (p *promotion) function() string {
	var b strings.Builder
	b.WriteString("registerFinding")
	for part := range strings.SplitSeq(p.name, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
