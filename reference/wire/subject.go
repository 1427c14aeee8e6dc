package wire

import "bytes"

// ValidSubject says whether a message can be published on subject: tokens between dots, none of them empty and none of
// them a wildcard. Bytes that separate arguments (blank, tab, CR, LF) cannot be part of a subject on the wire and make it invalid.
func ValidSubject(subject []byte) bool {
	return ValidPattern(subject) && !HasWildcard(subject)
}

// ValidPattern says whether a server takes pattern as the subject of interest: no token is empty, and none follows a token
// ">". "*" and ">" are wildcards as whole tokens only, so "foo*" and "foo.>x" are plain words (seen 2.1.2 to 2.15.2). Bytes that
// separate arguments make it invalid, as in ValidSubject.
func ValidPattern(pattern []byte) bool {
	if bytes.ContainsAny(pattern, " \t\r\n") {
		return false
	}
	for more := true; more; {
		var token []byte
		token, pattern, more = bytes.Cut(pattern, dot)
		if len(token) == 0 || more && isFullWildcard(token) {
			return false
		}
	}
	return true
}

// HasWildcard says whether one of the tokens is "*" or ">".
func HasWildcard(pattern []byte) bool {
	for more := true; more; {
		var token []byte
		token, pattern, more = bytes.Cut(pattern, dot)
		if isWildcard(token) || isFullWildcard(token) {
			return true
		}
	}
	return false
}

// Match says whether a message on subject is wanted by interest in pattern. The subject's tokens are compared as they are, a
// "*" among them is a word. A subject with an empty token is wanted by nobody (2.5 and later).
func Match(pattern, subject []byte) bool {
	for {
		want, patternRest, patternMore := bytes.Cut(pattern, dot)
		token, subjectRest, subjectMore := bytes.Cut(subject, dot)
		if len(token) == 0 {
			return false
		}
		switch {
		case isFullWildcard(want) && !patternMore:
			return !hasEmptyToken(subject)
		case !isWildcard(want) && !bytes.Equal(want, token):
			return false
		case !patternMore || !subjectMore:
			return patternMore == subjectMore
		}
		pattern, subject = patternRest, subjectRest
	}
}

var dot = []byte{'.'}

func isWildcard(token []byte) bool     { return len(token) == 1 && token[0] == '*' }
func isFullWildcard(token []byte) bool { return len(token) == 1 && token[0] == '>' }

// hasEmptyToken says whether a token behind the first one is empty.
func hasEmptyToken(subject []byte) bool {
	return bytes.HasSuffix(subject, dot) || bytes.Contains(subject, []byte(".."))
}
