package gen

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// AddressError is an address in a stream that is not loopback.
type AddressError struct {
	Offset int    // of the INFO in the stream
	Member string // "" where the address stands in no member
	Value  string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("the INFO at %d names an address that is not loopback: %s %q", e.Offset, e.Member, e.Value)
}

// dialled are the members of INFO that a server, or somebody to whom it hands them on, may dial.
var dialled = []string{
	"host", "ip", "client_ip", "connect_urls", "ws_connect_urls", "gateway_url", "gateway_urls", "leafnode_urls",
}

// CheckLoopback says whether every address that a server may dial because of a stream is on this machine: nil, or an
// *AddressError for the first that is not. It looks at each place where the letters INFO stand, in any case and wherever,
// up to the end of that line: what a server takes for the beginning of a line depends on sizes that may be wrong. It
// takes the text apart more leniently than a JSON decoder, escapes and the folding of names included, and reports what looks
// like an IPv4 address anywhere in such a line, whatever the text around it means.
func CheckLoopback(stream []byte) error {
	for at := nextInfo(stream, 0); at >= 0; at = nextInfo(stream, at+4) {
		line := stream[at+4:]
		if lf := indexByte(line, '\n', '{'); lf >= 0 {
			line = line[:lf]
		}
		if member, value, ok := foreignAddress(line); !ok {
			return &AddressError{Offset: at, Member: member, Value: value}
		}
	}
	return nil
}

// nextInfo finds INFO from offset on, -1 if there is none. A byte that is none of the four letters is in no place of the word, so the
// search goes on behind it.
func nextInfo(b []byte, from int) int {
	for i := from; i+4 <= len(b); {
		switch b[i+3] | 0x20 {
		case 'o':
			if b[i]|0x20 == 'i' && b[i+1]|0x20 == 'n' && b[i+2]|0x20 == 'f' {
				return i
			}
			i += 4
		case 'f':
			i++
		case 'n':
			i += 2
		case 'i':
			i += 3
		default:
			i += 4
		}
	}
	return -1
}

// indexByte finds the first end behind the first begin. A line end before the body is a blank to servers ("INFO \n{}").
func indexByte(b []byte, end, begin byte) int {
	inside := false
	for i, c := range b {
		switch {
		case c == begin:
			inside = true
		case c == end && inside:
			return i
		}
	}
	return -1
}

// foreignAddress goes through the strings of a body. A string before a colon is a name, any other a value of the last name.
func foreignAddress(line []byte) (member, value string, ok bool) {
	name, dials := "", false
	for at := 0; at < len(line); {
		if line[at] != '"' {
			if n := ipv4(line[at:]); n > 0 && (at == 0 || !digitOrDot(line[at-1])) {
				if string(line[at:at+4]) != "127." {
					return name, string(line[at : at+n]), false
				}
			}
			at++
			continue
		}
		raw, next := jsonString(line, at)
		text := raw
		if n := skipBlanks(line, next); n < len(line) && line[n] == ':' {
			name = unescaped(text)
			dials = isDialled(name)
			at = n + 1
			continue
		}
		plain := unescaped(text)
		if dials && !loopback(plain) || strings.Contains(plain, "://") && !loopback(plain) || hasForeignIPv4(plain) {
			return name, plain, false
		}
		at = next
	}
	return "", "", true
}

// jsonString returns the text of the string that begins at line[at], and where it ends; an open one ends with the line.
func jsonString(line []byte, at int) (text []byte, next int) {
	for i := at + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[at+1 : i], i + 1
		}
	}
	return line[at+1:], len(line)
}

func unescaped(text []byte) string {
	for _, c := range text {
		if c == '\\' {
			var plain string
			if json.Unmarshal([]byte(`"`+string(text)+`"`), &plain) == nil {
				return plain
			}
			break
		}
	}
	return string(text)
}

func skipBlanks(line []byte, at int) int {
	for at < len(line) && strings.IndexByte(" \t\r\n", line[at]) >= 0 {
		at++
	}
	return at
}

func isDialled(name string) bool {
	for _, member := range dialled {
		if strings.EqualFold(member, name) {
			return true
		}
	}
	return false
}

// loopback says whether an address in any of the forms of INFO (host, host:port, URL) leads to this machine or to nowhere: one
// without a host is dialled on the own machine, and a host with a byte that no name has is not found.
func loopback(address string) bool {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
		if at := strings.IndexAny(address, "/?#"); at >= 0 {
			address = address[:at]
		}
	}
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = address[at+1:]
	}
	host := address
	if strings.HasPrefix(host, "[") {
		var port string
		if host, port, _ = strings.Cut(host[1:], "]"); port != "" && port[0] != ':' {
			return false
		}
	} else if strings.Count(host, ":") == 1 {
		var port string
		if host, port, _ = strings.Cut(host, ":"); strings.Trim(port, "-0123456789") != "" {
			return false
		}
	}
	host = strings.TrimSuffix(strings.TrimSuffix(host, " "), "%zz")
	if host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && ip.IsLoopback()
}

// ipv4 returns the length of what looks like an IPv4 address at the beginning of b, 0 if nothing does.
func ipv4(b []byte) int {
	at := 0
	for part := range 4 {
		if part > 0 {
			if at >= len(b) || b[at] != '.' {
				return 0
			}
			at++
		}
		digits := at
		for at < len(b) && b[at] >= '0' && b[at] <= '9' {
			at++
		}
		if at == digits {
			return 0
		}
	}
	return at
}

func digitOrDot(c byte) bool { return c >= '0' && c <= '9' || c == '.' }

func hasForeignIPv4(text string) bool {
	if strings.Count(text, ".") < 3 {
		return false
	}
	b := []byte(text)
	for at := range b {
		if (at == 0 || !digitOrDot(b[at-1])) && ipv4(b[at:]) > 0 && string(b[at:at+4]) != "127." {
			return true
		}
	}
	return false
}

// tame takes out of a sequence what CheckLoopback objects to: each message that names such an address by itself, and where
// it came about by what follows what, every message of that connection that says INFO.
func (s *Source) tame(seq *Sequence) {
	env := FixedEnv()
	for conn := Client; conn < MaxConns; conn++ {
		if s.scratch = seq.Append(s.scratch[:0], conn, &env); CheckLoopback(s.scratch) == nil {
			continue
		}
		s.tameSteps(seq, conn, func(m []byte) bool { return CheckLoopback(m) != nil })
		if s.scratch = seq.Append(s.scratch[:0], conn, &env); CheckLoopback(s.scratch) != nil {
			s.tameSteps(seq, conn, func([]byte) bool { return true })
		}
	}
}

// tameSteps makes a PING of each message of that connection which is wild.
func (s *Source) tameSteps(seq *Sequence, conn int, wild func([]byte) bool) {
	env := FixedEnv()
	for i := range seq.Steps {
		step := &seq.Steps[i]
		if step.Conn != conn || step.End {
			continue
		}
		if s.scratch = step.Message.Append(s.scratch[:0], conn, &env); wild(s.scratch) {
			step.Message = Message{Verb: "PING", End: crlf}
		}
	}
}
