package fault

import (
	"errors"
	"net"

	"github.com/natsroute/natsroute/reference/wire"
)

// companion is a route connection of the box's own to the server: it has what a fault takes from other accounts.
type companion struct{ conn net.Conn }

var errNotIntroduced = errors.New("the server has not introduced itself: nobody knows its cluster")

// companion opens a connection to the server, without TLS, which ends with this one. What the server says on it goes to heard, which
// may be nil.
func (l *Link) companion(heard func(Frame)) (*companion, error) {
	if l.Server == nil {
		return nil, errNotIntroduced
	}
	conn, err := net.Dial("tcp", l.toServer.to.RemoteAddr().String())
	if err != nil {
		return nil, err
	}
	c := &companion{conn}
	id := l.numberedID("NCOMPANION" + l.Server.ServerID[:min(40, len(l.Server.ServerID))])
	c.send(
		wire.NewConnect(&wire.ConnectBody{Echo: true, Headers: true, Name: id, Cluster: l.Server.Cluster}),
		wire.NewInfo(&wire.InfoBody{ServerID: id, ServerName: id, Version: "2.0.0", Proto: 2, Host: "127.0.0.1", Port: 1, Headers: true, MaxPayload: 1 << 20, Cluster: l.Server.Cluster, IP: "-"}),
	)
	l.timers.Go(func() {
		c.read(func(f Frame) {
			l.step.Lock()
			defer l.step.Unlock()
			if heard != nil {
				heard(f)
			}
		})
	})
	l.timers.Go(func() {
		<-l.done
		_ = conn.Close()
	})
	return c, nil
}

func (c *companion) send(ops ...wire.Op) {
	for _, op := range ops {
		_, _ = c.conn.Write(op.AppendTo(nil))
	}
}

func (c *companion) read(heard func(Frame)) {
	frames, buf := newFramer(), make([]byte, 4096)
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			return
		}
		got, _, _ := frames.split(append([]byte(nil), buf[:n]...))
		for _, f := range got {
			if f.Op.Kind == wire.Ping {
				c.send(wire.NewPong())
			}
			if f.Op.Kind != wire.None {
				heard(f)
			}
		}
	}
}
