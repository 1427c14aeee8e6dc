package spec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

// errOneListener: an operator who names an address to listen on gives one, and the specs that wait for nothing have it.
var errOneListener = errors.New("there is one address to listen on, and others listen there")

// lure is invite for a future: a peer of the future's own tells the target of a server at a listener of ours. The word
// stands in the server's id. The caller closes the listener.
func (s *Site) lure(ctx context.Context, word string) (l *harness.Listener, id string, err error) {
	if s.target.Listen != "" {
		return nil, "", errOneListener
	}
	if l, err = s.target.NewListener(ctx); err != nil {
		return nil, "", err
	}
	id = s.strangerID(word)
	p, err := s.target.Join(ctx, "A", harness.Bystander())
	if err == nil {
		err = p.Send(news(p, id, l))
	}
	if err != nil {
		_ = l.Close()
		return nil, "", err
	}
	return l, id, nil
}

// strangerID is the id of a server that only futures tell the target about. It is used once.
func (s *Site) strangerID(word string) string {
	return fmt.Sprintf("N%sX%s%d", strings.ToUpper(s.o.Nonce), strings.ReplaceAll(word, "-", ""), s.strangers.Add(1))
}

// watchDialled makes the target dial us, does something on the first connection and waits for the target to close it, up
// to a limit.
func (s *Site) watchDialled(ctx context.Context, word string, limit time.Duration, do func(*harness.Peer) error, opts ...harness.PeerOption) ending {
	l, id, err := s.lure(ctx, word)
	if err != nil {
		return ending{err: err}
	}
	defer func() { _ = l.Close() }()
	return s.watch(ctx, limit, func(ctx context.Context) (*harness.Peer, error) {
		p, err := l.Accept(ctx, "L", append(opts, harness.WithID(id))...)
		if err == nil {
			err = do(p)
		}
		return p, err
	})
}

// sayNothing is for watchDialled: nothing is done.
func sayNothing(*harness.Peer) error { return nil }

// NeedsOwnListener ends a spec whose future needed a listener beside those of other specs and had none.
func (s *Suite) NeedsOwnListener() {
	if s.target.Listen != "" {
		s.NotTested(report.NeedsListener)
	}
}
