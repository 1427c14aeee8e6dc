package live

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// A token is one thing that a connection said, in a form that is the same on every run: ids and numbers that change are gone. Tokens of
// two servers compare with ==.
const (
	tokenPong   = "PONG"
	tokenOK     = "+OK"
	tokenClosed = "CLOSED"
	tokenSilent = "SILENT" // no answer within the time that a healthy server needs
)

// answer is what one connection said, in order. Lines of interest between two other tokens are sorted: servers tell them in any order.
type answer struct {
	tokens []string
	pongs  int
	from   int // where the current run of interest begins, -1: there is none
	closed bool
}

func (a *answer) add(token string) {
	if strings.HasPrefix(token, "RS") || strings.HasPrefix(token, "LS") {
		if a.from < 0 {
			a.from = len(a.tokens)
		}
		a.tokens = append(a.tokens, token)
		return
	}
	a.settle()
	a.tokens = append(a.tokens, token)
	switch token {
	case tokenPong:
		a.pongs++
	case tokenClosed:
		a.closed = true
	}
}

func (a *answer) settle() {
	if a.from >= 0 {
		slices.Sort(a.tokens[a.from:])
	}
	a.from = -1
}

// last is the last token; empty: there is none.
func (a *answer) last() string {
	if len(a.tokens) == 0 {
		return ""
	}
	return a.tokens[len(a.tokens)-1]
}

func newAnswer() *answer { return &answer{from: -1} }

// tokenOf words an operation that a server has sent on a route; "": it says nothing that is judged. INFO comes at any time, and what
// is said about accounts other than the witness's depends on the server's own services.
func tokenOf(op *wire.Op) string {
	switch op.Kind {
	case wire.Pong:
		return tokenPong
	case wire.OK:
		return tokenOK
	case wire.Err:
		return "-ERR " + errClass(op.ErrText())
	case wire.Sub, wire.Unsub, wire.LeafSub, wire.LeafUnsub:
		if string(op.Account) != witnessAccount || len(op.Subject) > 0 && (op.Subject[0] == '$' || op.Subject[0] == '_') {
			return ""
		}
		token := op.Kind.String() + " " + string(op.Subject) + " " + string(op.Queue)
		if op.Kind == wire.Sub && len(op.Queue) > 0 {
			token += fmt.Sprintf(" %d", op.Weight)
		}
		return token
	case wire.Msg, wire.HMsg, wire.LeafMsg:
		if string(op.Account) == systemAccount || bytes.HasPrefix(op.Subject, []byte(systemAccount+".")) {
			return "" // the server's own news
		}
		queues := make([]string, len(op.Queues))
		for i, q := range op.Queues {
			queues[i] = string(q)
		}
		slices.Sort(queues)
		token := fmt.Sprintf("%s %s %s %s %v %d %d:%s", op.Kind, op.Account, op.Subject, op.Reply, queues, op.HeaderSize, op.Size, digest(op.Payload))
		return token
	case wire.Connect:
		return "CONNECT"
	}
	return ""
}

// digest is a payload in few letters: itself when it is short.
func digest(b []byte) string {
	if len(b) <= 24 {
		return string(b)
	}
	h := fnv.New64a()
	_, _ = h.Write(b)
	return fmt.Sprintf("%016x", h.Sum64())
}

// errClass is the text of an -ERR without what changes from run to run: what is quoted, numbers, the case of letters.
func errClass(text string) string {
	var b strings.Builder
	quoted := false
	digit := false
	for _, c := range []byte(strings.ToLower(text)) {
		switch {
		case c == '"':
			if quoted = !quoted; quoted {
				b.WriteByte('_')
			}
		case quoted:
		case c >= '0' && c <= '9':
			if !digit {
				b.WriteByte('#')
			}
		default:
			b.WriteByte(c)
		}
		digit = c >= '0' && c <= '9'
	}
	return b.String()
}

// verbOf is the first word of a token.
func verbOf(token string) string {
	verb, _, _ := strings.Cut(token, " ")
	if verb == "-ERR" {
		return token
	}
	return verb
}
