package fault

import (
	"bytes"
	"io"
	"net"
	"strconv"

	"github.com/natsroute/natsroute/reference/wire"
)

// OfClient stands in a connection to the server's client port.
func (b *Box) OfClient(conn net.Conn) net.Conn {
	if b.fault.FromClient == nil && b.fault.ToClient == nil {
		return conn
	}
	c := &clientConn{Conn: conn}
	if do := b.fault.FromClient; do != nil {
		c.out = &clientLines{do: func(line, payload []byte) []byte {
			b.step.Lock()
			defer b.step.Unlock()
			do(b, line, payload)
			return nil
		}}
	}
	if do := b.fault.ToClient; do != nil {
		c.in = &clientLines{do: func(line, _ []byte) []byte {
			b.step.Lock()
			defer b.step.Unlock()
			return do(b, line)
		}}
	}
	return c
}

// clientConn is a client's connection of which the lines are seen.
type clientConn struct {
	net.Conn
	out, in *clientLines
	ready   bytes.Buffer
}

func (c *clientConn) Write(p []byte) (int, error) {
	if c.out != nil {
		c.out.pass(p, io.Discard)
	}
	return c.Conn.Write(p)
}

func (c *clientConn) Read(p []byte) (int, error) {
	if c.in == nil {
		return c.Conn.Read(p)
	}
	buf := make([]byte, 32<<10)
	for c.ready.Len() == 0 {
		n, err := c.Conn.Read(buf)
		c.in.pass(buf[:n], &c.ready)
		if err != nil && c.ready.Len() == 0 {
			return 0, err
		}
	}
	return c.ready.Read(p)
}

// clientLines cuts the client protocol into lines with their payloads. do says what passes in place of a line; nil: what came.
type clientLines struct {
	do   func(line, payload []byte) []byte
	held []byte
}

func (c *clientLines) pass(b []byte, to io.Writer) {
	c.held = append(c.held, b...)
	for {
		line := firstLine(c.held)
		if !bytes.HasSuffix(line, []byte("\n")) {
			return
		}
		n := len(line) + payloadOf(line)
		if n > len(c.held) {
			return
		}
		payload := bytes.TrimSuffix(c.held[len(line):n], []byte("\r\n"))
		if instead := c.do(line, payload); instead != nil {
			_, _ = to.Write(instead)
		} else {
			_, _ = to.Write(c.held[:n])
		}
		c.held = c.held[n:]
	}
}

// payloadOf is how many bytes of payload a line announces, with their line end.
func payloadOf(line []byte) int {
	fields := bytes.Fields(line)
	if len(fields) < 3 {
		return 0
	}
	switch string(bytes.ToUpper(fields[0])) {
	case "PUB", "HPUB", "MSG", "HMSG":
		if size, err := strconv.Atoi(string(fields[len(fields)-1])); err == nil && size >= 0 {
			return size + 2
		}
	}
	return 0
}

// argument is the first argument of a line with that name; nil: it is another line.
func argument(line []byte, name string) []byte {
	if fields := bytes.Fields(line); len(fields) > 1 && string(bytes.ToUpper(fields[0])) == name {
		return fields[1]
	}
	return nil
}

// subscribed and published are the subject of SUB and PUB; nil: the line is another.
func subscribed(line []byte) []byte { return argument(line, "SUB") }

func published(line []byte) []byte { return argument(line, "PUB") }

// tell sends an operation to registered peers that are picked.
func (b *Box) tell(picked func(*Link) bool, op wire.Op) {
	for _, l := range b.open() {
		if l.Peer != nil && picked(l) {
			l.ToPeer(frame(op))
		}
	}
}

// open are the connections that are open.
func (b *Box) open() (all []*Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.links {
		all = append(all, l)
	}
	return all
}

// editClientInfo changes the text of INFO to clients.
func editClientInfo(do func(string) string) func(*Box, []byte) []byte {
	return func(_ *Box, line []byte) []byte {
		if bytes.HasPrefix(line, []byte("INFO ")) {
			return []byte(do(string(line)))
		}
		return nil
	}
}
