package harness

import (
	"context"
	"fmt"
	"net"
)

// RouteListener is the listener to which the target has a configured route; nil: there is none. It has been open since
// before the target started, and closes with the target.
func (t *Target) RouteListener() *Listener { return t.routed }

// heldRoute makes a socket to which the target has a configured route its RouteListener; nil: there is none.
func (t *Target) heldRoute(socket net.Listener) error {
	if socket == nil {
		return nil
	}
	l, err := t.listenOn(socket)
	if err == nil {
		t.routed, t.RouteTo = l, socket.Addr().String()
	}
	return err
}

// HoldRoute listens where the target, which somebody else runs, has a configured route: Means.RouteTo.
func (t *Target) HoldRoute(ctx context.Context) error {
	if t.RouteTo == "" || t.routed != nil {
		return nil
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.RouteTo)
	if err != nil {
		return fmt.Errorf("harness: cannot listen where the target has a configured route: %w", err)
	}
	return t.heldRoute(socket)
}
