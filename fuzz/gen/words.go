package gen

import (
	"slices"
	"strings"

	"github.com/natsroute/natsroute/corpus/dict"
)

// The classes of corpus/dict/route.dict.
var (
	verbs    = words("verb")
	blanks   = words("blank")
	ends     = words("end")
	numbers  = words("number")
	subjects = words("subject")
	accounts = words("account")
	queues   = words("queue")
	origins  = words("origin")
	texts    = words("text")
	payloads = words("payload")
	values   = words("value")

	addresses = append(quoted(words("address")), `""`)
	urls      = append(quoted(words("url")), `""`)
	modes     = quoted(words("mode"))

	infoMembers    = members("info")
	connectMembers = members("connect")
)

var small = []string{"1", "2", "3", "0", "4", "5", "6", "7", "8", "9", "10", "16", "100"}

// lots is cut where a long token is wanted.
var lots = strings.Repeat("x", 1<<16+64)

// The lengths of long tokens: around the line limits of servers (4096, and 16 times that) less what stands before them.
var (
	lengths     = []int{64, 255, 256, 512, 1024, 4080, 4092, 4096, 4100}
	longLengths = []int{65526, 65533, 65536}
)

func words(class string) []string {
	all, err := dict.Words()
	if err != nil {
		panic(err) // built in, and a test of dict reads it
	}
	var texts []string
	for _, w := range all {
		if w.Class == class {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

// memberWord is a member of INFO or CONNECT that is known on the wire.
type memberWord struct {
	name string // quoted, as it stands in JSON
	kind string // of its value: id, text, number, bool, …
}

func members(class string) []memberWord {
	all, err := dict.Words()
	if err != nil {
		panic(err)
	}
	var known []memberWord
	for _, w := range all {
		if w.Class == class {
			kind, _, _ := strings.Cut(w.Name, "_")
			known = append(known, memberWord{name: `"` + w.Text + `"`, kind: kind})
		}
	}
	return known
}

func quoted(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = `"` + text + `"` // the dictionary has nothing here that JSON escapes, which a test holds
	}
	return all
}

// Number returns a number as it stands on the wire: small ones, those of the dictionary, seldom one that is neither.
func (s *Source) Number() string {
	switch s.weighted([]uint8{5, 9, 2}) {
	case 0:
		return s.Pick(small)
	case 1:
		return s.Pick(numbers)
	}
	var digits [24]byte
	n := 1 + s.Intn(len(digits))
	for i := range n {
		digits[i] = '0' + s.Byte()%10
	}
	return string(digits[:n])
}

// Weight returns the weight of a queue group, half of the time one that a peer may announce or that comes close to it.
func (s *Source) Weight() string {
	if s.Bool() {
		return s.Number()
	}
	return s.Pick(weights)
}

var weights = []string{"1", "2", "3", "0"}

// Subject returns a subject, every second time the one that the sequence is about: what subscribes, ends and publishes meets. Of the
// others a half are under the run's own prefix, so that a witness can tell them from those of others.
func (s *Source) Subject() string {
	switch s.weighted([]uint8{30, 10, 16, 3, 1}) {
	case 0:
		if s.topic != "" {
			return s.topic
		}
		return s.Pick(ownSubjects)
	case 1:
		return s.Pick(ownSubjects)
	case 2:
		return s.Pick(subjects)
	case 3:
		return s.Token()
	}
	return s.long()
}

var ownSubjects = []string{
	"@subject@.a", "@subject@.b", "@subject@.*", "@subject@.>", "@subject@.a.b", "@subject@", "@subject@.a..b", "@subject@.A",
}

// topics are what a sequence can be about.
var topics = append(slices.Clone(ownSubjects), subjects...)

// Account returns an account's name, most often $G.
func (s *Source) Account() string {
	if s.Chance(4) {
		return s.Pick(accounts)
	}
	return accounts[0]
}

// Queue returns the name of a queue group.
func (s *Source) Queue() string {
	if s.Chance(32) {
		return s.Token()
	}
	return s.Pick(queues)
}

// Token returns 1 to 8 bytes of any value.
func (s *Source) Token() string {
	var b [8]byte
	n := 1 + s.Intn(len(b))
	for i := range n {
		b[i] = s.Byte()
		if b[i] <= ' ' && s.Byte() < 250 {
			b[i] |= 'a'
		}
	}
	return string(b[:n])
}

func (s *Source) long() string {
	if s.Chance(8) {
		return lots[:longLengths[s.Intn(len(longLengths))]]
	}
	return lots[:lengths[s.Intn(len(lengths))]]
}
