package spec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// interestMeanwhile: interest that comes about while a peer is being registered, and first lists that are long.
func interestMeanwhile(s *Suite) {
	// synced has a client subscribe to so many subjects, then a peer register, and returns the peer with the subjects.
	synced := func(ctx context.Context, n int) (p *harness.Peer, subjects []string) {
		GinkgoHelper()
		for i := range n {
			subjects = append(subjects, s.Subject(fmt.Sprintf("sync.%d", i)))
		}
		Expect(subscribeAll(ctx, s.Client(ctx), subjects)).To(Succeed(), "a client that subscribes to many subjects")
		return s.Join(ctx, "A"), subjects
	}
	const many = 3000

	It("is sent whole to a newly registered peer when it is long", s.Req("RT-INT-007/three-thousand"), func(spec SpecContext) {
		ctx := harness.WithCrowd(spec, crowdPatience)
		p, subjects := synced(ctx, many)
		last := wire.NewSub(s.Account(), s.Subject("last")) // told behind the list, wherever the list is at the PONG
		s.Subscribe(s.witness(ctx), s.Subject("last"))
		s.AwaitOp(ctx, p, last, "the first list kept later interest from the peer")
		s.Fence(ctx, p)
		subjects = append(subjects, s.Subject("last"))
		s.ExpectOnceEach(subjects, "a registered peer is sent each entry once", subjectsOf(s.Own(p)))
	})

	It("is there before the answer to a PING behind the peer's INFO when it is long", s.Req("RT-INT-008/three-thousand"), func(ctx SpecContext) {
		p, subjects := synced(harness.WithCrowd(ctx, crowdPatience), many)
		pong := ofKind(p.Seen(), wire.Pong)[0]
		early := slices.DeleteFunc(slices.Clone(s.Own(p)), func(seen harness.Seen) bool { return seen.Off > pong.Off })
		s.ExpectOnceEach(subjects, "interest came behind the PONG, or not at all", subjectsOf(early))
	})

	It("reaches a peer that registers while it comes about", s.Req("RT-INT-024/meanwhile"), func(spec SpecContext) {
		ctx := harness.WithCrowd(spec, crowdPatience)
		const n = 2000
		early, late := s.Client(ctx), s.Client(ctx)
		p := s.Dial(ctx, "A")
		var subjects []string
		for i := range n {
			subjects = append(subjects, s.Subject(fmt.Sprintf("meanwhile.%d", i)))
		}
		done := make(chan error, 2)
		for i, c := range []*harness.Client{early, late} {
			go func() { done <- subscribeAll(ctx, c, subjects[i*n/2:(i+1)*n/2]) }()
		}
		Expect(p.Register(ctx)).To(Succeed(), "a peer that registers while clients subscribe")
		Expect(<-done).To(Succeed(), "a client that subscribes while a peer registers")
		Expect(<-done).To(Succeed(), "a client that subscribes while a peer registers")
		s.Fence(ctx, p)
		told := subjectsOf(s.Own(p))
		slices.Sort(told)
		s.ExpectOnceEach(subjects, "interest that comes about while the peer registers is in its first list or told behind it", slices.Compact(told))
	})
}

// subscribeAll subscribes to subjects and waits until the target knows of them.
func subscribeAll(ctx context.Context, c *harness.Client, subjects []string) error {
	first, err := c.Subscribe(subjects[0])
	for _, subject := range subjects[1:] {
		if err == nil {
			_, err = first.Also(subject, "")
		}
	}
	if err != nil {
		return err
	}
	return c.Fence(ctx)
}

func subjectsOf(seen []harness.Seen) []string {
	subjects := make([]string, len(seen))
	for i := range seen {
		subjects[i] = string(seen[i].Op.Subject)
	}
	return subjects
}

// interestUnderChurn: eight clients that change their minds all at once. Whatever was told on the way, the last word counts.
func interestUnderChurn(s *Suite) {
	churned := func(id, what string, subjects, rounds int) {
		It("is told right in the end when eight clients change theirs in "+what+" at once", s.Req(id), func(ctx SpecContext) {
			p := s.Join(ctx, "A")
			names := make([]string, subjects)
			for i := range names {
				names[i] = s.Subject(fmt.Sprintf("churn.%d", i))
			}
			held := s.churn(ctx, names, "", rounds)
			s.Fence(ctx, p)
			s.expectTruth(p, names, held)
		})
	}
	churned("RT-INT-025/one-subject", "one subject", 1, 100)
	churned("RT-INT-025/many-subjects", "forty subjects", 40, 100)
}

// churn has eight clients subscribe and unsubscribe at once, each as its own dice say, and returns how many subscriptions
// to each subject are left. All have been flushed.
func (s *Suite) churn(spec SpecContext, subjects []string, queue string, rounds int) (held map[string]int) {
	GinkgoHelper()
	ctx := harness.WithCrowd(spec, crowdPatience)
	type outcome struct {
		held map[string]int
		err  error
	}
	const clients = 8
	done := make(chan outcome, clients)
	for range clients {
		c, dice := s.Client(ctx), rand.New(rand.NewPCG(s.Rand().Uint64(), s.Rand().Uint64()))
		go func() {
			mine, err := churnOne(ctx, c, dice, subjects, queue, rounds)
			done <- outcome{mine, err}
		}()
	}
	held = map[string]int{}
	for range clients {
		o := <-done
		Expect(o.err).NotTo(HaveOccurred(), "a client that subscribes and unsubscribes")
		for subject, n := range o.held {
			held[subject] += n
		}
	}
	return held
}

// churnOne makes a client subscribe to a subject, or unsubscribe from it if it has, so many times, and returns what it
// holds in the end.
func churnOne(ctx context.Context, c *harness.Client, dice *rand.Rand, subjects []string, queue string, rounds int) (map[string]int, error) {
	subs, held := map[string]*harness.Subscription{}, map[string]int{}
	first, err := c.QueueSubscribe(subjects[0], queue)
	if err != nil {
		return nil, err
	}
	subs[subjects[0]] = first
	for i := range rounds {
		subject := subjects[dice.IntN(len(subjects))]
		if sub := subs[subject]; sub != nil {
			delete(subs, subject)
			err = sub.Unsubscribe()
		} else {
			subs[subject], err = first.Also(subject, queue)
		}
		if err == nil && i%10 == 9 { // so that the clients keep pace with each other
			err = c.Fence(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	for subject := range subs {
		held[subject] = 1
	}
	return held, c.Fence(ctx)
}

// expectTruth wants the last word on each subject to be RS+ where subscriptions are left and RS- where none is.
func (s *Suite) expectTruth(p *harness.Peer, subjects []string, held map[string]int) {
	GinkgoHelper()
	last := map[string]wire.Kind{}
	for _, seen := range s.Own(p) {
		last[string(seen.Op.Subject)] = seen.Op.Kind
	}
	var wrong []string
	for _, subject := range subjects {
		kind, told := last[subject]
		if want := held[subject] > 0; want != (told && kind == wire.Sub) {
			wrong = append(wrong, fmt.Sprintf("%s: %d subscriptions, last told %v", subject, held[subject], kind))
		}
	}
	if len(wrong) > 0 {
		s.failWith(report.Failure{
			Message:  "what the peer was told last is not what clients want: messages are lost, or sent for nobody",
			Expected: []string{"RS+ where subscriptions are left, RS- where none is"}, Got: orNothing(wrong), Offset: -1,
		})
	}
}
