package wire

import (
	"errors"
	"fmt"
)

// ErrNeedMore says that all bytes fed are used up: feed more.
var ErrNeedMore = errors.New("wire: need more bytes")

// Token says why bytes were refused: one word for each rule, for ever. Each has a vector that reaches it.
type Token string

// The layer a rule belongs to, in the words of the vectors.
const (
	LayerSyntax = "syntax"
	LayerLimit  = "limit"
	LayerState  = "state"
)

// Rules of the grammar (SyntaxError).
const (
	UnknownOp         Token = "unknown_op"         // the bytes begin no operation of this dialect
	MissingDelimiter  Token = "missing_delimiter"  // an operation with arguments is not followed by blank or tab
	ArgumentCount     Token = "argument_count"     // too few or too many arguments
	BadIndicator      Token = "bad_indicator"      // a queue list does not begin with + or |
	BadSize           Token = "bad_size"           // a size that is not a run of digits, or does not fit
	BadHeaderSize     Token = "bad_header_size"    // a header size that is not a number, or is larger than the payload
	PayloadTerminator Token = "payload_terminator" // a payload not followed by CR LF
	BadJSON           Token = "bad_json"           // INFO or CONNECT is not one JSON object with members of their types
)

// Limits (LimitError).
const (
	LineTooLong    Token = "line_too_long"    // the argument text is longer than Limits.ControlLine
	PayloadTooLong Token = "payload_too_long" // the payload is larger than Limits.Payload
)

// Gates (StateError).
const (
	ConnectRequired Token = "connect_required" // another operation than CONNECT came first
)

// Tokens lists every rule. The caller owns the slice.
func Tokens() []Token {
	return []Token{
		UnknownOp, MissingDelimiter, ArgumentCount, BadIndicator, BadSize, BadHeaderSize, PayloadTerminator, BadJSON,
		LineTooLong, PayloadTooLong, ConnectRequired,
	}
}

// SyntaxError is a breach of the grammar by the sender.
//
// Offset counts from 0 over all bytes fed and is the same for any chunking. It is where a reader should look:
//
//	UnknownOp          the first byte that fits no operation
//	MissingDelimiter   the byte behind the name
//	PayloadTerminator  the first byte behind the payload that is not the CR, or the LF, it should be
//	BadIndicator, BadSize, BadHeaderSize   the first byte of that argument
//	ArgumentCount, BadJSON                 the LF that ends the line: nothing before it decides
type SyntaxError struct {
	Token  Token
	Op     Kind // None while the operation is not known yet
	Offset int64
	Detail string // for people: what was expected, or what the JSON decoder said; never matched on
}

// Layer returns LayerSyntax.
func (e *SyntaxError) Layer() string { return LayerSyntax }

func (e *SyntaxError) Error() string {
	if e.Op == None {
		return fmt.Sprintf("wire: byte %d: %s: %s", e.Offset, e.Token, e.Detail)
	}
	return fmt.Sprintf("wire: byte %d: %s in %s: %s", e.Offset, e.Token, e.Op, e.Detail)
}

// LimitError is an operation larger than the parser's limits.
type LimitError struct {
	Token  Token
	Op     Kind
	Offset int64 // of the first byte beyond the limit, or for PayloadTooLong of the LF that ends its control line
	Limit  int   // bytes
}

// Layer returns LayerLimit.
func (e *LimitError) Layer() string { return LayerLimit }

func (e *LimitError) Error() string {
	what := "keep the arguments within %d bytes"
	if e.Token == PayloadTooLong {
		what = "keep the payload within %d bytes"
	}
	return fmt.Sprintf("wire: byte %d: %s in %s: "+what, e.Offset, e.Token, e.Op, e.Limit)
}

// StateError is an operation that the connection's state does not allow yet.
type StateError struct {
	Token  Token
	Offset int64
}

// Layer returns LayerState.
func (e *StateError) Layer() string { return LayerState }

func (e *StateError) Error() string {
	return fmt.Sprintf("wire: byte %d: %s: send CONNECT before anything else", e.Offset, e.Token)
}

// usages says for each operation what its arguments are.
var usages = [...]string{
	Sub:       "account subject [queue weight]",
	Unsub:     "account subject [queue]",
	Msg:       "account subject [reply | + reply queue... | | queue...] size",
	HMsg:      "account subject [reply | + reply queue... | | queue...] header-size size",
	LeafSub:   "origin account subject [queue weight]",
	LeafUnsub: "[origin if lnocu was announced] account subject [queue]",
	LeafMsg:   "origin account subject [reply | + reply queue... | | queue...] header-size size",
}

// syntax makes the error of a rule.
func (p *Parser) syntax(t Token, op Kind, offset int64) error {
	e := &SyntaxError{Token: t, Op: op, Offset: offset}
	switch t {
	case UnknownOp:
		e.Detail = "no operation of this dialect begins like this; it must start right behind the LF or payload before it"
	case MissingDelimiter:
		e.Detail = "put one blank behind the name"
	case ArgumentCount:
		e.Detail = "the arguments are " + usages[op]
		if p.mode.Pinned {
			e.Detail += ", without the account on this pinned route"
		}
	case BadIndicator:
		e.Detail = "more than one argument between subject and size must begin with + (reply and queues follow) or | (queues follow)"
	case BadSize:
		e.Detail = "a size is a run of digits"
		if p.limits.SizeDigits > 0 {
			e.Detail = fmt.Sprintf("a size is a run of 1 to %d digits", p.limits.SizeDigits)
		}
	case BadHeaderSize:
		e.Detail = "a header size is a run of digits and at most the size of the whole payload"
	case PayloadTerminator:
		e.Detail = "exactly the announced number of payload bytes must be followed by CR LF"
	}
	return e
}
