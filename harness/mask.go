package harness

import (
	"bytes"
	"strings"
)

// maskText stands for a secret.
const maskText = "***"

// masker replaces the values of the JSON members that carry secrets in CONNECT (pass, auth_token), in a stream that may
// be cut anywhere. It follows quoted words within one line; a line end resets it, for no control line holds a raw one.
type masker struct {
	state   maskState
	escaped bool   // the byte before was a backslash inside a word
	word    []byte // the quoted word being read; longer ones than any secret member's name are not kept
}

type maskState uint8

const (
	maskOutside maskState = iota // outside of quotes
	maskWord                     // inside a quoted word
	maskName                     // after the name of a secret member
	maskColon                    // after that name's colon
	maskSecret                   // inside the secret
)

// longestName bounds word: "auth_token" and a little more, so that a longer word never looks like it.
const longestName = 16

// mask returns b with secrets replaced: b itself when there is none.
func (m *masker) mask(b []byte) []byte {
	if m.state == maskOutside && bytes.IndexByte(b, '"') < 0 { // most of what is sent: no JSON
		return b
	}
	var out []byte // nil: the same as b up to here
	for i, c := range b {
		drop, closing := m.step(c)
		if (drop || closing) && out == nil {
			out = append(make([]byte, 0, len(b)+len(maskText)), b[:i]...)
		}
		if closing {
			out = append(out, maskText...)
		}
		if out != nil && !drop {
			out = append(out, c)
		}
	}
	if out == nil {
		return b
	}
	return out
}

// step reads one byte. drop: it belongs to a secret. closing: it ends one.
func (m *masker) step(c byte) (drop, closing bool) {
	if c == '\n' {
		closing = m.state == maskSecret
		m.state, m.escaped = maskOutside, false
		return false, closing
	}
	switch m.state {
	case maskOutside:
		if c == '"' {
			m.state, m.word = maskWord, m.word[:0]
		}
	case maskWord:
		m.inWord(c)
	case maskName:
		m.state = next(c, ':', maskName, maskColon)
	case maskColon:
		m.state = next(c, '"', maskColon, maskSecret)
	case maskSecret:
		if m.escaped {
			m.escaped = false
			return true, false
		}
		if c == '"' {
			m.state = maskOutside
			return false, true
		}
		m.escaped = c == '\\'
		return true, false
	}
	return false, false
}

// inWord reads a byte of a quoted word and tells at its end whether it names a secret.
func (m *masker) inWord(c byte) {
	switch {
	case m.escaped:
		m.escaped = false
	case c == '\\':
		m.escaped = true
	case c == '"':
		m.state = maskOutside
		if name := string(m.word); strings.EqualFold(name, "pass") || strings.EqualFold(name, "auth_token") {
			m.state = maskName
		}
		return
	}
	if len(m.word) < longestName {
		m.word = append(m.word, c)
	}
}

// next stays over blanks, goes on at want, and gives up at any other byte.
func next(c, want byte, stay, on maskState) maskState {
	switch c {
	case want:
		return on
	case ' ', '\t', '\r':
		return stay
	}
	return maskOutside
}
