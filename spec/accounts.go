package spec

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerAccounts: an account is a subject space of its own, on a route that all accounts share.
func registerAccounts(s *Suite) {
	Describe("Accounts", func() {
		accountInterest(s)
		accountMessages(s)
		accountGroups(s)
	})
}

// accountPair is two accounts, by their names on routes, with a client of each.
type accountPair struct {
	x, y             string
	clientX, clientY *harness.Client
}

// twoAccounts takes the first two accounts, by name, that the operator has given credentials for.
func (s *Suite) twoAccounts(ctx SpecContext) accountPair {
	GinkgoHelper()
	var names []string
	for name := range s.Target().Accounts {
		names = append(names, name)
	}
	slices.Sort(names)
	return accountPair{names[0], names[1], s.AccountClient(ctx, names[0]), s.AccountClient(ctx, names[1])}
}

func accountInterest(s *Suite) {
	It("have the interest of their own clients", s.Req("RT-ACC-001/own-name"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Subscribe(two.clientX, s.Subject("x"))
		s.QueueSubscribe(two.clientX, s.Subject("x"), "q")
		s.Flush(ctx, two.clientX)
		s.Subscribe(two.clientY, s.Subject("y"))
		s.ClientToPeers(ctx, two.clientY, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(two.x, s.Subject("x")), wire.NewQueueSub(two.x, s.Subject("x"), "q", 1), wire.NewSub(two.y, s.Subject("y")),
		), "RS+ names the account of the client that subscribed")
	})

	It("announce and end one subject each on its own", s.Req("RT-ACC-004/same-subject"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		inX := s.Subscribe(two.clientX, s.Subject("orders"))
		s.Flush(ctx, two.clientX)
		inY := s.Subscribe(two.clientY, s.Subject("orders"))
		s.Flush(ctx, two.clientY)
		s.Unsubscribe(inX)
		s.Flush(ctx, two.clientX)
		s.Unsubscribe(inY)
		s.ClientToPeers(ctx, two.clientY, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewSub(two.x, s.Subject("orders")), wire.NewSub(two.y, s.Subject("orders")),
			wire.NewUnsub(two.x, s.Subject("orders")), wire.NewUnsub(two.y, s.Subject("orders")),
		), "one subject in two accounts is two interests")
	})

	It("count the members of a group each on its own", s.Req("RT-ACC-004/same-group"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.QueueSubscribe(two.clientX, s.Subject("work"), "q")
		s.Flush(ctx, two.clientX)
		s.QueueSubscribe(two.clientY, s.Subject("work"), "q")
		s.ClientToPeers(ctx, two.clientY, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewQueueSub(two.x, s.Subject("work"), "q", 1), wire.NewQueueSub(two.y, s.Subject("work"), "q", 1),
		), "a group has members of one account only")
	})

	It("lose a peer's interest each on its own", s.Req("RT-ACC-005/one-ends"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p, wire.NewSub(two.x, s.Subject("orders")), wire.NewSub(two.y, s.Subject("orders")), wire.NewUnsub(two.x, s.Subject("orders")))
		s.Fence(ctx, p)
		s.publishInBoth(ctx, two)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(two.y, s.Subject("orders"), "", []byte("in y"))), "RS- ends interest in its account only")
	})

	It("are all in the first interest that a peer is sent", s.Req("RT-ACC-006/first-list"), func(ctx SpecContext) {
		c, two := s.witness(ctx), s.twoAccounts(ctx)
		var want []wire.Op
		for _, one := range []struct {
			account string
			client  *harness.Client
		}{{s.Account(), c}, {two.x, two.clientX}, {two.y, two.clientY}} {
			s.Subscribe(one.client, s.Subject("orders"))
			s.QueueSubscribe(one.client, s.Subject("work"), "q")
			s.Flush(ctx, one.client)
			want = append(want, wire.NewSub(one.account, s.Subject("orders")), wire.NewQueueSub(one.account, s.Subject("work"), "q", 1))
		}
		p := s.Join(ctx, "A")
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(want...), "interest of three accounts, on the same subjects")
	})

	It("lose a peer's group each on its own", s.Req("RT-ACC-005/one-group-ends"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p,
			wire.NewQueueSub(two.x, s.Subject("orders"), "q", 1), wire.NewQueueSub(two.y, s.Subject("orders"), "q", 1),
			wire.NewQueueUnsub(two.x, s.Subject("orders"), "q"))
		s.Fence(ctx, p)
		s.publishInBoth(ctx, two)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewQueueMsg(two.y, s.Subject("orders"), "", []string{"q"}, []byte("in y"))), "RS- ends a group in its account only")
	})

	It("lose no interest by RS- of an account that has none", s.Req("RT-ACC-005/other-account"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p, wire.NewSub(two.x, s.Subject("orders")), wire.NewUnsub(two.y, s.Subject("orders")), wire.NewUnsub(unknownAccount, s.Subject("orders")))
		s.Fence(ctx, p)
		s.publishInBoth(ctx, two)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(two.x, s.Subject("orders"), "", []byte("in x"))), "interest of one account, RS- of others")
	})

	It("have names in which case counts", s.Req("RT-ACC-007/interest"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p, wire.NewSub(s.otherCase(two.x), s.Subject("orders")), wire.NewSub(two.y, s.Subject("orders")))
		s.Fence(ctx, p)
		s.publishInBoth(ctx, two)
		s.ExpectOpen(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(two.y, s.Subject("orders"), "", []byte("in y"))), "RS+ with an account's name in other case is for another account")
	})
}

// otherCase is an account's name with its letters in the other case: no account of the target.
func (s *Suite) otherCase(account string) string {
	GinkgoHelper()
	other := strings.ToLower(account)
	if other == account {
		other = strings.ToUpper(account)
	}
	if _, known := s.Target().Accounts[other]; known || other == account {
		s.NotApplicable("the target's accounts differ by case, or have no letters")
	}
	return other
}

func accountMessages(s *Suite) {
	It("keep a client's message from a peer's interest in another", s.Req("RT-ACC-002/publish"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p, wire.NewSub(two.y, s.Subject("orders")), wire.NewSub(two.y, s.Subject(">")))
		s.Fence(ctx, p)
		s.publishInBoth(ctx, two)
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewMsg(two.y, s.Subject("orders"), "", []byte("in y"))), "a message crossed from one account to another")
	})

	It("keep a peer's message from the clients of another", s.Req("RT-ACC-003/rmsg"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		inX, inY := s.Subscribe(two.clientX, s.Subject("orders")), s.Subscribe(two.clientY, s.Subject("orders"))
		s.Flush(ctx, two.clientX, two.clientY)
		s.Send(p, wire.NewMsg(two.x, s.Subject("orders"), "", []byte("in x")))
		s.PeerToClients(ctx, p, two.clientX, two.clientY)
		Expect(s.Received(inX)).To(s.BeMessages(delivery{s.Subject("orders"), "", "in x"}), "the subscriber of the message's account")
		Expect(s.Received(inY)).To(s.BeMessages(), "a message crossed from one account to another")
	})
}

func accountGroups(s *Suite) {
	It("keep a client's message from a peer's group in another", s.Req("RT-ACC-002/group"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.Send(p, wire.NewQueueSub(two.y, s.Subject("orders"), "q", 1))
		s.QueueSubscribe(two.clientX, s.Subject("orders"), "q")
		s.Flush(ctx, two.clientX)
		s.Fence(ctx, p)
		s.Publish(two.clientX, s.Subject("orders"), "", numbered(19)...) // with the next one twenty: one would go astray by chance only
		s.publishInBoth(ctx, two)
		s.Fence(ctx, p)
		Expect(ofKind(s.Own(p), wire.Msg)).To(s.BeOps(wire.NewQueueMsg(two.y, s.Subject("orders"), "", []string{"q"}, []byte("in y"))), "a group of one name in two accounts is two groups")
	})

	It("keep a peer's message for a group from members of another", s.Req("RT-ACC-003/group"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		inX, inY := s.QueueSubscribe(two.clientX, s.Subject("orders"), "q"), s.QueueSubscribe(two.clientY, s.Subject("orders"), "q")
		s.Flush(ctx, two.clientX, two.clientY)
		sent := numbered(20) // one would go astray by chance only
		for _, payload := range sent {
			s.Send(p, wire.NewQueueMsg(two.x, s.Subject("orders"), "", []string{"q"}, []byte(payload)))
		}
		s.PeerToClients(ctx, p, two.clientX, two.clientY)
		s.ExpectOnceEach(sent, "the member of the message's account", s.clientPayloads(inX))
		Expect(s.Received(inY)).To(s.BeMessages(), "a message crossed from one account to another")
	})

	It("keep a peer's message with the account's name in other case", s.Req("RT-ACC-007/rmsg"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		inX := s.Subscribe(two.clientX, s.Subject("orders"))
		s.Flush(ctx, two.clientX)
		s.Send(p, wire.NewMsg(s.otherCase(two.x), s.Subject("orders"), "", []byte("other")), wire.NewMsg(two.x, s.Subject("orders"), "", []byte("in x")))
		s.PeerToClients(ctx, p, two.clientX)
		Expect(s.Received(inX)).To(s.BeMessages(delivery{s.Subject("orders"), "", "in x"}), "an RMSG whose account differs by case reached a subscriber")
	})

	It("choose members of a group each on its own", s.Req("RT-ACC-008/one-each"), func(ctx SpecContext) {
		a, b, two := s.Join(ctx, "A"), s.Join(ctx, "B"), s.twoAccounts(ctx)
		s.Send(a, wire.NewQueueSub(two.x, s.Subject("orders"), "q", 9))
		s.Send(b, wire.NewQueueSub(two.y, s.Subject("orders"), "q", 1))
		s.Fence(ctx, a, b)
		sent := numbered(40)
		inX, inY := sent[:20], sent[20:]
		s.Publish(two.clientX, s.Subject("orders"), "", inX...)
		s.Publish(two.clientY, s.Subject("orders"), "", inY...)
		s.Flush(ctx, two.clientX, two.clientY)
		s.Fence(ctx, a, b)
		s.ExpectOnceEach(inX, "the member of a group in one account", s.peerPayloads(a))
		s.ExpectOnceEach(inY, "the member of a group of the same name in another account", s.peerPayloads(b))
	})
}

// publishInBoth publishes "in x" and "in y" on the subject "orders", each in its account.
func (s *Suite) publishInBoth(ctx SpecContext, two accountPair) {
	GinkgoHelper()
	s.Publish(two.clientX, s.Subject("orders"), "", "in x")
	s.Publish(two.clientY, s.Subject("orders"), "", "in y")
	s.Flush(ctx, two.clientX, two.clientY)
}
