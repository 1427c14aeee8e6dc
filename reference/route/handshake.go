package route

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// routeProto is INFO's proto: 2, because 3 (2.11) promises message tracing, which the node does not do.
const routeProto = 2

// info is what we say about ourselves to everybody.
func (n *Node) info() *wire.InfoBody {
	cfg, d := &n.cfg, &n.cfg.Dialect
	body := &wire.InfoBody{
		ServerID: cfg.ID, ServerName: cfg.Name, Version: cfg.Version, Proto: routeProto, Go: cfg.GoVersion,
		Host: cfg.Host, Port: cfg.Port, MaxPayload: cfg.MaxPayload,
		AuthRequired: cfg.wantsCredentials(), TLSRequired: cfg.TLS, TLSVerify: cfg.TLS, ConnectURLs: cfg.ClientURLs,
		Headers: d.Headers, LNOC: d.Leaf, LNOCU: n.traits.leafUnsubOrigin, LN: n.traits.reservedCluster,
	}
	if cfg.LeafURL != "" {
		body.LeafNodeURLs = []string{cfg.LeafURL}
	}
	body.Import, body.Export = n.permissions.Import.member(), n.permissions.Export.member()
	if n.pooled() {
		body.RoutePoolSize = cfg.PoolSize
	}
	if cfg.Advertise != "" { // three members say it (seen 2.1.2 to 2.15.2)
		host, port := splitHostPort(cfg.Advertise)
		body.IP, body.Host = routeURL(cfg.Advertise), host
		body.Port, _ = strconv.Atoi(port)
	}
	if n.traits.names {
		body.Cluster, body.ClusterDynamic = n.cluster, cfg.ClusterDynamic
	}
	return body
}

// sendInfo sends c our first INFO. The nonce is new for each connection, as on servers; nobody signs it on a route.
func (n *Node) sendInfo(c *conn) {
	body := n.info()
	var nonce [11]byte
	binary.LittleEndian.PutUint64(nonce[:8], n.rng.Uint64())
	body.Nonce = base64.RawURLEncoding.EncodeToString(nonce[:])
	body.GossipMode, body.Compression = c.gossipMode, n.announced(c)
	if !c.acceptor {
		body.RoutePoolIndex, body.RouteAccount = c.index, string(c.account)
	}
	op := n.out.op(wire.Info)
	op.InfoBody = body
	n.out.send(c, op)
	c.infoSent = true
}

// sendConnect sends a dialled peer who we are. A route never names a lang: peers take that for a client.
func (n *Node) sendConnect(c *conn, d Dial) {
	body := &wire.ConnectBody{
		Echo: true, User: d.User, Pass: d.Password, Name: n.cfg.ID, TLSRequired: n.cfg.TLS,
		Headers: n.cfg.Dialect.Headers, LNOC: n.cfg.Dialect.Leaf, LN: n.traits.reservedCluster,
	}
	if n.traits.names {
		body.Cluster, body.ClusterDynamic = n.cluster, n.cfg.ClusterDynamic
	}
	op := n.out.op(wire.Connect)
	op.ConnectBody = body
	n.out.send(c, op)
}

// checkConnect judges CONNECT, each time it comes, in the order of servers: credentials, kind of peer, cluster.
func (n *Node) checkConnect(c *conn, op *wire.Op) cause {
	body := op.ConnectBody
	if body == nil {
		return badArguments
	}
	said := c.said.over(op)
	switch {
	case !n.accountHolds(body), !n.areCredentials(&said):
		return badCredentials
	case body.Lang != "":
		return clientCalls
	case body.Gateway != "":
		return n.because(gatewayCalls, body.Gateway)
	case n.traits.reservedCluster && body.Cluster == reservedCluster:
		return n.because(reservedName, body.Cluster)
	}
	// A missing name is a wrong one here, though not in INFO (seen 2.5.0 to 2.15.2).
	if n.traits.names && body.Cluster != n.cluster {
		if body.Cluster == "" || !n.yields(body.Cluster, body.ClusterDynamic) {
			return n.because(foreignCluster, body.Cluster, n.cluster)
		}
		n.adoptCluster(body.Cluster, body.ClusterDynamic, c, body.Name)
	}
	c.connectDue = noTime
	c.said = said
	c.headers = n.cfg.Dialect.Headers && body.Headers
	n.setLeafMode(c, body.LNOC, body.LNOCU, body.LN)
	if c.state == greeted && !n.negotiates() {
		n.startPings(c)
	}
	n.arm()
	return fine
}

// yields tells whether our cluster name gives way to name: only a generated one does, to a configured or a greater one.
func (n *Node) yields(name string, dynamic bool) bool {
	return n.unsettled && (!dynamic || name > n.cluster)
}

// adoptCluster takes on the name of c's cluster and leaves the routes of the old one, other than those to server id.
// Once it was a configured name, the matter is settled: other names are refused from then on, although INFO goes on
// saying cluster_dynamic (seen 2.5.0 to 2.15.2).
func (n *Node) adoptCluster(name string, dynamic bool, c *conn, id string) {
	n.cluster = name
	n.unsettled = dynamic
	for _, other := range slices.Clone(n.order) {
		if other != c && other.state == registered && other.peer.ServerID != id {
			n.close(other, otherClusterNow)
		}
	}
}

// setLeafMode follows what the peer said last about leafs: whether it knows LS+ and LMSG, whether LS- has an origin, and
// whether there are leafs without one. Each implies those before it.
func (n *Node) setLeafMode(c *conn, lnoc, lnocu, ln bool) {
	ln = ln && n.traits.reservedCluster
	c.leafWithoutOrigin = ln
	withOrigin := (lnocu || ln) && n.traits.leafUnsubOrigin
	c.leafOrigins = (lnoc || ln) && n.cfg.Dialect.Leaf
	if c.mode.LeafUnsubOrigin == withOrigin {
		return
	}
	c.mode.LeafUnsubOrigin = withOrigin
	n.out.actions = append(n.out.actions, Action{Kind: SetMode, Conn: c.id, Mode: c.mode})
}

// registerRoute judges the peer's first INFO, in the order of servers, and makes the connection a route. Where S2 was agreed
// on, that INFO is the second one.
func (n *Node) registerRoute(c *conn, body *wire.InfoBody) cause {
	if why := n.checkPeer(c, body); why != fine {
		return why
	}
	if why := n.settleCompression(c, body); why != fine {
		return why
	}
	if why := n.checkPool(c, body); why != fine {
		return why
	}
	if c.acceptor && !formsURL(body.Host, body.Port) {
		return badHost // seen 2.1.2 to 2.15.2
	}
	if why := n.takePlace(c, body); why != fine {
		return why
	}
	n.join(c, body)
	return fine
}

// checkPeer judges who the peer is. Nothing of that is answered by a text.
func (n *Node) checkPeer(c *conn, body *wire.InfoBody) cause {
	switch {
	case body == nil:
		return badArguments
	case body.ServerID == n.cfg.ID:
		n.endLinks(c)
		return ourselves
	case !c.acceptor && body.ClientID != 0:
		return clientPort
	case n.traits.reservedCluster && body.Cluster == reservedCluster:
		return reservedNameInInfo
	}
	return n.checkNames(c, body)
}

// checkNames compares cluster and server names (2.5 and later). A dynamic cluster does not refuse a lesser name: the
// peer will take ours. The acceptor alone refuses its own server name.
func (n *Node) checkNames(c *conn, body *wire.InfoBody) cause {
	if !n.traits.names {
		return fine
	}
	if why := n.checkCluster(c, body); why != fine {
		return why
	}
	if c.acceptor && body.ServerName != "" && body.ServerName == n.cfg.Name {
		return ourName
	}
	return fine
}

// checkCluster compares the cluster's name, of every INFO that says one (2.5 and later).
func (n *Node) checkCluster(c *conn, body *wire.InfoBody) cause {
	if body.Cluster == "" || body.Cluster == n.cluster {
		return fine
	}
	switch {
	case n.yields(body.Cluster, body.ClusterDynamic):
		n.adoptCluster(body.Cluster, body.ClusterDynamic, c, body.ServerID)
	case !n.unsettled:
		return foreignClusterInInfo
	}
	return fine
}

// join makes c a route: all current interest first, then what the others want to know.
func (n *Node) join(c *conn, body *wire.InfoBody) {
	peer := *body
	peer.ConnectURLs = slices.Clone(body.ConnectURLs)
	c.said.Export = rulesOf(body.Export).member()
	peer.Import, peer.Export = nil, nil
	peer.Extra = nil
	c.peer = &peer
	if c.remote != nil && c.remote.info == nil {
		c.remote.info = c.peer // of the first one only
	}
	n.pin(c)
	c.headers = n.cfg.Dialect.Headers && peer.Headers
	n.setLeafMode(c, peer.LNOC, peer.LNOCU, peer.LN)

	c.state = registered
	c.infoDue = noTime
	if c.pingDue.IsZero() {
		n.startPings(c)
	}
	n.arm()

	if !c.infoSent {
		n.sendInfo(c)
	}
	n.announceAll(c, nil)
	if c.remote == nil || c.remote.info == c.peer {
		n.introduce(c)
	}
	n.linkRegistered(c)
	n.clientURLs()
	n.growPool(c)
}

// clientURLs tells the caller when the addresses for clients have changed.
func (n *Node) clientURLs() {
	if n.stopped {
		return
	}
	if urls := n.knownURLs(); !slices.Equal(urls, n.urls) {
		n.tellURLs(urls)
	}
}

func (n *Node) tellURLs(urls []string) {
	n.urls = urls
	n.out.actions = append(n.out.actions, Action{Kind: ClientInfo, URLs: slices.Clone(urls)})
}

// knownURLs lists where clients can go: to us first, unless we are about to end, then to the peers in order.
func (n *Node) knownURLs() (urls []string) {
	var others []string
	for _, r := range n.routes {
		others = append(others, r.info.ConnectURLs...)
	}
	slices.Sort(others)
	if !n.lameDuck {
		urls = slices.Clone(n.cfg.ClientURLs)
	}
	for _, u := range slices.Compact(others) {
		if !slices.Contains(n.cfg.ClientURLs, u) {
			urls = append(urls, u)
		}
	}
	return urls
}

// routeURL is the form of INFO's ip member.
func routeURL(hostPort string) string { return "nats-route://" + hostPort + "/" }

// formsURL tells whether host and port of an INFO can be written into a URL.
func formsURL(host string, port int) bool {
	_, err := url.Parse("nats-route://" + joinHostPort(host, strconv.Itoa(port)) + "/")
	return err == nil
}

// addressOf reads an ip member: any scheme, perhaps credentials, with or without the slash. Empty if it is none.
func addressOf(ip string) string {
	_, rest, found := strings.Cut(ip, "://")
	if !found {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "/")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if !isHostPort(rest) {
		return ""
	}
	return rest
}
