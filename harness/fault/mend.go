package fault

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/natsroute/natsroute/reference/wire"
)

// mend ignores operations that break a rule of the grammar, as far as ignored says: the line, and what looks like the
// payload of a message behind it.
func mend(rule wire.Token, ignored func(Broken) bool) func(*Link, Broken) ([]byte, int) {
	return func(_ *Link, b Broken) ([]byte, int) {
		if b.token() != rule || !ignored(b) {
			return nil, 0
		}
		return nil, b.length()
	}
}

func anyBroken(Broken) bool { return true }

// broken picks operations by their kind.
func broken(kinds ...wire.Kind) func(Broken) bool {
	return func(b Broken) bool {
		for _, kind := range kinds {
			if b.kind() == kind {
				return true
			}
		}
		return false
	}
}

// token is the rule that is broken; empty: it is a limit.
func (b Broken) token() wire.Token {
	if syntax, ok := errors.AsType[*wire.SyntaxError](b.Err); ok {
		return syntax.Token
	}
	return ""
}

func (b Broken) kind() wire.Kind {
	if syntax, ok := errors.AsType[*wire.SyntaxError](b.Err); ok {
		return syntax.Op
	}
	return wire.None
}

// length is that of the line, with a payload that is as long as the last argument says, or ends with the next line if that
// says nothing; less than 0: not all of it has come.
func (b Broken) length() int {
	line := firstLine(b.Raw)
	if !bytes.HasSuffix(line, []byte("\n")) {
		return -1
	}
	n := len(line)
	if !b.kind().IsMessage() || n == len(b.Raw) {
		return n
	}
	fields := bytes.Fields(line)
	if size, err := strconv.Atoi(string(fields[len(fields)-1])); err == nil && size >= 0 && n+size+2 <= len(b.Raw) {
		return n + size + 2
	}
	return n + len(firstLine(b.Raw[n:]))
}

// value is the JSON text of a broken INFO or CONNECT.
func (b Broken) value() []byte {
	return bytes.TrimSpace(firstLine(b.Raw)[len(b.kind().String()):])
}
