package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	minChunk   = 4 << 10  // of a quiet connection
	maxChunk   = 64 << 10 // of a busy one
	chunks     = 2        // one that the loop reads while the reader fills the other
	earlyFlush = 1 << 20  // output that one chunk may gather before the writer gets to see it

	// closeDeadline is how long the last bytes of a connection that we close may take, all together.
	closeDeadline = time.Second
)

// owner is what a link belongs to. Its methods are called by the loop.
type owner interface {
	// received reads one chunk, which is the link's again when received returns. What it leaves in the link's unread.rest it
	// gets again, when the others have had their turn.
	received(now time.Time, chunk []byte)
	// lost says that the peer has ended the connection, or that it can no longer be written to.
	lost(now time.Time, err error)
	// dropped says that the link is closed because too much waits for the peer. It may come in the middle of a step: it defers what
	// the node has to be told.
	dropped()
}

// link is one socket with its reader and its writer. The loop owns the first group of fields, the lock guards the second.
type link struct {
	server   *Server
	conn     net.Conn
	socket   net.Conn // below TLS; else conn itself
	owner    owner
	label    string // names the connection in the log: address and id
	strict   bool   // one write deadline that passes ends it, although some bytes went out
	remoteIP string
	out      []byte    // produced for this connection and not flushed yet
	deflater *deflater // compresses out when it is flushed; nil: it goes as it is
	packed   []byte    // a buffer for what comes of that
	dirty    bool      // out is not empty: the loop will flush it
	unread   unread    // what has come in
	closed   bool      // nothing more goes in or out; input that is still on its way is dropped

	mu    sync.Mutex
	wake  sync.Cond
	queue queue
	endBy time.Time // set when the link ends: the writer closes the socket once the queue is written, or at this time

	free chan []byte // chunks that the loop has read
}

// newLink wraps conn. Nothing is read or written until start.
func (s *Server) newLink(conn net.Conn, kind string, id uint64) *link {
	ip, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		ip = ""
	}
	l := &link{
		server:   s,
		conn:     conn,
		socket:   below(conn),
		label:    fmt.Sprintf("%s - %s:%d", conn.RemoteAddr(), kind, id),
		remoteIP: ip,
		free:     make(chan []byte, chunks),
	}
	l.wake.L = &l.mu
	return l
}

// start begins to read and write on behalf of owner. Called by the loop.
func (l *link) start(owner owner) {
	l.owner = owner
	l.server.links[l] = struct{}{}
	l.server.spawn(l.read)
	l.server.spawn(l.write)
}

// read hands the socket's bytes over to the loop, chunk by chunk, until the socket ends.
func (l *link) read() {
	size, made := minChunk, 0
	for {
		chunk, ok := l.chunk(size, &made)
		if !ok {
			return
		}
		n, err := l.conn.Read(chunk)
		if n > 0 && !l.server.post(input{link: l, chunk: chunk[:n]}) {
			return
		}
		if err != nil {
			l.server.post(input{link: l, err: err})
			return
		}
		if n == len(chunk) {
			size = min(2*size, maxChunk)
		}
	}
}

// chunk returns a buffer of size bytes that the loop does not hold; false when the server has stopped.
func (l *link) chunk(size int, made *int) ([]byte, bool) {
	var chunk []byte
	select {
	case chunk = <-l.free:
	default:
		if *made < chunks {
			*made++
			return make([]byte, size), true
		}
		select {
		case chunk = <-l.free:
		case <-l.server.stopped:
			return nil, false
		}
	}
	if cap(chunk) < size {
		return make([]byte, size), true
	}
	return chunk[:cap(chunk)], true
}

// release gives a chunk back to the reader. There is always room: the reader made no more than fit.
func (l *link) release(chunk []byte) { l.free <- chunk }

// produced notes that out has grown.
func (l *link) produced() {
	if !l.dirty {
		l.dirty = true
		l.server.dirty = append(l.server.dirty, l)
	}
	if len(l.out) >= earlyFlush {
		l.flush()
	}
}

// flush hands what has been produced over to the writer. A peer for which too much waits already is a slow consumer.
func (l *link) flush() {
	if l.closed || len(l.out) == 0 {
		return
	}
	out := &l.out
	if l.deflater != nil {
		out = l.pack()
	}
	l.mu.Lock()
	*out = l.queue.push(*out)
	waiting := l.queue.size
	l.mu.Unlock()
	l.wake.Signal()
	if waiting > l.server.cfg.MaxPending {
		l.server.slowConsumer(l, waiting)
	}
}

// pack compresses out. It keeps no more memory for what comes next than a link without compression does.
func (l *link) pack() *[]byte {
	l.packed = l.deflater.append(l.packed[:0], l.out)
	l.out = l.out[:0]
	if cap(l.out) > maxSpare {
		l.out = nil
	}
	return &l.packed
}

// write writes what the loop has flushed, until the link ends or the peer no longer takes anything. Then it closes the socket,
// which ends the reader too.
func (l *link) write() {
	defer l.hangUp()
	var batch [][]byte
	for {
		batch = l.nextBatch(batch)
		if len(batch) == 0 {
			return
		}
		if err := l.writeBatch(batch); err != nil {
			l.server.post(input{link: l, err: err})
			return
		}
	}
}

// nextBatch gives back what has been written, waits for output and returns some of it. None means that the link has ended.
func (l *link) nextBatch(written [][]byte) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.done(written)
	for len(l.queue.waiting) == 0 && l.endBy.IsZero() {
		l.wake.Wait()
	}
	return l.queue.pop(written[:0])
}

// writeBatch writes buffers within the write deadline. A peer that is slow but reads is no broken peer: only a deadline in which
// nothing at all was written ends the connection (seen 2.9.25, 2.15.2; on the routes of 2.1.2 the first one that passes does).
func (l *link) writeBatch(batch [][]byte) error {
	rest := net.Buffers(slices.Clone(batch)) // WriteTo empties it
	for len(rest) > 0 {
		ending := l.setWriteDeadline()
		n, err := rest.WriteTo(l.conn)
		if err != nil && (n == 0 || ending || l.strict || !isTimeout(err)) {
			return err
		}
	}
	return nil
}

// setWriteDeadline sets the deadline of the next write and tells whether the link is ending.
func (l *link) setWriteDeadline() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	deadline := l.endBy
	if deadline.IsZero() {
		deadline = time.Now().Add(l.server.cfg.WriteDeadline)
	}
	l.conn.SetWriteDeadline(deadline) // fails only on a closed socket, as the write then does
	return !l.endBy.IsZero()
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// close writes what has been produced and closes the socket. Called by the loop.
func (l *link) close() {
	if l.closed {
		return
	}
	l.flush()
	l.end(false)
}

// lost closes the socket after the peer has: one that has only stopped to send may still read.
func (l *link) lost(err error) {
	if err == io.EOF {
		l.close()
	} else {
		l.abort()
	}
}

// hangUp closes the socket, in TLS after telling so, for which the peer has what is left of the link's time.
func (l *link) hangUp() {
	l.mu.Lock()
	left := time.Until(l.endBy)
	l.mu.Unlock()
	if l.conn != l.socket && left > 0 {
		late := time.AfterFunc(left, func() { l.socket.Close() })
		defer late.Stop()
		l.conn.Close()
	}
	l.socket.Close()
}

// abort closes the socket; what has not been written is lost. Called by the loop.
func (l *link) abort() { l.end(true) }

func (l *link) end(abort bool) {
	if l.closed {
		return
	}
	l.closed = true
	l.out = nil
	delete(l.server.links, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endBy = time.Now().Add(closeDeadline)
	if abort {
		l.queue = queue{}
		l.socket.Close() // which ends a write that is under way
	} else {
		l.conn.SetWriteDeadline(l.endBy) // of a write that began before
	}
	l.wake.Signal()
}
