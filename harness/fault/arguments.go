package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/reference/wire"
)

var argumentsFaults = []Fault{
	{
		Name: "rs-plus-arguments-uncounted", Title: "ignores RS+ with a wrong number of arguments", Breaks: "RT-ARG-001",
		Mend: mend(wire.ArgumentCount, broken(wire.Sub)),
	},
	{
		Name: "rs-minus-arguments-uncounted", Title: "ignores RS- with a wrong number of arguments", Breaks: "RT-ARG-002",
		Mend: mend(wire.ArgumentCount, broken(wire.Unsub)),
	},
	{
		Name: "rmsg-arguments-uncounted", Title: "ignores RMSG with too few arguments", Breaks: "RT-ARG-003",
		Mend: mend(wire.ArgumentCount, broken(wire.Msg)),
	},
	{
		Name: "rmsg-size-no-number-ignored", Title: "ignores RMSG whose size is no number", Breaks: "RT-ARG-004",
		Mend: mend(wire.BadSize, func(b Broken) bool { return b.kind() == wire.Msg && !digits(b.lastArgument()) }),
	},
	{
		Name: "rmsg-size-read-loosely", Title: "reads the digits that a size begins with, and not what follows them", Breaks: "RT-ARG-004",
		Mend: mend(wire.BadSize, func(b Broken) bool {
			last := b.lastArgument()
			return b.kind() == wire.Msg && !digits(last) && '0' <= last[0] && last[0] <= '9'
		}),
	},
	{
		Name: "rmsg-size-of-ten-digits-taken", Title: "takes sizes of ten digits and more", Breaks: "RT-ARG-005",
		Mend: mend(wire.BadSize, func(b Broken) bool { return b.kind() == wire.Msg && digits(b.lastArgument()) }),
	},
	{
		Name: "leading-zeros-refused", Title: "refuses sizes with leading zeros", Breaks: "RT-ARG-006",
		FromPeer: when(all(op(isMessage), spelled(func(f Frame) bool {
			fields := f.arguments()
			last := fields[len(fields)-1]
			return len(last) > 1 && last[0] == '0'
		})), hangUp),
	},
	{
		Name: "rmsg-indicator-ignored", Title: "ignores RMSG with another word where + or | belongs", Breaks: "RT-ARG-007",
		Mend: mend(wire.BadIndicator, broken(wire.Msg)),
	},
	{
		Name: "reply-marker-without-queue-refused", Title: "refuses RMSG with + and a reply and no queue", Breaks: "RT-ARG-008",
		FromPeer: when(all(is(wire.Msg), spelled(func(f Frame) bool {
			fields := f.arguments()
			return len(fields) == 5 && string(fields[2]) == "+" && len(f.Op.Queues) == 0
		})), hangUp),
	},
	{
		Name: "marker-as-reply-refused", Title: "refuses RMSG with + or | as its reply", Breaks: "RT-ARG-009",
		FromPeer: when(all(is(wire.Msg), op(func(op *wire.Op) bool {
			return bytes.Equal(op.Reply, []byte("+")) || bytes.Equal(op.Reply, []byte("|"))
		})), hangUp),
	},
	{
		Name: "thirty-two-queues", Title: "reads the first 32 queue groups of an RMSG", Breaks: "RT-ARG-010",
		FromPeer: when(op(func(op *wire.Op) bool { return len(op.Queues) > 32 }), edit(func(_ *Link, op *wire.Op) { op.Queues = op.Queues[:32] })),
	},
	{
		Name: "hmsg-arguments-uncounted", Title: "ignores HMSG with too few arguments", Breaks: "RT-ARG-011",
		Mend: mend(wire.ArgumentCount, broken(wire.HMsg)),
	},
	{
		Name: "hmsg-indicator-ignored", Title: "ignores HMSG with another word where + or | belongs", Breaks: "RT-ARG-011",
		Mend: mend(wire.BadIndicator, broken(wire.HMsg)),
	},
	{
		Name: "header-size-unchecked", Title: "ignores messages whose header size is no number, or larger than the whole", Breaks: "RT-ARG-012",
		Mend: mend(wire.BadHeaderSize, anyBroken),
	},
	{
		Name: "hmsg-size-unchecked", Title: "ignores HMSG whose whole size is no number", Breaks: "RT-ARG-013",
		Mend: mend(wire.BadSize, broken(wire.HMsg, wire.LeafMsg)),
	},
	{
		Name: "leaf-arguments-uncounted", Title: "ignores leaf operations with a wrong number of arguments", Breaks: "RT-ARG-014",
		Mend: mend(wire.ArgumentCount, broken(wire.LeafSub, wire.LeafUnsub, wire.LeafMsg)),
	},
	{
		Name: "lmsg-ignored", Title: "ignores LMSG", Breaks: "RT-ARG-015",
		FromPeer: when(is(wire.LeafMsg), drop),
	},
	{
		Name: "weight-no-number-refused", Title: "refuses a weight that is no number", Breaks: "RT-ARG-016",
		FromPeer: when(all(is(wire.Sub), op(func(op *wire.Op) bool { return op.Weight < 0 })), hangUp),
	},
}

func digits(b []byte) bool { return len(b) > 0 && len(bytes.Trim(b, "0123456789")) == 0 }

func (b Broken) lastArgument() []byte {
	fields := bytes.Fields(firstLine(b.Raw))
	return fields[len(fields)-1]
}
