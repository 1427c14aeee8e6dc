package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// span is one argument: the bytes lo to hi of a text.
type span struct{ lo, hi int }

func (s span) of(text []byte) []byte { return text[s.lo:s.hi:s.hi] }

// isSeparator says what stands between arguments: blank, tab, CR. Every other byte, control bytes included, belongs to an
// argument (seen 2.1.2 to 2.15.2). LF cannot be met here, it ended the line.
func isSeparator(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// split appends the arguments of text to fields. It looks at eight bytes at a time: most lines are subjects of 20 to 80 bytes
// with two or three separators.
func split(fields []span, text []byte) []span {
	const (
		ones  = 0x0101010101010101
		highs = ones << 7
	)
	lo := 0
	for i := 0; i < len(text); i += 8 {
		word := load(text, i)
		// The high bit of each byte that is at most a blank; above such a byte a '!' may be marked too.
		marks := (word - ones*(' '+1)) &^ word & highs
		for ; marks != 0; marks &= marks - 1 {
			at := i + bits.TrailingZeros64(marks)/8
			if !isSeparator(text[at]) {
				continue
			}
			if at > lo {
				fields = append(fields, span{lo, at})
			}
			lo = at + 1
		}
	}
	if lo < len(text) {
		fields = append(fields, span{lo, len(text)})
	}
	return fields
}

// load returns the eight bytes of text from i on, the first one lowest; bytes behind the end read as 0xff.
func load(text []byte, i int) uint64 {
	if i+8 <= len(text) {
		return binary.LittleEndian.Uint64(text[i:])
	}
	missing := 8 * (i + 8 - len(text))
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text[len(text)-8:])>>missing | ^uint64(0)<<(64-missing)
	}
	word := ^uint64(0)
	for at := len(text) - 1; at >= i; at-- {
		word = word<<8 | uint64(text[at])
	}
	return word
}

// number reads a run of digits; ok is false for anything else. Leading zeros are fine. A value that does not fit an int reads
// as the largest int.
func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		digit := int(c) - '0'
		if digit < 0 || digit > 9 {
			return 0, false
		}
		if n > (math.MaxInt-digit)/10 {
			n = math.MaxInt
			continue
		}
		n = n*10 + digit
	}
	return n, len(b) > 0
}

// trim returns b without the blanks, tabs and CRs at both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSeparator(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSeparator(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b[:len(b):len(b)]
}
