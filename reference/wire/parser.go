package wire

import (
	"bytes"
	"io"
)

// What a parser keeps between operations; what a larger one needed is given back. Servers take payloads of up to 1 MiB from
// their clients unless configured, and memory that grows to that piece by piece ends up to a quarter above it, so on most routes
// nothing is ever allocated twice.
const (
	keepBuffer = 5 << 18 // bytes of a line, and of a payload, that straddled feeds
	keepFields = 256     // arguments
)

// A phase is the part of an operation that the next byte belongs to.
type phase uint8

const (
	phaseFirst    phase = iota // the first byte of the stream, where CONNECT may be required
	phaseName                  // the name, up to its last byte
	phaseDelim                 // the byte behind the name
	phaseIgnored               // PING, PONG, +OK: everything up to LF
	phaseBlanks                // blanks in front of the argument text
	phaseText                  // the argument text, up to LF
	phasePayload               // payload bytes
	phaseTerminal              // CR and LF behind the payload
	phaseFailed                // none: bytes were refused
)

// Parser turns the bytes of one connection into operations. It does no I/O. Not for concurrent use.
//
// A message that lies in the bytes of one Feed is handed out as slices of them: its payload is neither copied nor looked
// at. Only an operation that straddles feeds is gathered in the parser's own memory, which grows with the bytes that came,
// never with the size that was announced: at most one argument text (Limits.ControlLine), the places of its
// arguments, and one payload or part of one (Limits.Payload, Limits.Buffered).
type Parser struct {
	names   *nameTable
	headers bool // HMSG is among names
	limits  Limits
	mode    Mode

	buf  []byte // lent by Feed
	pos  int    // the next byte of buf
	base int64  // offset of buf[0]
	done int64  // offset behind the last operation handed out
	err  error  // sticks

	lent  bool // Feed was called and Next has not used it up
	grown bool // text, part, head or fields may hold more than a parser keeps
	phase phase
	row   uint8 // of names: how far the name has come
	kind  Kind

	textAt int64    // offset of the first byte of the argument text
	text   []byte   // a name or an argument text that straddles feeds
	fields []span   // of the argument text
	queues [][]byte // what Op.Queues points to

	quick [maxFields]span // of whole: what stands between the separators of a line

	head     Op     // a message whose payload is still coming, without Payload
	part     []byte // payload bytes that straddle feeds
	terminal int    // bytes of CR LF seen
}

// NewParser returns a parser for the bytes a peer of dialect d sends on an accepted connection.
// On a connection that we dialled, the other side sends no CONNECT: clear d.ConnectFirst there.
func NewParser(d Dialect) *Parser {
	p := &Parser{names: namesOf(d), headers: d.Headers, limits: d.Limits, phase: phaseName}
	if d.ConnectFirst {
		p.phase = phaseFirst
	}
	return p
}

// Feed lends b to the parser until Next returns an error (ErrNeedMore included). Feeding again before that is a
// programming error and panics.
func (p *Parser) Feed(b []byte) {
	if p.lent {
		panic("wire: Feed before Next has returned an error: call Next until ErrNeedMore")
	}
	p.lent = true
	p.base += int64(p.pos)
	p.buf, p.pos = b, 0
}

// Next reads the next operation into op. It returns nil; ErrNeedMore when all bytes fed are used up; or a *SyntaxError,
// *LimitError or *StateError, which stick. After an error op holds nothing of use.
//
// The slices in op live until the next call of Next and are the caller's to read only.
func (p *Parser) Next(op *Op) error {
	if p.grown {
		p.release()
	}
	if p.whole(op) {
		p.done = p.base + int64(p.pos)
		return nil
	}
	err := p.next(op)
	if err == nil {
		p.done = p.base + int64(p.pos)
		return nil
	}
	p.lent = false
	if err != ErrNeedMore {
		p.err, p.phase = err, phaseFailed
	}
	return err
}

// next walks through the phases of one operation, beginning with the one the last call stopped in.
func (p *Parser) next(op *Op) error {
	if p.err != nil {
		return p.err
	}
	if p.phase <= phaseDelim {
		if err := p.readName(); err != nil {
			return err
		}
	}
	switch p.phase {
	case phaseIgnored:
		return p.readIgnored(op)
	case phasePayload, phaseTerminal:
		return p.readPayload(op)
	}
	if p.phase == phaseBlanks && !p.skipBlanks() {
		return ErrNeedMore
	}
	switch p.kind {
	case Info, Connect, Err:
		return p.readBody(op)
	}
	return p.readArguments(op)
}

// readName reads what comes before the argument text: the gate in front of the first operation, the name, the delimiter.
func (p *Parser) readName() error {
	if p.phase == phaseFirst {
		if p.pos == len(p.buf) {
			return ErrNeedMore
		}
		// 2.11.17, 2.12.15: looked at before anything else, one byte decides.
		if c := p.buf[p.pos]; c != 'C' && c != 'c' {
			return &StateError{Token: ConnectRequired, Offset: p.offset()}
		}
		p.phase = phaseName
	}
	if p.phase == phaseName {
		if err := p.matchName(); err != nil {
			return err
		}
	}
	if p.phase != phaseDelim {
		return nil
	}
	if p.pos == len(p.buf) {
		return ErrNeedMore
	}
	if c := p.buf[p.pos]; c != ' ' && c != '\t' {
		// [doc]: fields are delimited by blank or tab. A line end right behind the name is none.
		return p.syntax(MissingDelimiter, p.kind, p.offset())
	}
	p.pos++
	p.phase = phaseBlanks
	return nil
}

// matchName reads the name up to its last byte, or to the first one that fits no operation. What follows depends on it:
// INFO and CONNECT need no delimiter, PING, PONG and +OK take anything (seen 2.1.2 to 2.15.2).
func (p *Parser) matchName() error {
	in, row := p.buf[p.pos:], p.row
	if row == 0 {
		p.text = p.text[:0]
	}
	for at, c := range in {
		row = p.names[row&63][c]
		if row == 0 {
			p.pos += at
			return p.syntax(UnknownOp, None, p.offset())
		}
		if row&nameEnd == 0 {
			continue
		}
		p.kind, p.row, p.pos, p.text = Kind(row&^nameEnd), 0, p.pos+at+1, p.text[:0]
		switch p.kind {
		case Ping, Pong, OK:
			p.phase = phaseIgnored
		case Info, Connect:
			p.phase = phaseBlanks
		default:
			p.phase = phaseDelim
		}
		return nil
	}
	p.row = row
	p.hold(in) // for Rest
	p.pos += len(in)
	return ErrNeedMore
}

// readIgnored skips to the line end. The bytes are not kept and count against no limit (seen 2.1.2 to 2.15.2).
func (p *Parser) readIgnored(op *Op) error {
	in := p.buf[p.pos:]
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		p.pos += len(in)
		return ErrNeedMore
	}
	p.pos += end + 1
	p.phase = phaseName
	*op = Op{Kind: p.kind}
	return nil
}

// skipBlanks drops the blanks in front of the argument text, in any number: they count against no limit (seen 2.1.2 to
// 2.15.2). It says whether the text was reached.
func (p *Parser) skipBlanks() bool {
	for ; p.pos < len(p.buf); p.pos++ {
		if c := p.buf[p.pos]; c != ' ' && c != '\t' {
			p.phase, p.textAt = phaseText, p.offset()
			return true
		}
	}
	return false
}

// readBody reads INFO, CONNECT and -ERR, whose text is no list of arguments.
func (p *Parser) readBody(op *Op) error {
	text, err := p.readText()
	if err != nil {
		return err
	}
	p.phase = phaseName
	*op = Op{Kind: p.kind, Body: trim(text)}
	switch p.kind {
	case Info:
		op.InfoBody = new(InfoBody)
		err = op.InfoBody.UnmarshalJSON(op.Body)
	case Connect:
		op.ConnectBody = new(ConnectBody)
		err = op.ConnectBody.UnmarshalJSON(op.Body)
	}
	if err != nil {
		return &SyntaxError{
			Token: BadJSON, Op: p.kind, Offset: p.lineEnd(),
			Detail: "the text must be one JSON object with members of their types: " + err.Error(),
		}
	}
	return nil
}

// readText returns the argument text without its line end.
func (p *Parser) readText() ([]byte, error) {
	in := p.buf[p.pos:]
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		return nil, p.holdText(in)
	}
	text := in[:end:end]
	if len(p.text) > 0 {
		if limit := p.limits.ControlLine; limit > 0 && len(p.text)+end > limit+1 {
			return nil, p.lineLimit()
		}
		p.hold(text)
		text = p.text
	}
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[: n-1 : n-1]
	}
	if limit := p.limits.ControlLine; limit > 0 && len(text) > limit {
		return nil, p.lineLimit()
	}
	p.pos += end + 1
	return text, nil
}

// holdText keeps the beginning of an argument text. A CR one byte beyond the limit may be the line end, so the byte behind
// it decides.
func (p *Parser) holdText(in []byte) error {
	limit, n := p.limits.ControlLine, len(p.text)+len(in)
	if limit > 0 && len(in) > 0 && (n > limit+1 || n == limit+1 && in[len(in)-1] != '\r') {
		return p.lineLimit()
	}
	p.hold(in)
	p.pos += len(in)
	return ErrNeedMore
}

func (p *Parser) lineLimit() error {
	limit := p.limits.ControlLine
	return &LimitError{Token: LineTooLong, Op: p.kind, Offset: p.textAt + int64(limit), Limit: limit}
}

// hold gathers bytes of a line that straddles feeds.
func (p *Parser) hold(b []byte) {
	p.text = append(p.text, b...)
	p.grown = true
}

// release gives back, between operations, memory that only a large one needed.
func (p *Parser) release() {
	if p.inside() {
		return
	}
	p.grown = false
	p.head = Op{}
	if cap(p.text) > keepBuffer {
		p.text = nil
	}
	if cap(p.part) > keepBuffer {
		p.part = nil
	}
	if cap(p.fields) > keepFields {
		p.fields, p.queues = nil, nil
	}
}

// inside says whether an operation has begun.
func (p *Parser) inside() bool { return p.phase > phaseName || p.row != 0 }

// offset is where the next byte stands in the stream.
func (p *Parser) offset() int64 { return p.base + int64(p.pos) }

// SetMode changes how the bytes that Next has not read yet are read. An operation whose line was read keeps the mode it
// was read in.
func (p *Parser) SetMode(m Mode) { p.mode = m }

// Rest takes from the parser the bytes fed that no operation has used, for a switch to TLS or S2; what is fed next follows
// the last operation directly. It is meant for the place between two operations: bytes of an operation that has begun
// are returned as long as they are only a part of its name, later they are the parser's and lost.
// Owned by the caller of Feed unless they were held over from an earlier Feed.
func (p *Parser) Rest() []byte {
	rest, at := p.buf[p.pos:], p.offset()
	if p.row != 0 {
		at -= int64(len(p.text))
		rest = append(bytes.Clone(p.text), rest...)
		p.row = 0
	}
	p.buf, p.pos, p.base, p.lent = nil, 0, at, false
	return rest
}

// Offset is the number of bytes used by the operations read so far.
func (p *Parser) Offset() int64 { return p.done }

// Held returns how many bytes of a line and of a payload the parser keeps because they straddle feeds, and how much memory it has
// set aside for the larger of the two.
func (p *Parser) Held() (line, payload, reserved int) {
	return len(p.text), len(p.part), max(cap(p.text), cap(p.part))
}

// Finish tells that no bytes follow: nil between operations, io.ErrUnexpectedEOF inside one or when bytes fed were not
// read, and the error of Next if there was one.
func (p *Parser) Finish() error {
	if p.err != nil {
		return p.err
	}
	if p.inside() || p.pos < len(p.buf) {
		return io.ErrUnexpectedEOF
	}
	return nil
}
