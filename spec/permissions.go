package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerPermissions: a target whose cluster lets only some subjects pass: harness.SetupPermissions. Behind the spec's own
// two tokens "import.>" may be announced, but not "import.secret.>", and the like for export.
func registerPermissions(s *Suite) {
	Describe("Cluster permissions", func() { permissionsSaid(s) })
	Describe("Import permissions", func() { importFilters(s) })
	Describe("Export permissions", func() {
		exportFilters(s)
		exportPatterns(s)
	})
	Describe("Permissions of the peer", func() { peersPermissions(s) })
}

func permissionsSaid(s *Suite) {
	said := func(word string, allow, deny func(*harness.Permissions) string) {
		It("are announced: "+word, s.Req("RT-PERM-001/"+word), WithoutRegistration, func(ctx SpecContext) {
			var info map[string]any
			Expect(json.Unmarshal(s.Dial(ctx, "A").Seen()[0].Op.Body, &info)).To(Succeed())
			p := s.Target().Permissions
			Expect(info).To(HaveKeyWithValue(word, map[string]any{"allow": []any{allow(p)}, "deny": []any{deny(p)}}), "INFO of a cluster with permissions")
		})
	}
	said("import", func(p *harness.Permissions) string { return p.Import }, func(p *harness.Permissions) string { return p.DeniedImport })
	said("export", func(p *harness.Permissions) string { return p.Export }, func(p *harness.Permissions) string { return p.DeniedExport })
}

// subs is RS+ for each of the spec's subjects.
func (s *Suite) subs(tokens ...string) []wire.Op {
	var ops []wire.Op
	for _, t := range tokens {
		ops = append(ops, wire.NewSub(s.Account(), s.Subject(t)))
	}
	return ops
}

// unsubs is RS- for each of the spec's subjects.
func (s *Suite) unsubs(tokens ...string) []wire.Op {
	var ops []wire.Op
	for _, t := range tokens {
		ops = append(ops, wire.NewUnsub(s.Account(), s.Subject(t)))
	}
	return ops
}

// subscribed subscribes c to each of the spec's subjects, in order.
func (s *Suite) subscribed(c *harness.Client, tokens ...string) []*harness.Subscription {
	GinkgoHelper()
	var subs []*harness.Subscription
	for _, t := range tokens {
		subs = append(subs, s.Subscribe(c, s.Subject(t)))
	}
	return subs
}

func importFilters(s *Suite) {
	announced := func(word, title, why string, tokens []string, want ...string) {
		It(title, s.Req(word), func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			s.subscribed(c, tokens...)
			s.ClientToPeers(ctx, c, p)
			Expect(s.Own(p)).To(s.BeOps(s.subs(want...)...), why)
		})
	}
	announced("RT-PERM-002/plain", "let interest out that they allow", "interest that may be imported",
		[]string{"import.a", "import.b.c"}, "import.a", "import.b.c")
	announced("RT-PERM-003/other", "hold back interest that they do not allow", "interest that may not be imported is not announced",
		[]string{"other.a", "export.a", "import", "import.a"}, "import.a")
	announced("RT-PERM-004/denied", "hold back interest that they deny", "interest that is denied is not announced, though it is among what is allowed",
		[]string{"import.secret.a", "import.secret", "import.secrets.a"}, "import.secret", "import.secrets.a")
	announced("RT-PERM-005/wider", "hold back a pattern that is wider than what they allow",
		"a pattern that also matches subjects which may not be imported is not announced",
		[]string{">", "*.a", "*.>", "import.*.a", "import.>"}, "import.*.a", "import.>")
	announced("RT-PERM-006/around-denied", "let a pattern out that has denied subjects among others",
		"a pattern is held back when all it matches is denied, not when some is",
		[]string{"import.secret.*", "import.secret.>", "import.*.b"}, "import.*.b")

	It("hold for groups", s.Req("RT-PERM-003/group"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		for _, tokens := range []string{"other.work", "import.secret.work", "import.work"} {
			s.QueueSubscribe(c, s.Subject(tokens), "q")
			s.QueueSubscribe(c, s.Subject(tokens), "q")
		}
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(
			wire.NewQueueSub(s.Account(), s.Subject("import.work"), "q", 1), wire.NewQueueSub(s.Account(), s.Subject("import.work"), "q", 2),
		), "a group that may not be imported is not announced")
	})

	It("hold when a peer registers", s.Req("RT-PERM-007/first-list"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.subscribed(c, "other.a", "import.secret.a", "import.a", "import.*", "*.a")
		s.QueueSubscribe(c, s.Subject("other.a"), "q")
		s.QueueSubscribe(c, s.Subject("import.a"), "q")
		s.Flush(ctx, c)
		p := s.Join(ctx, "A")
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOpsInAnyOrder(append(s.subs("import.a", "import.*"), wire.NewQueueSub(s.Account(), s.Subject("import.a"), "q", 1))...),
			"the first list of interest has what may be imported, and nothing else")
	})

	It("let no RS- out for interest that they held back", s.Req("RT-PERM-008/ended"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		s.Unsubscribe(s.subscribed(c, "other.a", "import.secret.a", "import.a")...)
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(append(s.subs("import.a"), s.unsubs("import.a")...)...), "RS- ends what was announced")
	})

	It("do not filter a peer's messages", s.Req("RT-PERM-009/messages"), func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		subs := s.subscribed(c, "other.a", "import.secret.a", "export.a", "import.a")
		s.Flush(ctx, c)
		for _, tokens := range []string{"other.a", "import.secret.a", "export.a", "import.a"} {
			s.Send(p, s.msg(tokens, "", "m"))
		}
		s.PeerToClients(ctx, p, c)
		for i, tokens := range []string{"other.a", "import.secret.a", "export.a", "import.a"} {
			Expect(s.Received(subs[i])).To(s.BeMessages(delivery{s.Subject(tokens), "", "m"}), "an RMSG on %s", tokens)
		}
	})
}

func exportFilters(s *Suite) {
	brings := func(id, title, why string, declared, published []string, want ...string) {
		It(title, s.Req(id), NeedsClient, func(ctx SpecContext) {
			p, c := s.Join(ctx, "A"), s.witness(ctx)
			s.Send(p, s.subs(declared...)...)
			s.Fence(ctx, p)
			Expect(s.brought(ctx, p, c, published)).To(s.BeOps(s.msgs(want...)...), why)
		})
	}
	brings("RT-PERM-010/allowed", "take interest of a peer that they allow", "a message on interest that may be exported",
		[]string{"export.a", "export.b.c"}, []string{"export.a", "export.b.c"}, "export.a", "export.b.c")
	brings("RT-PERM-011/other", "take no interest of a peer that they do not allow", "a message on interest that may not be exported",
		[]string{"other.a", "import.a", "export.a"}, []string{"other.a", "import.a", "export.a"}, "export.a")
	brings("RT-PERM-012/denied", "take no interest of a peer that they deny", "a message on interest that is denied",
		[]string{"export.secret.a", "export.a"}, []string{"export.secret.a", "export.a"}, "export.a")
	brings("RT-PERM-014/wider", "take no pattern of a peer that is wider than what they allow", "a pattern that also matches what may not be exported does not count",
		[]string{">", "*.a", "*.>", "export.b"}, []string{"other.a", "export.a", "export.b"}, "export.b")
	brings("RT-PERM-015/around-denied", "send a peer nothing that they deny, whatever its pattern", "a pattern that may be exported brings no denied message",
		[]string{"export.>"}, []string{"export.secret.a", "export.a"}, "export.a")

	It("hold for groups of a peer", s.Req("RT-PERM-011/group"), NeedsClient, func(ctx SpecContext) {
		p, c := s.Join(ctx, "A"), s.witness(ctx)
		for _, tokens := range []string{"other.work", "export.secret.work", "export.work"} {
			s.Send(p, wire.NewQueueSub(s.Account(), s.Subject(tokens), "q", 1))
		}
		s.Fence(ctx, p)
		Expect(s.brought(ctx, p, c, []string{"other.work", "export.secret.work", "export.work"})).To(s.BeOps(
			wire.NewQueueMsg(s.Account(), s.Subject("export.work"), "", []string{"q"}, []byte("m")),
		), "a message for a group that may not be exported")
	})

	It("ignore what they do not allow without a word", s.Req("RT-PERM-013/silent"), func(ctx SpecContext) {
		p := s.Join(ctx, "A")
		s.Send(p, s.subs("other.a", "export.secret.a", ">", "other..a")...)
		s.Send(p, wire.NewQueueSub(s.Account(), s.Subject("other.a"), "q", 1))
		s.Send(p, s.unsubs("other.a", "export.secret.a")...)
		s.ExpectOpen(ctx, p)
	})
}

// brought is what p gets when c publishes "m" on each of the spec's subjects.
func (s *Suite) brought(ctx SpecContext, p *harness.Peer, c *harness.Client, tokens []string) []harness.Seen {
	GinkgoHelper()
	for _, t := range tokens {
		s.Publish(c, s.Subject(t), "", "m")
	}
	s.ClientToPeers(ctx, c, p)
	return s.Own(p)
}

// msgs is RMSG with "m" on each of the spec's subjects.
func (s *Suite) msgs(tokens ...string) []wire.Op {
	var ops []wire.Op
	for _, t := range tokens {
		ops = append(ops, s.msg(t, "", "m"))
	}
	return ops
}

func exportPatterns(s *Suite) {
	It("are judged for each account's interest", s.Req("RT-PERM-016/accounts"), func(ctx SpecContext) {
		p, two := s.Join(ctx, "A"), s.twoAccounts(ctx)
		s.subscribedIn(ctx, two, "other.a", "import.a")
		s.Fence(ctx, p)
		Expect(s.Own(p)).To(s.BeOps(wire.NewSub(two.x, s.Subject("import.a")), wire.NewSub(two.y, s.Subject("import.a"))), "interest of two accounts that may be imported")
	})
}

// subscribedIn subscribes a client of each of two accounts to the spec's subjects.
func (s *Suite) subscribedIn(ctx SpecContext, two accountPair, tokens ...string) {
	GinkgoHelper()
	for _, c := range []*harness.Client{two.clientX, two.clientY} {
		s.subscribed(c, tokens...)
		s.Flush(ctx, c)
	}
}

// peersPermissions: what a peer says of its own permissions. It judges our interest itself; only news matter.
func peersPermissions(s *Suite) {
	It("do not filter what it is sent when it registers, or later", s.Req("RT-PERM-017/first-info"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.subscribed(c, "import.before")
		s.Flush(ctx, c)
		p := s.Join(ctx, "A", s.permitted(wire.SubjectPermission{Allow: []string{"none"}}))
		s.subscribed(c, "import.after")
		s.ClientToPeers(ctx, c, p)
		Expect(s.Own(p)).To(s.BeOps(s.subs("import.before", "import.after")...), "a peer judges itself what interest it takes")
	})

	later := func(id, title, why string, before wire.SubjectPermission, allow []string, want ...string) {
		It(title, s.Req(id), func(ctx SpecContext) {
			c := s.witness(ctx)
			s.subscribed(c, "import.old", "import.new.a", "other.new")
			s.Flush(ctx, c)
			p := s.Join(ctx, "A", s.permitted(before))
			s.Fence(ctx, p)
			known := len(s.Own(p))
			s.Send(p, wire.NewInfo(s.permits(p.OwnInfo().InfoBody, wire.SubjectPermission{Allow: allow})))
			s.ExpectOpen(ctx, p)
			Expect(s.Own(p)[known:]).To(s.BeOpsInAnyOrder(s.subs(want...)...), why)
		})
	}
	later("RT-PERM-018/allows-more", "bring, when a later INFO allows more, the interest that it allows newly", "the peer has dropped that interest when it came",
		wire.SubjectPermission{Allow: []string{"import.old", "other.old"}}, []string{"import.>", "other.>"}, "import.new.a")
	later("RT-PERM-018/denies-no-more", "bring, when a later INFO denies nothing more, the interest that was denied", "the peer has dropped that interest when it came",
		wire.SubjectPermission{Deny: []string{"import.new.>", "other.>"}}, nil, "import.new.a")
	later("RT-PERM-019/same", "bring nothing when a later INFO repeats them", "the peer has that interest",
		wire.SubjectPermission{Allow: []string{"import.>"}}, []string{"import.>"})
	later("RT-PERM-019/less", "bring nothing when a later INFO allows less", "the peer has dropped that interest by itself",
		wire.SubjectPermission{Allow: []string{"import.>"}}, []string{"import.old"})

	It("bring groups, when a later INFO allows more, in one of several ways", s.Req("RT-PERM-020/group"), func(ctx SpecContext) {
		c := s.witness(ctx)
		s.QueueSubscribe(c, s.Subject("import.work"), "q")
		s.Flush(ctx, c)
		p := s.Join(ctx, "A", s.permitted(wire.SubjectPermission{Allow: []string{"none"}}))
		s.Send(p, wire.NewInfo(s.permits(p.OwnInfo().InfoBody, wire.SubjectPermission{Allow: []string{"import.>"}})))
		err := p.Fence(ctx)
		group := wire.NewQueueSub(s.Account(), s.Subject("import.work"), "q", 1)
		if isWeightless(err, group) {
			s.Observe("RS+ without its weight")
			return
		}
		Expect(err).NotTo(HaveOccurred(), "the peer got no PONG")
		Expect(s.Own(p)).To(s.BeOps(group, group), "the group in the first list, and when it is allowed newly")
		s.Observe("RS+ with its weight")
	})
}

// isWeightless tells whether what could not be read is RS+ for the group without its weight. Releases so far write that when
// permissions change (seen 2.1.2 to 2.15.2), and close a route that sends it.
func isWeightless(err error, group wire.Op) bool {
	var malformed *harness.MalformedError
	line := fmt.Sprintf("RS+ %s %s %s ", group.Account, group.Subject, group.Queue)
	return errors.As(err, &malformed) && strings.HasPrefix(string(malformed.Near), line+"\r\n")
}

// permits gives an INFO import and export permissions of the spec's subjects.
func (s *Suite) permits(info *wire.InfoBody, rules wire.SubjectPermission) *wire.InfoBody {
	own := func(tokens []string) (subjects []string) {
		for _, t := range tokens {
			subjects = append(subjects, s.Subject(t))
		}
		return subjects
	}
	both := &wire.SubjectPermission{Allow: own(rules.Allow), Deny: own(rules.Deny)}
	info.Import, info.Export = both, both
	return info
}

// permitted makes a peer announce permissions of its own.
func (s *Suite) permitted(rules wire.SubjectPermission) harness.PeerOption {
	return harness.WithInfo(func(info *wire.InfoBody) { s.permits(info, rules) })
}
