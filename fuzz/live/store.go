package live

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
)

// store is the folder of a run. Every file is written beside its place and renamed, so that it is whole or not there.
//
//	findings/BUCKET.txt   one for each bucket, for people and for replay
//	corpus/SHA16.txt      sequences that showed something new
//	suspects/N.txt        what an oracle objected to and nobody has confirmed yet
//	rare/BUCKET.txt       what has ended the target, and does not each time
//	ledger/N              what worker N sent last
//	masks.json            what the generator leaves out because of findings
//	status.jsonl          one line of Status now and then
type store struct {
	dir string

	mu       sync.Mutex
	findings map[string]bool // buckets
	before   map[string]bool // of them, those that were there when the run began
	corpus   map[string]bool
	suspects int
	status   *os.File
}

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, findings: map[string]bool{}, corpus: map[string]bool{}}
	for _, sub := range []string{"findings", "corpus", "suspects", "rare", "ledger"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, &ConfigError{"the folder of -o: " + err.Error()}
		}
	}
	for sub, into := range map[string]map[string]bool{"findings": s.findings, "corpus": s.corpus} {
		names, err := s.names(sub)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			into[name] = true
		}
	}
	s.before = map[string]bool{}
	for bucket := range s.findings {
		s.before[bucket] = true
	}
	var err error
	s.status, err = os.OpenFile(filepath.Join(dir, "status.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return s, err
}

func (s *store) close() error { return s.status.Close() }

// names are the names of the files in a folder, without .txt, sorted.
func (s *store) names(sub string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, sub))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".txt"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (s *store) path(sub, name string) string { return filepath.Join(s.dir, sub, name+".txt") }

// write makes a file in one step.
func write(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// keep puts a sequence into the corpus.
func (s *store) keep(seq *gen.Sequence) error {
	text, _ := seq.MarshalText()
	sum := sha256.Sum256(text)
	name := hex.EncodeToString(sum[:8])
	s.mu.Lock()
	known := s.corpus[name]
	s.corpus[name] = true
	s.mu.Unlock()
	if known {
		return nil
	}
	return write(s.path("corpus", name), text)
}

// sequences reads the corpus. What cannot be read is named in the error; the rest is there.
func (s *store) sequences() ([]gen.Sequence, error) {
	names, err := s.names("corpus")
	if err != nil {
		return nil, err
	}
	var all []gen.Sequence
	var faults []error
	for _, name := range names {
		text, err := os.ReadFile(s.path("corpus", name))
		var seq gen.Sequence
		if err == nil {
			err = seq.UnmarshalText(text)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.path("corpus", name), err))
			continue
		}
		all = append(all, seq)
	}
	return all, errors.Join(faults...)
}

// suspect puts what is to be confirmed on disk and returns its name.
func (s *store) suspect(seqs []gen.Sequence) (string, error) {
	s.mu.Lock()
	s.suspects++
	name := fmt.Sprintf("%d-%d", time.Now().UnixNano(), s.suspects)
	s.mu.Unlock()
	return name, write(s.path("suspects", name), appendSequences(nil, seqs))
}

func (s *store) settled(suspect string) { _ = os.Remove(s.path("suspects", suspect)) }

// finding stores a finding; true: its bucket is new to the folder.
func (s *store) finding(f *Finding) (bool, error) {
	s.mu.Lock()
	known := s.findings[f.Bucket]
	s.findings[f.Bucket] = true
	s.mu.Unlock()
	if known {
		return false, nil
	}
	return true, write(s.path("findings", f.Bucket), f.text())
}

// rare stores a finding that nobody can rely on to happen.
func (s *store) rare(f *Finding) error { return write(s.path("rare", f.Bucket), f.text()) }

func (s *store) counts() (findings, fresh, corpus int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.findings), len(s.findings) - len(s.before), len(s.corpus)
}

// report adds a line to status.jsonl.
func (s *store) report(st *Status) error {
	line, err := json.Marshal(st)
	if err != nil {
		return err
	}
	_, err = s.status.Write(append(line, '\n'))
	return err
}

// appendSequences writes sequences one behind the other.
func appendSequences(b []byte, seqs []gen.Sequence) []byte {
	for i := range seqs {
		text, _ := seqs[i].MarshalText()
		b = append(append(b, text...), '\n')
	}
	return b
}

// parseSequences reads what appendSequences has written, with lines of comment anywhere.
func parseSequences(text string) ([]gen.Sequence, error) {
	const title = "natsroute sequence 1"
	var seqs []gen.Sequence
	var part []string
	flush := func() error {
		if part == nil {
			return nil
		}
		var seq gen.Sequence
		err := seq.UnmarshalText([]byte(strings.Join(part, "\n")))
		seqs, part = append(seqs, seq), nil
		return err
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == title {
			if err := flush(); err != nil {
				return nil, err
			}
			part = []string{}
		}
		if part != nil {
			part = append(part, line)
		} else if t := strings.TrimSpace(line); t != "" && t[0] != '#' {
			return nil, fmt.Errorf("%.60q stands before %q", t, title)
		}
	}
	err := flush()
	if err == nil && len(seqs) == 0 {
		err = errors.New("there is no sequence in it")
	}
	return seqs, err
}
