package wire

import (
	"encoding/binary"
	"math/bits"
)

// maxMarks is the number of separators in the longest line that whole reads: a message with reply and ten queues.
const maxMarks = 16

// whole is the short cut for what a busy route is made of: RS+, RS-, RMSG and HMSG that lie in the bytes fed from their first
// to their last byte and are spelled as servers spell them: upper case, single blanks, CR LF. It changes
// nothing and says no in every other case, errors included; then the phases of next read the same bytes again, so what
// whole accepts has to mean the same to them.
func (p *Parser) whole(op *Op) bool {
	in := p.buf[p.pos:]
	if p.phase != phaseName || p.row != 0 || len(in) < 8 {
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
	if end < 0 || p.limits.ControlLine > 0 && end > p.limits.ControlLine {
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

// wholeLine returns the arguments of a line with single blanks between them and CR LF behind them, and where it ends, -1 if it
// is not such a line. Subjects are long and separators few, so it looks at eight bytes at a time.
func (p *Parser) wholeLine(line []byte) ([]span, int) {
	const (
		ones  = 0x0101010101010101
		highs = ones << 7
	)
	n, end := 0, -1
scan:
	for i := 0; i+8 <= len(line); i += 8 {
		word := binary.LittleEndian.Uint64(line[i:])
		// The high bit of each byte that is at most a blank; above such a byte a '!' may be marked too.
		marks := (word - ones*(' '+1)) &^ word & highs
		for ; marks != 0; marks &= marks - 1 {
			at := i + bits.TrailingZeros64(marks)/8
			if n == maxMarks {
				return nil, -1
			}
			p.marks[n] = at
			n++
			if line[at] == '\n' {
				end = at - 1
				break scan
			}
		}
	}
	if end < 0 || n < 2 || p.marks[n-2] != end || line[end] != '\r' {
		return nil, -1
	}
	lo := 0
	for i, at := range p.marks[:n-1] {
		if at == lo || line[at] != ' ' && at != end {
			return nil, -1
		}
		p.quick[i] = span{lo, at}
		lo = at + 1
	}
	return p.quick[:n-1], end
}
