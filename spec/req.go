package spec

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/natsroute/natsroute/corpus"
)

// Label keys. Ginkgo allows no slash in a label, so the two halves of a result's id are two labels.
const (
	keyReq     = "req:"
	keyWord    = "word:"
	keyAlso    = "also:"
	keyNeeds   = "needs:"
	keyWithout = "without:"
)

// Specs that can be judged on a target that keeps less than the others rest on.
var (
	// WithoutPong marks a spec that does not rest on the target answering PING.
	WithoutPong = Label(keyWithout + "pong")
	// WithoutGrammar marks a spec that is about what cannot be read: it rests on no answer where the target has said what is no operation.
	WithoutGrammar = Label(keyWithout + "grammar")
	// WithoutRegistration marks a spec that does not rest on the target accepting a peer.
	WithoutRegistration = Label(keyWithout+"registration", keyWithout+"pong")
)

// NeedsClient marks a spec that needs a client port although its requirement's other specs do not.
var NeedsClient = Label(keyNeeds + "client")

// NeedsMode marks a spec that needs a target whose route port is set to a mode of compression.
func NeedsMode(mode string) Labels { return Label(keyNeeds + "mode-" + mode) }

// Needs marks a spec that needs more than its requirement's other specs: a word of the register's needs.
func Needs(word string) Labels { return Label(keyNeeds + word) }

// Req binds a spec to the register: the first argument is the result's id, REQUIREMENT/word; further requirements that
// the spec also shows are named by their bare ids. It panics, while the tree is built, on an id the register lacks.
func (s *Suite) Req(id string, also ...string) Labels {
	req, word, ok := strings.Cut(id, "/")
	if !ok || word == "" {
		panic(fmt.Sprintf("spec: %q is no REQUIREMENT/word", id))
	}
	row := s.row(req)
	labels := Labels{
		keyReq + req, keyWord + word,
		"level:" + string(row.Level), "capability:" + row.Capability, "chapter:" + row.Chapter,
	}
	for _, need := range row.Needs {
		labels = append(labels, keyNeeds+need)
	}
	for _, other := range also {
		s.row(other)
		labels = append(labels, keyAlso+other)
	}
	return labels
}

func (s *Suite) row(id string) corpus.Requirement {
	row, ok := s.corpus.Requirement(id)
	if !ok {
		panic(fmt.Sprintf("spec: the register has no row %q", id))
	}
	return row
}

// CatalogEntry is one spec, as the tree has it.
type CatalogEntry struct {
	ID           string   `json:"id"` // REQUIREMENT/word
	Requirements []string `json:"requirements"`
	Chapter      string   `json:"chapter"`
	Title        string   `json:"title"`

	needs   []string
	without []string
}

// entryOf reads a spec's labels back.
func entryOf(title string, labels []string) CatalogEntry {
	e := CatalogEntry{Title: title}
	var word string
	var also []string
	for _, l := range labels {
		key, value, _ := strings.Cut(l, ":")
		switch key + ":" {
		case keyReq:
			e.Requirements = []string{value}
		case keyWord:
			word = value
		case keyAlso:
			also = append(also, value)
		case keyNeeds:
			e.needs = append(e.needs, value)
		case keyWithout:
			e.without = append(e.without, value)
		case "chapter:":
			e.Chapter = value
		}
	}
	if len(e.Requirements) > 0 {
		e.ID = e.Requirements[0] + "/" + word
	}
	e.Requirements = append(e.Requirements, also...)
	return e
}
