package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/natsroute/natsroute/reference/server"
)

// fakes are the listeners that a script has started. They end with it.
type fakes struct {
	mu      sync.Mutex
	closers []func()
	stalled chan struct{} // closed when the proxy of `stall` holds a connection
}

type fakesKey struct{}

func (f *fakes) onClose(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closers = append(f.closers, do)
}

func (f *fakes) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, do := range f.closers {
		do()
	}
}

// listen serves connections on a free loopback port until the script ends.
func (f *fakes) listen(host string, serve func(net.Conn)) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				serve(conn)
			})
		}
	})
	f.onClose(func() {
		cancel()
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String(), nil
}

// fakeInfo is how a server begins.
const fakeInfo = `INFO {"server_id":"NFAKE","server_name":"NFAKE","version":"2.15.2","proto":3,"host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"cluster":"C1","lnoc":true,"lnocu":true} ` + "\r\n"

func say(c net.Conn, text string) { _, _ = io.WriteString(c, text) }

// repeat writes without end, until the other side is gone. What comes is read and thrown away.
func repeat(c net.Conn, text string) {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	for {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// pause waits, or until the other side is gone.
func pause(c net.Conn, d time.Duration) (gone bool) {
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// impostors are what a wrong address leads to.
var impostors = map[string]func(net.Conn){
	"client-port": func(c net.Conn) {
		_, _ = io.WriteString(c, `INFO {"server_id":"NABC","version":"2.15.2","proto":1,"client_id":5,"host":"0.0.0.0","port":4222,"max_payload":1048576} `+"\r\n")
		_, _ = io.Copy(io.Discard, c)
	},
	"http": func(c net.Conn) {
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	},
	"silent": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	"reset": func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	},
	"flood":        func(c net.Conn) { repeat(c, strings.Repeat("x", 1000)+"\n") },
	"endless-line": func(c net.Conn) { say(c, `INFO {"server_id":"`); repeat(c, strings.Repeat("x", 4096)) },
	"trickle": func(c net.Conn) {
		for _, b := range []byte(fakeInfo) {
			if _, err := c.Write([]byte{b}); err != nil || pause(c, time.Second) {
				return
			}
		}
	},
	"echo": func(c net.Conn) { _, _ = io.Copy(c, c) },
	// These begin like a server.
	"info-and-flood":   func(c net.Conn) { say(c, fakeInfo); repeat(c, strings.Repeat("PING\r\n", 500)) },
	"info-and-payload": func(c net.Conn) { say(c, fakeInfo+"RMSG $G a 999999999\r\n"); repeat(c, strings.Repeat("x", 4096)) },
	"info-and-echo":    func(c net.Conn) { say(c, fakeInfo); _, _ = io.Copy(c, c) },
	"info-and-nothing": func(c net.Conn) { say(c, fakeInfo); _, _ = io.Copy(io.Discard, c) },
	"hostile": func(c net.Conn) {
		_, _ = io.WriteString(c, "\x1b]0;owned\a\x1b[2J\r\n")
		_, _ = io.Copy(io.Discard, c)
	},
}

// reference starts the reference server.
func (f *fakes) reference(config server.Config) (*server.Server, error) {
	srv, err := server.New(config)
	if err != nil {
		return nil, err
	}
	if err := srv.Start(context.Background()); err != nil {
		return nil, err
	}
	f.onClose(func() { _ = srv.Close() })
	return srv, nil
}

// proxy passes connections on to a target. edit, if any, sees each line that the target sends and may change or drop it;
// a payload is lines like any other, which is good enough for what the scripts do.
func (f *fakes) proxy(target string, edit func(line string) string) (string, error) {
	return f.listen("127.0.0.1", func(down net.Conn) { pass(down, target, edit) })
}

func pass(down net.Conn, target string, edit func(string) string) {
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(up, down)
		_ = up.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		lines := bufio.NewReader(up)
		for {
			line, err := lines.ReadString('\n')
			if edit != nil {
				line = edit(line)
			}
			if _, werr := io.WriteString(down, line); err != nil || werr != nil {
				break
			}
		}
		_ = down.Close() // also ends the other direction
	})
	both.Wait()
	_ = up.Close()
}

// stall passes connections on, but for one that it holds without a word: the one after as many as are given. That is the
// sign for `interrupt`.
func (f *fakes) stall(target string, passed int) (string, error) {
	f.stalled = make(chan struct{})
	var mu sync.Mutex
	return f.listen("127.0.0.1", func(c net.Conn) {
		mu.Lock()
		passed--
		held := passed == -1
		mu.Unlock()
		if !held {
			pass(c, target, nil)
			return
		}
		close(f.stalled)
		_, _ = io.Copy(io.Discard, c)
	})
}

// withoutPong is the edit of a server that answers no PING.
func withoutPong(line string) string {
	if strings.HasPrefix(line, "PONG") {
		return ""
	}
	return line
}

// awaitPort returns when somebody accepts connections at the address.
func awaitPort(address string) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond) // the pace of polling a foreign process; no part of a verdict
	}
}
