package server

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
)

// clientKind names an operation of the client protocol.
type clientKind uint8

const (
	opConnect clientKind = iota + 1 // CONNECT {json}
	opInfo                          // INFO {json}: clients have no business sending it; servers read over it
	opPing                          // PING
	opPong                          // PONG
	opOK                            // +OK
	opErr                           // -ERR text
	opSub                           // SUB subject [queue] sid
	opUnsub                         // UNSUB sid [max]
	opPub                           // PUB subject [reply] size
	opHPub                          // HPUB subject [reply] header-size size

	// What only the leafnode port knows.
	opLeafSub   // LS+ subject [queue weight]
	opLeafUnsub // LS- subject [queue]
	opLeafMsg   // LMSG subject [reply] size, or LMSG subject |/+ [reply] queue... size
	opLeafHMsg  // HMSG as LMSG, "header-size size" at the end
)

// hasPayload tells whether a payload follows the line.
func (k clientKind) hasPayload() bool {
	return k == opPub || k == opHPub || k == opLeafMsg || k == opLeafHMsg
}

// String returns the operation's name.
func (k clientKind) String() string {
	for _, f := range slices.Concat(forms, leafForms) {
		if f.kind == k {
			return f.name
		}
	}
	return "?"
}

// clientOp is one operation, filled in place. Its slices are the parser's until the next call of next.
type clientOp struct {
	kind       clientKind
	text       []byte // everything behind the operation's name, without blanks around it
	subject    []byte
	queue      []byte
	sid        []byte
	reply      []byte
	max        int      // UNSUB; 0: at once
	headerSize int      // HPUB: the first headerSize bytes of payload are its header block
	payload    []byte   // of a message
	weight     int      // LS+ with a queue; -1: no number
	queues     [][]byte // LMSG, HMSG
}

// errClientNeedMore says that the bytes fed so far end inside an operation.
var errClientNeedMore = errors.New("server: need more bytes from the client")

// clientError is a breach of the client protocol. Reply is the text of the -ERR that real servers answer with (2.15.2);
// where it is empty they close without a word.
type clientError struct{ Reply, Detail string }

func (e *clientError) Error() string { return "server: client protocol: " + e.Detail }

// Texts of -ERR, as 2.15.2 words them.
const (
	errUnknownOperation  = "Unknown Protocol Operation"
	errControlLine       = "maximum control line exceeded"
	errMaxPayload        = "Maximum Payload Violation"
	errAuthorization     = "Authorization Violation"
	errAuthTimeout       = "Authentication Timeout"
	errStale             = "Stale Connection"
	errInvalidSubject    = "Invalid Subject"
	errInvalidPublish    = "Invalid Publish Subject"
	errNoRespondersAlone = "no responders requires headers support"
)

// maxClientLine is the largest argument text of a client's operation in bytes (max_control_line of every server).
const maxClientLine = 4096

// maxHeld is the buffer that the parser keeps between operations; a larger one is given back.
const maxHeld = 64 << 10

// clientParser turns a client's bytes into operations. It holds back only an operation that straddles two chunks; PUB in one
// chunk is neither copied nor scanned, and nothing is allocated.
type clientParser struct {
	forms      []form // the operations there are
	maxPayload int
	in         []byte // fed and not read yet
	held       []byte // the beginning of an operation that earlier chunks ended in
	need       int    // bytes of the held operation, once its line is known; 0: not known
	err        error  // sticks
}

func newClientParser(maxPayload int) *clientParser {
	return &clientParser{forms: forms, maxPayload: maxPayload}
}

// feed lends b to the parser until next returns an error, errClientNeedMore included.
func (p *clientParser) feed(b []byte) { p.in = b }

// next reads the next operation into op. It returns nil, errClientNeedMore or a *clientError, which sticks.
func (p *clientParser) next(op *clientOp) error {
	if p.err != nil {
		return p.err
	}
	if len(p.held) == 0 {
		n, err := p.parse(p.in, op)
		if err == nil {
			p.in = p.in[n:]
			return nil
		}
		return p.hold(err)
	}
	for len(p.in) > 0 {
		p.take()
		if _, err := p.parse(p.held, op); err != errClientNeedMore {
			p.reset()
			return p.stick(err)
		}
	}
	return errClientNeedMore
}

// hold keeps the rest of the input when err says that it ends inside an operation.
func (p *clientParser) hold(err error) error {
	if err == errClientNeedMore {
		p.held = append(p.held, p.in...)
		p.in = nil
	}
	return p.stick(err)
}

func (p *clientParser) stick(err error) error {
	if err != errClientNeedMore {
		p.err = err
	}
	return err
}

// take moves bytes of the held operation from the input: up to its end where that is known, else up to its line end.
func (p *clientParser) take() {
	n := len(p.in)
	if p.need > 0 {
		n = min(n, p.need-len(p.held))
	} else if lf := bytes.IndexByte(p.in, '\n'); lf >= 0 {
		n = lf + 1
	}
	p.held = append(p.held, p.in[:n]...)
	p.in = p.in[n:]
}

// reset forgets the held operation, whose bytes the caller may still look at until the next call.
func (p *clientParser) reset() {
	if cap(p.held) > maxHeld {
		p.held = nil
	}
	p.held, p.need = p.held[:0], 0
}

// parse reads one operation from the beginning of b and returns its length.
func (p *clientParser) parse(b []byte, op *clientOp) (int, error) {
	form, err := findForm(p.forms, b)
	if err != nil {
		return 0, err
	}
	text := b[len(form.name):]
	lf := bytes.IndexByte(text, '\n')
	if length := lineLength(text, lf); length > maxClientLine {
		return 0, &clientError{Reply: errControlLine, Detail: fmt.Sprintf("%s line of more than %d bytes", form.name, maxClientLine)}
	}
	if lf < 0 {
		return 0, errClientNeedMore
	}
	end := len(form.name) + lf + 1
	*op = clientOp{kind: form.kind, text: bytes.Trim(text[:lf], " \t\r")}
	size, err := p.arguments(op)
	if err != nil || !form.kind.hasPayload() {
		return end, err
	}
	return p.payload(b, end, size, op)
}

// lineLength is the length of the argument text as far as it is known: without the delimiter and the line end.
func lineLength(text []byte, lf int) int {
	if lf < 0 {
		lf = len(text)
	}
	return len(bytes.TrimRight(text[:lf], "\r")) - 1
}

// payload cuts the payload that begins at b[start:] and checks the CR LF behind it.
func (p *clientParser) payload(b []byte, start, size int, op *clientOp) (int, error) {
	end := start + size
	if len(b) > end && b[end] != '\r' || len(b) > end+1 && b[end+1] != '\n' {
		return 0, &clientError{Reply: errUnknownOperation, Detail: "payload not followed by CR LF"}
	}
	if len(b) < end+2 {
		p.need = end + 2
		return 0, errClientNeedMore
	}
	op.payload = b[start:end:end]
	return end + 2, nil
}

// form is the name of an operation and whether a blank has to follow it.
type form struct {
	name      string
	kind      clientKind
	delimiter bool
}

var forms = []form{
	{"PUB", opPub, true},
	{"HPUB", opHPub, true},
	{"PING", opPing, false},
	{"PONG", opPong, false},
	{"SUB", opSub, true},
	{"UNSUB", opUnsub, true},
	{"CONNECT", opConnect, false},
	{"+OK", opOK, false},
	{"-ERR", opErr, true},
	{"INFO", opInfo, false},
}

var errUnknownClientOp = &clientError{Reply: errUnknownOperation, Detail: "the bytes begin no operation of a client"}

// findForm recognises the operation that b begins with, at the first byte that decides: what begins none is refused without
// waiting for its line end, as servers do.
func findForm(forms []form, b []byte) (*form, error) {
	possible := false
	for i := range forms {
		f := &forms[i]
		n := min(len(b), len(f.name))
		if !equalFold(b[:n], f.name[:n]) {
			continue
		}
		if len(b) <= len(f.name) {
			possible = true // the name, or what follows it, is still to come
			continue
		}
		if f.delimiter && b[len(f.name)] != ' ' && b[len(f.name)] != '\t' {
			continue
		}
		return f, nil
	}
	if possible {
		return nil, errClientNeedMore
	}
	return nil, errUnknownClientOp
}

// equalFold compares b with an upper-case name. Only letters fold, unlike in bytes.EqualFold, which knows a sign for the kelvin.
func equalFold(b []byte, name string) bool {
	for i := range b {
		c := b[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// arguments splits op.text by the operation's form and returns the payload size of PUB and HPUB.
func (p *clientParser) arguments(op *clientOp) (size int, err error) {
	var fields [maxFields][]byte
	switch op.kind {
	case opSub:
		return 0, op.setSub(fields[:splitFields(&fields, op.text)])
	case opUnsub:
		return 0, op.setUnsub(fields[:splitFields(&fields, op.text)])
	case opPub:
		return p.setPub(op, fields[:splitFields(&fields, op.text)])
	case opHPub:
		return p.setHPub(op, fields[:splitFields(&fields, op.text)])
	case opLeafSub, opLeafUnsub:
		return 0, op.setLeafInterest(bytes.Fields(op.text))
	case opLeafMsg, opLeafHMsg:
		return p.setLeafMessage(op, bytes.Fields(op.text))
	default:
		return 0, nil
	}
}

// maxFields is one more than the longest argument list, so that too many arguments show.
const maxFields = 5

// splitFields cuts text at runs of blank, tab and CR, up to maxFields arguments, and returns their number.
func splitFields(fields *[maxFields][]byte, text []byte) int {
	n, start := 0, -1
	for i, c := range text {
		blank := c == ' ' || c == '\t' || c == '\r'
		switch {
		case !blank && start < 0:
			start = i
		case blank && start >= 0:
			fields[n], start = text[start:i:i], -1
			if n++; n == maxFields {
				return n
			}
		}
	}
	if start >= 0 {
		fields[n] = text[start:]
		n++
	}
	return n
}

func (op *clientOp) setSub(f [][]byte) error {
	switch len(f) {
	case 2:
		op.subject, op.sid = f[0], f[1]
	case 3:
		op.subject, op.queue, op.sid = f[0], f[1], f[2]
	default:
		return errArguments("SUB subject [queue] sid")
	}
	return nil
}

// setUnsub takes a max that is no number for none: servers end the subscription at once (seen 2.15.2).
func (op *clientOp) setUnsub(f [][]byte) error {
	switch len(f) {
	case 1:
		op.sid = f[0]
	case 2:
		op.sid, op.max = f[0], max(parseSize(f[1]), 0)
	default:
		return errArguments("UNSUB sid [max]")
	}
	return nil
}

func (p *clientParser) setPub(op *clientOp, f [][]byte) (int, error) {
	if len(f) == 3 {
		op.reply = f[1]
	} else if len(f) != 2 {
		return 0, errArguments("PUB subject [reply] size")
	}
	op.subject = f[0]
	return p.checkSize(f[len(f)-1])
}

func (p *clientParser) setHPub(op *clientOp, f [][]byte) (int, error) {
	if len(f) == 4 {
		op.reply = f[1]
	} else if len(f) != 3 {
		return 0, errArguments("HPUB subject [reply] header-size size")
	}
	op.subject = f[0]
	size, err := p.checkSize(f[len(f)-1])
	if err != nil {
		return 0, err
	}
	op.headerSize = parseSize(f[len(f)-2])
	if op.headerSize < 0 || op.headerSize > size {
		return 0, &clientError{Detail: "HPUB header size is no number up to the message's size"}
	}
	return size, nil
}

func (p *clientParser) checkSize(text []byte) (int, error) {
	size := parseSize(text)
	if size < 0 {
		return 0, &clientError{Detail: fmt.Sprintf("size %q is no number", text)}
	}
	if size > p.maxPayload {
		return 0, &clientError{Reply: errMaxPayload, Detail: fmt.Sprintf("payload of %d bytes, %d allowed", size, p.maxPayload)}
	}
	return size, nil
}

// parseSize reads a run of digits; anything else, and what does not fit 32 bits, is -1.
func parseSize(text []byte) int {
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		if n = n*10 + int64(c-'0'); n > math.MaxInt32 {
			return -1
		}
	}
	if len(text) == 0 {
		return -1
	}
	return int(n)
}

func errArguments(form string) error {
	return &clientError{Detail: "wrong number of arguments, want " + form}
}
