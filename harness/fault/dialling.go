package fault

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var diallingFaults = []Fault{
	{
		Name: "news-ignored", Title: "dials no server that it is told of", Breaks: "RT-DIAL-001",
		FromPeer: when(newsFromPeer, drop),
	},
	{
		Name: "connect-name-other", Title: "says another name than its server_id in CONNECT", Breaks: "RT-DIAL-003",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Name = "natsroute" }),
	},
	{
		Name: "connect-with-lang", Title: "says lang in CONNECT, as a client library does", Breaks: "RT-DIAL-004",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Lang = "go" }),
	},
	{
		Name: "no-info-when-dialling", Title: "sends no INFO on connections that it opens", Breaks: "RT-DIAL-005",
		FromServer: when(all(accepted, is(wire.Info)), drop),
	},
	{
		Name: "connect-without-cluster", Title: "names no cluster in CONNECT", Breaks: "RT-DIAL-006",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Cluster = "" }),
	},
	{
		Name: "known-server-dialled", Title: "dials a server that is connected when it is told of it", Breaks: "RT-DIAL-007",
		FromPeer: when(newsFromPeer, editInfo(func(l *Link, info *wire.InfoBody) {
			if l.others(info.ServerID) != nil {
				info.ServerID = l.numberedID(info.ServerID)
			}
		})),
	},
	{
		Name: "itself-dialled", Title: "dials itself when it is told of itself", Breaks: "RT-DIAL-008",
		FromPeer: when(all(newsFromPeer, aboutServer), editInfo(func(l *Link, info *wire.InfoBody) { info.ServerID = l.numberedID(info.ServerID) })),
	},
	{
		Name: "dialled-route-not-told", Title: "sends no list of its interest on a route that it has opened", Breaks: "RT-DIAL-009",
		FromServer: when(all(accepted, is(wire.Sub), beforePong), drop),
	},
	{
		Name: "dialled-route-one-way", Title: "does not read messages on a route that it has opened", Breaks: "RT-DIAL-010",
		FromPeer: when(all(accepted, op(isMessage)), drop),
	},
	{
		Name: "acceptor-of-other-cluster-taken", Title: "keeps a route that it has opened to a server of another cluster", Breaks: "RT-DIAL-011",
		FromPeer: when(accepted, editInfo(func(l *Link, info *wire.InfoBody) {
			if own := l.target(); own != nil {
				info.Cluster = own.Cluster
			}
		})),
	},
	{
		Name: "gossiped-route-not-opened-again", Title: "does not open a gossiped route again that the other side has closed", Breaks: "RT-DIAL-012",
		FromServer: noteConfigured,
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, peer && !l.Dialled && !l.configured()
		},
	},
	{
		Name: "configured-route-not-opened-again", Title: "does not open a configured route again that the other side has closed", Breaks: "RT-DIAL-013",
		FromServer: noteConfigured,
		Ended:      func(l *Link, peer bool, held []byte) ([]byte, bool) { return held, peer && l.configured() },
	},
	{
		Name: "ip-without-slash-unread", Title: "does not dial an ip without a slash at its end", Breaks: "RT-DIAL-014",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool { return !strings.HasSuffix(op.InfoBody.IP, "/") })), drop),
	},
	{
		Name: "ip-with-name-unread", Title: "does not dial an ip whose host is a name", Breaks: "RT-DIAL-015",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool {
			_, err := netip.ParseAddr(hostOf(op.InfoBody.IP))
			return err != nil
		})), drop),
	},
	{
		Name: "ip-of-v6-unread", Title: "does not dial an ip with an address of IPv6", Breaks: "RT-DIAL-016",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool { return strings.Contains(op.InfoBody.IP, "[") })), drop),
	},
	{
		Name: "ip-with-user-unread", Title: "does not dial an ip with a user and a password", Breaks: "RT-DIAL-017",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool {
			at, err := url.Parse(op.InfoBody.IP)
			return err == nil && at.User != nil
		})), drop),
	},
	{
		Name: "first-address-only", Title: "dials a server at the first address that it is told, and at no other", Breaks: "RT-DIAL-018",
		FromPeer: when(all(newsFromPeer, func(l *Link, f Frame) bool { return l.repeated(f.Op.InfoBody.ServerID) }), drop),
	},
	{
		Name: "mute-server-dialled-in-a-loop", Title: "dials a gossiped server that closes without a word again and again at once", Breaks: "RT-DIAL-019",
		Ended: dialStorm(func(l *Link) bool { return l.Peer == nil }),
	},
	{
		Name: "server-without-pool-dialled-in-a-loop", Title: "dials a gossiped server without pools that closes behind its INFO again and again at once", Breaks: "RT-DIAL-020",
		FromServer: noteConfigured,
		Ended:      dialStorm(func(l *Link) bool { return !l.configured() && l.Peer != nil && l.Peer.RoutePoolSize == 0 }),
	},
	{
		Name: "refusing-server-dialled-in-a-loop", Title: "dials a gossiped server that answers by -ERR again and again at once", Breaks: "RT-DIAL-022",
		FromPeer: when(is(wire.Err), func(l *Link, f Frame) []Frame {
			l.Kept = "refused"
			return []Frame{f}
		}),
		Ended: dialStorm(func(l *Link) bool { return l.Kept == "refused" }),
	},
	{
		Name: "configured-server-dialled-in-a-loop", Title: "dials a configured server that closes behind its INFO again and again at once", Breaks: "RT-DIAL-023",
		FromServer: noteConfigured,
		Ended:      dialStorm((*Link).configured),
	},
	{
		Name: "verbose-asked", Title: "asks for +OK in CONNECT", Breaks: "RT-DIAL-027",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Verbose = true }),
	},
	{
		Name: "tls-required-on-plain", Title: "says tls_required in CONNECT on a plain connection", Breaks: "RT-DIAL-028",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.TLSRequired = true }),
	},
	{
		Name: "connect-headers-other", Title: "says of headers in CONNECT what its INFO does not say", Breaks: "RT-DIAL-029",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Headers = !c.Headers }),
	},
	{
		Name: "connect-lnoc-other", Title: "says of lnoc in CONNECT what its INFO does not say", Breaks: "RT-DIAL-030",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.LNOC = !c.LNOC }),
	},
	{
		Name: "connect-ln-other", Title: "says of ln in CONNECT what its INFO does not say", Breaks: "RT-DIAL-031",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.LN = !c.LN }),
	},
	{
		Name: "acceptor-with-own-id-taken", Title: "keeps a route that it has opened to a server with its own server_id", Breaks: "RT-DIAL-032",
		FromPeer: when(all(accepted, aboutServer), editInfo(func(l *Link, info *wire.InfoBody) { info.ServerID = l.numberedID(info.ServerID) })),
	},
	{
		Name: "stranger-kept", Title: "keeps a connection that it has opened to what speaks another protocol", Breaks: "RT-DIAL-033",
		PeerBytes: func(l *Link, b []byte) []byte {
			if !l.Dialled && l.Peer == nil && !strings.HasPrefix(strings.ToUpper(string(b)), "INFO {\"") {
				return nil
			}
			return b
		},
	},
	{
		Name: "acceptor-without-cluster-refused", Title: "refuses an acceptor whose INFO names no cluster", Breaks: "RT-DIAL-035",
		FromPeer: when(all(accepted, is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.Cluster == "" })), hangUp),
	},
	{
		Name: "mute-acceptor-kept", Title: "waits for ever for the INFO of a server that it has dialled", Breaks: "RT-DIAL-036",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && !l.Dialled && l.Peer == nil
		},
	},
	{
		Name: "advertised-address-unsaid", Title: "does not say the address that it has for its peers as ip", Breaks: "RT-DIAL-037",
		FromServer: when(all(dialled, is(wire.Info)), editInfo(func(_ *Link, info *wire.InfoBody) { info.IP = "" })),
	},
	{
		Name: "advertised-address-unsaid-dialling", Title: "does not say the address that it has for its peers as ip when it dials", Breaks: "RT-DIAL-038",
		FromServer: when(all(accepted, is(wire.Info)), editInfo(func(_ *Link, info *wire.InfoBody) { info.IP = "" })),
	},
	{
		Name: "advertised-host-unsaid", Title: "says where it listens as host and port, though it has another address for its peers", Breaks: "RT-DIAL-039",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) {
			if info.IP != "" {
				info.Host = "0.0.0.0"
			}
		}),
	},
	{
		Name: "configured-route-given-up", Title: "gives a configured route up when its dials are refused for a second", Breaks: "RT-DIAL-024",
		FromServer: muteAfter(when(all(accepted, is(wire.Connect), op(func(op *wire.Op) bool { return op.ConnectBody.User != "" })), func(l *Link, f Frame) []Frame {
			now, last := time.Now(), time.Time{}
			l.Box().Keep(func(kept any) any {
				last, _ = kept.(time.Time)
				return now
			})
			if !last.IsZero() && now.Sub(last) > refusedLong {
				l.Box().Keep(func(any) any { return last }) // for ever
				l.Kept = mute
				return nil
			}
			return []Frame{f}
		})),
	},
	{
		Name: "peers-own-ip-dialled", Title: "dials the ip in a peer's own INFO though the peer is connected", Breaks: "RT-DIAL-040",
		FromPeer: when(all(ownInfo, dialled, op(func(op *wire.Op) bool { return op.InfoBody.IP != "" })), func(l *Link, f Frame) []Frame {
			other := *f.Op.InfoBody
			other.ServerID = l.numberedID(other.ServerID)
			other.ServerName = other.ServerID
			return []Frame{f, frame(wire.NewInfo(&other))}
		}),
	},
}

// mute is what Kept is of a connection on which the server says nothing any more.
const mute = "mute"

// muteAfter loses all that the server says on a connection that do has made mute.
func muteAfter(do change) change {
	return func(l *Link, f Frame) []Frame {
		if l.Kept == mute {
			return nil
		}
		return do(l, f)
	}
}

// beforePong picks what the server says before its first PONG. It uses Kept.
func beforePong(l *Link, f Frame) bool {
	if f.Op.Kind == wire.Pong {
		l.Kept = "answered"
	}
	return l.Kept == nil
}

// noteConfigured sees by the user in CONNECT whether the server has dialled a configured route. It uses Kept.
func noteConfigured(l *Link, f Frame) []Frame {
	if f.Op.Kind == wire.Connect && f.Op.ConnectBody.User != "" && !l.Dialled {
		l.Kept = "configured"
	}
	return []Frame{f}
}

func (l *Link) configured() bool { return l.Kept == "configured" }

// refusedLong is shorter than the time in which a run refuses the dials of a server, and longer than its pauses.
const refusedLong = time.Second

// stormDials are more dials than any server makes in a second that pauses between them.
const stormDials = 600

// dialStorm dials us in place of the server when we have closed a connection that it opened.
func dialStorm(picked func(*Link) bool) func(*Link, bool, []byte) ([]byte, bool) {
	return func(l *Link, peer bool, held []byte) ([]byte, bool) {
		if peer && !l.Dialled && picked(l) && (l.configured() || !l.repeated("storm at "+l.ours())) {
			go storm(l.ours())
		}
		return held, false
	}
}

// ours is the address where the server has dialled us.
func (l *Link) ours() string { return l.toServer.to.LocalAddr().String() }

func storm(at string) {
	for range stormDials {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}
