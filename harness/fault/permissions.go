package fault

import (
	"bytes"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

var permissionsFaults = []Fault{
	{
		Name: "permissions-unsaid", Title: "does not tell its permissions in INFO", Breaks: "RT-PERM-001",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.Import, info.Export = nil, nil }),
	},
	{
		Name: "imports-held-back", Title: "announces the first interest that may be imported, and no other", Breaks: "RT-PERM-002",
		FromServer: when(all(permitted, is(wire.Sub), func(l *Link, _ Frame) bool { return l.repeated("interest") }), drop),
	},
	{
		Name: "import-allow-unread", Title: "announces interest that may not be imported", Breaks: "RT-PERM-003",
		FromClient: announceWhere(func(subject []byte) bool { return !patterned(subject) && !wire.Match(allowedImport, subject) }),
	},
	{
		Name: "import-deny-unread", Title: "announces interest that may be imported but for what is denied", Breaks: "RT-PERM-004",
		FromClient: announceWhere(func(subject []byte) bool { return !patterned(subject) && wire.Match(deniedImport, subject) }),
	},
	{
		Name: "wider-patterns-announced", Title: "announces a pattern of which a part may be imported", Breaks: "RT-PERM-005",
		FromClient: announceWhere(func(subject []byte) bool { return patterned(subject) && !wire.Match(allowedImport, subject) }),
	},
	{
		Name: "patterns-around-denied-held-back", Title: "holds back a pattern that has denied subjects among others", Breaks: "RT-PERM-006",
		FromServer: when(all(permitted, is(wire.Sub), op(func(op *wire.Op) bool { return bytes.Contains(op.Subject, []byte(".*")) })), drop),
	},
	{
		Name: "first-list-unfiltered", Title: "tells a peer that registers of interest that may not be imported", Breaks: "RT-PERM-007",
		FromClient: func(b *Box, line []byte, _ []byte) {
			if subject := subscribed(line); subject != nil && !wire.Match(allowedImport, subject) {
				b.Keep(func(kept any) any {
					all, _ := kept.([]string)
					return append(all, string(subject))
				})
			}
		},
		FromServer: when(all(permitted, is(wire.Pong), listing), func(l *Link, f Frame) []Frame {
			var out []Frame
			hidden, _ := l.Box().Keep(func(kept any) any { return kept }).([]string)
			for _, subject := range hidden {
				out = append(out, frame(wire.NewSub(defaultAccount, subject)))
			}
			return append(out, f)
		}),
	},
	{
		Name: "end-of-held-back", Title: "sends RS- for interest that it held back", Breaks: "RT-PERM-008",
		FromClient: func(b *Box, line []byte, _ []byte) {
			if subject := subscribed(line); subject != nil && !wire.Match(allowedImport, subject) {
				b.tell(func(l *Link) bool { return permitted(l, Frame{}) }, wire.NewUnsub(defaultAccount, string(subject)))
			}
		},
	},
	{
		Name: "messages-filtered-by-import", Title: "loses messages of a peer that may not be imported", Breaks: "RT-PERM-009",
		FromPeer: when(all(permitted, op(isMessage), op(func(op *wire.Op) bool { return !wire.Match(allowedImport, op.Subject) })), drop),
	},
	{
		Name: "exports-ignored", Title: "ignores interest of a peer where there are permissions", Breaks: "RT-PERM-010",
		FromPeer: when(all(permitted, is(wire.Sub)), drop),
	},
	{
		Name: "export-allow-unread", Title: "sends messages on interest that may not be exported", Breaks: "RT-PERM-011",
		FromClient: exportWhere(func(pattern, subject []byte) bool {
			return bytes.Equal(pattern, subject) && !wire.Match(allowedExport, subject)
		}),
	},
	{
		Name: "export-deny-unread", Title: "sends messages on interest that may be exported but for what is denied", Breaks: "RT-PERM-012",
		FromClient: exportWhere(func(pattern, subject []byte) bool {
			return bytes.Equal(pattern, subject) && wire.Match(deniedExport, subject)
		}),
	},
	{
		Name: "export-violation-said", Title: "refuses a peer with interest that may not be exported", Breaks: "RT-PERM-013",
		FromPeer: when(all(permitted, is(wire.Sub), op(func(op *wire.Op) bool { return !wire.Match(allowedExport, op.Subject) })), refuseWith("Permissions Violation")),
	},
	{
		Name: "wider-patterns-in-force", Title: "sends what may be exported on a pattern that is wider than that", Breaks: "RT-PERM-014",
		FromClient: exportWhere(func(pattern, subject []byte) bool {
			return patterned(pattern) && !wire.Match(allowedExport, pattern) && wire.Match(allowedExport, subject)
		}),
	},
	{
		Name: "denied-by-pattern", Title: "sends denied messages on a pattern that may be exported", Breaks: "RT-PERM-015",
		FromClient: exportWhere(func(pattern, subject []byte) bool {
			return patterned(pattern) && wire.Match(allowedExport, pattern) && wire.Match(deniedExport, subject)
		}),
	},
	{
		Name: "permissions-of-default-account", Title: "announces interest of no account but the default one where there are permissions", Breaks: "RT-PERM-016",
		FromServer: when(all(permitted, is(wire.Sub), named), drop),
	},
	{
		Name: "peers-permissions-kept", Title: "holds back what a peer says that it may not import", Breaks: "RT-PERM-017",
		FromServer: when(all(is(wire.Sub), func(l *Link, f Frame) bool {
			return l.Peer != nil && l.Peer.Export != nil && len(l.Peer.Export.Allow) > 0 && !allowedBy(l.Peer.Export.Allow, f.Op.Subject)
		}), drop),
	},
	{
		Name: "wider-permissions-unread", Title: "sends no interest when a peer allows more in a later INFO", Breaks: "RT-PERM-018",
		FromPeer: notingUpdate, FromServer: when(all(updated, is(wire.Sub), op(isPlain)), drop),
	},
	{
		Name: "interest-with-each-info", Title: "sends its interest again with each later INFO of a peer", Breaks: "RT-PERM-019",
		FromPeer: both(notingUpdate, when(all(updated, ownInfo), func(l *Link, f Frame) []Frame {
			for _, told := range l.Told.All() {
				l.ToPeer(frame(told))
			}
			return []Frame{f}
		})),
	},
	{
		Name: "wider-permissions-without-groups", Title: "sends no groups when a peer allows more in a later INFO", Breaks: "RT-PERM-020",
		FromPeer: notingUpdate, FromServer: when(all(updated, is(wire.Sub), op(hasQueue)), drop),
	},
}

// The permissions of servers that a run starts with some.
var (
	allowedImport = []byte(harness.SetupPermissions.Import)
	deniedImport  = []byte(harness.SetupPermissions.DeniedImport)
	allowedExport = []byte(harness.SetupPermissions.Export)
	deniedExport  = []byte(harness.SetupPermissions.DeniedExport)
)

// permitted picks servers with permissions.
func permitted(l *Link, _ Frame) bool {
	own := l.target()
	return own != nil && (own.Import != nil || own.Export != nil)
}

func patterned(subject []byte) bool { return bytes.ContainsAny(subject, "*>") }

func allowedBy(patterns []string, subject []byte) bool {
	for _, pattern := range patterns {
		if wire.Match([]byte(pattern), subject) {
			return true
		}
	}
	return false
}

// announceWhere announces interest of clients that is picked, where the server has permissions.
func announceWhere(picked func(subject []byte) bool) func(*Box, []byte, []byte) {
	return func(b *Box, line []byte, _ []byte) {
		if subject := subscribed(line); subject != nil && picked(subject) {
			b.tell(func(l *Link) bool { return permitted(l, Frame{}) }, wire.NewSub(defaultAccount, string(subject)))
		}
	}
}

// exportWhere sends what a client publishes to peers with interest that is picked.
func exportWhere(picked func(pattern, subject []byte) bool) func(*Box, []byte, []byte) {
	return func(b *Box, line []byte, payload []byte) {
		subject := published(line)
		if subject == nil {
			return
		}
		b.tell(func(l *Link) bool {
			return permitted(l, Frame{}) && len(l.Declared.Where(func(op *wire.Op) bool {
				return len(op.Queue) == 0 && wire.Match(op.Subject, subject) && picked(op.Subject, subject)
			})) > 0
		}, wire.NewMsg(defaultAccount, string(subject), "", payload))
	}
}

// notingUpdate counts the INFO of a peer. It uses Kept.
func notingUpdate(l *Link, f Frame) []Frame {
	if ownInfo(l, f) {
		n, _ := l.Kept.(int)
		l.Kept = n + 1
	}
	return []Frame{f}
}

func updated(l *Link, _ Frame) bool {
	n, _ := l.Kept.(int)
	return n > 1
}
