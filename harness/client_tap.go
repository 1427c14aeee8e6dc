package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strconv"
	"sync"
	"time"
)

// ClientInfo is what an INFO on a client connection told.
type ClientInfo struct {
	At          time.Duration `json:"-"` // since the target was made
	ServerID    string        `json:"server_id"`
	Cluster     string        `json:"cluster"`
	ConnectURLs []string      `json:"connect_urls"`
	LameDuck    bool          `json:"ldm"`
	Headers     bool          `json:"headers"`
	MaxPayload  int           `json:"max_payload"`
}

// clientTap sits between nats.go and its socket: it records both ways, and follows the control lines that come in far
// enough to see every INFO and to count deliveries.
type clientTap struct {
	ctx        context.Context // while connecting
	transcript *Transcript
	noHeaders  bool
	through    func(net.Conn) net.Conn // the middle, where there is one
	conn       net.Conn
	dialled    string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each INFO
	line    []byte        // the control line being read
	skip    int           // bytes of payload still to come
	lost    bool          // the bytes are no client protocol (TLS): nothing more is read from them
	infos   []ClientInfo
	bySID   map[int]int
}

func newClientTap(ctx context.Context, transcript *Transcript, noHeaders bool) *clientTap {
	return &clientTap{
		ctx: ctx, transcript: transcript, noHeaders: noHeaders,
		changed: make(chan struct{}), bySID: make(map[int]int),
	}
}

// tappedConn is the connection that nats.go sees.
type tappedConn struct {
	net.Conn
	tap *clientTap
}

func (c *tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.tap.transcript.read(b[:n])
		c.tap.follow(b[:n])
	}
	if err != nil {
		c.tap.transcript.note("ended")
	}
	return n, err
}

func (c *tappedConn) Write(b []byte) (int, error) {
	out := b
	if c.tap.noHeaders {
		out = withoutHeaders(b)
	}
	c.tap.transcript.wrote(out)
	if n, err := c.Conn.Write(out); err != nil {
		return min(n, len(b)), err
	}
	return len(b), nil
}

// follow reads control lines and steps over payloads.
func (t *clientTap) follow(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(b) > 0 && !t.lost {
		if t.skip > 0 {
			n := min(t.skip, len(b))
			t.skip -= n
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			t.line = append(t.line, b...)
			t.lost = len(t.line) > 1<<20
			return
		}
		t.line = append(t.line, b[:end]...)
		t.control(t.line)
		t.line = t.line[:0]
		b = b[end+1:]
	}
}

// control reads one line of the client protocol.
func (t *clientTap) control(line []byte) {
	words := bytes.Fields(line)
	if len(words) == 0 {
		return
	}
	switch op := string(bytes.ToUpper(words[0])); {
	case op == "INFO":
		info := ClientInfo{At: t.transcript.now()}
		if json.Unmarshal(line[len("INFO"):], &info) != nil {
			return
		}
		t.infos = append(t.infos, info)
		close(t.changed)
		t.changed = make(chan struct{})
	case (op == "MSG" || op == "HMSG") && len(words) >= 4:
		sid, err1 := strconv.Atoi(string(words[2]))
		size, err2 := strconv.Atoi(string(words[len(words)-1]))
		if err1 != nil || err2 != nil || size < 0 {
			t.lost = true
			return
		}
		t.bySID[sid]++
		t.skip = size + len("\r\n")
	case op != "PING" && op != "PONG" && op != "+OK" && op != "-ERR":
		t.lost = true
	}
}

func (t *clientTap) changes() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// poke wakes those who wait for a change.
func (t *clientTap) poke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// announced returns the client addresses of the last INFO; readable is false when there may be later ones unread.
func (t *clientTap) announced() (addresses []string, readable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.infos) > 0 {
		addresses = t.infos[len(t.infos)-1].ConnectURLs
	}
	return addresses, !t.lost
}

func (t *clientTap) allInfos() []ClientInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]ClientInfo(nil), t.infos...)
}

func (t *clientTap) delivered(sid int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bySID[sid]
}
