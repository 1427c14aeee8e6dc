package spec

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerReload: the target takes over a changed configuration while its routes run.
func registerReload(s *Suite) {
	Describe("Reloaded permissions", func() {
		reloadedPermissions(s)
		reloadedExport(s)
	})
	Describe("Reloaded accounts", func() { reloadedAccounts(s) })
	Describe("Reloaded credentials", func() { reloadedCredentials(s) })
	Describe("Reloaded routes", func() { reloadedRoutes(s) })
	registerReloadPinned(s)
}

// Anew starts the server of the running spec again, so that it knows nobody: a reload concerns all its routes. The setup
// is put back when the spec ends.
func (s *Suite) Anew(ctx SpecContext) {
	GinkgoHelper()
	before := s.setup
	Expect(s.Target().Restart(ctx)).To(Succeed(), "the server could not be started again")
	DeferCleanup(func(ctx SpecContext) { s.Change(ctx, func(setup *harness.Setup) { *setup = before }) })
}

// Change changes the setup of a server that runs. It is told, and has not done it yet.
func (s *Suite) Change(ctx context.Context, edit func(*harness.Setup)) {
	GinkgoHelper()
	err := s.Target().Reconfigure(ctx, edit)
	if errors.Is(err, harness.ErrNoOrders) {
		s.NotTested("needs-reload")
	}
	Expect(err).NotTo(HaveOccurred(), "the configuration could not be changed")
}

// changed is Change, until p has had an INFO that match accepts; the operations behind it are there too.
func (s *Suite) changed(ctx SpecContext, p *harness.Peer, edit func(*harness.Setup), match func(*wire.InfoBody) bool) *wire.InfoBody {
	GinkgoHelper()
	mark, id := p.Mark(), p.Info().ServerID
	s.Change(ctx, edit)
	told, err := p.AwaitSince(ctx, mark, func(seen harness.Seen) bool {
		return seen.Op.Kind == wire.Info && seen.Op.InfoBody.ServerID == id && match(seen.Op.InfoBody)
	})
	Expect(err).NotTo(HaveOccurred(), "no INFO tells the peer of what has changed")
	s.Fence(ctx, p)
	return told.Op.InfoBody
}

// permit and lift change the target's permissions, and wait until p has been told.
func (s *Suite) permit(ctx SpecContext, p *harness.Peer) *wire.InfoBody {
	GinkgoHelper()
	return s.changed(ctx, p, func(setup *harness.Setup) { setup.Permissions = true }, func(info *wire.InfoBody) bool { return info.Import != nil || info.Export != nil })
}

func (s *Suite) lift(ctx SpecContext, p *harness.Peer) *wire.InfoBody {
	GinkgoHelper()
	return s.changed(ctx, p, func(setup *harness.Setup) { setup.Permissions = false }, func(info *wire.InfoBody) bool { return info.Import == nil && info.Export == nil })
}

func reloadedPermissions(s *Suite) {
	It("are told to a peer that is connected", s.Req("RT-RLD-001/info"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		told, want := s.permit(ctx, p), harness.SetupPermissions
		Expect(told.Import).To(Equal(&wire.SubjectPermission{Allow: []string{want.Import}, Deny: []string{want.DeniedImport}}), "import in INFO")
		Expect(told.Export).To(Equal(&wire.SubjectPermission{Allow: []string{want.Export}, Deny: []string{want.DeniedExport}}), "export in INFO")
		s.lift(ctx, p)
		s.ExpectOpen(ctx, p)
	})

	It("end announced interest that they do not allow any more, and no other", s.Req("RT-RLD-002/ended"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.subscribed(c, "import.a", "other.a", "import.secret.a")
		s.QueueSubscribe(c, s.Subject("other.work"), "q")
		s.ClientToPeers(ctx, c, p)
		s.permit(ctx, p)
		Expect(s.Own(p)[4:]).To(s.BeOpsInAnyOrder(append(s.unsubs("other.a", "import.secret.a"), s.unsub("other.work", "q"))...), "RS- for what may not be imported any more")
	})

	It("bring interest that they allow newly, and no other", s.Req("RT-RLD-003/begun"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.permit(ctx, p)
		s.subscribed(c, "import.a", "other.a", "import.secret.a")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.subs("import.a")...), "RS+ for what may be imported now")
		s.lift(ctx, p)
		Expect(s.Own(p)[1:]).To(s.BeOpsInAnyOrder(s.subs("other.a", "import.secret.a")...), "RS+ for what may be imported again")
	})

	It("concern every account", s.Req("RT-RLD-004/accounts"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.subscribedIn(ctx, two, "other.a", "import.a")
		s.Fence(ctx, p)
		s.permit(ctx, p)
		ended := []wire.Op{wire.NewUnsub(two.x, s.Subject("other.a")), wire.NewUnsub(two.y, s.Subject("other.a"))}
		Expect(s.Own(p)[4:]).To(s.BeOpsInAnyOrder(ended...), "RS- in two accounts for what may not be imported any more")
	})

	It("may be news of interest to one of several peers only", s.Req("RT-RLD-009/two-peers"), func(ctx SpecContext) {
		s.Anew(ctx)
		a, b, c := s.Join(ctx, "A"), s.Join(ctx, "B"), s.Client(ctx)
		s.subscribed(c, "other.a")
		s.ClientToPeers(ctx, c, a, b)
		s.permit(ctx, a)
		_, err := b.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Kind == wire.Info && seen.Op.InfoBody.Import != nil })
		Expect(err).NotTo(HaveOccurred(), "no INFO tells the second peer of what has changed")
		s.Fence(ctx, b)
		told := 0
		for _, p := range []*harness.Peer{a, b} {
			told += len(s.Own(p)[1:])
		}
		Expect(told).To(BeNumerically(">=", 1), "RS- at any peer")
		s.Observe(map[bool]string{true: "told to each", false: "told to one"}[told == 2])
	})

	It("may bring groups in one of several ways", s.Req("RT-RLD-005/group"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.permit(ctx, p)
		s.QueueSubscribe(c, s.Subject("other.work"), "q")
		s.ClientToPeers(ctx, c, p)
		group := s.sub("other.work", "q", 1)
		s.Change(ctx, func(setup *harness.Setup) { setup.Permissions = false })
		_, err := p.Await(ctx, func(seen harness.Seen) bool { return seen.Op.Equal(&group) })
		if isWeightless(err, group) {
			s.Observe("RS+ without its weight")
			return
		}
		Expect(err).NotTo(HaveOccurred(), "the group that may be imported again")
		s.Observe("RS+ with its weight")
	})
}

func reloadedExport(s *Suite) {
	It("end a peer's interest that they do not allow any more, and no other", s.Req("RT-RLD-006/ended"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.Send(p, s.subs("export.a", "other.a", "export.secret.a")...)
		s.Send(p, s.sub("other.work", "q", 1))
		s.Fence(ctx, p)
		s.permit(ctx, p)
		Expect(s.brought(ctx, p, c, []string{"other.a", "export.secret.a", "other.work", "export.a"})).To(s.BeOps(s.msgs("export.a")...), "messages on interest, of which some may not be exported any more")
	})

	It("let a peer have again what they allow again", s.Req("RT-RLD-007/repeated"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.permit(ctx, p)
		s.lift(ctx, p)
		s.Send(p, s.subs("other.a")...)
		s.Fence(ctx, p)
		Expect(s.brought(ctx, p, c, []string{"other.a"})).To(s.BeOps(s.msgs("other.a")...), "a message on interest that may be exported again, and was declared then")
	})

	It("may bring back interest that they had ended", s.Req("RT-RLD-008/brought-back"), func(ctx SpecContext) {
		s.Anew(ctx)
		p, c := s.Join(ctx, "A"), s.Client(ctx)
		s.Send(p, s.subs("other.a", "export.a")...)
		s.Fence(ctx, p)
		s.permit(ctx, p)
		s.lift(ctx, p)
		if len(s.brought(ctx, p, c, []string{"other.a", "export.a"})) == 2 {
			s.Observe("in force again")
			return
		}
		Expect(s.Own(p)).To(s.BeOps(s.msgs("export.a")...), "a message on interest that was allowed all the time")
		s.Observe("has to be declared again")
	})
}

// spareClient brings a further account, and connects a client of it. Permissions change with it, since their news tell that the
// target is done: a client that comes before may be sent away again (seen 2.5.0).
func (s *Suite) spareClient(ctx SpecContext, p *harness.Peer) *harness.Client {
	GinkgoHelper()
	more := func(setup *harness.Setup) { setup.Spare, setup.Permissions = true, true }
	s.changed(ctx, p, more, func(info *wire.InfoBody) bool { return info.Import != nil })
	return s.AccountClient(ctx, harness.SetupSpare)
}

func reloadedAccounts(s *Suite) {
	It("have their interest announced to peers that are connected", s.Req("RT-RLD-010/announced"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		c := s.spareClient(ctx, p)
		s.Subscribe(c, s.Subject("import.orders"))
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(harness.SetupSpare, s.Subject("import.orders"))), "interest in an account that came by a reload")
	})

	It("have messages both ways with peers that are connected", s.Req("RT-RLD-011/messages"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		c := s.spareClient(ctx, p)
		sub := s.Subscribe(c, s.Subject("import.in"))
		s.Flush(ctx, c)
		s.Send(p, wire.NewSub(harness.SetupSpare, s.Subject("export.out")), wire.NewMsg(harness.SetupSpare, s.Subject("import.in"), "", []byte("m")))
		s.PeerToClients(ctx, p, c)
		s.Publish(c, s.Subject("export.out"), "", "m")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{s.Subject("import.in"), "", "m"}), "a peer's RMSG in an account that came by a reload")
		Expect(ofKind(s.Own(p), wire.Msg)).To(s.BeOps(wire.NewMsg(harness.SetupSpare, s.Subject("export.out"), "", []byte("m"))), "a client's message in an account that came by a reload")
	})

	It("may know of interest that a peer declared before", s.Req("RT-RLD-012/declared-before"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		s.Send(p, wire.NewSub(harness.SetupSpare, s.Subject("export.orders")))
		s.Fence(ctx, p)
		c := s.spareClient(ctx, p)
		s.Publish(c, s.Subject("export.orders"), "", "m")
		s.ClientToPeers(ctx, c, p)
		if len(s.Own(p)) == 0 {
			s.Observe("has to be declared again")
			return
		}
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(harness.SetupSpare, s.Subject("export.orders"), "", []byte("m"))), "interest declared before its account was there")
		s.Observe("in force")
	})

	It("take their interest with them when they go", s.Req("RT-RLD-013/gone"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		c := s.spareClient(ctx, p)
		s.Subscribe(c, s.Subject("import.orders"))
		s.ClientToPeers(ctx, c, p)
		s.Change(ctx, func(setup *harness.Setup) { setup.Spare = false })
		s.AwaitOp(ctx, p, wire.NewUnsub(harness.SetupSpare, s.Subject("import.orders")), "the interest of an account that is gone")
		s.ExpectOpen(ctx, p)
	})
}

func reloadedCredentials(s *Suite) {
	It("end the routes that would not be let in any more", s.Req("RT-RLD-020/closed"), func(ctx SpecContext) {
		s.Anew(ctx)
		p := s.Join(ctx, "A")
		s.Change(ctx, func(setup *harness.Setup) { setup.Auth = true })
		s.ExpectClosed(ctx, p, "Authorization Violation")
	})
}

func reloadedRoutes(s *Suite) {
	It("are dialled when they are new", s.Req("RT-RLD-021/dialled"), func(ctx SpecContext) {
		s.reloadedRoute(ctx)
	})

	It("are closed when they are gone", s.Req("RT-RLD-022/closed"), func(ctx SpecContext) {
		p := s.reloadedRoute(ctx)
		s.Change(ctx, func(setup *harness.Setup) { setup.MoreRoutes = nil })
		s.ExpectClosed(ctx, p)
	})
}

// reloadedRoute gives the target a configured route to us, and returns it.
func (s *Suite) reloadedRoute(ctx SpecContext) *harness.Peer {
	GinkgoHelper()
	s.Anew(ctx)
	l := s.Listener(ctx)
	s.Change(ctx, func(setup *harness.Setup) { setup.MoreRoutes = []string{l.URL()} })
	p, err := acceptRoute(ctx, l, s.serverID("CONFIGURED"), s.Adopt)
	Expect(err).NotTo(HaveOccurred(), "a reload has brought a configured route to us")
	s.ExpectOpen(ctx, p)
	return p
}
