package harness

import "context"

// Ended tells whether the target has closed the connection.
func (p *Peer) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.closing != nil
}

// CanListen tells whether NewListener can work: the operator gave an address, or the target is on this machine.
func (t *Target) CanListen(ctx context.Context) bool {
	if t.Listen != "" {
		return true
	}
	local, _ := t.loopback(ctx)
	return local
}

// Closed tells whether the connection has ended, by Close or by the target.
func (c *Client) Closed() bool { return c.nc.IsClosed() }
