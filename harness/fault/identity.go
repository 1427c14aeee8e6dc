package fault

import (
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

var identityFaults = []Fault{
	{
		Name: "duplicate-accepted", Title: "takes in a second connection with the server_id of a registered peer", Breaks: "RT-ID-001",
		FromPeer: editInfo(func(l *Link, info *wire.InfoBody) {
			if l.others(info.ServerID) != nil && info.RoutePoolSize == 0 {
				info.ServerID = l.numberedID(info.ServerID)
			}
		}),
	},
	{
		Name: "duplicate-replaces-first", Title: "gives up the first connection of a peer when it refuses a second one", Breaks: "RT-ID-002",
		FromPeer: when(is(wire.Info), func(l *Link, f Frame) []Frame {
			if first := l.others(f.Op.InfoBody.ServerID); first != nil && f.Op.InfoBody.RoutePoolSize == 0 && l.Dialled {
				first.Close()
				l.Close()
				return nil
			}
			return []Frame{f}
		}),
	},
	{
		Name: "own-id-accepted", Title: "takes in a peer that shows its own server_id", Breaks: "RT-ID-003",
		FromPeer: editInfo(func(l *Link, info *wire.InfoBody) {
			if l.Server != nil && info.ServerID == l.Server.ServerID {
				info.ServerID = l.numberedID(info.ServerID)
			}
		}),
	},
	{
		Name: "own-name-accepted", Title: "takes in a peer that shows its own server_name", Breaks: "RT-ID-004",
		FromPeer: editInfo(func(l *Link, info *wire.InfoBody) {
			if l.Server != nil && info.ServerName == l.Server.ServerName {
				info.ServerName = info.ServerID
			}
		}),
	},
	{
		Name: "cluster-of-connect-unchecked", Title: "takes a CONNECT of another cluster", Breaks: "RT-ID-005",
		FromPeer: editConnect(func(l *Link, c *wire.ConnectBody) {
			if c.Cluster != "" && l.Peer == nil {
				c.Cluster = l.cluster()
			}
		}),
	},
	{
		Name: "connect-without-cluster-taken", Title: "takes a CONNECT without a cluster name", Breaks: "RT-ID-006",
		FromPeer: editConnect(func(l *Link, c *wire.ConnectBody) {
			if c.Cluster == "" {
				c.Cluster = l.cluster()
			}
		}),
	},
	{
		Name: "cluster-of-info-unchecked", Title: "takes an INFO of another cluster behind a CONNECT of its own", Breaks: "RT-ID-007",
		FromPeer: editInfo(func(l *Link, info *wire.InfoBody) {
			if info.Cluster != "" && l.Dialled {
				info.Cluster = l.cluster()
			}
		}),
	},
	{
		Name: "info-without-cluster-refused", Title: "refuses an INFO without a cluster name", Breaks: "RT-ID-008",
		FromPeer: when(all(is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.Cluster == "" && op.InfoBody.ServerID != "" })), hangUp),
	},
	{
		Name: "cluster-changed-later", Title: "takes another cluster name in a second CONNECT", Breaks: "RT-ID-009",
		FromPeer: editConnect(func(l *Link, c *wire.ConnectBody) {
			if l.Peer != nil {
				c.Cluster = l.cluster()
			}
		}),
	},
	{
		Name: "configured-name-not-taken-over", Title: "keeps its generated cluster name beside a peer with a configured one", Breaks: "RT-ID-010",
		FromPeer: inOtherCluster(func(_, _ string, dynamic bool) bool { return !dynamic }),
	},
	{
		Name: "id-of-connect-wins", Title: "takes the name in CONNECT for a peer's server_id", Breaks: "RT-ID-011",
		FromPeer: when(is(wire.Connect, wire.Info), func(l *Link, f Frame) []Frame {
			if f.Op.Kind == wire.Connect {
				l.Kept = f.Op.ConnectBody.Name
				return []Frame{f}
			}
			return edit(func(l *Link, op *wire.Op) {
				if name, _ := l.Kept.(string); name != "" && l.Dialled && l.Peer != nil && op.InfoBody.ServerID == l.Peer.ServerID {
					op.InfoBody.ServerID = name
				}
			})(l, f)
		}),
	},
	{
		Name: "sixty-four-peers", Title: "takes in no more than 64 peers", Breaks: "RT-ID-012",
		Opened: func(l *Link) {
			if len(l.Others()) >= 64 {
				l.Close()
			}
		},
	},
	{
		Name: "id-case-folded", Title: "compares server_ids without regard to case", Breaks: "RT-ID-013",
		FromPeer: both( // releases up to 2.1 go by the name in CONNECT
			editConnect(func(_ *Link, body *wire.ConnectBody) { body.Name = strings.ToUpper(body.Name) }),
			editInfo(func(_ *Link, info *wire.InfoBody) { info.ServerID = strings.ToUpper(info.ServerID) })),
	},
	{
		Name: "greater-name-not-taken-over", Title: "keeps its generated cluster name beside a peer with a greater one", Breaks: "RT-ID-014",
		FromPeer: inOtherCluster(func(own, name string, dynamic bool) bool { return dynamic && name > own }),
	},
	{
		Name: "lesser-name-accepted", Title: "takes in a peer whose generated cluster name is the lesser one", Breaks: "RT-ID-015",
		FromPeer: inOtherCluster(func(own, name string, dynamic bool) bool { return dynamic && name < own }),
	},
	{
		Name: "name-taken-over-is-static", Title: "announces a generated cluster name that it took over as a configured one", Breaks: "RT-ID-016",
		FromServer: editInfo(func(l *Link, info *wire.InfoBody) {
			if strings.HasSuffix(info.Cluster, "~") {
				info.ClusterDynamic = false
			}
		}),
	},
	{
		Name: "routes-of-former-name-kept", Title: "keeps the routes of a cluster name that it gave up", Breaks: "RT-ID-017",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, !peer && l.Server != nil && l.Server.ClusterDynamic && l.Declared.All() == nil
		},
	},
	{
		Name: "reserved-name-accepted", Title: "takes in a peer of the reserved cluster _", Breaks: "RT-ID-018",
		FromPeer: inOtherCluster(func(_, name string, _ bool) bool { return name == "_" }),
	},
}

// others is another open connection whose peer has that id; nil: there is none.
func (l *Link) others(id string) *Link {
	for _, other := range l.Others() {
		if other.Peer != nil && other.Peer.ServerID == id {
			return other
		}
	}
	return nil
}

// inOtherCluster makes a server whose cluster name was generated take a peer of another cluster, which is picked, for one of
// its own: it neither refuses it nor takes over its name.
func inOtherCluster(picked func(own, name string, dynamic bool) bool) change {
	theirs := func(l *Link, name string, dynamic bool) bool {
		return l.Server != nil && l.Server.ClusterDynamic && name != "" && name != l.cluster() && picked(l.cluster(), name, dynamic)
	}
	return both(
		editConnect(func(l *Link, c *wire.ConnectBody) {
			if theirs(l, c.Cluster, c.ClusterDynamic) {
				c.Cluster, c.ClusterDynamic = l.cluster(), true
			}
		}),
		editInfo(func(l *Link, info *wire.InfoBody) {
			if theirs(l, info.Cluster, info.ClusterDynamic) {
				info.Cluster, info.ClusterDynamic = l.cluster(), true
			}
		}),
	)
}
