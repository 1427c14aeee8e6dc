package wire

import "math"

// span is one argument: the bytes lo to hi of a text.
type span struct{ lo, hi int }

func (s span) of(text []byte) []byte { return text[s.lo:s.hi:s.hi] }

// isSeparator says what stands between arguments: blank, tab, CR. Every other byte, control bytes included, belongs to an
// argument (seen 2.1.2 to 2.15.2). LF cannot be met here, it ended the line.
func isSeparator(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// split appends the arguments of text to fields.
func split(fields []span, text []byte) []span {
	lo := 0
	for at, c := range text {
		if !isSeparator(c) {
			continue
		}
		if at > lo {
			fields = append(fields, span{lo, at})
		}
		lo = at + 1
	}
	if lo < len(text) {
		fields = append(fields, span{lo, len(text)})
	}
	return fields
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
