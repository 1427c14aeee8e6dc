package wire

import "math"

// maxWeightDigits is the longest weight that servers read (2.5 and later; 2.1.2 reads any).
const maxWeightDigits = 9

// readArguments reads the line of an operation whose text is a list of arguments, and goes on to the payload of a message.
func (p *Parser) readArguments(op *Op) error {
	text, err := p.readText()
	if err != nil {
		return err
	}
	p.phase = phaseName
	p.fields = split(p.fields[:0], text)
	p.grown = true
	*op = Op{Kind: p.kind}
	if p.kind == AccountSub || p.kind == AccountUnsub {
		// No server looks at the arguments on a route, not even at their number (seen 2.1.2 to 2.15.2).
		if len(p.fields) > 0 {
			op.Account = p.fields[0].of(text)
		}
		return nil
	}
	if err := p.interpretFields(op, text, p.fields); err != nil {
		return err
	}
	if p.kind.IsMessage() {
		return p.takePayload(op, text)
	}
	return nil
}

// interpretFields reads [origin] [account] subject and what stands behind it.
func (p *Parser) interpretFields(op *Op, text []byte, fields []span) error {
	if p.hasOrigin(op.Kind) && len(fields) > 0 {
		op.Origin, fields = fields[0].of(text), fields[1:]
	}
	if !p.mode.Pinned && len(fields) > 0 {
		op.Account, fields = fields[0].of(text), fields[1:]
	}
	if len(fields) == 0 {
		return p.syntax(ArgumentCount, op.Kind, p.lineEnd())
	}
	op.Subject, fields = fields[0].of(text), fields[1:]
	switch op.Kind {
	case Sub, LeafSub:
		return p.interpretSub(op, text, fields)
	case Unsub, LeafUnsub:
		return p.interpretUnsub(op, text, fields)
	default:
		return p.interpretMessage(op, text, fields)
	}
}

// hasOrigin says whether the first argument is a leaf's cluster.
func (p *Parser) hasOrigin(kind Kind) bool {
	return kind == LeafSub || kind == LeafMsg || kind == LeafUnsub && p.mode.LeafUnsubOrigin
}

// interpretSub reads what stands behind the subject of RS+ and LS+: a queue and its weight, or nothing.
func (p *Parser) interpretSub(op *Op, text []byte, behind []span) error {
	switch len(behind) {
	case 0:
	case 2:
		op.Queue = behind[0].of(text)
		op.Weight = weight(behind[1].of(text))
	default:
		return p.syntax(ArgumentCount, op.Kind, p.lineEnd())
	}
	return nil
}

// weight reads a weight; one that is malformed is no error on any server.
func weight(b []byte) int {
	n, ok := number(b)
	if !ok || len(b) > maxWeightDigits {
		return -1
	}
	return n
}

// interpretUnsub reads what stands behind the subject of RS- and LS-: a queue or nothing.
func (p *Parser) interpretUnsub(op *Op, text []byte, behind []span) error {
	switch len(behind) {
	case 0:
	case 1:
		op.Queue = behind[0].of(text)
	default:
		return p.syntax(ArgumentCount, op.Kind, p.lineEnd())
	}
	return nil
}

// interpretMessage reads what stands behind the subject of RMSG, HMSG and LMSG: [reply], or an indicator and a
// queue list, and then the sizes.
func (p *Parser) interpretMessage(op *Op, text []byte, behind []span) error {
	sizes := 1
	if op.Kind != Msg {
		sizes = 2
	}
	middle := len(behind) - sizes
	if middle < 0 {
		return p.syntax(ArgumentCount, op.Kind, p.lineEnd())
	}
	switch middle {
	case 0:
	case 1:
		// Four arguments of RMSG: whatever stands here is the reply subject, + and | too (seen 2.1.2 to 2.15.2).
		op.Reply = behind[0].of(text)
	default:
		queues := behind[1:middle]
		switch string(behind[0].of(text)) {
		case "+":
			op.Reply, queues = queues[0].of(text), queues[1:]
		case "|":
		default:
			return p.syntaxAt(BadIndicator, op, behind[0])
		}
		p.setQueues(op, text, queues)
	}
	return p.interpretSizes(op, text, behind[middle:])
}

func (p *Parser) setQueues(op *Op, text []byte, queues []span) {
	if len(queues) == 0 {
		return
	}
	p.queues = p.queues[:0]
	for _, q := range queues {
		p.queues = append(p.queues, q.of(text))
	}
	op.Queues = p.queues[:len(p.queues):len(p.queues)]
}

// interpretSizes reads [header-size] size.
func (p *Parser) interpretSizes(op *Op, text []byte, sizes []span) error {
	last := sizes[len(sizes)-1]
	if len(sizes) == 2 {
		n, ok := p.size(sizes[0].of(text))
		if !ok {
			return p.syntaxAt(BadHeaderSize, op, sizes[0])
		}
		op.HeaderSize = n
	}
	n, ok := p.size(last.of(text))
	limit := p.limits.Payload
	if !ok || limit <= 0 && n == math.MaxInt {
		return p.syntaxAt(BadSize, op, last)
	}
	if op.HeaderSize > n {
		return p.syntaxAt(BadHeaderSize, op, sizes[0])
	}
	if limit > 0 && n > limit {
		return &LimitError{Token: PayloadTooLong, Op: op.Kind, Offset: p.lineEnd(), Limit: limit}
	}
	op.Size = n
	return nil
}

// size reads a size of at most Limits.SizeDigits digits.
func (p *Parser) size(b []byte) (int, bool) {
	if p.limits.SizeDigits > 0 && len(b) > p.limits.SizeDigits {
		return 0, false
	}
	return number(b)
}

// lineEnd is the offset of the LF of the line that was read last.
func (p *Parser) lineEnd() int64 { return p.offset() - 1 }

// syntaxAt is an error about one argument.
func (p *Parser) syntaxAt(t Token, op *Op, argument span) error {
	return p.syntax(t, op.Kind, p.textAt+int64(argument.lo))
}
