package spec

import (
	"slices"

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

// publishInBoth publishes "in x" and "in y" on the subject "orders", each in its account.
func (s *Suite) publishInBoth(ctx SpecContext, two accountPair) {
	GinkgoHelper()
	s.Publish(two.clientX, s.Subject("orders"), "", "in x")
	s.Publish(two.clientY, s.Subject("orders"), "", "in y")
	s.Flush(ctx, two.clientX, two.clientY)
}
