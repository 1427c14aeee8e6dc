package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// mortality is a way to die.
type mortality struct {
	returns int           // how often it comes back
	away    time.Duration // how long it stays away each time
	mute    bool          // it does not die: from the trigger on it accepts, and answers nothing any more
	at      int64         // it dies when it has accepted so many connections; 0: only by the trigger
}

// mortal is a server that dies by a trigger in what a peer sends: its connections end and its port is closed.
type mortal struct {
	mortality
	target  string
	trigger []byte

	address  string
	dead     atomic.Bool
	accepted atomic.Int64
	mu       sync.Mutex
	conns    map[net.Conn]bool
	listen   net.Listener
}

var mortalities = map[string]mortality{
	"always":  {returns: 1 << 20, away: 300 * time.Millisecond},
	"once":    {returns: 1, away: 300 * time.Millisecond},
	"forever": {},
	"mute":    {mute: true},
}

// startMortal KIND TRIGGER VAR stands in front of the reference server and dies when a peer sends TRIGGER.
func startMortal(ts *testscript.TestScript, _ bool, args []string) {
	kind, known := mortalities[args[0]]
	if !known || len(args) != 3 {
		ts.Fatalf("usage: mortal always|once|forever|mute TRIGGER VAR")
	}
	m := &mortal{mortality: kind, target: ts.Getenv("ROUTE"), trigger: []byte(args[1]), conns: map[net.Conn]bool{}}
	ts.Check(m.open("127.0.0.1:0"))
	fakesOf(ts).onClose(m.close)
	ts.Setenv(args[2], m.address)
}

func (m *mortal) open(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.listen, m.address = l, l.Addr().String()
	m.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if m.accepted.Add(1) == m.at {
				_ = c.Close()
				m.die()
				return
			}
			go m.serve(c)
		}
	}()
	return nil
}

func (m *mortal) serve(c net.Conn) {
	m.mu.Lock()
	m.conns[c] = true
	m.mu.Unlock()
	defer func() { _ = c.Close() }()
	if m.mute && m.dead.Load() {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	up, err := net.Dial("tcp", m.target)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() {
		for buf := make([]byte, 64<<10); ; {
			n, err := up.Read(buf)
			if m.mute && m.dead.Load() {
				continue
			}
			if _, werr := c.Write(buf[:n]); err != nil || werr != nil {
				_ = c.Close()
				return
			}
		}
	}()
	for buf := make([]byte, 64<<10); ; {
		n, err := c.Read(buf)
		if len(m.trigger) > 0 && bytes.Contains(buf[:n], m.trigger) {
			m.die()
			if m.mute {
				_, _ = io.Copy(io.Discard, c)
			}
			return
		}
		if _, werr := up.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (m *mortal) die() {
	if m.mute {
		m.dead.Store(true)
		return
	}
	m.mu.Lock()
	_ = m.listen.Close()
	for c := range m.conns {
		_ = c.Close()
	}
	clear(m.conns)
	m.returns--
	back := m.returns >= 0
	if m.returns == 0 && m.away > 0 {
		m.trigger = []byte("\x00never\x00")
	}
	m.mu.Unlock()
	if back {
		context.AfterFunc(afterwards(m.away), func() { _ = m.open(m.address) })
	}
}

// afterwards is a context that ends after d.
func afterwards(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func (m *mortal) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.listen.Close()
	for c := range m.conns {
		_ = c.Close()
	}
}
