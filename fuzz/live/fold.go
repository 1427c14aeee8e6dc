package live

import "bytes"

// holdsWord tells whether s holds a word of upper-case letters, in any case.
func holdsWord(s []byte, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]&^0x20 == word[0] && bytes.EqualFold(s[i:i+len(word)], []byte(word)) {
			return true
		}
	}
	return false
}
