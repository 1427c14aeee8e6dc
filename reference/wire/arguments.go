package wire

import "math"

// maxWeightDigits is the longest weight that servers read (2.5 and later; 2.1.2 reads any).
const maxWeightDigits = 9

// interpret reads the argument text of the operation p.kind into op. For a message whose payload is not there yet it goes on
// to wait for it.
func (p *Parser) interpret(op *Op, text []byte) error {
	*op = Op{Kind: p.kind}
	switch p.kind {
	case Info, Connect, Err:
		return p.interpretBody(op, text)
	case AccountSub, AccountUnsub:
		// No server looks at the arguments on a route, not even at their number (seen 2.1.2 to 2.15.2).
		p.fields = split(p.fields[:0], text)
		if len(p.fields) > 0 {
			op.Account = p.fields[0].of(text)
		}
		return nil
	}
	if err := p.interpretFields(op, text); err != nil {
		return err
	}
	switch p.kind {
	case Msg, HMsg, LeafMsg:
		return p.takePayload(op, text)
	}
	return nil
}

// interpretFields reads [origin] [account] subject and what stands behind it.
func (p *Parser) interpretFields(op *Op, text []byte) error {
	fields := split(p.fields[:0], text)
	p.fields = fields
	p.grown = p.grown || len(fields) > keepFields
	if p.hasOrigin() && len(fields) > 0 {
		op.Origin, fields = fields[0].of(text), fields[1:]
	}
	if !p.mode.Pinned && len(fields) > 0 {
		op.Account, fields = fields[0].of(text), fields[1:]
	}
	if len(fields) == 0 {
		return p.syntax(ArgumentCount, p.kind, p.lineEnd())
	}
	op.Subject, fields = fields[0].of(text), fields[1:]
	switch p.kind {
	case Sub, LeafSub:
		return p.interpretSub(op, text, fields)
	case Unsub, LeafUnsub:
		return p.interpretUnsub(op, text, fields)
	default:
		return p.interpretMessage(op, text, fields)
	}
}

// hasOrigin says whether the first argument is a leaf's cluster.
func (p *Parser) hasOrigin() bool {
	return p.kind == LeafSub || p.kind == LeafMsg || p.kind == LeafUnsub && p.mode.LeafUnsubOrigin
}

// interpretBody reads INFO, CONNECT and -ERR, whose text is not split.
func (p *Parser) interpretBody(op *Op, text []byte) error {
	op.Body = trim(text)
	var err error
	switch p.kind {
	case Info:
		op.InfoBody = new(InfoBody)
		err = op.InfoBody.UnmarshalJSON(op.Body)
	case Connect:
		op.ConnectBody = new(ConnectBody)
		err = op.ConnectBody.UnmarshalJSON(op.Body)
	}
	if err != nil {
		return &SyntaxError{Token: BadJSON, Op: p.kind, Offset: p.lineEnd(), Detail: err.Error()}
	}
	return nil
}

// interpretSub reads what stands behind the subject of RS+ and LS+: a queue and its weight, or nothing.
func (p *Parser) interpretSub(op *Op, text []byte, behind []span) error {
	switch len(behind) {
	case 0:
	case 2:
		op.Queue = behind[0].of(text)
		op.Weight = weight(behind[1].of(text))
	default:
		return p.syntax(ArgumentCount, p.kind, p.lineEnd())
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
		return p.syntax(ArgumentCount, p.kind, p.lineEnd())
	}
	return nil
}

// interpretMessage reads what stands behind the subject of RMSG, HMSG and LMSG: [reply], or an indicator and a
// queue list, and then the sizes.
func (p *Parser) interpretMessage(op *Op, text []byte, behind []span) error {
	sizes := 1
	if p.kind != Msg {
		sizes = 2
	}
	middle := len(behind) - sizes
	if middle < 0 {
		return p.syntax(ArgumentCount, p.kind, p.lineEnd())
	}
	switch middle {
	case 0:
	case 1:
		// Four arguments of RMSG: whatever stands here is the reply subject, + and | too (seen 2.1.2 to 2.15.2).
		op.Reply = behind[0].of(text)
	default:
		queues := behind[1:middle]
		switch indicator := behind[0].of(text); {
		case len(indicator) == 1 && indicator[0] == '+':
			op.Reply = behind[1].of(text)
			queues = behind[2:middle]
		case len(indicator) == 1 && indicator[0] == '|':
		default:
			return p.syntaxAt(BadIndicator, behind[0])
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
			return p.syntaxAt(BadHeaderSize, sizes[0])
		}
		op.HeaderSize = n
	}
	n, ok := p.size(last.of(text))
	limit := p.limits.Payload
	switch {
	case !ok, limit <= 0 && n == math.MaxInt:
		return p.syntaxAt(BadSize, last)
	case op.HeaderSize > n:
		return p.syntaxAt(BadHeaderSize, sizes[0])
	case limit > 0 && n > limit:
		return &LimitError{Token: PayloadTooLong, Op: p.kind, Offset: p.lineEnd(), Limit: limit}
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
func (p *Parser) syntaxAt(t Token, argument span) error {
	return p.syntax(t, p.kind, p.textAt+int64(argument.lo))
}
