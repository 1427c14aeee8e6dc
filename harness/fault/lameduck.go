package fault

import (
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

var lameduckFaults = []Fault{
	{
		Name: "ldm-untold", Title: "does not tell its routes that it is in lame duck mode", Breaks: "RT-LDM-001",
		FromServer: when(all(is(wire.Info), op(isLame)), drop),
	},
	{
		Name: "ldm-told-twice", Title: "tells its routes twice that it is in lame duck mode", Breaks: "RT-LDM-001",
		FromServer: when(all(is(wire.Info), op(isLame)), twice),
	},
	{
		Name: "ldm-with-little", Title: "says ldm in an INFO that has neither host nor port", Breaks: "RT-LDM-002",
		FromServer: when(all(is(wire.Info), op(isLame)), editInfo(func(_ *Link, info *wire.InfoBody) { info.Host, info.Port = "", 0 })),
	},
	{
		Name: "ldm-unsaid-to-clients", Title: "does not tell its clients that it is in lame duck mode", Breaks: "RT-LDM-003",
		ToClient: editClientInfo(func(line string) string { return strings.Replace(line, `"ldm":true`, `"ldm":false`, 1) }),
	},
	{
		Name: "ldm-carries-nothing", Title: "reads no messages of its routes in lame duck mode", Breaks: "RT-LDM-005", Since: "srv-2.5", // ldm in INFO to routes
		FromServer: notingLame,
		FromPeer:   when(all(lame, op(isMessage)), drop),
	},
	{
		Name: "ldm-keeps-interest", Title: "does not take back the interest of its clients in lame duck mode", Breaks: "RT-LDM-006",
		FromServer: both(notingLame, when(all(lame, is(wire.Unsub)), drop)),
	},
	{
		Name: "ldm-ends-with-error", Title: "says -ERR before it closes its routes at the end of lame duck mode", Breaks: "RT-LDM-007",
		FromServer: notingLame,
		Ended:      atTheEnd(func(l *Link) bool { return l.Kept == "lame" }, func(l *Link) Frame { return frame(wire.NewErr("Server Shutdown")) }),
	},
	{
		Name: "ldm-told-in-system-account-unasked", Title: "sends messages of the system account about lame duck mode to everybody", Breaks: "RT-LDM-008",
		FromServer: when(all(is(wire.Info), op(isLame)), func(l *Link, f Frame) []Frame {
			return []Frame{f, l.systemNews("LAMEDUCK")}
		}),
	},
	{
		Name: "shutdown-leaves-routes", Title: "does not close its routes when it is shut down", Breaks: "RT-LDM-010",
		FromServer: notingLame,
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Peer != nil && l.Kept == nil
		},
	},
	{
		Name: "shutdown-with-error", Title: "says -ERR before it closes its routes when it is shut down", Breaks: "RT-LDM-011",
		FromServer: notingLame,
		Ended:      atTheEnd(func(l *Link) bool { return l.Kept == nil }, func(l *Link) Frame { return frame(wire.NewErr("Server Shutdown")) }),
	},
	{
		Name: "shutdown-told-in-system-account-unasked", Title: "sends messages of the system account about its shutdown to everybody", Breaks: "RT-LDM-012",
		FromServer: notingLame,
		Ended:      atTheEnd(func(l *Link) bool { return l.Kept == nil }, func(l *Link) Frame { return l.systemNews("SHUTDOWN") }),
	},
	{
		Name: "id-for-ever", Title: "has the same server_id when it has started again", Breaks: "RT-LDM-013",
		FromServer: editInfo(func(l *Link, info *wire.InfoBody) {
			if l.Server == nil || info.ServerID != l.Server.ServerID {
				return
			}
			own := info.ServerID
			first, _ := l.Box().Keep(func(kept any) any {
				if kept == nil {
					return own
				}
				return kept
			}).(string)
			info.ServerID = first
		}),
	},
}

func isLame(op *wire.Op) bool { return op.InfoBody.LameDuck }

// notingLame sees that the server is in lame duck mode. It uses Kept.
func notingLame(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.Info && isLame(&f.Op) {
		l.Kept = "lame"
	}
	return []Frame{f}
}

func lame(l *Link, _ Frame) bool { return l.Kept == "lame" }

// atTheEnd says something before a registered route ends that the server closes, and on which it has introduced itself.
func atTheEnd(picked func(*Link) bool, say func(*Link) Frame) func(*Link, bool, []byte) ([]byte, bool) {
	return func(l *Link, peer bool, held []byte) ([]byte, bool) {
		if !peer && l.Peer != nil && l.Server != nil && picked(l) {
			l.ToPeer(say(l))
		}
		return held, false
	}
}

// systemNews is a message of the system account about the server.
func (l *Link) systemNews(event string) Frame {
	return frame(wire.NewMsg("$SYS", "$SYS.SERVER."+l.Server.ServerID+"."+event, "", []byte("{}")))
}
