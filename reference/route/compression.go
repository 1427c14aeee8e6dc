package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// Modes of compression, as INFO says them (2.10 and later). One that begins with s2_ asks for S2; accept leaves the wish to the peer.
const (
	notCompressing = "not supported" // what a peer without the member has
	compressionOff = "off"
	acceptS2       = "accept"
	s2Auto         = "s2_auto" // one of the four below, by round-trip time

	s2Uncompressed = "s2_uncompressed"
	s2Fast         = "s2_fast"
	s2Better       = "s2_better"
	s2Best         = "s2_best"
)

// configurable are the values of Config.Compression.
var configurable = []string{compressionOff, acceptS2, s2Auto, s2Uncompressed, s2Fast, s2Better, s2Best}

// autoLevels are the levels of s2_auto, each up to its round-trip time; s2_best is for more.
var autoLevels = []struct {
	upTo  time.Duration
	level string
}{
	{10 * time.Millisecond, s2Uncompressed}, {50 * time.Millisecond, s2Fast}, {100 * time.Millisecond, s2Better},
}

// checkCompression says what is wrong with Compression.
func (cfg *Config) checkCompression() error {
	switch {
	case cfg.Compression == "":
		return nil
	case !slices.Contains(configurable, cfg.Compression):
		return fmt.Errorf("route: Config.Compression %q is none of %s", cfg.Compression, strings.Join(configurable, ", "))
	case !cfg.Dialect.Pools && cfg.Compression != compressionOff:
		return fmt.Errorf("route: dialect %q has no compression: clear Compression of Config", cfg.Dialect.Name)
	}
	return nil
}

// withCompression returns the configuration with its mode filled in: empty for a dialect that has none to announce.
func (cfg Config) withCompression() Config {
	if !cfg.Dialect.Pools {
		cfg.Compression = ""
		return cfg
	}
	cfg.Compression = or(cfg.Compression, acceptS2)
	return cfg
}

// negotiates tells whether compression is settled with each peer. It makes our INFO as solicitor, and the first PING, wait
// for the peer's INFO.
func (n *Node) negotiates() bool {
	return n.cfg.Compression != "" && n.cfg.Compression != compressionOff
}

// isS2 tells whether something is compressed in this mode.
func isS2(mode string) bool { return strings.HasPrefix(mode, "s2_") }

// agree finds the mode of our direction from ours, which is not off, and what the peer has announced. Each direction has a
// level of its own, but S2 is for both or for none. False: theirs is none of the protocol's (src: 2.10.27, 2.15.2).
func agree(ours, theirs string) (string, bool) {
	switch {
	case theirs == "", theirs == notCompressing:
		return notCompressing, true
	case !slices.Contains(configurable, theirs):
		return "", false
	case theirs == compressionOff, theirs == acceptS2 && ours == acceptS2:
		return compressionOff, true
	case ours != acceptS2:
		return ours, true
	case theirs == s2Auto:
		return s2Fast, true
	}
	return theirs, true
}

// autoLevel is the level of s2_auto for a round-trip time.
func autoLevel(rtt time.Duration) string {
	for _, l := range autoLevels {
		if rtt <= l.upTo {
			return l.level
		}
	}
	return s2Best
}

// asksForS2 tells whether body is the first INFO of c's peer, and S2 comes of it.
func (n *Node) asksForS2(c *conn, body *wire.InfoBody) bool {
	if body == nil || !n.negotiates() || c.state != connected && c.state != solicited {
		return false
	}
	mode, known := agree(n.cfg.Compression, body.Compression)
	return known && isS2(mode)
}

// settleCompression notes what comes of the INFO of a peer with which there is no S2.
func (n *Node) settleCompression(c *conn, body *wire.InfoBody) cause {
	switch {
	case c.compression != "" || n.cfg.Compression == "": // within S2, or before 2.10
	case n.negotiates():
		mode, known := agree(n.cfg.Compression, body.Compression)
		if !known {
			return n.because(strangeCompression, body.Compression)
		}
		c.compression = mode
	case body.Compression == "":
		c.compression = notCompressing
	default:
		c.compression = compressionOff
	}
	return fine
}

// startS2 answers the peer's first INFO by one that names the mode: the acceptor's begins its S2 stream, the solicitor's comes before it. Both
// streams begin behind the INFO of their side, and registration waits for one more INFO of the peer within its own (seen 2.10.27, 2.15.2).
func (n *Node) startS2(c *conn, body *wire.InfoBody) cause {
	if why := n.checkPeer(c, body); why != fine {
		return why
	}
	c.compression, _ = agree(n.cfg.Compression, body.Compression)
	if c.compression == s2Auto {
		c.compression = autoLevel(n.now.Sub(c.started)) // no PING has measured it yet
	}
	if c.acceptor {
		n.setLevel(c)
		n.sendInfo(c)
	} else {
		n.sendInfo(c)
		n.setLevel(c)
		c.infoSent = false // the one that counts is to come
	}
	n.startPings(c)
	n.arm()
	return fine
}

// setLevel has what follows compressed in c's mode.
func (n *Node) setLevel(c *conn) {
	n.out.actions = append(n.out.actions, Action{Kind: StartS2, Conn: c.id, Level: c.compression})
}

// announced is the compression of an INFO to c: as configured, then as agreed on, but s2_auto always.
func (n *Node) announced(c *conn) string {
	if n.cfg.Compression == s2Auto {
		return s2Auto
	}
	return or(c.compression, n.cfg.Compression)
}

// adaptLevel follows the round-trip time where that decides.
func (n *Node) adaptLevel(c *conn, rtt time.Duration) {
	if n.cfg.Compression != s2Auto || !isS2(c.compression) {
		return
	}
	if level := autoLevel(rtt); level != c.compression {
		c.compression = level
		n.setLevel(c)
	}
}
