package wire

// The constructors below make operations out of strings, for specs and tests. Each sets the fields its name says; the others
// (Origin, HeaderSize, …) may be set afterwards. An empty account gives the form of a pinned route.

// NewSub returns RS+ account subject.
func NewSub(account, subject string) Op {
	return Op{Kind: Sub, Account: field(account), Subject: field(subject)}
}

// NewQueueSub returns RS+ account subject queue weight.
func NewQueueSub(account, subject, queue string, weight int) Op {
	return Op{Kind: Sub, Account: field(account), Subject: field(subject), Queue: field(queue), Weight: weight}
}

// NewUnsub returns RS- account subject.
func NewUnsub(account, subject string) Op {
	return Op{Kind: Unsub, Account: field(account), Subject: field(subject)}
}

// NewQueueUnsub returns RS- account subject queue.
func NewQueueUnsub(account, subject, queue string) Op {
	return Op{Kind: Unsub, Account: field(account), Subject: field(subject), Queue: field(queue)}
}

// NewMsg returns RMSG account subject [reply] size with its payload, which it keeps. An empty reply is none.
func NewMsg(account, subject, reply string, payload []byte) Op {
	return NewQueueMsg(account, subject, reply, nil, payload)
}

// NewQueueMsg returns RMSG account subject, + reply or |, queues, size with its payload, which it keeps. Without queues it is
// NewMsg.
func NewQueueMsg(account, subject, reply string, queues []string, payload []byte) Op {
	op := Op{
		Kind: Msg, Account: field(account), Subject: field(subject), Reply: field(reply),
		Payload: payload, Size: len(payload),
	}
	for _, q := range queues {
		op.Queues = append(op.Queues, []byte(q))
	}
	return op
}

// NewInfo returns INFO with body, which it keeps: later changes to body show.
func NewInfo(body *InfoBody) Op { return Op{Kind: Info, InfoBody: body} }

// NewConnect returns CONNECT with body, which it keeps: later changes to body show.
func NewConnect(body *ConnectBody) Op { return Op{Kind: Connect, ConnectBody: body} }

// NewPing returns PING.
func NewPing() Op { return Op{Kind: Ping} }

// NewPong returns PONG.
func NewPong() Op { return Op{Kind: Pong} }

// NewErr returns -ERR with the text in single quotes, as servers write it.
func NewErr(text string) Op { return Op{Kind: Err, Body: []byte("'" + text + "'")} }

// field is the bytes of a field, nil where it is absent.
func field(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}
