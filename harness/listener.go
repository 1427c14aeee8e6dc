package harness

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// Listener is the peer that a target dials. A dial-back is held open until the target closes it or Close: servers whose
// dial is accepted and closed dial again at once, without end (seen 2.15.2, about 800 times a second).
// Safe for concurrent use.
type Listener struct {
	target  *Target
	socket  net.Listener
	host    string
	port    int
	waiting chan net.Conn // accepted by the socket, not yet by Accept
	closing chan struct{} // closed by Close
	close   sync.Once
	done    chan struct{} // closed when serve has ended

	mu    sync.Mutex
	dials []time.Duration
	err   error // why serve ended
}

// maxHeld bounds the connections held for Accept: well above what a healthy target dials, well below the usual limit on
// open files.
const maxHeld = 256

// NewListener opens a listener that the target can be told to dial. With Means.Listen all listeners want that one
// address: one at a time then.
func (t *Target) NewListener(ctx context.Context) (*Listener, error) {
	address := t.Listen
	if address == "" {
		local, host := t.loopback(ctx)
		if !local {
			return nil, ErrNoListener
		}
		if host == launchHost && (t.TLS == nil || t.Authority != nil) { // the operator's certificates are for hosts that we do not know
			host = ownHost()
		}
		address = net.JoinHostPort(host, "0")
	}
	return t.ListenAt(ctx, address)
}

// ListenAt opens a listener at this address, host:port with port 0 for a free one: on another host of loopback than
// NewListener, or where a listener that is closed has been.
func (t *Target) ListenAt(ctx context.Context, address string) (*Listener, error) {
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("harness: cannot listen for the target's dials: %w", err)
	}
	return t.listenOn(socket)
}

// listenOn makes a Listener of a socket, which is closed when that fails.
func (t *Target) listenOn(socket net.Listener) (*Listener, error) {
	l := &Listener{
		target: t, socket: socket,
		waiting: make(chan net.Conn, maxHeld), closing: make(chan struct{}), done: make(chan struct{}),
	}
	if err := l.setAddress(t.Advertise); err != nil {
		_ = socket.Close()
		return nil, err
	}
	if err := t.track(l, 1); err != nil {
		_ = socket.Close()
		return nil, err
	}
	go l.serve()
	return l, nil
}

// loopback tells whether the target is on loopback, and on which host of it we should listen.
func (t *Target) loopback(ctx context.Context) (local bool, host string) {
	t.mu.Lock()
	known, local := t.info != nil, t.local
	t.mu.Unlock()
	name, _, _ := net.SplitHostPort(t.Route)
	addresses, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	host = "127.0.0.1"
	for i, a := range addresses {
		if i == 0 && a.Is6() && !a.Is4In6() {
			host = "::1"
		}
		if !known {
			local = a.IsLoopback()
		}
	}
	return local, host
}

// setAddress decides what is announced: advertise, or where the socket listens.
func (l *Listener) setAddress(advertise string) error {
	if advertise == "" {
		at, ok := l.socket.Addr().(*net.TCPAddr)
		if !ok || at.IP.IsUnspecified() {
			return fmt.Errorf("harness: %s is no address that a target can dial: say with --advertise which one it is", l.socket.Addr())
		}
		advertise = at.String()
	}
	host, port, err := net.SplitHostPort(advertise)
	if err != nil {
		return fmt.Errorf("harness: the address to advertise: %w", err)
	}
	l.host = host
	l.port, err = strconv.Atoi(port)
	return err
}

// Address is what an INFO may announce: host, port.
func (l *Listener) Address() (host string, port int) { return l.host, l.port }

// URL is the address in the form of INFO's ip member: nats-route://host:port/.
func (l *Listener) URL() string {
	return "nats-route://" + net.JoinHostPort(l.host, strconv.Itoa(l.port)) + "/"
}

// Accept waits for the target's next dial that was not accepted yet. The peer has sent nothing yet: the caller sends
// OwnInfo when it wants the target to go on.
//
// Where the route port uses TLS, so does the listener, with the same certificates, unless WithCertificate or WithTLS say
// otherwise. The target is asked for a certificate and may show none: Peer.TLS tells. With Plain the peer never answers
// the target's TLS hello, or talks plain to it when the caller sends something. The error is a *HandshakeError when the
// handshake failed, as it does for a target that does not accept our certificate.
func (l *Listener) Accept(ctx context.Context, name string, opts ...PeerOption) (*Peer, error) {
	conn, err := l.next(ctx)
	if err != nil {
		return nil, err
	}
	conn = l.target.wired(conn, false)
	c := configured(opts)
	if cfg := l.target.acceptConfig(&c); cfg != nil {
		ctx, cancel := l.target.bounded(ctx)
		defer cancel()
		if conn, err = secure(ctx, name, tls.Server(conn, cfg)); err != nil {
			return nil, err
		}
	}
	return startPeer(l.target, name, conn, false, c)
}

func (l *Listener) next(ctx context.Context) (net.Conn, error) {
	ctx, cancel := l.target.bounded(ctx)
	defer cancel()
	select {
	case conn := <-l.waiting:
		return conn, nil
	case <-l.done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return nil, fmt.Errorf("harness: the listener has ended: %w", l.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("harness: the target did not dial %s: %w", net.JoinHostPort(l.host, strconv.Itoa(l.port)), ctx.Err())
	}
}

// Dials is the number of connections so far, taken by Accept or not. While 256 wait for Accept, no more are counted.
func (l *Listener) Dials() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.dials)
}

// DialTimes tells when they came, since the target was made.
func (l *Listener) DialTimes() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Duration(nil), l.dials...)
}

// Close stops listening and closes the connections that Accept has not taken. Peers stay open.
func (l *Listener) Close() error {
	l.abandon()
	return nil
}

func (l *Listener) abandon() {
	l.close.Do(func() {
		close(l.closing)
		_ = l.socket.Close()
	})
	<-l.done
	for {
		select {
		case conn := <-l.waiting:
			_ = conn.Close()
		default:
			l.target.forget(l)
			return
		}
	}
}

// serve takes connections off the socket until it is closed. When maxHeld wait for Accept it leaves further ones in the
// system's queue, where the target sees them as open.
func (l *Listener) serve() {
	defer l.target.running.Done()
	defer close(l.done)
	for {
		conn, err := l.socket.Accept()
		l.mu.Lock()
		if err == nil {
			l.dials = append(l.dials, l.target.Since())
		}
		l.err = err
		l.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case l.waiting <- conn:
		case <-l.closing:
			_ = conn.Close()
		}
	}
}
