package gen

import "math/rand/v2"

// Source makes decisions. The zero Source decides for the first choice always.
type Source struct {
	data []byte
	rest *rand.PCG // nil: zeros follow the data

	word uint64 // of rest, its bytes not yet used
	left int

	topic   string // of the sequence that is being made
	brief   bool   // Options.Brief of it
	scratch []byte // of tame
}

// FromBytes returns a Source over data, which it keeps and does not change.
func FromBytes(data []byte) *Source { return &Source{data: data} }

// FromSeed returns an endless Source; equal seeds give equal decisions.
func FromSeed(seed uint64) *Source { return &Source{rest: rand.NewPCG(seed, 0x6e617473)} }

// Reset makes s a Source over data, as FromBytes.
func (s *Source) Reset(data []byte) { *s = Source{data: data, scratch: s.scratch} }

// Empty says whether all further decisions are the first choice.
func (s *Source) Empty() bool { return len(s.data) == 0 && s.rest == nil }

// Rest returns the bytes that no decision has used yet and uses them up; nil over a seed.
func (s *Source) Rest() []byte {
	rest := s.data
	s.data = nil
	return rest
}

// Byte returns the next byte.
func (s *Source) Byte() byte {
	if len(s.data) > 0 {
		b := s.data[0]
		s.data = s.data[1:]
		return b
	}
	if s.rest == nil {
		return 0
	}
	if s.left == 0 {
		s.word, s.left = s.rest.Uint64(), 8
	}
	b := byte(s.word)
	s.word >>= 8
	s.left--
	return b
}

// Bool decides between two.
func (s *Source) Bool() bool { return s.Byte()&1 == 1 }

// Chance is true once in n, n at most 256; never when the bytes are used up.
func (s *Source) Chance(n int) bool { return int(s.Byte()) >= 256-max(1, 256/n) }

// Intn returns a number from 0 to n-1; 0 for n < 1. It takes a byte for n up to 256, more for more.
func (s *Source) Intn(n int) int {
	if n <= 1 {
		return 0
	}
	v := uint64(s.Byte())
	for limit := uint64(256); limit < uint64(n); limit <<= 8 {
		v = v<<8 | uint64(s.Byte())
	}
	return int(v % uint64(n))
}

// Pick returns one of words, "" of none.
func (s *Source) Pick(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[s.Intn(len(words))]
}

// weighted returns an index into weights, as often as its weight says. The sum of weights is at most 256.
func (s *Source) weighted(weights []uint8) int {
	sum := 0
	for _, w := range weights {
		sum += int(w)
	}
	at := s.Intn(sum)
	for i, w := range weights {
		if at -= int(w); at < 0 {
			return i
		}
	}
	return 0
}
