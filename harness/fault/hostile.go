package fault

import (
	"bytes"
	"strconv"
	"strings"
)

var hostileFaults = []Fault{
	{
		Name: "strangers-kept", Title: "keeps a connection on which it cannot read a word", Breaks: "RT-HOST-001",
		Mend: func(l *Link, b Broken) ([]byte, int) {
			if l.Peer != nil || !l.Dialled {
				return nil, 0
			}
			return nil, len(b.Raw)
		},
	},
	{
		Name: "cut-operation-kills", Title: "drops all routes when a connection ends inside of an operation", Breaks: "RT-HOST-002",
		Ended: func(l *Link, peer bool, held []byte) ([]byte, bool) {
			if peer && len(held) > 0 {
				l.closeOthers()
			}
			return held, false
		},
	},
	{
		Name: "endless-line-read", Title: "reads a line that does not end, and for ever", Breaks: "RT-HOST-003",
		PeerBytes: func(l *Link, b []byte) []byte {
			n, _ := l.Kept.(int)
			if bytes.IndexByte(b, '\n') >= 0 {
				l.Kept = 0
				return b
			}
			l.Kept = n + len(b)
			return b[:min(len(b), max(0, lineKept-n))]
		},
	},
	{
		Name: "crowd-keeps-out", Title: "takes no more connections when a hundred have not said INFO", Breaks: "RT-HOST-004",
		Opened: func(l *Link) {
			mute := 0
			for _, other := range l.Others() {
				if other.Peer == nil {
					mute++
				}
			}
			if mute > 100 {
				l.Close()
			}
		},
	},
	killedBy("deep-body-kills", "drops all routes when a body is nested deeply", "RT-HOST-005", "", strings.Repeat("[", 64)),
	{
		Name: "many-news-refused", Title: "closes on more than a hundred news", Breaks: "RT-HOST-006",
		FromPeer: when(newsFromPeer, func(l *Link, f Frame) []Frame {
			n, _ := l.Kept.(int)
			if l.Kept = n + 1; n > 100 {
				l.Close()
				return nil
			}
			return []Frame{f}
		}),
	},
	killedBy("gigabyte-kills", "drops all routes when a payload of a gigabyte is announced", "RT-HOST-007", "", " 999999999\r\n"),
	killedBy("ls-plus-without-arguments-kills", "drops all routes on LS+ without arguments", "RT-HOST-008", "", "LS+ \r\n"),
	killedBy("huge-size-kills", "drops all routes on a size beyond 63 bits", "RT-HOST-009", "srv-2.1", "9223372036854775807\r\n"),
	killedBy("weight-zero-kills", "drops all routes on a group of weight 0", "RT-HOST-010", "srv-2.1", " workers 0\r\n"),
	killedBy("client-operations-kill", "drops all routes on operations of clients", "RT-HOST-011", "", " workers 1\r\nPUB "),
	{
		Name: "news-of-own-address-refused", Title: "closes on news of a server at its own address", Breaks: "RT-HOST-012",
		FromPeer: when(all(newsFromPeer, func(l *Link, f Frame) bool {
			own := l.target()
			return own != nil && strings.Contains(f.Op.InfoBody.IP, ":"+strconv.Itoa(own.Port)+"/")
		}), hangUp),
	},
}

// lineKept is what every server reads of a line, in bytes.
const lineKept = 1 << 10

// killedBy is a fault that makes all connections end when a peer has sent certain bytes.
func killedBy(name, title, breaks, dialect, text string) Fault {
	return Fault{
		Name: name, Title: title, Breaks: breaks, Dialect: dialect,
		PeerBytes: func(l *Link, b []byte) []byte {
			if bytes.Contains(b, []byte(text)) {
				l.closeOthers()
				l.Close()
			}
			return b
		},
	}
}

// closeOthers ends every other connection.
func (l *Link) closeOthers() {
	for _, other := range l.Others() {
		other.Close()
	}
}
