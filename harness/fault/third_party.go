package fault

import (
	"github.com/natsroute/natsroute/reference/wire"
)

// thirdPartyFaults are what one public server in another language does: those that no chapter has, and all together.
var thirdPartyFaults = func() []Fault {
	alone := []Fault{
		{
			Name: "rs-minus-with-queue-closes", Title: "closes on RS- with a queue", Breaks: "RT-QUE-017",
			FromPeer: when(all(is(wire.Unsub), op(hasQueue)), hangUp),
		},
		{
			Name: "hmsg-closes", Title: "closes on HMSG", Breaks: "RT-HDR-005",
			FromPeer: when(is(wire.HMsg), hangUp),
		},
		{
			Name: "queue-list-closes", Title: "closes on RMSG with | or +", Breaks: "RT-QUE-013",
			FromPeer: when(all(is(wire.Msg), op(hasQueue)), hangUp),
		},
		{
			Name: "ls-plus-closes", Title: "closes on LS+", Breaks: "RT-ARG-015",
			FromPeer: when(is(wire.LeafSub), hangUp),
		},
		{
			Name: "info-before-connect", Title: "sends INFO before CONNECT when it dials", Breaks: "RT-DIAL-002",
			FromServer: when(all(is(wire.Connect), func(l *Link, _ Frame) bool { return !l.Dialled }), func(_ *Link, f Frame) []Frame {
				body := f.Op.ConnectBody
				info := &wire.InfoBody{ServerID: body.Name, Host: "127.0.0.1", Port: 1, Headers: body.Headers, Cluster: body.Cluster}
				return []Frame{frame(wire.NewInfo(info)), f}
			}),
		},
		{
			Name: "any-cluster-accepted", Title: "takes in peers of any cluster, and clients that say so in CONNECT", Breaks: "RT-ID-005",
			FromPeer: both(
				editConnect(func(l *Link, c *wire.ConnectBody) { c.Cluster, c.Lang = l.cluster(), "" }),
				editInfo(func(l *Link, info *wire.InfoBody) { info.Cluster = l.cluster() }),
			),
		},
		{
			Name: "pong-doubled-at-registration", Title: "answers the first PING behind a peer's INFO by two PONGs", Breaks: "RT-KA-001",
			FromServer: when(all(is(wire.Pong), listing), twice),
		},
		{
			Name: "route-urls-for-clients", Title: "puts its route port into connect_urls", Breaks: "RT-HS-019",
			FromServer: editInfo(func(l *Link, info *wire.InfoBody) {
				if l.Server != nil && info.ServerID == l.Server.ServerID {
					info.ConnectURLs = withRoutePort(info)
				}
			}),
		},
	}
	return append(alone, together("third-party", "does all that one public server in another language does", "RT-HDR-001", append(alone[:len(alone):len(alone)],
		headersFaults[0], // headers-in-rmsg
		queueFaults[1],   // weight-always-one
		errorsFaults[3],  // errors-unsaid
	)))
}()

// together is several faults in one. At most one of them may remember anything.
func together(name, title, breaks string, faults []Fault) Fault {
	f := Fault{Name: name, Title: title, Breaks: breaks}
	for _, one := range faults {
		f.FromPeer = chain(f.FromPeer, one.FromPeer)
		f.FromServer = chain(f.FromServer, one.FromServer)
	}
	return f
}

// chain is both, where there are both.
func chain(first, second change) change {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return both(first, second)
}
