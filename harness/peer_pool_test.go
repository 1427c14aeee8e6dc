package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/reference/wire"
)

// pooledVersions are the oldest server whose pools are as they are now, and the newest.
var pooledVersions = []string{"v2.10.27", "v2.15.2"}

func TestPoolOptionsAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, theirs := pipe(t, Pooled(3, 2), PinnedTo("ACC"))
		if i, account := p.Place(); i != 0 || account != "" {
			t.Errorf("before it announced anything: %d %q", i, account)
		}
		go func() { _ = p.Send(p.OwnInfo()) }()
		got := sent(t, theirs)
		if !strings.Contains(got, `"route_pool_size":3,"route_pool_idx":2,"route_account":"ACC"`) {
			t.Errorf("sent %s", got)
		}
		if i, account := p.Place(); i != 2 || account != "ACC" {
			t.Errorf("place %d %q", i, account)
		}
		says(t, theirs, "RS+ a\r\n")
		if op := p.Seen()[1].Op; string(op.Subject) != "a" || len(op.Account) != 0 {
			t.Errorf("read %s", op.String())
		}
	})
}

// arrives dials as one connection of a pooled server.
func arrives(t *testing.T, l *Listener, place string) {
	t.Helper()
	c := value[net.Conn](t)(net.Dial("tcp", l.socket.Addr().String()))
	ended := make(chan struct{})
	t.Cleanup(func() { _ = c.Close(); <-ended })
	_, err := fmt.Fprintf(c, "CONNECT {\"name\":\"D\"}\r\nINFO {\"server_id\":\"D\",\"route_pool_size\":2%s}\r\n", place)
	must(t, err)
	go func() {
		defer close(ended)
		lines(c, func(line string) {
			if line == "PING" {
				_, _ = c.Write([]byte("PONG\r\n"))
			}
		})
	}()
}

func TestAcceptPoolSortsWhatComes(t *testing.T) {
	tg := startFake(t, greets(fakeINFO)).target(t)
	l := value[*Listener](t)(tg.NewListener(deadline(t)))
	for _, place := range []string{`,"route_account":"B"`, `,"route_pool_idx":1`, `,"route_account":"A"`, ""} {
		arrives(t, l, place)
	}
	pool := value[[]*Peer](t)(l.AcceptPool(deadline(t), "L", 4, Pooled(2, 0)))
	order := places(pool)
	for i, p := range pool {
		order[i] += " " + p.Name()
		if p.ID() != pool[0].ID() {
			t.Error("the pool announces several servers")
		}
	}
	if diff := cmp.Diff([]string{"0 L3", "1 L1", "0A L2", "0B L0"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	arrives(t, l, "")
	if _, err := l.AcceptPool(brief(t), "L", 2); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection 2 of a pool of 2") {
		t.Errorf("%v", err)
	}
}

func places(pool []*Peer) []string {
	var all []string
	for _, p := range pool {
		i, account := p.Place()
		all = append(all, fmt.Sprint(i, account))
	}
	return all
}

// A real server and the harness are a pool to each other in both directions.
func TestPoolsOfRealServers(t *testing.T) {
	for _, version := range pooledVersions {
		t.Run(version, func(t *testing.T) {
			tg := launchReal(t, version, LaunchConfig{})
			first := value[*Peer](t)(tg.Join(deadline(t), "A0", Pooled(3, 0)))
			for i := 1; i < 3; i++ {
				p := value[*Peer](t)(tg.Join(deadline(t), fmt.Sprint("A", i), WithID(first.ID()), Pooled(3, i)))
				must(t, p.Fence(deadline(t)))
			}
			system := value[*Peer](t)(tg.Join(deadline(t), "A$SYS", WithID(first.ID()), Pooled(3, 0), PinnedTo("$SYS")))
			isSystem := func(s Seen) bool {
				return s.Op.Kind == wire.Sub && len(s.Op.Account) == 0 && strings.HasPrefix(string(s.Op.Subject), "$SYS.")
			}
			if _, err := system.Await(deadline(t), isSystem); err != nil {
				t.Errorf("interest of the system account on its own connection: %v", err)
			}

			l := value[*Listener](t)(tg.NewListener(deadline(t)))
			host, port := l.Address()
			news := first.OwnInfo().InfoBody.Clone()
			id := "NPOOLTHIRD"
			news.ServerID, news.ServerName, news.Host, news.Port, news.IP = id, id, host, port, l.URL()
			pinned := news.Clone() // a server tells of each dedicated connection: without that none is dialled
			pinned.RoutePoolSize, pinned.RouteAccount = 3, "$SYS"
			must(t, first.Send(wire.NewInfo(news), wire.NewInfo(pinned)))
			pool := value[[]*Peer](t)(l.AcceptPool(deadline(t), "L", 4, WithID(id), Pooled(3, 0)))
			for _, p := range pool {
				must(t, p.Fence(deadline(t)))
			}
			if diff := cmp.Diff([]string{"0", "1", "2", "0$SYS"}, places(pool)); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}
