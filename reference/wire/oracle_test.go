package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// The oracle is a second parser, written from the grammar in doc.go for clarity alone: it has all of the input at once, takes
// it apart with regular expressions, copies what it likes, and shares with the parser under test nothing but the result
// types and the decoding of JSON bodies.
type oracle struct {
	dialect Dialect
	mode    Mode
	in      []byte

	pos    int // of the next byte
	ops    []Op
	inside bool // the input ends inside an operation
}

// oracleParse reads all of in. after gives the mode for what follows the operation just read, as the caller of a Parser
// would set it.
func oracleParse(d Dialect, in []byte, after func(op *Op, m Mode) Mode) (ops []Op, inside bool, err error) {
	o := oracle{dialect: d, in: in}
	if d.ConnectFirst && len(in) > 0 && in[0] != 'c' && in[0] != 'C' {
		return nil, false, &StateError{Token: ConnectRequired, Offset: 0}
	}
	for o.pos < len(in) && !o.inside {
		before := len(o.ops)
		if err := o.operation(); err != nil {
			return o.ops, false, err
		}
		for i := before; i < len(o.ops); i++ {
			o.mode = after(&o.ops[i], o.mode)
		}
	}
	return o.ops, o.inside, nil
}

func (o *oracle) names() map[string]Kind {
	names := map[string]Kind{
		"INFO": Info, "CONNECT": Connect, "PING": Ping, "PONG": Pong, "+OK": OK, "-ERR": Err, "RS+": Sub, "RS-": Unsub,
		"RMSG": Msg, "A+": AccountSub, "A-": AccountUnsub,
	}
	if o.dialect.Headers {
		names["HMSG"] = HMsg
	}
	if o.dialect.Leaf {
		names["LS+"], names["LS-"], names["LMSG"] = LeafSub, LeafUnsub, LeafMsg
	}
	return names
}

func (o *oracle) operation() error {
	kind, name, err := o.name()
	if err != nil || o.inside {
		return err
	}
	rest := o.in[o.pos+len(name):]
	lf := bytes.IndexByte(rest, '\n')
	switch kind {
	case Ping, Pong, OK:
		if o.inside = lf < 0; !o.inside {
			o.pos += len(name) + lf + 1
			o.ops = append(o.ops, Op{Kind: kind})
		}
		return nil
	case Info, Connect:
	default:
		if len(rest) == 0 {
			o.inside = true
			return nil
		}
		if rest[0] != ' ' && rest[0] != '\t' {
			return &SyntaxError{Token: MissingDelimiter, Op: kind, Offset: int64(o.pos + len(name))}
		}
	}
	start := o.pos + len(name) + len(oracleBlanks.Find(rest))
	text, end, limit := o.in[start:], -1, o.dialect.Limits.ControlLine
	if lf >= 0 {
		end = o.pos + len(name) + lf
		text = bytes.TrimSuffix(o.in[start:end], []byte("\r"))
	} else if len(text) == limit+1 {
		text = bytes.TrimSuffix(text, []byte("\r")) // it may be the line end
	}
	if limit > 0 && len(text) > limit {
		return &LimitError{Token: LineTooLong, Op: kind, Offset: int64(start + limit), Limit: limit}
	}
	if lf < 0 {
		o.inside = true
		return nil
	}
	return o.line(kind, text, start, end)
}

// name finds the operation that the input goes on with.
func (o *oracle) name() (Kind, string, error) {
	rest := oracleLetters.ReplaceAllStringFunc(string(o.in[o.pos:min(o.pos+len("CONNECT"), len(o.in))]), strings.ToUpper)
	fits := 0
	for name, kind := range o.names() {
		if strings.HasPrefix(rest, name) {
			return kind, name, nil
		}
		for n := range len(name) + 1 {
			if strings.HasPrefix(rest, name[:n]) {
				fits = max(fits, n)
			}
		}
	}
	if fits == len(rest) {
		o.inside = true
		return None, "", nil
	}
	return None, "", &SyntaxError{Token: UnknownOp, Offset: int64(o.pos + fits)}
}

var (
	oracleLetters   = regexp.MustCompile(`[a-z]`) // names are ASCII
	oracleBlanks    = regexp.MustCompile(`^[ \t]*`)
	oracleArguments = regexp.MustCompile(`[^ \t\r]+`)
	oracleWeights   = regexp.MustCompile(`^[0-9]{1,9}$`)
	oracleDigits    = regexp.MustCompile(`^[0-9]+$`)
)

type oracleArgument struct {
	text   []byte
	offset int64
}

func (o *oracle) line(kind Kind, text []byte, start, end int) error {
	op := Op{Kind: kind}
	syntax := func(t Token, offset int64) error { return &SyntaxError{Token: t, Op: kind, Offset: offset} }
	badCount := syntax(ArgumentCount, int64(end))

	var args []oracleArgument
	for _, at := range oracleArguments.FindAllIndex(text, -1) {
		args = append(args, oracleArgument{text[at[0]:at[1]], int64(start + at[0])})
	}
	take := func() []byte {
		first := args[0].text
		args = args[1:]
		return first
	}

	switch kind {
	case Info, Connect, Err:
		op.Body = bytes.Trim(text, " \t\r")
		var err error
		switch kind {
		case Info:
			op.InfoBody = new(InfoBody)
			err = json.Unmarshal(op.Body, op.InfoBody)
		case Connect:
			op.ConnectBody = new(ConnectBody)
			err = json.Unmarshal(op.Body, op.ConnectBody)
		}
		if err != nil {
			return syntax(BadJSON, int64(end))
		}
		return o.done(op, end)
	case AccountSub, AccountUnsub:
		if len(args) > 0 {
			op.Account = take()
		}
		return o.done(op, end)
	}

	needs := 1
	hasOrigin := kind == LeafSub || kind == LeafMsg || kind == LeafUnsub && o.mode.LeafUnsubOrigin
	if hasOrigin {
		needs++
	}
	if !o.mode.Pinned {
		needs++
	}
	if len(args) < needs {
		return badCount
	}
	if hasOrigin {
		op.Origin = take()
	}
	if !o.mode.Pinned {
		op.Account = take()
	}
	op.Subject = take()

	switch kind {
	case Sub, LeafSub:
		if len(args) != 0 && len(args) != 2 {
			return badCount
		}
		if len(args) == 2 {
			op.Queue, op.Weight = take(), -1
			if w := take(); oracleWeights.Match(w) {
				op.Weight = int(value(w).Int64())
			}
		}
		return o.done(op, end)
	case Unsub, LeafUnsub:
		if len(args) > 1 {
			return badCount
		}
		if len(args) == 1 {
			op.Queue = take()
		}
		return o.done(op, end)
	}

	sizes := 1
	if kind != Msg {
		sizes = 2
	}
	if len(args) < sizes {
		return badCount
	}
	switch middle := len(args) - sizes; {
	case middle == 1:
		op.Reply = take()
	case middle > 1:
		at := args[0].offset
		switch indicator := string(take()); indicator {
		case "+":
			op.Reply = take()
		case "|":
		default:
			return syntax(BadIndicator, at)
		}
		for len(args) > sizes {
			op.Queues = append(op.Queues, take())
		}
	}
	return o.message(op, args, end)
}

// message reads the sizes and the payload.
func (o *oracle) message(op Op, sizes []oracleArgument, end int) error {
	limits := o.dialect.Limits
	size := sizes[len(sizes)-1]
	header := oracleArgument{[]byte("0"), 0}
	if len(sizes) == 2 {
		header = sizes[0]
	}
	isSize := func(b []byte) bool {
		return oracleDigits.Match(b) && (limits.SizeDigits == 0 || len(b) <= limits.SizeDigits)
	}
	switch {
	case !isSize(header.text):
		return &SyntaxError{Token: BadHeaderSize, Op: op.Kind, Offset: header.offset}
	case !isSize(size.text), limits.Payload == 0 && saturated(size.text).Cmp(largest) == 0:
		return &SyntaxError{Token: BadSize, Op: op.Kind, Offset: size.offset}
	case saturated(header.text).Cmp(saturated(size.text)) > 0:
		return &SyntaxError{Token: BadHeaderSize, Op: op.Kind, Offset: header.offset}
	case limits.Payload > 0 && value(size.text).Cmp(big.NewInt(int64(limits.Payload))) > 0:
		return &LimitError{Token: PayloadTooLong, Op: op.Kind, Offset: int64(end), Limit: limits.Payload}
	}
	op.HeaderSize, op.Size = int(value(header.text).Int64()), int(value(size.text).Int64())

	start := end + 1
	part := op.Size
	if limits.Buffered > 0 {
		part = min(limits.Buffered, op.Size)
	}
	for ; op.Size-op.Offset > part; op.Offset += part {
		if len(o.in) < start+op.Offset+part {
			o.inside = true
			return nil
		}
		op.Payload, op.More = o.in[start+op.Offset:start+op.Offset+part], true
		o.ops = append(o.ops, op)
	}
	stop := start + op.Size
	for i, want := range []byte("\r\n") {
		if len(o.in) <= stop+i {
			o.inside = true
			return nil
		}
		if o.in[stop+i] != want {
			return &SyntaxError{Token: PayloadTerminator, Op: op.Kind, Offset: int64(stop + i)}
		}
	}
	op.Payload, op.More = o.in[start+op.Offset:stop], false
	return o.done(op, stop+1)
}

// done notes an operation whose last byte is at end.
func (o *oracle) done(op Op, end int) error {
	op.Queues = slices.Clip(op.Queues)
	o.ops = append(o.ops, op)
	o.pos = end + 1
	return nil
}

func value(digits []byte) *big.Int {
	n, _ := new(big.Int).SetString(string(digits), 10)
	return n
}

var largest = big.NewInt(math.MaxInt)

// saturated is the value as far as it fits an int.
func saturated(digits []byte) *big.Int {
	if n := value(digits); n.Cmp(largest) < 0 {
		return n
	}
	return largest
}
