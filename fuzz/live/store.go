package live

import (
	"errors"
	"fmt"
	"strings"

	"github.com/natsroute/natsroute/fuzz/folder"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// store is the folder of a run in the live fuzzer's own terms. Beside what package folder says, masks.json is what the generator leaves out because
// of findings.
type store struct{ *folder.Folder }

func openStore(dir string) (*store, error) {
	f, err := folder.Open(dir)
	if err != nil {
		return nil, &ConfigError{"the folder of -o: " + err.Error()}
	}
	return &store{f}, nil
}

// keep puts a sequence into the corpus.
func (s *store) keep(seq *gen.Sequence) error {
	text, _ := seq.MarshalText()
	return s.Keep(text)
}

// sequences reads the corpus. What cannot be read is named in the error; the rest is there.
func (s *store) sequences() ([]gen.Sequence, error) {
	var all []gen.Sequence
	err := s.Each(folder.Corpus, func(_ string, text []byte) error {
		var seq gen.Sequence
		err := seq.UnmarshalText(text)
		if err == nil {
			all = append(all, seq)
		}
		return err
	})
	return all, err
}

// suspect puts what is to be confirmed on disk and returns its name.
func (s *store) suspect(seqs []gen.Sequence) (string, error) {
	return s.Suspect(appendSequences(nil, seqs))
}

// finding stores a finding; true: its bucket is new to the folder.
func (s *store) finding(f *Finding) (bool, error) { return s.Find(f.Bucket, f.text()) }

// rare stores a finding that nobody can rely on to happen.
func (s *store) rare(f *Finding) error { return s.Rare(f.Bucket, f.text()) }

// ledger holds the sequences which a worker has sent last.
type ledger struct {
	*folder.Ledger
	text []byte
}

func (s *store) openLedger(worker int) (*ledger, error) {
	l, err := s.Ledger(worker)
	return &ledger{Ledger: l}, err
}

// enter notes a sequence that is about to be sent.
func (l *ledger) enter(seq *gen.Sequence) error {
	l.text, _ = seq.AppendText(l.text[:0])
	return l.Enter(l.text)
}

// appendSequences writes sequences one behind the other.
func appendSequences(b []byte, seqs []gen.Sequence) []byte {
	for i := range seqs {
		b, _ = seqs[i].AppendText(b)
		b = append(b, '\n')
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
