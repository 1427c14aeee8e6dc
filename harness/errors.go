package harness

import (
	"errors"
	"fmt"
	"strconv"
)

// What a call needs and the operator has not given. A row that meets one of these is not testable; it has not failed.
var (
	ErrNoClient   = errors.New("harness: no client URL is known for this target: give one with --client")
	ErrNoLeafnode = errors.New("harness: no leafnode port is known for this target")
	ErrNoListener = errors.New("harness: the target is not on loopback and no address to listen on was given: use --listen, and --advertise where it differs")
	ErrNoRestart  = errors.New("harness: this target was not started by us and cannot be restarted")
	ErrNoOrders   = errors.New("harness: this target cannot be given orders: it was not started by us, or this system has no signals for them")
)

// ErrLeft says that we, not the target, ended the connection.
var ErrLeft = errors.New("harness: we have left this connection")

// NoAccountError says that no credentials are known for a named account.
type NoAccountError struct{ Account string }

func (e *NoAccountError) Error() string {
	return "harness: no credentials for account " + Printable(e.Account) + ": give them with --account " + e.Account + "=USER:PASSWORD"
}

// ClosedError says that the target closed the connection while something was awaited or sent. What the target sent
// before it closed has been read and is in Seen.
type ClosedError struct {
	Conn    string // the connection's letter
	Closing Closing
}

func (e *ClosedError) Error() string {
	how := "without a word"
	if e.Closing.ErrText != "" {
		how = "after -ERR " + Printable(e.Closing.ErrText)
	}
	if by := e.Closing.how(); by != "" {
		how += "," + by
	}
	return fmt.Sprintf("harness: connection %s: the target closed it %s", e.Conn, how)
}

// MalformedError says that bytes of the target are no operation of any known dialect. What follows them on the
// connection is recorded in the transcript but not read as operations.
type MalformedError struct {
	Conn string
	Near []byte // the bytes from the start of the operation on, at most 256
	Err  error  // *wire.SyntaxError or *wire.LimitError; of crypto/tls or s2 where the bytes are not what those carry
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("harness: connection %s: the target sent what is no operation: %v, in %s", e.Conn, e.Err, Printable(string(e.Near)))
}

func (e *MalformedError) Unwrap() error { return e.Err }

// FloodError says that the target sent more than a peer keeps, so that Seen is no longer the whole truth. It is a limit
// of the harness, never a verdict on the target.
type FloodError struct {
	Conn string
	Ops  int // operations kept
}

func (e *FloodError) Error() string {
	return fmt.Sprintf("harness: connection %s: the target sent more than %d operations or %d MiB and was given up; the first %d were kept", e.Conn, keepOps, keepBytes>>20, e.Ops)
}

// NotARoute says what answered instead of a route port.
type NotARoute struct {
	Address string // host:port
	Saw     string // "connection refused", "a client port (INFO has client_id)", "nothing within 2s", …
	Hint    string // what to do about it
}

func (e *NotARoute) Error() string {
	text := e.Address + ": " + e.Saw
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Printable returns s quoted, with every byte that is not plain printable ASCII escaped as in a Go string literal, and
// cut after 200 bytes. Whatever a target sent goes through it before it is shown to a person.
func Printable(s string) string {
	const most = 200
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
}
