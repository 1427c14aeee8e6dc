package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

var gossipFaults = []Fault{
	{
		Name: "gossip-missing", Title: "tells no route of a server that registers", Breaks: "RT-GOS-001",
		FromServer: when(newsFromServer, drop),
	},
	{
		Name: "gossip-without-ip", Title: "forwards the INFO of a newcomer without an ip", Breaks: "RT-GOS-001",
		FromServer: editNews(func(_ *Link, info *wire.InfoBody) { info.IP = "" }),
	},
	{
		Name: "gossip-to-one-route", Title: "tells one route of a newcomer, and not the others", Breaks: "RT-GOS-001",
		FromServer: when(all(newsFromServer, func(l *Link, f Frame) bool { return l.repeated(f.Op.InfoBody.ServerID) }), drop),
	},
	{
		Name: "gossip-ip-of-host", Title: "makes the ip of a newcomer from the host of its INFO", Breaks: "RT-GOS-002",
		FromServer: editNews(func(_ *Link, info *wire.InfoBody) {
			if _, err := netip.ParseAddr(hostOf(info.IP)); err == nil {
				info.IP = addressURL(info.Host, info.Port)
			}
		}),
	},
	{
		Name: "gossip-ip-overwritten", Title: "puts the address that it saw over the ip which a newcomer gave", Breaks: "RT-GOS-003",
		FromServer: editNews(func(_ *Link, info *wire.InfoBody) { info.IP = addressURL("127.0.0.1", info.Port) }),
	},
	{
		Name: "gossip-host-own", Title: "forwards the INFO of a newcomer with a host and a port of its own", Breaks: "RT-GOS-004",
		FromServer: editNews(func(l *Link, info *wire.InfoBody) { info.Host, info.Port = l.Server.Host, l.Server.Port }),
	},
	{
		Name: "gossip-to-newcomer", Title: "tells a newcomer of the routes that it has", Breaks: "RT-GOS-005",
		FromServer: when(all(is(wire.Pong), listing), func(l *Link, f Frame) []Frame {
			out := []Frame{f}
			for _, other := range l.Others() {
				if other.Peer != nil && other.Peer.ServerID != l.Peer.ServerID {
					out = append(out, other.news())
				}
			}
			return out
		}),
	},
	{
		Name: "gossip-of-itself", Title: "tells a newcomer of itself", Breaks: "RT-GOS-005",
		FromServer: when(all(is(wire.Pong), listing), func(l *Link, f Frame) []Frame { return []Frame{f, l.news()} }),
	},
	{
		Name: "gossip-mode-ignored", Title: "tells other routes of a newcomer that wants no gossip, and does so twice", Breaks: "RT-GOS-006",
		FromPeer: when(all(ownInfo, op(func(op *wire.Op) bool { return op.InfoBody.GossipMode == 1 })), func(l *Link, f Frame) []Frame {
			l.tellOthers()
			l.tellOthers()
			return []Frame{f}
		}),
	},
	{
		Name: "connect-urls-unread", Title: "does not tell its clients the connect_urls of a newcomer", Breaks: "RT-GOS-007",
		FromPeer: editInfo(func(_ *Link, info *wire.InfoBody) { info.ConnectURLs = nil }),
	},
	{
		Name: "connect-urls-kept", Title: "announces the connect_urls of a peer that has gone", Breaks: "RT-GOS-008",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			return held, peer && l.Peer != nil && len(l.Peer.ConnectURLs) > 0
		},
	},
	{
		Name: "ldm-of-peer-ignored", Title: "ignores that a peer announces lame duck mode", Breaks: "RT-GOS-009",
		FromPeer: when(all(is(wire.Info), op(func(op *wire.Op) bool { return op.InfoBody.LameDuck })), drop),
	},
	{
		Name: "news-without-ip-closes", Title: "closes on news of a server whose ip is missing or cannot be used", Breaks: "RT-GOS-010",
		FromPeer: when(all(newsFromPeer, op(func(op *wire.Op) bool { return !dialable(op.InfoBody.IP) })), hangUp),
	},
	{
		Name: "gossip-twice", Title: "tells each route of a newcomer twice", Breaks: "RT-GOS-011",
		FromServer: when(newsFromServer, twice),
	},
	{
		Name: "update-forwarded", Title: "forwards each later INFO of a peer as if it were new", Breaks: "RT-GOS-012",
		FromPeer: when(ownInfo, func(l *Link, f Frame) []Frame {
			if l.Kept != nil {
				l.tellOthers()
			}
			l.Kept = true
			return []Frame{f}
		}),
	},
	{
		Name: "gossip-of-leaving", Title: "tells the other routes of a server that leaves", Breaks: "RT-GOS-013",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && l.Peer != nil {
				l.tellOthers()
			}
			return held, false
		},
	},
	{
		Name: "gossip-with-nonce", Title: "forwards the nonce of a newcomer's INFO", Breaks: "RT-GOS-014",
		FromServer: editNews(func(l *Link, info *wire.InfoBody) {
			if origin := l.others(info.ServerID); origin != nil {
				info.Nonce = origin.Peer.Nonce
			}
		}),
	},
	{
		Name: "gossip-changes-members", Title: "forwards members that it does not know with another value", Breaks: "RT-GOS-015",
		FromServer: editNews(func(l *Link, info *wire.InfoBody) {
			if origin := l.others(info.ServerID); origin != nil {
				info.Extra = make(map[string]json.RawMessage)
				for name := range origin.Peer.Extra {
					info.Extra[name] = json.RawMessage("null")
				}
			}
		}),
	},
	{
		Name: "own-id-as-news", Title: "ignores that a registered peer says INFO with the server's own server_id", Breaks: "RT-GOS-016",
		FromPeer: when(all(newsFromPeer, aboutServer), drop),
	},
	{
		Name: "old-clients-told", Title: "sends every client INFO behind the first", Breaks: "RT-GOS-018",
		ToClient: func(b *Box, line []byte) []byte {
			if argument(line, "INFO") != nil {
				said := bytes.Clone(line)
				b.Keep(func(any) any { return said })
				return nil
			}
			info, _ := b.Keep(func(kept any) any { return kept }).([]byte)
			if !bytes.HasPrefix(line, []byte("PONG")) || info == nil {
				return nil
			}
			return slices.Concat(line, info)
		},
	},
	{
		Name: "own-connect-urls-unsaid", Title: "tells its clients of its peers' connect_urls without its own", Breaks: "RT-GOS-017",
		ToClient: func(b *Box, line []byte) []byte {
			text := string(line)
			if argument(line, "INFO") == nil {
				return nil
			}
			for _, l := range b.open() {
				if l.Server != nil {
					for _, own := range l.Server.ConnectURLs {
						text = strings.NewReplacer(`,"`+own+`"`, "", `"`+own+`",`, "").Replace(text)
					}
				}
			}
			return []byte(text)
		},
	},
	{
		Name: "connect-urls-in-one-place", Title: "takes an address away with the first of two peers that announced it", Breaks: "RT-GOS-019",
		FromPeer: editInfo(func(l *Link, info *wire.InfoBody) {
			for _, other := range l.Others() {
				if other.Peer == nil || other.Peer.ServerID == info.ServerID {
					continue
				}
				info.ConnectURLs = slices.DeleteFunc(slices.Clone(info.ConnectURLs), func(at string) bool { return slices.Contains(other.Peer.ConnectURLs, at) })
			}
		}),
	},
	{
		Name: "connect-urls-lost-by-update", Title: "tells its clients no connect_urls of a peer any more when it has sent another INFO", Breaks: "RT-GOS-020",
		FromPeer: when(ownInfo, func(l *Link, f Frame) []Frame {
			again := l.Kept != nil
			l.Kept = true
			if !again {
				return []Frame{f}
			}
			return editInfo(func(_ *Link, info *wire.InfoBody) { info.ConnectURLs, info.LameDuck = nil, true })(l, f)
		}),
	},
	{
		Name: "gossip-without-mode", Title: "tells of a newcomer that it has accepted without gossip_mode", Breaks: "RT-GOS-021",
		FromServer: editNews(func(_ *Link, info *wire.InfoBody) { info.GossipMode = 0 }),
	},
	{
		Name: "gossip-mode-not-copied", Title: "does not say the gossip_mode of the news that made it dial", Breaks: "RT-GOS-022",
		FromServer: when(accepted, editInfo(func(_ *Link, info *wire.InfoBody) { info.GossipMode = 0 })),
	},
	{
		Name: "gossip-of-dialled", Title: "tells its other peers of a server that it has dialled because of gossip", Breaks: "RT-GOS-023",
		FromPeer: once(all(accepted, ownInfo), func(l *Link, f Frame) []Frame {
			l.tellOthers()
			return []Frame{f}
		}),
	},
	{
		Name: "gossip-override-ignored", Title: "does not tell its other peers of a server that it has dialled, though the news had gossip_mode 2", Breaks: "RT-GOS-024",
		FromServer: when(all(newsFromServer, func(l *Link, f Frame) bool {
			origin := l.others(f.Op.InfoBody.ServerID)
			return origin != nil && !origin.Dialled
		}), drop),
	},
	{
		Name: "dials-for-each-news", Title: "dials once more for each peer that tells of a server", Breaks: "RT-GOS-025",
		FromPeer: when(newsFromPeer, editInfo(func(l *Link, info *wire.InfoBody) { info.ServerID = l.numberedID(info.ServerID) })),
	},
}

// newsFromServer picks an INFO of the server about another.
func newsFromServer(l *Link, f Frame) bool {
	return f.Op.Kind == wire.Info && l.Server != nil && f.Op.InfoBody.ServerID != l.Server.ServerID
}

// newsFromPeer picks an INFO of our side about another server.
func newsFromPeer(l *Link, f Frame) bool {
	return f.Op.Kind == wire.Info && l.Peer != nil && f.Op.InfoBody.ServerID != l.Peer.ServerID
}

// ownInfo picks an INFO of our side about itself.
func ownInfo(l *Link, f Frame) bool { return f.Op.Kind == wire.Info && !newsFromPeer(l, f) }

// aboutServer picks an INFO with the server's own id.
func aboutServer(l *Link, f Frame) bool {
	own := l.target()
	return f.Op.Kind == wire.Info && own != nil && f.Op.InfoBody.ServerID == own.ServerID
}

// target is the INFO of the server about itself, on a connection that we opened or on this one; nil: none has come.
func (l *Link) target() *wire.InfoBody {
	for _, link := range append([]*Link{l}, l.Others()...) {
		if link.Dialled && link.Server != nil {
			return link.Server
		}
	}
	return l.Server
}

// accepted picks connections that the server has dialled.
func accepted(l *Link, _ Frame) bool { return !l.Dialled }

func editNews(do func(*Link, *wire.InfoBody)) change { return when(newsFromServer, editInfo(do)) }

// news is an INFO about the peer as servers forward it.
func (l *Link) news() Frame {
	about := *l.Peer
	about.IP, about.Nonce = addressURL("127.0.0.1", about.Port), ""
	return frame(wire.NewInfo(&about))
}

// tellOthers sends news of the peer to the other routes.
func (l *Link) tellOthers() {
	for _, other := range l.Others() {
		if other.Peer != nil && other.Peer.ServerID != l.Peer.ServerID {
			other.ToPeer(l.news())
		}
	}
}

// repeated tells whether a word has been given before, on any connection.
func (l *Link) repeated(word string) (before bool) {
	l.Box().Keep(func(kept any) any {
		all, _ := kept.(map[string]bool)
		if all == nil {
			all = make(map[string]bool)
		}
		before = all[word]
		all[word] = true
		return all
	})
	return before
}

// addressURL is an address in the form of ip.
func addressURL(host string, port int) string {
	return fmt.Sprintf("nats-route://%s/", net.JoinHostPort(host, strconv.Itoa(port)))
}

// hostOf is the host of an ip; empty: it is no URL.
func hostOf(ip string) string {
	if at, err := url.Parse(ip); err == nil {
		return at.Hostname()
	}
	return ""
}

func dialable(ip string) bool {
	at, err := url.Parse(ip)
	return err == nil && at.Hostname() != "" && at.Port() != ""
}
