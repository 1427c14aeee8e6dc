package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerImports: one account of the target uses what another exports: harness.SetupImports.
func registerImports(s *Suite) {
	Describe("An imported stream", func() {
		streamInterest(s)
		streamMessages(s)
		streamIsolation(s)
	})
	Describe("An imported service", func() {
		serviceRequest(s)
		serviceElsewhere(s)
		serviceReply(s)
		servicePeer(s)
	})
}

// importing is the exporting and the importing account, by their names on routes, with a client of each.
type importing struct {
	s                  *Suite
	from, to           string
	exporter, importer *harness.Client
	stream, prefix     string // of the exporter's subjects, without the pattern's end; under which the importer sees them
	p                  *harness.Peer
	service, inbox     string // a service that only this spec uses, and where its requester waits
}

// imports connects a client of each account, and a peer.
func (s *Suite) imports(ctx SpecContext, opts ...harness.PeerOption) *importing {
	GinkgoHelper()
	i := s.Target().Imports
	return &importing{
		s: s, from: i.From, to: i.To, stream: strings.TrimSuffix(i.Stream, ">"), prefix: i.Prefix + ".",
		exporter: s.AccountClient(ctx, i.From), importer: s.AccountClient(ctx, i.To),
		service: s.service(), inbox: s.Subject("inbox"), p: s.Join(ctx, "A", opts...),
	}
}

// service is a service that no other spec uses: what a peer of another spec wanted there may be known still.
func (s *Suite) service() string {
	services := s.Target().Imports.Services
	s.services++
	return services[s.services%len(services)]
}

// out and in are the names that a subject of the stream has for the exporter and for the importer.
func (i *importing) out(tokens string) string { return i.stream + i.s.Subject(tokens) }
func (i *importing) in(tokens string) string  { return i.prefix + i.out(tokens) }

// seen is what p has got of this spec: on its subjects, under whatever name, and on its service.
func (i *importing) seen(p *harness.Peer) []harness.Seen {
	var own []harness.Seen
	for _, seen := range p.Seen() {
		subject := string(seen.Op.Subject)
		if strings.Contains(subject, i.s.Subject("")) || subject == i.service {
			own = append(own, seen)
		}
	}
	return own
}

// fence makes all take effect that the clients and the peer have sent.
func (i *importing) fence(ctx SpecContext) {
	GinkgoHelper()
	i.s.Flush(ctx, i.exporter, i.importer)
	i.s.Fence(ctx, i.p)
	i.s.Flush(ctx, i.exporter, i.importer)
}

func streamInterest(s *Suite) {
	both := func(word, title string, tokens string) {
		It(title, s.Req("RT-IMP-001/"+word, "RT-IMP-002"), func(ctx SpecContext) {
			i := s.imports(ctx)
			sub := s.Subscribe(i.importer, i.in(tokens))
			i.fence(ctx)
			Expect(i.seen(i.p)).To(s.BeOpsInAnyOrder(
				wire.NewSub(i.from, i.out(tokens)), wire.NewSub(i.to, i.in(tokens)),
			), "a subscription to an imported stream is interest in both accounts")
			s.Unsubscribe(sub)
			i.fence(ctx)
			Expect(i.seen(i.p)[2:]).To(s.BeOpsInAnyOrder(
				wire.NewUnsub(i.from, i.out(tokens)), wire.NewUnsub(i.to, i.in(tokens)),
			), "its end is the end of both")
		})
	}
	both("literal", "is announced in both accounts, and ended in both: one subject", "a")
	both("pattern", "is announced in both accounts, and ended in both: a pattern", "a.>")

	It("is ended in both accounts when the client goes away", s.Req("RT-IMP-002/client-gone"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.Subscribe(i.importer, i.in("a"))
		i.fence(ctx)
		i.importer.Close()
		s.AwaitOp(ctx, i.p, wire.NewUnsub(i.from, i.out("a")), "the exporting account's interest of a client that is gone")
		s.AwaitOp(ctx, i.p, wire.NewUnsub(i.to, i.in("a")), "the importing account's interest of a client that is gone")
	})

	It("has groups in both accounts, with their weights", s.Req("RT-IMP-003/group"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.QueueSubscribe(i.importer, i.in("work"), "q")
		s.QueueSubscribe(i.importer, i.in("work"), "q")
		i.fence(ctx)
		Expect(i.seen(i.p)).To(s.BeOpsInAnyOrder(
			wire.NewQueueSub(i.from, i.out("work"), "q", 1), wire.NewQueueSub(i.to, i.in("work"), "q", 1),
			wire.NewQueueSub(i.from, i.out("work"), "q", 2), wire.NewQueueSub(i.to, i.in("work"), "q", 2),
		), "two members of a group that listens to an imported stream")
	})

	It("is among the first interest of a peer, in both accounts", s.Req("RT-IMP-004/first-list"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.Subscribe(i.importer, i.in("a"))
		i.fence(ctx)
		late := s.Join(ctx, "B")
		s.Fence(ctx, late)
		Expect(i.seen(late)).To(s.BeOpsInAnyOrder(wire.NewSub(i.from, i.out("a")), wire.NewSub(i.to, i.in("a"))), "what a peer is sent that comes later")
	})
}

func streamMessages(s *Suite) {
	It("takes a peer's message to the importer under its name there", s.Req("RT-IMP-005/rmsg"), func(ctx SpecContext) {
		i := s.imports(ctx)
		sub := s.Subscribe(i.importer, i.in(">"))
		i.fence(ctx)
		s.Send(i.p, wire.NewMsg(i.from, i.out("a"), s.Subject("reply"), []byte("m")))
		i.fence(ctx)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{i.in("a"), s.Subject("reply"), "m"}), "an RMSG in the exporting account")
	})

	It("takes a peer's message to one member of a group of the importer", s.Req("RT-IMP-006/group"), func(ctx SpecContext) {
		i := s.imports(ctx)
		one, two := s.QueueSubscribe(i.importer, i.in("work"), "q"), s.QueueSubscribe(i.importer, i.in("work"), "q")
		i.fence(ctx)
		sent := numbered(20)
		for _, payload := range sent {
			s.Send(i.p, wire.NewQueueMsg(i.from, i.out("work"), "", []string{"q"}, []byte(payload)))
		}
		i.fence(ctx)
		s.ExpectOnceEach(sent, "an RMSG in the exporting account that names the group", s.clientPayloads(one, two))
	})

	It("crosses once, in the exporting account, to a peer with interest in both", s.Req("RT-IMP-007/once"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.Send(i.p, wire.NewSub(i.from, i.out(">")), wire.NewSub(i.to, i.in(">")))
		i.fence(ctx)
		s.Publish(i.exporter, i.out("a"), s.Subject("reply"), "m")
		i.fence(ctx)
		Expect(i.seen(i.p)).To(s.BeOps(wire.NewMsg(i.from, i.out("a"), s.Subject("reply"), []byte("m"))), "the receiver maps it")
	})

	It("crosses in the exporting account only", s.Req("RT-IMP-008/importers-interest"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.Send(i.p, wire.NewSub(i.to, i.in(">")), wire.NewSub(i.from, i.out("witness")))
		i.fence(ctx)
		s.Publish(i.exporter, i.out("a"), "", "m")
		s.Publish(i.exporter, i.out("witness"), "", "m")
		i.fence(ctx)
		Expect(i.seen(i.p)).To(s.BeOps(wire.NewMsg(i.from, i.out("witness"), "", []byte("m"))), "interest in the importing account brings nothing that was published in the exporting one")
	})
}

func streamIsolation(s *Suite) {
	It("takes nothing from one account to the other that is not exported", s.Req("RT-IMP-009/not-exported"), func(ctx SpecContext) {
		i := s.imports(ctx)
		same, mapped := s.Subscribe(i.importer, s.Subject("a")), s.Subscribe(i.importer, i.prefix+s.Subject("a"))
		i.fence(ctx)
		s.Send(i.p, wire.NewMsg(i.from, s.Subject("a"), "", []byte("m")))
		i.fence(ctx)
		Expect(s.Received(same)).To(s.BeMessages(), "a subject of the exporting account that it does not export, under its own name")
		Expect(s.Received(mapped)).To(s.BeMessages(), "a subject of the exporting account that it does not export, under the prefix of its imports")
		Expect(i.seen(i.p)).To(s.BeOpsInAnyOrder(wire.NewSub(i.to, s.Subject("a")), wire.NewSub(i.to, i.prefix+s.Subject("a"))),
			"interest in what is not imported is interest in one account")
	})

	It("takes nothing back to the account that it comes from", s.Req("RT-IMP-009/back"), func(ctx SpecContext) {
		i := s.imports(ctx)
		s.Send(i.p, wire.NewSub(i.from, i.out(">")), wire.NewSub(i.to, i.in("witness")))
		i.fence(ctx)
		s.Publish(i.importer, i.out("a"), "", "m")
		s.Publish(i.importer, i.in("a"), "", "m")
		s.Publish(i.importer, i.in("witness"), "", "m")
		i.fence(ctx)
		Expect(i.seen(i.p)).To(s.BeOps(wire.NewMsg(i.to, i.in("witness"), "", []byte("m"))), "what the importing account publishes does not come to interest of the exporting one")
	})
}

// request makes the importer send a request to the service, with p having interest there, and returns what came.
func (i *importing) request(ctx SpecContext, interest wire.Op, payload string) harness.Seen {
	GinkgoHelper()
	i.s.Send(i.p, interest)
	i.fence(ctx)
	mark := i.p.Mark()
	i.s.Publish(i.importer, i.service, i.inbox, payload)
	i.fence(ctx)
	for _, seen := range i.p.Since(mark) {
		if seen.Op.Kind.IsMessage() && string(seen.Op.Subject) == i.service {
			return seen
		}
	}
	i.s.fail("no request came to a peer with interest in the service, in the exporting account")
	return harness.Seen{}
}

// headerless is a message as it is to a peer without headers.
func headerless(op wire.Op) wire.Op {
	out := op.Clone()
	out.Kind, out.Payload, out.HeaderSize = wire.Msg, op.Data(), 0
	out.Size = len(out.Payload)
	return out
}

func serviceRequest(s *Suite) {
	requested := func(word, title string, interest func(*importing) wire.Op, queues ...string) {
		It(title, s.Req("RT-IMP-010/"+word), func(ctx SpecContext) {
			i := s.imports(ctx)
			got := headerless(i.request(ctx, interest(i), "req").Op)
			want := wire.NewQueueMsg(i.from, i.service, string(got.Reply), queues, []byte("req"))
			Expect([]harness.Seen{{Op: got}}).To(s.BeOps(want), "a request of the importing account, its header set aside")
			Expect(got.Reply).NotTo(BeEmpty(), "a request without the subject for its answer")
		})
	}
	requested("plain", "is asked in the exporting account", func(i *importing) wire.Op { return wire.NewSub(i.from, i.service) })
	requested("group", "is asked in the exporting account, one member of a group", func(i *importing) wire.Op {
		return wire.NewQueueSub(i.from, i.service, "q", 1)
	}, "q")

	It("is asked by a subject for the answer that the peer was told of", s.Req("RT-IMP-011/announced"), func(ctx SpecContext) {
		i := s.imports(ctx)
		request := i.request(ctx, wire.NewSub(i.from, i.service), "req")
		Expect(i.covers(request)).To(BeTrue(), "no RS+ in %s that came before the request covers its reply %s", i.from, request.Op.Reply)
	})

	It("is asked of a peer that has headers with the requester's account", s.Req("RT-IMP-012/header"), func(ctx SpecContext) {
		i := s.imports(ctx)
		request := i.request(ctx, wire.NewSub(i.from, i.service), "req").Op
		block := string(request.Header())
		_, value, _ := strings.Cut(block, "Nats-Request-Info:")
		value, _, _ = strings.Cut(value, "\r\n")
		var info struct {
			Account string `json:"acc"`
		}
		Expect(json.Unmarshal([]byte(value), &info)).To(Succeed(), "the object in Nats-Request-Info of %q", block)
		Expect(info.Account).To(Equal(i.to), "acc in Nats-Request-Info")
	})

	It("is asked of a peer that has no headers by RMSG", s.Req("RT-IMP-013/no-headers"), func(ctx SpecContext) {
		i := s.imports(ctx, harness.WithoutHeaders())
		got := i.request(ctx, wire.NewSub(i.from, i.service), "req")
		Expect([]harness.Seen{got}).To(s.BeOps(wire.NewMsg(i.from, i.service, string(got.Op.Reply), []byte("req"))), "what the server adds goes to peers with headers only")
	})
}

// serviceElsewhere: peers that have nothing to do with the request.
func serviceElsewhere(s *Suite) {
	elsewhere := func(ctx SpecContext, interest func(*importing) []wire.Op) []harness.Seen {
		GinkgoHelper()
		i := s.imports(ctx)
		other := s.Join(ctx, "B")
		s.Send(other, interest(i)...)
		s.Fence(ctx, other)
		i.request(ctx, wire.NewSub(i.from, i.service), "req")
		s.Fence(ctx, other)
		return i.seen(other)
	}

	It("is not asked of a peer without interest", s.Req("RT-IMP-021/others"), func(ctx SpecContext) {
		got := elsewhere(ctx, func(i *importing) []wire.Op {
			return []wire.Op{wire.NewSub(i.from, s.Subject("other")), wire.NewSub(i.to, s.Subject("other"))}
		})
		Expect(got).To(s.BeOps(), "a peer with interest in other subjects of both accounts")
	})

	It("is a message of the importing account besides", s.Req("RT-IMP-022/importing"), func(ctx SpecContext) {
		var want wire.Op
		got := elsewhere(ctx, func(i *importing) []wire.Op {
			want = wire.NewMsg(i.to, i.service, i.inbox, []byte("req"))
			return []wire.Op{wire.NewSub(i.to, i.service)}
		})
		Expect(got).To(s.BeOps(want), "a peer with interest in the importing account, to which the request is a message like any other")
	})
}

// covers tells whether interest in the request's reply was announced before it.
func (i *importing) covers(request harness.Seen) bool {
	for _, seen := range ofKind(i.p.Seen(), wire.Sub) {
		if seen.Off < request.Off && string(seen.Op.Account) == i.from && wire.Match(seen.Op.Subject, request.Op.Reply) {
			return true
		}
	}
	return false
}

func serviceReply(s *Suite) {
	It("is answered in the exporting account, and the answer comes to the requester", s.Req("RT-IMP-014/answer"), func(ctx SpecContext) {
		i := s.imports(ctx)
		inbox := s.Subscribe(i.importer, i.inbox)
		request := i.request(ctx, wire.NewSub(i.from, i.service), "req")
		s.Send(i.p, wire.NewMsg(i.from, string(request.Op.Reply), "", []byte("resp")))
		i.fence(ctx)
		Expect(s.Received(inbox)).To(s.BeMessages(delivery{i.inbox, "", "resp"}), "the requester gets the answer where it asked for it")
	})

	It("is answered for each request on its own", s.Req("RT-IMP-015/two-requests"), func(ctx SpecContext) {
		i := s.imports(ctx)
		one, two := s.Subscribe(i.importer, s.Subject("one")), s.Subscribe(i.importer, s.Subject("two"))
		i.inbox = s.Subject("one")
		first := i.request(ctx, wire.NewSub(i.from, i.service), "req").Op
		i.inbox = s.Subject("two")
		second := i.request(ctx, wire.NewSub(i.from, i.service), "req").Op
		Expect(bytes.Equal(first.Reply, second.Reply)).To(BeFalse(), "two requests in flight have one subject for their answers, %s", first.Reply)
		s.Send(i.p, wire.NewMsg(i.from, string(second.Reply), "", []byte("2")), wire.NewMsg(i.from, string(first.Reply), "", []byte("1")))
		i.fence(ctx)
		Expect(s.Received(one)).To(s.BeMessages(delivery{s.Subject("one"), "", "1"}), "the first requester, answered last")
		Expect(s.Received(two)).To(s.BeMessages(delivery{s.Subject("two"), "", "2"}), "the second requester, answered first")
	})

	It("may be answered to a requester at another peer", s.Req("RT-IMP-020/other-peer"), func(ctx SpecContext) {
		i := s.imports(ctx)
		other := s.Join(ctx, "B")
		s.Send(other, wire.NewSub(i.to, i.inbox))
		s.Fence(ctx, other)
		request := i.request(ctx, wire.NewSub(i.from, i.service), "req").Op
		s.Send(i.p, wire.NewMsg(i.from, string(request.Reply), "", []byte("resp")))
		i.fence(ctx)
		s.Fence(ctx, other)
		if len(i.seen(other)) == 0 {
			s.Observe("dropped")
			return
		}
		Expect(i.seen(other)).To(s.BeOps(wire.NewMsg(i.to, i.inbox, "", []byte("resp"))), "the answer, mapped, at the peer with interest in the requester's reply")
		s.Observe("handed on")
	})

	It("has interest for answers that a peer is told of which comes later", s.Req("RT-IMP-016/first-list"), func(ctx SpecContext) {
		i := s.imports(ctx)
		request := i.request(ctx, wire.NewSub(i.from, i.service), "req")
		i.p = s.Join(ctx, "B")
		s.Fence(ctx, i.p)
		request.Off = 1 << 60 // every RS+ of this connection will do
		Expect(i.covers(request)).To(BeTrue(), "no RS+ in %s to a peer that came later covers the reply %s of a request", i.from, request.Op.Reply)
	})

	It("announces its interest for answers once", s.Req("RT-IMP-017/once"), func(ctx SpecContext) {
		i := s.imports(ctx)
		first := i.request(ctx, wire.NewSub(i.from, i.service), "req")
		mark := i.p.Mark()
		i.request(ctx, wire.NewSub(i.from, i.service), "req")
		i.request(ctx, wire.NewSub(i.from, i.service), "req")
		Expect(ofKind(i.p.Since(mark), wire.Sub)).To(s.BeOps(), fmt.Sprintf("further requests are answered under what was announced for %s", first.Op.Reply))
	})
}

// servicePeer: the service is offered by the target's clients, or asked for in the wrong account.
func servicePeer(s *Suite) {
	It("answers a peer's request in the exporting account", s.Req("RT-IMP-018/answered"), func(ctx SpecContext) {
		i := s.imports(ctx)
		sub := s.Subscribe(i.exporter, i.service)
		reply := "_R_." + i.p.ID()[:8] + ".1" // as servers write it
		s.Send(i.p, wire.NewSub(i.from, reply))
		i.fence(ctx)
		s.Send(i.p, wire.NewMsg(i.from, i.service, reply, []byte("req")))
		i.fence(ctx)
		Expect(s.Received(sub)).To(s.BeMessages(delivery{i.service, reply, "req"}), "a request that a peer has mapped")
		s.Publish(i.exporter, reply, "", "resp")
		i.fence(ctx)
		Expect(i.p.Seen()).To(s.ContainOp(wire.NewMsg(i.from, reply, "", []byte("resp"))), "the answer, on the peer's interest in it")
	})

	It("does not map a peer's request in the importing account", s.Req("RT-IMP-019/unmapped"), func(ctx SpecContext) {
		i := s.imports(ctx)
		sub := s.Subscribe(i.exporter, i.service)
		i.fence(ctx)
		s.Send(i.p, wire.NewMsg(i.to, i.service, s.Subject("reply"), []byte("req")))
		i.fence(ctx)
		Expect(s.Received(sub)).To(s.BeMessages(), "the requester's server maps, not the one that gets the request")
	})
}
