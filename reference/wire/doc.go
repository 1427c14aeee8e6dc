// Package wire turns the bytes of one NATS route connection into operations and operations into bytes.
//
// It is the lowest floor of the reference: no socket, no clock, no goroutine, no logger, nothing but the standard
// library. It knows the grammar and its limits. It does not know what an operation means: whether an account exists, whether
// a subject is valid, whether a cluster name fits is decided by package route.
//
// # The caller's loop
//
//	p := wire.NewParser(wire.Latest())
//	var op wire.Op
//	for {
//		n, err := conn.Read(buf)
//		p.Feed(buf[:n])
//		for {
//			perr := p.Next(&op)
//			if perr == wire.ErrNeedMore {
//				break // read again
//			}
//			if perr != nil {
//				return perr // *SyntaxError, *LimitError, *StateError: close the connection
//			}
//			step(&op) // may call p.SetMode, or p.Rest at a switch to TLS or S2
//		}
//		if err != nil {
//			return p.Finish() // says whether the peer stopped inside an operation
//		}
//	}
//
// Any chunking of the same bytes gives the same operations and the same error at the same offset. An operation is handled
// before Next is asked for another one, so it may change how the following bytes are read.
//
// # Grammar
//
// Sources in brackets: [doc] is the page "NATS Cluster Protocol" of NATS 2.0, a version is a nats-server that was
// watched on the wire.
//
//	stream     = { operation }                       nothing stands between operations: no blank, no empty line [2.1.2 to 2.15.2]
//	operation  = name delimiter blanks text line-end [ payload CR LF ]
//	           | ( "INFO" | "CONNECT" ) blanks json line-end        no delimiter needed [2.1.2 to 2.15.2]
//	           | ( "PING" | "PONG" | "+OK" ) { any byte but LF } LF     the rest of the line is ignored [2.1.2 to 2.15.2]
//	delimiter  = blank                               exactly this byte makes the name complete
//	blank      = " " | TAB                           [doc, Field Delimiters]
//	blanks     = { blank }                           skipped, in any number, and on no account [doc: many are one delimiter]
//	line-end   = LF | CR LF                          [doc: CR LF; servers take LF alone for every line]
//	text       = arguments, between which stand runs of blank, TAB and CR; every other byte is part of an argument
//	payload    = size bytes of any kind, never looked at
//
// Names are case-insensitive [doc]. The line ends at its first LF, always: "RS+ " LF is RS+ without arguments.
//
//	INFO json                                        [doc]
//	CONNECT json                                     [doc]
//	PING, PONG                                       [doc]
//	+OK                                              answer to a verbose CONNECT [2.1.2 to 2.15.2]
//	-ERR text                                        [doc]; the text may be empty and need not be quoted
//	RS+ account subject [queue weight]               [doc]; both or none of the last two
//	RS- account subject [queue]                      [doc without queue; every server sends it]
//	RMSG account subject [reply] size                [doc]
//	RMSG account subject + reply {queue} size        [2.1.2 to 2.15.2]
//	RMSG account subject | {queue} size              [2.1.2 to 2.15.2]; here at least one queue
//	HMSG …                                           as RMSG, "header-size size" at the end [2.5 and later]
//	LS+ origin account subject [queue weight]        [2.5 and later]
//	LS- account subject [queue]                      [2.5 and later]; "LS- origin account …" from a peer that announced lnocu
//	LMSG origin account subject …                    as HMSG, the header size is always there and may be 0 [2.5 and later]
//	A+ account, A- account                           accepted with any arguments, without effect on a route [2.1.2 to 2.15.2]
//
// On a connection pinned to one account (Mode.Pinned; route_account in INFO, [2.10 and later]) no operation but A+ and A-
// carries an account. SUB, UNSUB, PUB, HPUB and MSG, which servers leave half alive on route ports, are unknown operations.
//
// A size is a run of digits, leading zeros allowed. A weight that is not a run of one to nine digits is no error on any
// server; it reads as -1. Subjects, queue names and accounts are not validated here.
//
// # Where servers differ from this package
//
// Three habits of servers depend on read boundaries or are plain accidents; here the clean thing is done. A CR inside
// a line is a separator, wherever the reads were cut. An LF right behind the delimiter ends the line instead of being skipped. Operations
// are told apart by their fields, never by the spelling of the line they came in.
package wire
