package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/natsroute/natsroute/fuzz"
	"github.com/natsroute/natsroute/reference/wire"
)

// seedStore is the directory of --save-seeds: DIR/TARGET/HASH as in corpus/seeds. Without that flag it swallows everything.
//
// What differs from run to run (nonce, counters in subjects, server ids, ports) is replaced, nowhere changing the length of a
// line or payload, so that a second run of the same rows adds next to nothing.
type seedStore struct {
	dir   string
	nonce string
	ids   *regexp.Regexp // server ids of the run
	count *regexp.Regexp // counters in its subjects
	err   error          // the first seed that could not be written
}

func (c *certifyCommand) seedStore() (*seedStore, error) {
	if c.Seeds != "" {
		if err := os.MkdirAll(c.Seeds, 0o755); err != nil {
			return nil, usage("--save-seeds: %w", err)
		}
	}
	return &seedStore{dir: c.Seeds}, nil
}

// begin is told the run's nonce before anything is sent.
func (s *seedStore) begin(nonce string) {
	s.nonce = nonce
	s.ids = regexp.MustCompile(`N` + strings.ToUpper(nonce) + `X[0-9]+X[A-Z2-7]*`)
	s.count = regexp.MustCompile(`nr` + nonce + `\.[0-9]+`)
}

// sent is what the specs hand their streams to; nil: nobody asked.
func (s *seedStore) sent() func(stream []byte) {
	if s.dir == "" {
		return nil
	}
	return func(stream []byte) {
		stream = s.steady(stream)
		s.save("parse", append([]byte{anyFirst()}, stream...))
		s.save("split", append([]byte{anyFirst(), 0}, stream...)) // cut nowhere but where the target always cuts
		for target, bodies := range bodiesOf(stream) {
			for _, body := range bodies {
				s.save(target, body)
			}
		}
	}
}

// anyFirst is the byte in front of a stream by which the targets read it whatever its first operation is.
func anyFirst() byte {
	choice, _ := fuzz.StreamChoice("any first")
	return choice
}

var portOf = regexp.MustCompile(`("port":|127\.0\.0\.1:|\[::1\]:)[0-9]+`)

// steady replaces what another run would have otherwise.
func (s *seedStore) steady(stream []byte) []byte {
	letters := map[string]byte{}
	stream = s.ids.ReplaceAllFunc(stream, func(id []byte) []byte {
		letter, known := letters[string(id)]
		if !known {
			letter = 'A' + byte(len(letters)%26)
			letters[string(id)] = letter
		}
		return []byte("N" + strings.Repeat(string(letter), len(id)-1))
	})
	stream = s.count.ReplaceAllFunc(stream, func(prefix []byte) []byte {
		steady := []byte("nr" + strings.Repeat("n", len(s.nonce)) + ".")
		for range len(prefix) - len(steady) {
			steady = append(steady, '1')
		}
		return steady
	})
	stream = []byte(strings.NewReplacer(
		s.nonce, strings.Repeat("n", len(s.nonce)), strings.ToUpper(s.nonce), strings.Repeat("N", len(s.nonce)),
	).Replace(string(stream)))
	return portOf.ReplaceAll(stream, []byte("${1}6222"))
}

// bodiesOf are the JSON texts in a stream, as far as it can be read, by the fuzz target that reads such.
func bodiesOf(stream []byte) map[string][][]byte {
	bodies := map[string][][]byte{}
	d := wire.Latest()
	d.ConnectFirst = false
	p := wire.NewParser(d)
	p.Feed(stream)
	var op wire.Op
	for p.Next(&op) == nil {
		switch op.Kind {
		case wire.Info:
			bodies["info"] = append(bodies["info"], op.Body)
		case wire.Connect:
			bodies["connect"] = append(bodies["connect"], op.Body)
		}
	}
	return bodies
}

// save writes one seed, unless it is there.
func (s *seedStore) save(target string, content []byte) {
	if s.err != nil {
		return
	}
	if _, err := fuzz.WriteSeed(filepath.Join(s.dir, target), content); err != nil {
		s.err = fmt.Errorf("--save-seeds: %w", err)
	}
}
