package fault

import (
	"bytes"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

var importsFaults = []Fault{
	{
		Name: "stream-interest-in-importer-only", Title: "announces a subscription to an imported stream in the importing account only", Breaks: "RT-IMP-001",
		FromServer: when(all(is(wire.Sub), op(ofStream)), drop),
	},
	{
		Name: "stream-end-in-importer-only", Title: "announces the end of a subscription to an imported stream in the importing account only", Breaks: "RT-IMP-002",
		FromServer: when(all(is(wire.Unsub), op(ofStream)), drop),
	},
	{
		Name: "stream-group-weight-one", Title: "announces weight 1 for groups in the exporting account", Breaks: "RT-IMP-003",
		FromServer: when(all(is(wire.Sub), op(ofStream), op(hasQueue)), edit(func(_ *Link, op *wire.Op) { op.Weight = 1 })),
	},
	{
		Name: "stream-not-in-first-list", Title: "tells a peer that registers nothing of interest in imported streams", Breaks: "RT-IMP-004",
		FromServer: when(all(is(wire.Sub), listing, op(ofStream)), drop),
	},
	{
		Name: "stream-messages-without-reply", Title: "hands messages of an imported stream over without their reply", Breaks: "RT-IMP-005",
		FromPeer: when(all(is(wire.Msg), op(ofStream)), edit(func(_ *Link, op *wire.Op) { op.Reply = nil })),
	},
	{
		Name: "stream-groups-unread", Title: "does not hand messages for a group over to the importing account", Breaks: "RT-IMP-006",
		FromPeer: when(all(is(wire.Msg), op(ofStream), op(hasQueue)), drop),
	},
	{
		Name: "stream-message-twice", Title: "sends a message of an imported stream in both accounts", Breaks: "RT-IMP-007",
		FromServer: when(all(is(wire.Msg), op(ofStream)), func(_ *Link, f Frame) []Frame { return []Frame{f, frame(imported(f.Op))} }),
	},
	{
		Name: "importers-interest-is-exporters", Title: "takes a peer's interest in the importing account for one in the exporting account", Breaks: "RT-IMP-008",
		FromPeer: when(all(is(wire.Sub), op(ofImport)), func(_ *Link, f Frame) []Frame { return []Frame{f, frame(exported(f.Op))} }),
	},
	{
		Name: "all-exported", Title: "hands what an account does not export over to the importing account", Breaks: "RT-IMP-009",
		FromPeer: when(all(is(wire.Msg), op(func(op *wire.Op) bool { return inExporter(op) && !ofStream(op) && !ofService(op) && !ofAnswer(op) })), func(_ *Link, f Frame) []Frame {
			other := f.Op.Clone()
			other.Account = []byte(harness.SetupImports.To)
			return []Frame{f, frame(other)}
		}),
	},
	{
		Name: "request-in-importer", Title: "sends a request in the importing account", Breaks: "RT-IMP-010",
		FromServer: when(all(op(isMessage), op(ofService)), edit(func(_ *Link, op *wire.Op) { op.Account = []byte(harness.SetupImports.To) })),
	},
	{
		Name: "answers-unannounced", Title: "announces no interest in the reply of a request", Breaks: "RT-IMP-011",
		FromServer: when(all(is(wire.Sub), op(ofAnswer)), drop),
	},
	{
		Name: "request-without-account", Title: "does not tell the importing account in the header of a request", Breaks: "RT-IMP-012",
		FromServer: when(all(is(wire.HMsg), op(ofService)), edit(func(_ *Link, op *wire.Op) {
			payload := bytes.ReplaceAll(op.Payload, []byte(`"acc"`), []byte(`"acx"`))
			op.Payload = payload
		})),
	},
	{
		Name: "request-header-in-rmsg", Title: "puts the header of a request into RMSG to a peer without headers", Breaks: "RT-IMP-013",
		FromServer: when(all(is(wire.Msg), op(ofService), supports(func(i *wire.InfoBody) bool { return !i.Headers })), edit(func(_ *Link, op *wire.Op) {
			withPayload(op, slices.Concat([]byte("NATS/1.0\r\nNats-Request-Info: {\"acc\":\"NRB\"}\r\n\r\n"), op.Payload))
		})),
	},
	{
		Name: "answers-lost", Title: "does not hand an answer on to the requester", Breaks: "RT-IMP-014",
		FromPeer: when(all(op(isMessage), op(ofAnswer)), drop),
	},
	{
		Name: "one-reply-for-requests", Title: "gives all requests to a service one reply", Breaks: "RT-IMP-015",
		FromServer: when(all(op(isMessage), op(ofService), op(hasReply)), func(l *Link, f Frame) []Frame {
			if first, ok := l.Kept.([]byte); ok {
				return edit(func(_ *Link, op *wire.Op) { op.Reply = first })(l, f)
			}
			l.Kept = bytes.Clone(f.Op.Reply)
			return []Frame{f}
		}),
	},
	{
		Name: "answers-not-in-first-list", Title: "tells a peer that registers nothing of interest in answers", Breaks: "RT-IMP-016",
		FromServer: when(all(is(wire.Sub), listing, op(ofAnswer)), drop),
	},
	{
		Name: "answers-announced-each", Title: "announces interest in the answer of each request", Breaks: "RT-IMP-017",
		FromServer: when(all(op(isMessage), op(ofService), op(hasReply)), func(_ *Link, f Frame) []Frame {
			return []Frame{frame(wire.NewSub(string(f.Op.Account), string(f.Op.Reply))), f}
		}),
	},
	{
		Name: "requests-of-peers-lost", Title: "does not answer a peer's request in the exporting account", Breaks: "RT-IMP-018",
		FromPeer: when(all(op(isMessage), op(ofService)), drop),
	},
	{
		Name: "requests-of-importer-mapped", Title: "takes a peer's message in the importing account for a request", Breaks: "RT-IMP-019",
		FromPeer: when(all(op(isMessage), op(func(op *wire.Op) bool {
			return string(op.Account) == harness.SetupImports.To && slices.Contains(harness.SetupImports.Services, string(op.Subject))
		})), edit(func(_ *Link, op *wire.Op) { op.Account = []byte(harness.SetupImports.From) })),
	},
	{
		Name: "answers-to-peers-unmapped", Title: "hands an answer on to another peer in the exporting account", Breaks: "RT-IMP-020",
		FromPeer: when(all(op(isMessage), op(ofAnswer)), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				for _, wanted := range other.Declared.Where(func(op *wire.Op) bool { return string(op.Account) == harness.SetupImports.To }) {
					other.ToPeer(frame(wire.NewMsg(harness.SetupImports.From, string(wanted.Subject), "", f.Op.Payload)))
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "requests-to-everybody", Title: "sends a request to peers that do not want it", Breaks: "RT-IMP-021",
		FromServer: when(all(op(isMessage), op(ofService)), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				other.ToPeer(f)
			}
			return []Frame{f}
		}),
	},
	{
		Name: "requests-in-exporter-only", Title: "sends a request in the exporting account, and not as a message of the importing one", Breaks: "RT-IMP-022",
		FromServer: when(all(op(isMessage), op(func(op *wire.Op) bool {
			return string(op.Account) == harness.SetupImports.To && slices.Contains(harness.SetupImports.Services, string(op.Subject))
		})), drop),
	},
}

// streamPrefix begins the subjects of the exported stream, importPrefix their names in the importing account, and
// answerPrefix the subjects where servers wait for answers.
var (
	streamPrefix = strings.TrimSuffix(harness.SetupImports.Stream, ">")
	importPrefix = harness.SetupImports.Prefix + "."
)

const answerPrefix = "_R_."

func inExporter(op *wire.Op) bool { return string(op.Account) == harness.SetupImports.From }

// ofStream, ofService and ofAnswer pick what is in the exporting account.
func ofStream(op *wire.Op) bool {
	return inExporter(op) && bytes.HasPrefix(op.Subject, []byte(streamPrefix))
}

func ofService(op *wire.Op) bool {
	return inExporter(op) && slices.Contains(harness.SetupImports.Services, string(op.Subject))
}

func ofAnswer(op *wire.Op) bool {
	return inExporter(op) && bytes.HasPrefix(op.Subject, []byte(answerPrefix))
}

// ofImport picks what is about the stream in the importing account.
func ofImport(op *wire.Op) bool {
	return string(op.Account) == harness.SetupImports.To && bytes.HasPrefix(op.Subject, []byte(importPrefix))
}

// imported is an operation of the exporting account in the importing one; exported the other way.
func imported(op wire.Op) wire.Op {
	op.Account, op.Subject = []byte(harness.SetupImports.To), slices.Concat([]byte(importPrefix), op.Subject)
	return op
}

func exported(op wire.Op) wire.Op {
	op.Account, op.Subject = []byte(harness.SetupImports.From), bytes.TrimPrefix(op.Subject, []byte(importPrefix))
	return op
}
