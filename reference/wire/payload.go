package wire

// takePayload begins to read the payload of a message whose line was just read. The line may lie in bytes that go back to
// their owner before the payload is complete, so it is read again from a copy.
func (p *Parser) takePayload(op *Op, text []byte) error {
	if len(p.text) == 0 {
		p.hold(text)
		text = p.text
	}
	p.head = Op{Kind: p.kind}
	if err := p.interpretFields(&p.head, text, p.fields); err != nil {
		return err
	}
	p.grown, p.terminal, p.phase = true, 0, phasePayload
	return p.readPayload(op)
}

// readPayload reads one part of a payload, or all of it where no parts are asked for. The last part is handed out only
// when CR LF was seen behind it.
func (p *Parser) readPayload(op *Op) error {
	size := p.head.Size - p.head.Offset
	last := p.limits.Buffered <= 0 || size <= p.limits.Buffered
	behind := 2
	if !last {
		size, behind = p.limits.Buffered, 0
	}
	payload := p.part
	if p.phase == phasePayload {
		in := p.buf[p.pos:]
		if len(p.part) == 0 && len(in)-behind >= size {
			payload = in[:size:size]
			p.pos += size
		} else {
			n := min(size-len(p.part), len(in))
			p.part = append(p.part, in[:n]...)
			p.pos += n
			if len(p.part) < size {
				return ErrNeedMore
			}
			payload = p.part[:size:size]
		}
		if last {
			p.phase = phaseTerminal
		}
	}
	if last {
		if err := p.readTerminator(); err != nil {
			return err
		}
		p.phase = phaseName
	}
	*op = p.head
	op.Payload, op.More = payload, !last
	p.head.Offset += size
	p.part = p.part[:0]
	return nil
}

// readTerminator reads the CR LF behind a payload; here LF alone will not do (seen 2.1.2 to 2.15.2).
func (p *Parser) readTerminator() error {
	for ; p.terminal < 2; p.terminal++ {
		if p.pos == len(p.buf) {
			return ErrNeedMore
		}
		if p.buf[p.pos] != "\r\n"[p.terminal] {
			return p.syntax(PayloadTerminator, p.kind, p.offset())
		}
		p.pos++
	}
	return nil
}
