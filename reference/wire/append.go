package wire

import "strconv"

// AppendTo appends the operation in its canonical form: upper-case name, single blanks, CR LF, no leading zeros.
// The pinned form is written when Account is empty; the form with a queue list only when there are Queues. A message's
// Payload must hold Size bytes; of a message in parts, each part appended in turn gives the whole.
//
// Nothing is checked: what is in the fields stands on the wire, so a subject with a blank in it breaks the line.
// It panics where the Extra of an INFO or CONNECT body is not JSON.
func (op *Op) AppendTo(b []byte) []byte {
	if op.Offset == 0 {
		b = op.appendLine(b)
		b = append(b, '\r', '\n')
	}
	if op.Kind.IsMessage() {
		b = append(b, op.Payload...)
		if !op.More {
			b = append(b, '\r', '\n')
		}
	}
	return b
}

// appendLine appends the line without its line end.
func (op *Op) appendLine(b []byte) []byte {
	b = append(b, op.Kind.String()...)
	switch op.Kind {
	case Info, Connect, Err:
		return op.appendBody(append(b, ' '))
	case Sub, LeafSub:
		b = op.appendInterest(b)
		if len(op.Queue) > 0 {
			b = strconv.AppendInt(append(b, ' '), int64(op.Weight), 10)
		}
	case Unsub, LeafUnsub:
		b = op.appendInterest(b)
	case Msg, HMsg, LeafMsg:
		b = op.appendMessageLine(b)
	case AccountSub, AccountUnsub:
		b = append(append(b, ' '), op.Account...) // the blank is the delimiter, which must be there
	}
	return b
}

// appendBody appends the text of INFO, CONNECT and -ERR.
func (op *Op) appendBody(b []byte) []byte {
	if op.Body != nil {
		return append(b, op.Body...)
	}
	if op.InfoBody != nil {
		return op.InfoBody.appendJSON(b)
	}
	if op.ConnectBody != nil {
		return op.ConnectBody.appendJSON(b)
	}
	return b
}

// appendInterest appends [origin] [account] subject [queue].
func (op *Op) appendInterest(b []byte) []byte {
	b = appendField(b, op.Origin)
	b = appendField(b, op.Account)
	b = appendField(b, op.Subject)
	return appendField(b, op.Queue)
}

func (op *Op) appendMessageLine(b []byte) []byte {
	b = appendField(b, op.Origin)
	b = appendField(b, op.Account)
	b = appendField(b, op.Subject)
	if len(op.Queues) > 0 {
		if len(op.Reply) > 0 {
			b = append(b, ' ', '+')
		} else {
			b = append(b, ' ', '|')
		}
	}
	b = appendField(b, op.Reply)
	for _, q := range op.Queues {
		b = appendField(b, q)
	}
	if op.Kind != Msg {
		b = strconv.AppendInt(append(b, ' '), int64(op.HeaderSize), 10)
	}
	return strconv.AppendInt(append(b, ' '), int64(op.Size), 10)
}

// appendField appends a blank and the field, or nothing where the field is absent.
func appendField(b, field []byte) []byte {
	if len(field) == 0 {
		return b
	}
	return append(append(b, ' '), field...)
}
