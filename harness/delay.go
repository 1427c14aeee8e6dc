package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// Delay puts d of delay, in each direction, between us and the ports of the target: it seems far away. It is called before
// the target is used. The target's own dials come without delay.
func (t *Target) Delay(d time.Duration) error {
	for _, port := range []*string{&t.Route, &t.Leafnode} {
		if *port == "" {
			continue
		}
		far, err := t.delayed(*port, d)
		if err != nil {
			return err
		}
		*port = far
	}
	if t.Client == "" {
		return nil
	}
	u, err := url.Parse(t.Client)
	if err != nil {
		return err
	}
	if u.Host, err = t.delayed(u.Host, d); err != nil {
		return err
	}
	t.Client = u.String()
	return nil
}

// delayed listens on loopback and passes bytes to and from address, each d late. It ends with the target.
func (t *Target) delayed(address string, d time.Duration) (string, error) {
	socket, err := net.Listen("tcp", net.JoinHostPort(launchHost, "0"))
	if err != nil {
		return "", fmt.Errorf("harness: no port for the delay: %w", err)
	}
	p := &delayProxy{address: address, delay: d, socket: socket, open: make(map[net.Conn]bool)}
	if err := t.track(p, 1); err != nil {
		return "", errors.Join(err, socket.Close())
	}
	go func() {
		defer t.running.Done()
		p.serve()
	}()
	return socket.Addr().String(), nil
}

// delayProxy is one port that is far away.
type delayProxy struct {
	address string
	delay   time.Duration
	socket  net.Listener
	passing sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

func (p *delayProxy) abandon() {
	_ = p.socket.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.passing.Wait()
}

// keep makes abandon close c; false: it has been called, and c is closed.
func (p *delayProxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *delayProxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *delayProxy) serve() {
	for {
		near, err := p.socket.Accept()
		if err != nil {
			return
		}
		p.passing.Go(func() { p.connect(near) })
	}
}

// connect opens the connection behind near. A port that refuses shows as one that closes at once.
func (p *delayProxy) connect(near net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		_ = near.Close()
		return
	}
	if !p.keep(near) || !p.keep(far) {
		_, _ = near.Close(), far.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(near, far) })
	both.Go(func() { p.pass(far, near) })
	both.Wait()
	p.drop(near)
	p.drop(far)
}

// late is what has been read, and when it is due; no bytes: the end.
type late struct {
	at    time.Time
	bytes []byte
}

// onTheWay is how many reads of 16 KiB are on their way at most: a peer that stops reading must be felt by the target.
const onTheWay = 64

// pass hands on what from says, late, and then its end: a FIN ends one direction, as it does without a proxy.
func (p *delayProxy) pass(from, to net.Conn) {
	queue := make(chan late, onTheWay)
	go func() {
		defer close(queue)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				queue <- late{time.Now().Add(p.delay), b[:n]}
			}
			if err != nil {
				queue <- late{at: time.Now().Add(p.delay)}
				return
			}
		}
	}()
	for l := range queue {
		<-time.After(time.Until(l.at))
		if len(l.bytes) == 0 {
			closeWrite(to)
			continue
		}
		if _, err := to.Write(l.bytes); err != nil {
			_ = from.Close() // the reader ends by it
		}
	}
}

// closeWrite passes a FIN on.
func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
