package fault

import (
	"bytes"
	"errors"

	"github.com/natsroute/natsroute/reference/wire"
)

var controlLineFaults = []Fault{
	{
		Name: "op-lower-case-refused", Title: "refuses operations in lower case", Breaks: "RT-LINE-001",
		FromPeer: when(spelled(Frame.lower), refuse),
	},
	{
		Name: "op-mixed-case-refused", Title: "refuses operations in mixed case", Breaks: "RT-LINE-001",
		FromPeer: when(spelled(Frame.mixed), refuse),
	},
	{
		Name: "ping-lower-case-ignored", Title: "ignores ping in lower case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Ping), spelled(Frame.lower)), drop),
	},
	{
		Name: "pong-mixed-case-refused", Title: "refuses PONG in mixed case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Pong), spelled(Frame.mixed)), refuse),
	},
	{
		Name: "rs-plus-lower-case-ignored", Title: "ignores rs+ in lower case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Sub), spelled(Frame.lower)), drop),
	},
	{
		Name: "rs-minus-mixed-case-ignored", Title: "ignores RS- in mixed case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Unsub), spelled(Frame.mixed)), drop),
	},
	{
		Name: "rs-minus-lower-case-misread", Title: "reads rs- in lower case as RS+", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Unsub), spelled(Frame.lower)), edit(func(_ *Link, op *wire.Op) { op.Kind = wire.Sub })),
	},
	{
		Name: "rmsg-lower-case-ignored", Title: "ignores rmsg in lower case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Msg), spelled(Frame.lower)), drop),
	},
	{
		Name: "err-lower-case-ignored", Title: "ignores -err in lower case", Breaks: "RT-ERR-001",
		FromPeer: when(all(is(wire.Err), spelled(Frame.lower)), drop),
	},
	{
		Name: "connect-mixed-case-refused", Title: "refuses CONNECT in mixed case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Connect), spelled(Frame.mixed)), refuse),
	},
	{
		Name: "info-lower-case-refused", Title: "refuses info in lower case", Breaks: "RT-LINE-001",
		FromPeer: when(all(is(wire.Info), spelled(Frame.lower)), refuse),
	},
	{
		Name: "hmsg-lower-case-refused", Title: "refuses hmsg in lower case", Breaks: "RT-LINE-002",
		FromPeer: when(all(is(wire.HMsg), spelled(Frame.lower)), refuse),
	},
	{
		Name: "hmsg-mixed-case-ignored", Title: "ignores HMSG in mixed case", Breaks: "RT-LINE-002",
		FromPeer: when(all(is(wire.HMsg), spelled(Frame.mixed)), drop),
	},
	{
		Name: "tab-refused", Title: "refuses a tab between fields", Breaks: "RT-LINE-003",
		FromPeer: when(spelled(func(f Frame) bool { return bytes.IndexByte(f.line(), '\t') >= 0 }), refuse),
	},
	{
		Name: "tab-behind-name-refused", Title: "refuses a tab behind an operation's name", Breaks: "RT-LINE-003",
		FromPeer: when(spelled(func(f Frame) bool { return f.line()[len(f.name())] == '\t' }), refuse),
	},
	{
		Name: "blank-runs-refused", Title: "refuses two blanks between fields", Breaks: "RT-LINE-004",
		FromPeer: when(spelled(func(f Frame) bool {
			fields := bytes.TrimRight(f.line(), " \t\r\n")
			return f.body() == nil && bytes.Contains(bytes.ReplaceAll(fields, []byte("\t"), []byte(" ")), []byte("  "))
		}), refuse),
	},
	{
		Name: "blanks-behind-name-refused", Title: "refuses two blanks behind an operation's name", Breaks: "RT-LINE-004",
		FromPeer: when(spelled(func(f Frame) bool {
			behind := f.line()[len(f.name()):]
			return len(behind) > 2 && isBlank(behind[0]) && isBlank(behind[1])
		}), refuse),
	},
	{
		Name: "trailing-blank-refused", Title: "refuses blanks before the line end", Breaks: "RT-LINE-005",
		FromPeer: when(spelled(func(f Frame) bool {
			line := bytes.TrimRight(f.line(), "\r\n")
			return len(line) > len(f.name())+1 && isBlank(line[len(line)-1])
		}), refuse),
	},
	{
		Name: "bare-lf-refused", Title: "refuses a line that ends in LF alone", Breaks: "RT-LINE-006",
		FromPeer: when(spelled(func(f Frame) bool { return !bytes.HasSuffix(f.line(), []byte("\r\n")) }), refuse),
	},
	{
		Name: "two-crs-refused", Title: "refuses a line that ends in CR CR LF", Breaks: "RT-LINE-007",
		FromPeer: when(spelled(func(f Frame) bool { return bytes.HasSuffix(f.line(), []byte("\r\r\n")) }), refuse),
	},
	{
		Name: "unknown-operation-ignored", Title: "ignores lines that begin no operation", Breaks: "RT-LINE-008",
		Mend: mend(wire.UnknownOp, func(b Broken) bool { return !isBlank(b.Raw[0]) && b.Raw[0] != '\n' && b.Raw[0] != '\r' }),
	},
	{
		Name: "empty-line-ignored", Title: "ignores empty lines, and blanks before an operation", Breaks: "RT-LINE-009",
		Mend: func(_ *Link, b Broken) ([]byte, int) {
			return nil, len(b.Raw) - len(bytes.TrimLeft(b.Raw, " \t\r\n"))
		},
	},
	{
		Name: "missing-delimiter-ignored", Title: "ignores operations without a delimiter behind their name", Breaks: "RT-LINE-010",
		Mend: mend(wire.MissingDelimiter, anyBroken),
	},
	{
		Name: "ping-with-text-refused", Title: "refuses PING and PONG with text behind them", Breaks: "RT-LINE-011",
		FromPeer: when(all(is(wire.Ping, wire.Pong), spelled(func(f Frame) bool { return len(bytes.TrimRight(f.line(), " \t\r\n")) > len(f.name()) })), refuse),
	},
	{
		Name: "brace-without-blank-refused", Title: "refuses INFO and CONNECT without a blank before the brace", Breaks: "RT-LINE-012",
		FromPeer: when(spelled(func(f Frame) bool { return f.body() != nil && f.line()[len(f.name())] == '{' }), refuse),
	},
	{
		Name: "ok-refused", Title: "refuses +OK", Breaks: "RT-LINE-013",
		FromPeer: when(is(wire.OK), refuse),
	},
	{
		Name: "account-operations-refused", Title: "refuses A+ and A-", Breaks: "RT-LINE-014",
		FromPeer: when(is(wire.AccountSub, wire.AccountUnsub), refuse),
	},
	{
		Name: "cut-operation-refused", Title: "refuses a line that does not come in one segment", Breaks: "RT-LINE-015",
		FromPeer: when(all(cutLine, spelled(func(f Frame) bool { return len(f.Raw) < 4096 })), refuse),
	},
	{
		Name: "cut-line-lost", Title: "loses interest that does not come in one segment", Breaks: "RT-LINE-015",
		FromPeer: when(all(cutLine, is(wire.Sub, wire.Unsub, wire.LeafSub)), drop),
	},
	{
		Name: "cut-message-lost", Title: "loses a message that does not come in one segment", Breaks: "RT-LINE-015",
		FromPeer: when(all(op(isMessage), spelled(func(f Frame) bool { return f.Reads > 1 && len(f.Raw) < 4096 })), drop),
	},
	{
		Name: "cut-lmsg-misread", Title: "reads an LMSG that does not come in one segment as an RMSG", Breaks: "RT-LINE-015", Since: "srv-2.5",
		FromPeer: when(all(is(wire.LeafMsg), spelled(func(f Frame) bool { return f.Reads > 1 })), edit(func(_ *Link, op *wire.Op) {
			op.Kind, op.Account, op.Subject = wire.Msg, op.Origin, op.Account
			op.Origin = nil
		})),
	},
	{
		Name: "line-limit-1024", Title: "refuses lines of more than 1,024 bytes", Breaks: "RT-LINE-016",
		FromPeer: when(longerThan(1024), refuse),
	},
	{
		Name: "line-limit-60000", Title: "refuses arguments of more than 60,000 bytes", Breaks: "RT-LINE-017",
		FromPeer: when(longerThan(60_000), refuse),
	},
	{
		Name: "line-limit-67000", Title: "ignores a line that is a little too long, where it has to refuse it", Breaks: "RT-LINE-018",
		Mend: func(_ *Link, b Broken) ([]byte, int) {
			if _, limit := errors.AsType[*wire.LimitError](b.Err); !limit || len(firstLine(b.Raw)) > 67_000 {
				return nil, 0
			}
			return nil, b.length()
		},
	},
	{
		Name: "newer-operations-ignored", Title: "ignores HMSG and LS+, which it does not know", Breaks: "RT-LINE-019", Dialect: "srv-2.1",
		FromPeer: when(is(wire.HMsg, wire.LeafSub, wire.LeafUnsub, wire.LeafMsg), drop),
	},
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// cutLine picks what has come in more than one read and has no payload.
func cutLine(_ *Link, f Frame) bool { return f.Reads > 1 && !f.Op.Kind.IsMessage() }

// longerThan picks lines by the length of their arguments, as servers count it. What PING, PONG and +OK are followed by are
// none.
func longerThan(limit int) condition {
	return func(_ *Link, f Frame) bool {
		switch f.Op.Kind {
		case wire.Ping, wire.Pong, wire.OK:
			return false
		}
		text := bytes.TrimLeft(f.line()[len(f.name()):], " \t")
		return len(bytes.TrimRight(text, "\r\n")) > limit
	}
}
