package live

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// How long a healthy server may take, however loaded the machine is. None of them is waited for when all is well.
const (
	dialLimit    = 2 * time.Second
	infoLimit    = 2 * time.Second       // for the INFO of a new connection: beyond, the server hangs
	answerLimit  = 2 * time.Second       // for the answer to a barrier
	closeLimit   = time.Second           // for a close that is due
	unknownLimit = 20 * time.Millisecond // for what may come, where the model does not know
	partingLimit = 50 * time.Millisecond // for one that does not close when we have nothing more to say to have read what we said
	haste        = 25                    // waits are that much shorter while a case is made smaller: what counts is proven without haste
)

// wireConn is one route connection of a player.
type wireConn struct {
	conn    net.Conn
	tcp     net.Conn // below conn: the same where there is no TLS
	parser  *wire.Parser
	op      wire.Op
	said    *answer
	buf     []byte
	info    *wire.InfoBody // the first INFO
	infoIn  time.Duration  // from the dial to it
	broken  error          // what the target sent is no operation
	over    bool           // nothing more comes: it was closed, or we stopped reading
	raw     []byte         // what came, at most rawKept
	pings   int            // sent
	left    bool           // we have closed it
	last    want           // of its last turn
	hasty   bool           // a case is being made smaller
	patient bool           // wait long for what may come
}

const (
	rawKept = 4 << 10
	pacing  = 300 * time.Microsecond
)

// grammar reads what any server says to a route.
var grammar = func() wire.Dialect {
	d := wire.Latest()
	d.ConnectFirst = false
	d.Limits.Buffered = 0
	return d
}()

// dialer asks for no keep-alive: no connection is idle for so long.
var dialer = net.Dialer{Timeout: dialLimit, KeepAlive: -1}

// dialRoute opens a connection, does the TLS handshake where there is a configuration for it, and reads the INFO.
func dialRoute(address string, secure *tls.Config, buf []byte) (*wireConn, error) {
	began := time.Now()
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &wireConn{conn: conn, tcp: conn, parser: wire.NewParser(grammar), said: newAnswer(), buf: buf}
	if secure != nil {
		if err := c.secure(secure, began); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	_ = conn.SetReadDeadline(began.Add(infoLimit))
	for c.info == nil && !c.over && c.read() {
	}
	c.infoIn = time.Since(began)
	return c, nil
}

// secure does the TLS handshake.
func (c *wireConn) secure(config *tls.Config, began time.Time) error {
	conn := tls.Client(c.tcp, config)
	_ = c.tcp.SetDeadline(began.Add(infoLimit))
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("the TLS handshake failed: %w", err)
	}
	c.conn = conn
	return c.tcp.SetDeadline(time.Time{})
}

// write sends b; an error shows when reading.
func (c *wireConn) write(b []byte) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(answerLimit))
	_, _ = c.conn.Write(b)
}

// writeCut sends b in pieces of these lengths, over and over, with a pause between that lets the target read; nil: in one.
func (c *wireConn) writeCut(b []byte, cuts []int) {
	for i := 0; len(cuts) > 0 && len(b) > 0; i++ {
		n := min(max(cuts[i%len(cuts)], 1), len(b))
		c.write(b[:n])
		if b = b[n:]; len(b) > 0 {
			time.Sleep(pacing) // part of no verdict: without it the pieces would arrive as one
		}
	}
	if len(b) > 0 {
		c.write(b)
	}
}

// await reads until the connection has said what w wants, or time is up. It tells whether it came.
func (c *wireConn) await(w want, pings int, judged bool) bool {
	limit := answerLimit
	switch {
	case c.over:
		return true
	case c.patient && !judged:
		limit = closeLimit
	case w.s2, !judged:
		limit = unknownLimit
	case w.closed:
		limit = closeLimit
	}
	if c.hasty {
		limit = max(limit/haste, unknownLimit)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(limit))
	for !c.over {
		switch {
		case w.s2:
		case judged && !w.closed && c.said.pongs >= w.pongs:
			return true
		case !judged && c.said.pongs >= pings, judged && w.closed && c.said.pongs > w.pongs:
			return true
		}
		if !c.read() {
			return w.s2 || !judged
		}
	}
	return true
}

// read reads once; false: time was up.
func (c *wireConn) read() bool {
	n, err := c.conn.Read(c.buf)
	if n > 0 {
		c.take(c.buf[:n])
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false
	}
	c.over = true // by EOF or RST: both are a close
	c.said.add(tokenClosed)
	return true
}

// take reads what came as operations.
func (c *wireConn) take(b []byte) {
	if room := rawKept - len(c.raw); room > 0 {
		c.raw = append(c.raw, b[:min(room, len(b))]...)
	}
	if c.broken != nil {
		return
	}
	c.parser.Feed(b)
	for {
		err := c.parser.Next(&c.op)
		switch {
		case errors.Is(err, wire.ErrNeedMore):
			return
		case err != nil:
			c.broken = err
			return
		}
		if c.op.Kind == wire.Info && c.info == nil {
			c.info = c.op.InfoBody
			continue
		}
		if token := tokenOf(&c.op); token != "" {
			c.said.add(token)
		}
	}
}

// part waits until the server has read all that was sent: it closes in turn when we say that nothing follows. It tells whether the server has.
func (c *wireConn) part(limit time.Duration) bool {
	half, ok := c.conn.(interface{ CloseWrite() error }) // of TCP, or of TLS
	if c.over || !ok || half.CloseWrite() != nil {
		return c.over
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(limit))
	for {
		if _, err := c.conn.Read(c.buf); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

// settled tells whether the last thing that the connection said shows that all of what was sent has been read.
func (c *wireConn) settled() bool {
	return c.over || c.said.last() == tokenPong && !c.last.open && !c.last.s2
}

// close ends the connection without a trace: no port stays occupied for a minute.
func (c *wireConn) close() {
	if tcp, ok := c.tcp.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.tcp.Close()
}

// end closes as a peer does that leaves.
func (c *wireConn) end() { _ = c.conn.Close() }
