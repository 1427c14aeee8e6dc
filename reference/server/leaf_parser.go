package server

// leafForms are the operations of the leafnode port. Those with arguments carry neither account nor origin: both are the
// connection's.
var leafForms = []form{
	{"LMSG", opLeafMsg, true},
	{"HMSG", opLeafHMsg, true},
	{"LS+", opLeafSub, true},
	{"LS-", opLeafUnsub, true},
	{"PING", opPing, false},
	{"PONG", opPong, false},
	{"CONNECT", opConnect, false},
	{"+OK", opOK, false},
	{"-ERR", opErr, true},
	{"INFO", opInfo, false},
}

// newLeafParser returns a parser for the bytes of a leaf.
func newLeafParser(maxPayload int) *clientParser {
	return &clientParser{forms: leafForms, maxPayload: maxPayload}
}

// setLeafInterest reads LS+ and LS-, of which only LS+ gives a queue its weight.
func (op *clientOp) setLeafInterest(f [][]byte) error {
	withQueue := 2
	if op.kind == opLeafSub {
		withQueue = 3
	}
	switch len(f) {
	case 1:
		op.subject = f[0]
	case withQueue:
		op.subject, op.queue = f[0], f[1]
		if op.kind == opLeafSub {
			op.weight = parseSize(f[2])
		}
	default:
		return errArguments("LS+ subject [queue weight] or LS- subject [queue]")
	}
	return nil
}

// setLeafMessage reads LMSG and HMSG: what stands between subject and sizes is nothing, a reply, or an indicator with its
// queue list.
func (p *clientParser) setLeafMessage(op *clientOp, f [][]byte) (int, error) {
	sizes := 1
	if op.kind == opLeafHMsg {
		sizes = 2
	}
	middle := len(f) - sizes
	if middle < 1 {
		return 0, errArguments("LMSG subject [reply] size")
	}
	op.subject = f[0]
	switch between := f[1:middle]; {
	case len(between) == 0:
	case len(between) == 1:
		op.reply = between[0]
	case string(between[0]) == "+":
		op.reply, op.queues = between[1], between[2:]
	case string(between[0]) == "|":
		op.queues = between[1:]
	default:
		return 0, &clientError{Detail: "the reply indicator of a leaf's message is neither + nor |"}
	}
	size, err := p.checkSize(f[len(f)-1])
	if err != nil || sizes == 1 {
		return size, err
	}
	if op.headerSize = parseSize(f[middle]); op.headerSize < 0 || op.headerSize > size {
		return 0, &clientError{Detail: "the header size of a leaf's HMSG is no number up to the message's size"}
	}
	return size, nil
}
