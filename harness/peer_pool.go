package harness

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/natsroute/natsroute/reference/wire"
)

// Pooled announces a pool of that size, and the connection's place in it: from 0 on where we dial, always 0 where the
// target does, since the side that dials numbers (2.10 and later).
func Pooled(size, index int) PeerOption {
	return WithInfo(func(info *wire.InfoBody) { info.RoutePoolSize, info.RoutePoolIndex = size, index })
}

// PinnedTo dedicates a connection that we dial to one account: no operation on it carries an account then, in either
// direction. Servers take it from a pooled peer only (2.10 and later), so it goes with Pooled.
func PinnedTo(account string) PeerOption {
	return WithInfo(func(info *wire.InfoBody) { info.RouteAccount = account })
}

// Place is the connection's place among those between two servers, as the side that dialled has announced it: its index
// in the pool, or the account that it is dedicated to. 0 and empty: nothing was announced yet, or nothing but that.
func (p *Peer) Place() (index int, account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info := p.announced
	if !p.in.dialled {
		info = cmp.Or(p.in.placed, p.in.info) // the plain INFO before S2 tells no place
	}
	if info == nil {
		return 0, ""
	}
	return info.RoutePoolIndex, info.RouteAccount
}

// Answer registers us on a connection that the target has dialled: it sends INFO and PING, and waits for the PONG and the
// target's INFO; with compression chosen by both ends it goes over to S2 before the PING. Errors are those of Fence.
func (p *Peer) Answer(ctx context.Context) error {
	if p.cfg.compression {
		return p.answerCompressed(ctx)
	}
	if err := p.fence(ctx, p.OwnInfo()); err != nil {
		return err
	}
	return p.awaitInfo(ctx)
}

// AcceptPool accepts and answers n dials of the target, all as one server: the connections of its pool and those
// dedicated to an account, in whatever order they come. With Pooled among the options the target takes us for a pooled
// server. The peers are named by order of arrival, L0 L1 … for the name L, and returned by index, dedicated ones by
// account behind them. On an error those accepted are left.
func (l *Listener) AcceptPool(ctx context.Context, name string, n int, opts ...PeerOption) ([]*Peer, error) {
	pool := make([]*Peer, 0, n)
	for i := range n {
		if i == 1 {
			opts = append(opts[:len(opts):len(opts)], WithID(pool[0].ID()))
		}
		p, err := l.Accept(ctx, fmt.Sprintf("%s%d", name, i), opts...)
		if err == nil {
			pool = append(pool, p)
			err = p.Answer(ctx)
		}
		if err != nil {
			for _, p := range pool {
				p.Leave()
			}
			return nil, fmt.Errorf("harness: connection %d of a pool of %d: %w", i+1, n, err)
		}
	}
	slices.SortStableFunc(pool, byPlace)
	return pool, nil
}

func byPlace(a, b *Peer) int {
	i, first := a.Place()
	j, second := b.Place()
	return cmp.Or(cmp.Compare(first, second), cmp.Compare(i, j))
}
