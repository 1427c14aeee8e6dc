package spec

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerLameDuck: targets that are told to end. Each way is gone once, by a future on a server of its own; the specs
// judge what was seen.
func registerLameDuck(s *Suite) {
	Describe("A target in lame duck mode", func() {
		begun := Prepare(s, "RT-LDM-001", func(ctx context.Context, s *Site) duck { return s.goLame(ctx) }).Also(
			"RT-LDM-002", "RT-LDM-003", "RT-LDM-004", "RT-LDM-005", "RT-LDM-006", "RT-LDM-007", "RT-LDM-008", "RT-LDM-009")
		lame := func(ctx context.Context) duck {
			GinkgoHelper()
			d := joined(ctx, s, begun, duck.peers)
			Expect(d.err).NotTo(HaveOccurred(), "what led to lame duck mode: two routes, a client, and the order")
			return d
		}
		lameTells(s, lame)
		lameServes(s, lame)
		lameEnds(s, lame)
	})
	Describe("A target that is shut down", func() { shutDown(s) })
}

// serverNews is what servers tell each other in the system account.
const serverNews = "$SYS.SERVER.>"

// lameLimit is how long a target that is set up for it may be in lame duck mode while it has two clients: a second before
// one is closed, another before the second is, and what it may take to end.
func (s *Site) lameLimit() time.Duration { return 3*time.Second + s.Patience() }

// duck is what was seen of lame duck mode. Peer a has client addresses and interest, peer b listens to the system account.
type duck struct {
	a, b      *harness.Peer
	url       *clientURL // of a
	marks     [2]int     // what a and b had seen when the target was told
	client    *harness.Client
	own, news string // subjects of the client's and of a's interest
	others    string // and of another client's
	err       error  // it did not come so far

	refused  error    // why no client could connect any more; nil: one could, to the end
	told     error    // no INFO with ldm came to a or b
	received []string // payloads at the client, which a sent after that
	accepted bool     // a further route was accepted then
	ended    [2]error // a or b was not closed
}

func (d duck) peers() []*harness.Peer { return []*harness.Peer{d.a, d.b} }

// goLame takes the target through lame duck mode.
func (s *Site) goLame(ctx context.Context) (d duck) {
	word := "nr" + s.o.Nonce + ".lame."
	d.own, d.others, d.news = word+"own", word+"others", word+"news"
	sub, err := d.settle(ctx, s)
	if err != nil {
		d.err = err
		return d
	}
	d.marks = [2]int{d.a.Mark(), d.b.Mark()}
	if d.err = s.Order(ctx, harness.EnterLameDuck); d.err != nil {
		return d
	}
	tells := s.known.profile.Has("RT-LDM-001")
	d.refused = s.awaitRefusal(ctx)
	for i, p := range d.peers() {
		if tells {
			_, err := p.AwaitSince(ctx, d.marks[i], isLame)
			d.told = errors.Join(d.told, err)
		}
	}
	d.exchange(ctx, s, sub)
	if further, err := s.target.Dial(ctx, "C"); err == nil {
		d.accepted = further.Register(ctx) == nil
		further.Leave()
	}
	if !tells { // a generation that takes long for the rest
		return d
	}
	for i, p := range d.peers() {
		_, d.ended[i] = p.Closed(harness.WithPatience(ctx, s.lameLimit()))
	}
	return d
}

func isLame(seen harness.Seen) bool { return seen.Op.Kind == wire.Info && seen.Op.InfoBody.LameDuck }

// settle registers the peers and the clients. There are two: the target closes one after the other.
func (d *duck) settle(ctx context.Context, s *Site) (*harness.Subscription, error) {
	d.url = &clientURL{host: "127.77.1.1"}
	var err error
	if d.a, err = s.target.Join(ctx, "A", harness.WithInfo(d.url.announce)); err != nil {
		return nil, err
	}
	if d.b, err = s.target.Join(ctx, "B"); err != nil {
		return nil, err
	}
	if d.client, err = s.target.ConnectClient(ctx, ""); err != nil {
		return nil, err
	}
	sub, err := d.client.Subscribe(d.own)
	if err != nil {
		return nil, err
	}
	other, err := s.target.ConnectClient(ctx, "")
	if err != nil {
		return nil, err
	}
	if _, err := other.Subscribe(d.others); err != nil {
		return nil, err
	}
	if _, err := d.client.AwaitServers(ctx, d.url.in); err != nil && len(s.Info().ConnectURLs) > 0 {
		return nil, err
	}
	return sub, errors.Join(
		d.a.Send(wire.NewSub(s.Account(), d.news)), d.b.Send(wire.NewSub(systemAccount, serverNews)),
		other.Fence(ctx), d.client.Fence(ctx), d.a.Fence(ctx), d.b.Fence(ctx),
	)
}

// greeted opens a connection to the client port and takes the first byte of the greeting, or says why none came.
func (s *Site) greeted(ctx context.Context) error {
	conn, _, err := s.target.DialClientPort(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, err = conn.Read(make([]byte, 1))
	return err
}

// exchange sends a message each way between the client and a.
func (d *duck) exchange(ctx context.Context, s *Site, sub *harness.Subscription) {
	_ = d.a.Send(wire.NewMsg(s.Account(), d.own, "", []byte("in")))
	_ = d.client.Publish(d.news, []byte("out"))
	_ = d.a.Fence(ctx)
	_ = d.client.Fence(ctx)
	_ = d.a.Fence(ctx)
	for _, m := range sub.Messages() {
		d.received = append(d.received, string(m.Data))
	}
}

// awaitRefusal tries to connect to the client port until no client is greeted there, while the target's patience lasts. What
// stands before a target may take a connection that the target does not.
func (s *Site) awaitRefusal(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.Patience())
	defer cancel()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for {
		err := s.greeted(limited)
		switch {
		case limited.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-pace.C:
		case <-limited.Done():
			return nil
		}
	}
}

// lameTells: what routes and clients are told.
func lameTells(s *Suite, lame func(context.Context) duck) {
	It("tells each route by INFO with ldm, once", s.Req("RT-LDM-001/each-route"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		Expect(d.told).NotTo(HaveOccurred(), "INFO with ldm on two routes")
		for i, p := range d.peers() {
			Expect(lameInfos(p, d.marks[i])).To(HaveLen(1), "INFO with ldm on route %s", p.Name())
		}
	})

	It("says of itself what it said before", s.Req("RT-LDM-002/same"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		Expect(d.told).NotTo(HaveOccurred(), "INFO with ldm on two routes")
		for i, p := range d.peers() {
			was, is := p.Info(), lameInfos(p, d.marks[i])[0]
			Expect(fmt.Sprint(is.ServerID, " ", is.Host, " ", is.Port, " ", is.Cluster)).To(Equal(fmt.Sprint(was.ServerID, " ", was.Host, " ", was.Port, " ", was.Cluster)), "server_id, host, port and cluster")
		}
	})

	It("tells its clients by INFO with ldm and the addresses of its peers only", s.Req("RT-LDM-003/clients"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		infos := d.client.Infos()
		if len(infos) == 0 || len(s.Info().ConnectURLs) == 0 {
			s.NotApplicable("the target advertises no client URLs, or what the client is told cannot be read")
		}
		last := infos[len(infos)-1]
		Expect(last.LameDuck).To(BeTrue(), "ldm in the last INFO that a client got")
		Expect(last.ConnectURLs).To(Satisfy(d.url.in), "the address of a peer in connect_urls")
		Expect(last.ConnectURLs).NotTo(ContainElement(BeElementOf(s.Info().ConnectURLs)), "the target's own addresses in connect_urls")
	})

	It("tells the system account too, or does not", s.Req("RT-LDM-008/system-account"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		s.observeSystemNews(d.b, d.marks[1], "LAMEDUCK")
		Expect(systemNews(d.a, d.marks[0])).To(BeEmpty(), "messages of the system account to a peer that has not asked for them")
	})
}

func lameInfos(p *harness.Peer, mark int) []*wire.InfoBody {
	var out []*wire.InfoBody
	for _, seen := range p.Since(mark) {
		if isLame(seen) {
			out = append(out, seen.Op.InfoBody)
		}
	}
	return out
}

// systemNews are the subjects on which the target told of itself in the system account.
func systemNews(p *harness.Peer, mark int) (subjects []string) {
	for _, seen := range p.Since(mark) {
		if seen.Op.Kind.IsMessage() && string(seen.Op.Account) == systemAccount {
			subjects = append(subjects, string(seen.Op.Subject))
		}
	}
	return subjects
}

// observeSystemNews tells whether the target has told p of an event of its own.
func (s *Suite) observeSystemNews(p *harness.Peer, mark int, event string) {
	for _, subject := range systemNews(p, mark) {
		if subject == "$SYS.SERVER."+s.Info().ServerID+"."+event {
			s.Observe("told")
			return
		}
	}
	s.Observe("not told")
}

// lameServes: what goes on.
func lameServes(s *Suite, lame func(context.Context) duck) {
	It("takes no new client", s.Req("RT-LDM-004/refused"), Late, func(ctx SpecContext) {
		Expect(lame(ctx).refused).To(HaveOccurred(), "a connection to the client port, tried again and again")
	})

	It("carries messages both ways while its clients are still there", s.Req("RT-LDM-005/both-ways"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		Expect(d.received).To(Equal([]string{"in"}), "a message of a peer at a client")
		Expect(d.a.Since(d.marks[0])).To(s.ContainOp(wire.NewMsg(s.Account(), d.news, "", []byte("out"))), "a message of a client at a peer")
	})

	It("takes new routes, or does not", s.Req("RT-LDM-009/route"), Late, func(ctx SpecContext) {
		if lame(ctx).accepted {
			s.Observe("accepted")
			return
		}
		s.Observe("refused")
	})
}

// lameEnds: what is said and done at the end.
func lameEnds(s *Suite, lame func(context.Context) duck) {
	It("takes back the interest of its clients as it closes them", s.Req("RT-LDM-006/interest"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		for i, p := range d.peers() { // whose is closed first is up to the target, and the last one's interest may end with the route
			Expect(p.Since(d.marks[i])).To(Or(
				s.ContainOp(wire.NewUnsub(s.Account(), d.own)), s.ContainOp(wire.NewUnsub(s.Account(), d.others)),
			), "RS- on route %s for the interest of the client that was closed first", p.Name())
		}
	})

	It("closes its routes in the end, without -ERR", s.Req("RT-LDM-007/closed"), Late, func(ctx SpecContext) {
		d := lame(ctx)
		for i, p := range d.peers() {
			Expect(d.ended[i]).NotTo(HaveOccurred(), "the end of route %s within %v: its two clients are closed one after the other", p.Name(), s.lameLimit().Round(time.Millisecond))
			Expect(ofKind(p.Since(d.marks[i]), wire.Err)).To(BeEmpty(), "-ERR on route %s", p.Name())
		}
	})
}
