package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/reference/wire"
)

var errorsFaults = []Fault{
	{
		Name: "error-of-peer-ignored", Title: "ignores -ERR", Breaks: "RT-ERR-001",
		FromPeer: when(is(wire.Err), drop),
	},
	{
		Name: "error-of-peer-soft", Title: "ignores an -ERR that says Invalid Subscription", Breaks: "RT-ERR-001",
		FromPeer: when(all(is(wire.Err), op(func(op *wire.Op) bool { return op.ErrText() == "Invalid Subscription" })), drop),
	},
	{
		Name: "error-in-other-words", Title: "words the error for an unknown operation in its own way", Breaks: "RT-ERR-002",
		FromServer: when(is(wire.Err), edit(func(_ *Link, op *wire.Op) { op.Body = []byte("'Syntax Error'") })),
	},
	{
		Name: "errors-unsaid", Title: "never says -ERR", Breaks: "RT-ERR-002",
		FromServer: when(is(wire.Err), drop),
	},
	{
		Name: "read-on-behind-error", Title: "reads what follows a refused operation before it closes", Breaks: "RT-ERR-003",
		Mend: func(_ *Link, b Broken) ([]byte, int) {
			n := len(firstLine(b.Raw))
			if b.token() == wire.PayloadTerminator || n == len(b.Raw) {
				return nil, 0
			}
			return append(bytes.Clone(b.Raw[n:]), b.Raw[:n]...), len(b.Raw)
		},
	},
	{
		Name: "error-ends-all-routes", Title: "closes all routes when one of them sends what is no operation", Breaks: "RT-ERR-004",
		Mend: func(l *Link, _ Broken) ([]byte, int) {
			for _, other := range l.Others() {
				other.Close()
			}
			return nil, 0
		},
	},
	{
		Name: "error-without-close", Title: "says -ERR and does not close", Breaks: "RT-LINE-008",
		Ended: func(_ *Link, peer bool, held []byte) ([]byte, bool) { return held, !peer },
	},
	{
		Name: "stranger-kept-waiting", Title: "waits for more when an HTTP request or a TLS hello comes", Breaks: "RT-ERR-005",
		Mend: func(l *Link, b Broken) ([]byte, int) {
			if l.Peer == nil && (bytes.HasPrefix(b.Raw, []byte("GET ")) || b.Raw[0] == 0x16) {
				return nil, len(b.Raw)
			}
			return nil, 0
		},
	},
}
