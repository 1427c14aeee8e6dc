package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Client drives the target's client port with nats.go. Its own fence is a PING and its PONG. It never reconnects.
// Safe for concurrent use.
//
// nats.go hides some of what a target does: it forgets client URLs only when others are announced, drops deliveries
// above an automatic unsubscribe, and reads headers into a map. So the connection below it is recorded, and its INFOs
// and deliveries are counted as they come: Servers, Subscription.Delivered and Transcript tell what was on the wire.
type Client struct {
	target    *Target
	nc        *nats.Conn
	tap       *clientTap
	noHeaders bool
	closed    chan struct{} // closed when nats.go has given the connection up

	mu   sync.Mutex
	sids int                   // subscriptions ever made: the n-th has sid n
	subs map[int]*Subscription // those that were not ended, by sid
	errs []error
}

// ClientOption changes a client connection.
type ClientOption func(*clientConfig)

type clientConfig struct {
	name      string
	noHeaders bool
}

// WithoutHeaderSupport makes the client announce no headers. nats.go always announces what the server does, so its
// CONNECT is changed on the way out; the transcript shows the one sent.
func WithoutHeaderSupport() ClientOption { return func(c *clientConfig) { c.noHeaders = true } }

// ClientName is the connection's name in transcripts: "client" without it.
func ClientName(name string) ClientOption { return func(c *clientConfig) { c.name = name } }

// ConnectClient opens a client connection; account "" is the one of Means.Client, another one wants an entry in
// Means.Accounts. The error is ErrNoClient or a *NoAccountError when the operator has not given what it takes.
//
// A connection that fails is tried again: on a machine that is busy a server may be done with it before the client library
// has said CONNECT, or send it a PING of its own where the library wants the PONG (seen 2.1.2).
func (t *Target) ConnectClient(ctx context.Context, account string, opts ...ClientOption) (*Client, error) {
	cfg := clientConfig{name: "client"}
	for _, o := range opts {
		o(&cfg)
	}
	where, err := t.clientURL(account)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		c, err := t.connectClient(ctx, where, cfg)
		if err == nil || try == clientTries || ctx.Err() != nil || !mayConnectYet(err) {
			return c, err
		}
	}
}

// mayConnectYet tells whether another try makes sense: not where nobody listens or answers, nor with credentials that are
// refused.
func mayConnectYet(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrTimeout) && !wasRefused(err) && !(ok && timeout.Timeout())
}

// clientTries is how often a client connection is tried.
const clientTries = 3

func (t *Target) connectClient(ctx context.Context, where *url.URL, cfg clientConfig) (c *Client, err error) {
	c = &Client{target: t, noHeaders: cfg.noHeaders, closed: make(chan struct{}), subs: make(map[int]*Subscription)}
	c.tap = newClientTap(ctx, newTranscript(cfg.name, t.start, passwordOf(where)), cfg.noHeaders)
	c.tap.through = t.ofClient
	c.nc, err = nats.Connect(where.String(),
		nats.Name("natsroute "+cfg.name), nats.NoReconnect(), nats.DontRandomize(),
		nats.Timeout(connectTime(ctx)), nats.SetCustomDialer(c.tap), nats.PingInterval(time.Hour),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.addError(err) }),
		nats.DiscoveredServersHandler(func(*nats.Conn) { c.tap.poke() }),
		nats.ClosedHandler(func(*nats.Conn) { close(c.closed) }))
	if err != nil {
		return nil, fmt.Errorf("harness: client connection to %s: %w", where.Redacted(), err)
	}
	if err := t.track(c, 0); err != nil {
		c.abandon()
		return nil, err
	}
	return c, nil
}

// clientURL is Means.Client with the credentials of the account.
func (t *Target) clientURL(account string) (*url.URL, error) {
	if t.Client == "" {
		return nil, ErrNoClient
	}
	where, err := url.Parse(t.Client)
	if err != nil {
		return nil, fmt.Errorf("harness: the client URL %s cannot be read", redact(t.Client))
	}
	if account != "" {
		c, ok := t.Accounts[account]
		if !ok && account == SetupSpare && t.Spare.User != "" {
			c, ok = t.Spare, true
		}
		if !ok {
			return nil, &NoAccountError{Account: account}
		}
		where.User = url.UserPassword(c.User, c.Password)
	}
	return where, nil
}

// DialClientPort opens a connection to the client port without a client on it: for what a client library does not do. The
// caller closes it. The error is ErrNoClient, or the system's; where is the URL with the credentials of Means.Client.
func (t *Target) DialClientPort(ctx context.Context) (conn net.Conn, where *url.URL, err error) {
	if where, err = t.clientURL(""); err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, t.Patience())
	defer cancel()
	if conn, err = (&net.Dialer{}).DialContext(limited, "tcp", where.Host); err != nil {
		return nil, nil, err
	}
	return t.ofClient(conn), where, nil
}

func passwordOf(u *url.URL) string {
	if u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}

// connectTime is what nats.go, which knows no contexts when it connects, may take.
func connectTime(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return max(time.Until(at), time.Millisecond)
	}
	return 5 * time.Second
}

// Subscription collects messages. 32,768 that nobody has looked at are kept; Fence reports the loss of more.
// Not for concurrent use.
type Subscription struct {
	client *Client
	sid    int
	sub    *nats.Subscription
	queue  chan *nats.Msg // filled by nats.go's reader, before it reads on
	msgs   []*nats.Msg    // taken from queue
}

const subscriptionQueue = 1 << 15

// Subscribe makes a plain subscription. The target knows of it after the next Fence.
func (c *Client) Subscribe(subject string) (*Subscription, error) {
	return c.QueueSubscribe(subject, "")
}

// QueueSubscribe makes a subscription in a queue group. The target knows of it after the next Fence.
func (c *Client) QueueSubscribe(subject, queue string) (*Subscription, error) {
	return c.subscribe(subject, queue, make(chan *nats.Msg, subscriptionQueue))
}

// Also makes a further subscription of the same client that costs next to no memory: the messages of both are in one
// list, which either may empty. It is for interest whose messages do not matter.
func (s *Subscription) Also(subject, queue string) (*Subscription, error) {
	return s.client.subscribe(subject, queue, s.queue)
}

func (c *Client) subscribe(subject, queue string, into chan *nats.Msg) (*Subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &Subscription{client: c, sid: c.sids + 1, queue: into}
	var err error
	if s.sub, err = c.nc.ChanQueueSubscribe(subject, queue, s.queue); err != nil {
		return nil, err
	}
	c.sids++
	c.subs[s.sid] = s
	return s, nil
}

// Publish queues a message. It has been sent after the next Fence.
func (c *Client) Publish(subject string, payload []byte) error { return c.nc.Publish(subject, payload) }

// PublishRequest is Publish with a reply subject, of which nothing is subscribed.
func (c *Client) PublishRequest(subject, reply string, payload []byte) error {
	return c.nc.PublishRequest(subject, reply, payload)
}

// PublishMsg is Publish with headers. A client without header support cannot send any.
func (c *Client) PublishMsg(m *nats.Msg) error {
	if c.noHeaders && len(m.Header) > 0 {
		return nats.ErrHeadersNotSupported
	}
	return c.nc.PublishMsg(m)
}

// Fence sends what is queued and a PING, and waits for the PONG: the target has then taken in all that this client did
// before, and all that it had queued for this client is in its subscriptions.
func (c *Client) Fence(ctx context.Context) error {
	if err := c.flush(ctx); err != nil {
		return fmt.Errorf("harness: client fence: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if err := s.lost(); err != nil {
			return err
		}
	}
	return nil
}

// lost tells whether messages came faster than they were looked at.
func (s *Subscription) lost() error {
	if n, err := s.sub.Dropped(); err == nil && n > 0 {
		return fmt.Errorf("harness: subscription %s lost %d messages that came faster than they were looked at", Printable(s.sub.Subject), n)
	}
	return nil
}

// flush is nats.go's flush.
func (c *Client) flush(ctx context.Context) error {
	ctx, cancel := c.target.bounded(ctx)
	defer cancel()
	return c.nc.FlushWithContext(ctx)
}

// Servers returns the client addresses, host:port, that the target's last INFO announced, and the one we dialled. Over
// TLS it is what nats.go knows.
func (c *Client) Servers() []string {
	announced, readable := c.tap.announced()
	if readable {
		return append([]string{c.tap.dialled}, announced...)
	}
	var servers []string
	for _, s := range c.nc.Servers() {
		_, address, _ := strings.Cut(s, "://")
		servers = append(servers, address)
	}
	return servers
}

// AwaitServers waits until match accepts the client addresses, host:port, that INFO has told the client (and the one we
// dialled), and returns them. A later INFO replaces what an earlier one told.
func (c *Client) AwaitServers(ctx context.Context, match func([]string) bool) ([]string, error) {
	ctx, cancel := c.target.bounded(ctx)
	defer cancel()
	for {
		changed := c.tap.changes()
		if urls := c.Servers(); match(urls) {
			return urls, nil
		}
		select {
		case <-changed:
		case <-c.closed:
			return c.Servers(), fmt.Errorf("harness: the target closed the client connection: %w", nats.ErrConnectionClosed)
		case <-ctx.Done():
			return c.Servers(), fmt.Errorf("harness: no INFO told the client what was awaited: %w", ctx.Err())
		}
	}
}

// Infos returns the INFO objects that the target has sent to this client, in order.
func (c *Client) Infos() []ClientInfo { return c.tap.allInfos() }

// Errors returns what the target's -ERR and nats.go itself complained of while nobody called.
func (c *Client) Errors() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]error(nil), c.errs...)
}

func (c *Client) addError(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

// Transcript is the record of this connection; nothing of it is readable when the client URL says tls.
func (c *Client) Transcript() *Transcript { return c.tap.transcript }

// Close closes the connection: all its interest is gone, some time after.
func (c *Client) Close() { c.abandon() }

func (c *Client) abandon() {
	c.nc.Close()
	<-c.closed
	c.target.forget(c)
}

// Messages returns what was received so far, in order. After Client.Fence that is all that the target had queued.
func (s *Subscription) Messages() []*nats.Msg {
	for {
		select {
		case m := <-s.queue:
			s.msgs = append(s.msgs, m)
		default:
			return s.msgs[:len(s.msgs):len(s.msgs)]
		}
	}
}

// Await waits until n messages were received in all, and returns them.
func (s *Subscription) Await(ctx context.Context, n int) ([]*nats.Msg, error) {
	ctx, cancel := s.client.target.bounded(ctx)
	defer cancel()
	for {
		if all := s.Messages(); len(all) >= n {
			return all, nil
		}
		select {
		case m := <-s.queue:
			s.msgs = append(s.msgs, m)
		case <-s.client.closed:
			return s.Messages(), nats.ErrConnectionClosed
		case <-ctx.Done():
			all := s.Messages()
			if len(all) >= n {
				return all, nil
			}
			return all, fmt.Errorf("harness: %d of %d messages came on %s: %w", len(all), n, Printable(s.sub.Subject), ctx.Err())
		}
	}
}

// Delivered is the number of messages that the target has sent for this subscription, also those that came after its
// end and that nats.go has dropped.
func (s *Subscription) Delivered() int { return s.client.tap.delivered(s.sid) }

// Unsubscribe ends the subscription. The target knows of it after the next Fence. The error says that it has ended before, or
// that messages of it were lost.
func (s *Subscription) Unsubscribe() error {
	c := s.client
	c.mu.Lock()
	delete(c.subs, s.sid)
	c.mu.Unlock()
	return errors.Join(s.lost(), s.sub.Unsubscribe())
}

// AutoUnsubscribe asks the target to end the subscription after max messages in all.
func (s *Subscription) AutoUnsubscribe(max int) error { return s.sub.AutoUnsubscribe(max) }

// Dial is nats.go's hook: one connection, recorded.
func (t *clientTap) Dial(network, address string) (net.Conn, error) {
	if t.conn != nil {
		return nil, errors.New("a client of the harness connects once")
	}
	var d net.Dialer
	conn, err := d.DialContext(t.ctx, network, address)
	if err != nil {
		return nil, err
	}
	t.conn = conn
	t.dialled = address
	t.transcript.note("opened to %s", conn.RemoteAddr())
	return &tappedConn{Conn: t.through(conn), tap: t}, nil
}

// withoutHeaders changes nats.go's CONNECT line.
func withoutHeaders(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte("CONNECT ")) {
		return b
	}
	b = bytes.Replace(b, []byte(`"headers":true`), []byte(`"headers":false`), 1)
	return bytes.Replace(b, []byte(`"no_responders":true`), []byte(`"no_responders":false`), 1)
}
