package fault

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var handshakeFaults = []Fault{
	{
		Name: "info-twice", Title: "says INFO twice when a connection opens", Breaks: "RT-HS-001",
		FromServer: once(is(wire.Info), twice),
	},
	{
		Name: "info-without-host", Title: "tells no host in its INFO", Breaks: "RT-HS-002",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.Host = "" }),
	},
	{
		Name: "info-without-port", Title: "tells port 0 in its INFO", Breaks: "RT-HS-002",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.Port = 0 }),
	},
	{
		Name: "info-without-max-payload", Title: "tells no max_payload in its INFO", Breaks: "RT-HS-002",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.MaxPayload = 0 }),
	},
	{
		Name: "id-new-each-time", Title: "has another server_id on each connection", Breaks: "RT-HS-003",
		FromServer: editInfo(func(l *Link, info *wire.InfoBody) { info.ServerID = l.numberedID(info.ServerID) }),
	},
	{
		Name: "first-list-missing", Title: "does not tell a peer that registers the interest it has", Breaks: "RT-HS-004",
		FromServer: when(all(is(wire.Sub), listing), drop),
	},
	{
		Name: "connect-before-info-refused", Title: "refuses a CONNECT that is there before its INFO went out", Breaks: "RT-HS-005",
		FromServer: holdGreeting, FromPeer: when(greetingHeld, hangUp),
	},
	{
		Name: "connect-from-acceptor", Title: "sends CONNECT on connections that it has accepted", Breaks: "RT-HS-006",
		FromServer: once(all(is(wire.Info), dialled), func(l *Link, f Frame) []Frame {
			return []Frame{f, frame(wire.NewConnect(&wire.ConnectBody{Echo: true, Name: f.Op.InfoBody.ServerID, Cluster: f.Op.InfoBody.Cluster}))}
		}),
	},
	{
		Name: "registered-by-connect", Title: "takes a peer for registered when it has sent CONNECT", Breaks: "RT-HS-007",
		FromPeer: once(all(is(wire.Connect), dialled), func(l *Link, f Frame) []Frame {
			body := f.Op.ConnectBody
			info := &wire.InfoBody{ServerID: body.Name, Host: "127.0.0.1", Port: 1, Headers: body.Headers, Cluster: body.Cluster, ClusterDynamic: body.ClusterDynamic}
			return []Frame{f, frame(wire.NewInfo(info))}
		}),
	},
	{
		Name: "interest-before-info-lost", Title: "forgets interest that a peer declares before its INFO", Breaks: "RT-HS-008",
		FromPeer: when(all(is(wire.Sub), beforeInfo), drop),
	},
	{
		Name: "before-connect-ignored", Title: "ignores what comes before CONNECT, but for PING", Breaks: "RT-HS-009",
		FromPeer: when(all(dialled, beforeConnect, spelled(func(f Frame) bool { return f.Op.Kind != wire.Ping })), drop),
		Mend: func(l *Link, b Broken) ([]byte, int) {
			if l.Connected {
				return nil, 0
			}
			return nil, len(b.Raw)
		},
	},
	{
		Name: "info-before-connect-refused", Title: "refuses INFO before CONNECT", Breaks: "RT-HS-010", Dialect: "srv-2.10",
		FromPeer: when(all(dialled, beforeConnect, is(wire.Info)), refuse),
	},
	{
		Name: "interest-before-connect-refused", Title: "refuses RS+ before CONNECT", Breaks: "RT-HS-011", Dialect: "srv-2.10",
		FromPeer: when(all(dialled, beforeConnect, is(wire.Sub)), refuse),
	},
	{
		Name: "lang-accepted", Title: "takes a client library in, whose CONNECT has lang", Breaks: "RT-HS-012",
		FromPeer: editConnect(func(l *Link, c *wire.ConnectBody) {
			if c.Lang != "" {
				c.Lang, c.Cluster = "", l.cluster()
			}
		}),
	},
	{
		Name: "gateway-accepted", Title: "takes a gateway in", Breaks: "RT-HS-013",
		FromPeer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Gateway = "" }),
	},
	{
		Name: "connect-again-closes", Title: "closes on a second CONNECT", Breaks: "RT-HS-014",
		FromPeer: when(all(is(wire.Connect), func(l *Link, _ Frame) bool { return l.Peer != nil }), hangUp),
	},
	{
		Name: "info-again-forgets", Title: "forgets a peer's interest when it says INFO again", Breaks: "RT-HS-015",
		FromPeer: when(is(wire.Info), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, op := range l.Declared.All() {
				out = append(out, frame(endOf(op)))
			}
			return out
		}),
	},
	{
		Name: "info-host-wanted", Title: "refuses a peer whose INFO has no host", Breaks: "RT-HS-016",
		FromPeer: when(all(is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.Host == "" && op.InfoBody.ServerID != "" })), hangUp),
	},
	{
		Name: "version-unknown-refused", Title: "refuses a peer of a protocol level that it does not know", Breaks: "RT-HS-017",
		FromPeer: when(all(is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.Proto > 3 })), hangUp),
	},
}

// greetingHold is how long an INFO is held to see whether the peer speaks first.
const greetingHold = 15 * time.Millisecond

// holdGreeting holds the first INFO on connections that we opened.
func holdGreeting(l *Link, f Frame) []Frame {
	if !l.Dialled || l.Kept != nil || f.Op.Kind != wire.Info {
		return []Frame{f}
	}
	l.Kept = "held"
	l.After(greetingHold, func() {
		l.Kept = "said"
		l.ToPeer(f)
	})
	return nil
}

func greetingHeld(l *Link, _ Frame) bool { return l.Dialled && l.Kept != "said" }

func dialled(l *Link, _ Frame) bool { return l.Dialled }

// beforeInfo picks what comes before the peer's INFO.
func beforeInfo(l *Link, _ Frame) bool { return l.Peer == nil }

// beforeConnect picks what comes before CONNECT.
func beforeConnect(l *Link, _ Frame) bool { return !l.Connected }

// withRoutePort is the addresses that an INFO names for clients, with that of the server's route port among them.
func withRoutePort(info *wire.InfoBody) []string {
	return append(info.ConnectURLs, net.JoinHostPort(info.Host, strconv.Itoa(info.Port)))
}

// numberedID is an id that no other connection has.
func (l *Link) numberedID(id string) string {
	n, ok := l.Kept.(int)
	if !ok {
		n, _ = l.Box().Keep(func(kept any) any {
			n, _ := kept.(int)
			return n + 1
		}).(int)
		l.Kept = n
	}
	return fmt.Sprintf("%s%04d", id[:max(0, len(id)-4)], n)
}

// cluster is the name that the server announces.
func (l *Link) cluster() string {
	if l.Server == nil {
		return ""
	}
	return l.Server.Cluster
}
