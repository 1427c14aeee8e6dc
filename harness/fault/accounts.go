package fault

import (
	"bytes"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

var accountsFaults = []Fault{
	{
		Name: "interest-in-default-account", Title: "announces all interest in the default account", Breaks: "RT-ACC-001",
		FromServer: when(all(is(wire.Sub, wire.Unsub), named), edit(func(_ *Link, op *wire.Op) { op.Account = []byte(defaultAccount) })),
	},
	{
		Name: "interest-in-all-accounts", Title: "takes a peer's interest for one in all named accounts", Breaks: "RT-ACC-002",
		FromPeer: when(all(is(wire.Sub), named), inAllAccounts),
	},
	{
		Name: "message-in-all-accounts", Title: "delivers a peer's message in all named accounts", Breaks: "RT-ACC-003",
		FromPeer: when(all(op(isMessage), named), inAllAccounts),
	},
	{
		Name: "subject-announced-once", Title: "announces a subject in the first of several accounts", Breaks: "RT-ACC-004",
		FromServer: when(all(is(wire.Sub), notListing, named, func(l *Link, f Frame) bool {
			return len(l.Told.Where(func(told *wire.Op) bool {
				return bytes.Equal(told.Subject, f.Op.Subject) && bytes.Equal(told.Queue, f.Op.Queue) && !bytes.Equal(told.Account, f.Op.Account)
			})) > 0
		}), drop),
	},
	{
		Name: "end-in-all-accounts", Title: "ends a peer's interest in all accounts when it ends in one", Breaks: "RT-ACC-005",
		FromPeer: when(is(wire.Unsub), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, declared := range l.Declared.Where(func(op *wire.Op) bool {
				return bytes.Equal(op.Subject, f.Op.Subject) && bytes.Equal(op.Queue, f.Op.Queue) && !bytes.Equal(op.Account, f.Op.Account)
			}) {
				out = append(out, frame(endOf(declared)))
			}
			return out
		}),
	},
	{
		Name: "first-list-of-default-account", Title: "tells a peer that registers the interest of the default account only", Breaks: "RT-ACC-006",
		FromServer: when(all(is(wire.Sub), listing, named), drop),
	},
	{
		Name: "account-case-folded", Title: "reads the names of accounts without regard to case", Breaks: "RT-ACC-007",
		FromPeer: when(is(wire.Sub, wire.Unsub, wire.Msg, wire.HMsg), edit(func(_ *Link, op *wire.Op) { op.Account = bytes.ToUpper(op.Account) })),
	},
	{
		Name: "groups-across-accounts", Title: "takes groups of one name in two accounts for one group", Breaks: "RT-ACC-008",
		FromServer: when(all(op(isMessage), op(hasQueue), named), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if len(other.Declared.Where(func(op *wire.Op) bool {
					return bytes.Equal(op.Queue, f.Op.Queues[0]) && bytes.Equal(op.Subject, f.Op.Subject) && !bytes.Equal(op.Account, f.Op.Account)
				})) > 0 {
					other.ToPeer(f)
					return nil
				}
			}
			return []Frame{f}
		}),
	},
}

// knownAccounts are those of every server that a run starts (harness.Setups), the default and the system's account included.
var knownAccounts = []string{defaultAccount, "$SYS", "NRA", "NRB"}

// defaultAccount is where clients are that belong to no other account.
const defaultAccount = "$G"

// unknownAccount picks what is about an account that the server does not have.
func unknownAccount(op *wire.Op) bool {
	return len(op.Account) > 0 && !slices.Contains(knownAccounts, string(op.Account))
}

// named picks what is about an account other than the default one and the system's.
func named(_ *Link, f Frame) bool { return slices.Contains(knownAccounts[2:], string(f.Op.Account)) }

// inAllAccounts makes one operation that for each named account.
func inAllAccounts(_ *Link, f Frame) []Frame {
	var out []Frame
	for _, account := range knownAccounts[2:] {
		one := f.Op.Clone()
		one.Account = []byte(account)
		out = append(out, frame(one))
	}
	return out
}
