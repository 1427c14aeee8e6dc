package wire

import (
	"encoding/binary"
	"math/bits"
)

// maxFields is the number of arguments in the longest line that whole reads: a message with reply and ten queues.
const maxFields = 15

// minWhole is the shortest operation that whole reads, in bytes: a name with its blank, and eight bytes to look at.
const minWhole = 12

// whole is the short cut for what a busy route is made of: RS+, RS-, RMSG and HMSG that lie in the bytes fed from their first
// to their last byte and are spelled as servers spell them: upper case, single blanks, CR LF. It changes
// nothing and says no in every other case, errors included; then the phases of next read the same bytes again, so what
// whole accepts has to mean the same to them.
func (p *Parser) whole(op *Op) bool {
	in := p.buf[p.pos:]
	if p.phase != phaseName || p.row != 0 || len(in) < minWhole {
		return false
	}
	kind, at := None, 5
	switch binary.LittleEndian.Uint32(in) {
	case 'R' | 'S'<<8 | '+'<<16 | ' '<<24:
		kind, at = Sub, 4
	case 'R' | 'S'<<8 | '-'<<16 | ' '<<24:
		kind, at = Unsub, 4
	case 'R' | 'M'<<8 | 'S'<<16 | 'G'<<24:
		kind = Msg
	case 'H' | 'M'<<8 | 'S'<<16 | 'G'<<24:
		kind = HMsg
	}
	if kind == None || in[at-1] != ' ' || kind == HMsg && !p.headers {
		return false
	}
	line := in[at:]
	fields, end := p.wholeLine(line)
	if fields == nil || p.limits.ControlLine > 0 && end > p.limits.ControlLine {
		return false
	}
	*op = Op{Kind: kind}
	if p.interpretFields(op, line[:end:end], fields) != nil {
		return false
	}
	at += end + len("\r\n")
	if kind.IsMessage() {
		size := op.Size
		payload := in[at:]
		if p.limits.Buffered > 0 && size > p.limits.Buffered ||
			len(payload)-2 < size || payload[size] != '\r' || payload[size+1] != '\n' {
			return false
		}
		op.Payload = payload[:size:size]
		at += size + 2
	}
	p.pos += at
	return true
}

// wholeLine returns the arguments of a line with single blanks between them and CR LF behind them, and where it ends; nil if it
// is not such a line. Subjects are long and separators few, so it looks at eight bytes at a time.
func (p *Parser) wholeLine(line []byte) ([]span, int) {
	const (
		ones  = 0x0101010101010101
		highs = ones << 7
	)
	n, lo := 0, 0
	for i := 0; i+8 <= len(line); i += 8 {
		word := binary.LittleEndian.Uint64(line[i:])
		// The high bit of each byte below '!', which is blank or less; above such a byte a '!' may be marked too.
		marks := (word - ones*'!') &^ word & highs
		for ; marks != 0; marks &= marks - 1 {
			at := i + bits.TrailingZeros64(marks)/8
			if at == lo || n == maxFields {
				return nil, 0
			}
			p.quick[n] = span{lo, at}
			n++
			lo = at + 1
			switch line[at] {
			case ' ':
			case '\r':
				if lo == len(line) || line[lo] != '\n' {
					return nil, 0
				}
				return p.quick[:n], at
			default:
				return nil, 0
			}
		}
	}
	return nil, 0
}
