package wire

import (
	"fmt"
	"strings"
)

// Dialect is how one generation of servers reads a route.
type Dialect struct {
	Name string

	Headers      bool // HMSG is an operation (2.2 and later)
	Leaf         bool // LS+, LS- and LMSG are operations (2.5 and later)
	Pools        bool // pool and pinned-account members of INFO have a meaning (2.10 and later)
	ConnectFirst bool // an accepted connection must begin with CONNECT, credentials or not (2.11.17, 2.12.15 and later)
	Limits       Limits
}

// Limits bounds what the parser accepts and holds.
type Limits struct {
	// ControlLine is the largest argument text of an operation in bytes, counted from its first byte that is neither
	// blank nor tab to the line end, which does not count. 0: no limit.
	ControlLine int
	// SizeDigits is the largest number of digits in a size. 0: any number, as long as the value fits Payload.
	SizeDigits int
	// Payload is the largest payload in bytes. 0: what SizeDigits allows.
	Payload int
	// Buffered is the largest payload in bytes that Next hands out whole; larger ones come in parts of Buffered bytes
	// each, the last one shorter. 0: all come whole.
	Buffered int
}

// Mode is what both ends of one connection have agreed on and what changes how the following bytes are read.
type Mode struct {
	Pinned          bool // the connection serves one account: no operation carries an account (route_account in INFO)
	LeafUnsubOrigin bool // LS- carries the origin (lnocu in INFO)
}

const (
	// OwnControlLine is the line limit of the dialects whose servers have none on routes (2.5 to 2.11.0 and 2.12.1 buffer an
	// endless line) and of the 2.0 page, which names none. It is this implementation's own, so that memory stays bounded.
	OwnControlLine = 1 << 20

	// DefaultPayload is the payload limit of every dialect. No server enforces max_payload on routes (2.1.2 to 2.15.2), so the
	// limit has to be larger than any payload that an honest server can have taken from a client: a server refuses to
	// start with a max_payload above its max_pending, which is 64 MiB unless configured.
	DefaultPayload = 64 << 20
)

// Dialects returns the known dialects, oldest first.
func Dialects() []Dialect {
	own := Limits{ControlLine: OwnControlLine, SizeDigits: 9, Payload: DefaultPayload}
	line64k := Limits{ControlLine: 1 << 16, SizeDigits: 9, Payload: DefaultPayload}
	return []Dialect{
		// The page names no limit at all.
		{Name: "doc-2.0", Limits: Limits{ControlLine: OwnControlLine, Payload: DefaultPayload}},
		// 2.1.2 applies max_control_line to routes, and reads sizes of any length.
		{Name: "srv-2.1", Limits: Limits{ControlLine: 4096, Payload: DefaultPayload}},
		{Name: "srv-2.5", Headers: true, Leaf: true, Limits: own},
		{Name: "srv-2.10", Headers: true, Leaf: true, Pools: true, Limits: own},
		// 16 times max_control_line, and CONNECT first even where no credentials are configured.
		{Name: "srv-2.12.15", Headers: true, Leaf: true, Pools: true, ConnectFirst: true, Limits: line64k},
		{Name: "srv-2.15", Headers: true, Leaf: true, Pools: true, ConnectFirst: true, Limits: line64k},
	}
}

// Latest returns the newest dialect.
func Latest() Dialect {
	all := Dialects()
	return all[len(all)-1]
}

// DialectByName returns the dialect of that name. The error lists the names there are.
func DialectByName(name string) (Dialect, error) {
	var known []string
	for _, d := range Dialects() {
		if d.Name == name {
			return d, nil
		}
		known = append(known, d.Name)
	}
	return Dialect{}, fmt.Errorf("wire: unknown dialect %q: choose one of %s", name, strings.Join(known, ", "))
}
