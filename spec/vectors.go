package spec

import (
	"context"
	"encoding/base32"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerVectors makes a spec of each vector that says what a live port does.
func registerVectors(s *Suite) {
	for _, chapter := range s.corpus.VectorChapters() {
		var entries []any
		for _, v := range s.corpus.VectorsOf(chapter) {
			if len(v.Want.Live) > 0 {
				entries = append(entries, Entry(v.ID+": "+v.Comment, s.vectorLabels(v), v))
			}
		}
		if len(entries) > 0 { // a chapter may be for parsers alone
			DescribeTable("Vectors of "+chapter, append(entries, func(ctx SpecContext, v corpus.Vector) { s.play(ctx, v) })...)
		}
	}
}

func (s *Suite) vectorLabels(v corpus.Vector) Labels {
	labels := s.Req(v.Requirements[0]+"/"+v.ID, v.Requirements[1:]...)
	for _, live := range v.Want.Live {
		switch live {
		case corpus.EffectInterest, corpus.EffectRemoval, corpus.EffectDelivery:
			return append(labels, NeedsClient...)
		}
	}
	return labels
}

// play plays one vector on a fresh connection and looks for what its live word says.
func (s *Suite) play(ctx SpecContext, v corpus.Vector) {
	live, ok := v.LiveIn(s.Dialect().Name)
	if !ok {
		s.NotApplicable("the vector is not for dialect " + s.Dialect().Name)
	}
	if v.Stage == corpus.Greeted && s.Info().AuthRequired {
		s.NotApplicable("credentials are wanted first")
	}
	p := s.stage(ctx, v.Stage)
	words := strings.NewReplacer(
		corpus.SubjectWord, s.vectorWord(),
		corpus.PeerWord, p.ID(),
		corpus.ClusterWord, p.Info().Cluster,
	)
	play := &vectorPlay{s: s, p: p, mark: p.Mark(), in: []byte(words.Replace(string(v.Bytes()))), words: words, v: v}
	judge, known := judges[live]
	if !known {
		panic(fmt.Sprintf("spec: vector %s has the live word %q", v.ID, live))
	}
	judge(play, ctx)
}

// stage opens the connection that the vector begins on.
func (s *Suite) stage(ctx context.Context, stage string) *harness.Peer {
	GinkgoHelper()
	switch stage {
	case corpus.Greeted:
		return s.Dial(ctx, "A")
	case corpus.Connected:
		p := s.Dial(ctx, "A")
		s.Send(p, p.Connect())
		return p
	}
	return s.Join(ctx, "A")
}

// vectorWord is what stands for "vector" in this run and spec: six characters, so that all sizes stay.
func (s *Suite) vectorWord() string {
	h := hash(s.now.prefix)
	b := []byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24), byte(h >> 32)}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:len(corpus.SubjectWord)]
}

// vectorPlay is one vector on its connection.
type vectorPlay struct {
	s     *Suite
	p     *harness.Peer
	mark  int // operations seen before the vector
	in    []byte
	words *strings.Replacer
	v     corpus.Vector
}

// judges has one function for each live word: it sends the vector and looks.
var judges = map[corpus.Live]func(*vectorPlay, context.Context){
	corpus.RejectText:     (*vectorPlay).rejected,
	corpus.RejectSilent:   (*vectorPlay).rejected,
	corpus.Ignored:        (*vectorPlay).ignored,
	corpus.SoftError:      (*vectorPlay).softError,
	corpus.Incomplete:     (*vectorPlay).incomplete,
	corpus.EffectPong:     (*vectorPlay).pong,
	corpus.EffectInterest: (*vectorPlay).interest,
	corpus.EffectRemoval:  (*vectorPlay).removal,
	corpus.EffectDelivery: (*vectorPlay).delivery,
}

// rejected wants a close. Servers word some refusals and are silent on others; an -ERR may be lost in the close, and a
// server that explains itself where nats-server is silent does no harm: both are a refusal.
func (v *vectorPlay) rejected(ctx context.Context) {
	_ = v.p.SendRaw(v.in, 0)
	v.s.ExpectClosed(ctx, v.p)
}

func (v *vectorPlay) ignored(ctx context.Context) {
	_ = v.p.SendRaw(v.in, 0)
	v.s.ExpectOpen(ctx, v.p)
}

func (v *vectorPlay) softError(ctx context.Context) {
	_ = v.p.SendRaw(v.in, 0)
	v.s.Fence(ctx, v.p)
	Expect(ofKind(v.p.Since(v.mark), wire.Err)).NotTo(BeEmpty(), "the target said no -ERR")
}

// incomplete sends a PING that must be taken as part of the vector's operation, then what completes it.
func (v *vectorPlay) incomplete(ctx context.Context) {
	_ = v.p.SendRaw(append(v.in, "PING\r\n"...), 0)
	_ = v.p.SendRaw([]byte(v.words.Replace(v.v.Want.Rest)), 0)
	v.s.Fence(ctx, v.p)
	v.s.Fence(ctx, v.p)
	v.s.ExpectPongs(v.p, v.mark, 2)
}

// pong wants one PONG for each PING of the vector, and no more.
func (v *vectorPlay) pong(ctx context.Context) {
	pings := 0
	for _, op := range v.v.Want.Ops {
		if op.Op == "PING" {
			pings++
		}
	}
	_ = v.p.SendRaw(v.in, pings)
	v.s.Fence(ctx, v.p)
	v.s.Fence(ctx, v.p)
	v.s.ExpectPongs(v.p, v.mark, pings+2)
}

// interest wants a client's message on the vector's last RS+ to come back on the route, once.
func (v *vectorPlay) interest(ctx context.Context) {
	sub := v.lastSub()
	op := wire.NewMsg(v.s.Account(), concrete(sub.Subject), "", []byte("m"))
	if sub.Queue != "" {
		op = wire.NewQueueMsg(v.s.Account(), concrete(sub.Subject), "", []string{sub.Queue}, []byte("m"))
	}
	Expect(v.published(ctx, sub)).To(v.s.BeOps(op), "a client's publish on "+sub.Subject)
}

// removal wants no client's message on the vector's last RS+ any more.
func (v *vectorPlay) removal(ctx context.Context) {
	sub := v.lastSub()
	Expect(v.published(ctx, sub)).To(v.s.BeOps(), "a client's publish on "+sub.Subject)
}

// published sends the vector, publishes on the interest as a client, and returns the messages that reached the peer.
func (v *vectorPlay) published(ctx context.Context, sub corpus.Op) []harness.Seen {
	GinkgoHelper()
	v.s.needDefaultAccount(sub.Account)
	client := v.s.witness(ctx)
	_ = v.p.SendRaw(v.in, 0)
	v.s.Fence(ctx, v.p)
	v.s.Publish(client, concrete(sub.Subject), "", "m")
	v.s.ClientToPeers(ctx, client, v.p)
	return v.messages()
}

// delivery wants each message of the vector at a client that subscribes to all of the vector's subjects, once, in order.
func (v *vectorPlay) delivery(ctx context.Context) {
	client := v.s.witness(ctx)
	sub := v.s.Subscribe(client, v.s.vectorWord()+".>")
	v.s.Flush(ctx, client)
	_ = v.p.SendRaw(v.in, 0)
	v.s.PeerToClients(ctx, v.p, client)
	var want []delivery
	for _, op := range v.v.Want.Ops {
		if op.IsMessage() {
			v.s.needDefaultAccount(op.Account)
			body := op.PayloadBytes()[op.HeaderSize:]
			want = append(want, delivery{v.words.Replace(op.Subject), v.words.Replace(op.Reply), v.words.Replace(string(body))})
		}
	}
	Expect(v.s.Received(sub)).To(v.s.BeMessages(want...), "what a client subscribed to the vector's subjects received")
}

// lastSub is the vector's last interest with the run's own words.
func (v *vectorPlay) lastSub() corpus.Op {
	for i := len(v.v.Want.Ops) - 1; i >= 0; i-- {
		if op := v.v.Want.Ops[i]; op.Op == "RS+" {
			op.Subject = v.words.Replace(op.Subject)
			return op
		}
	}
	panic("spec: vector " + v.v.ID + " has no RS+ to show an effect of")
}

// messages are those that the peer got since the vector began on the vector's own subjects.
func (v *vectorPlay) messages() []harness.Seen {
	var out []harness.Seen
	for _, seen := range v.p.Since(v.mark) {
		if seen.Op.Kind.IsMessage() && strings.HasPrefix(string(seen.Op.Subject), v.s.vectorWord()) {
			out = append(out, seen)
		}
	}
	return out
}

// concrete makes a subject to publish on from a pattern.
func concrete(pattern string) string {
	tokens := strings.Split(pattern, ".")
	for i, t := range tokens {
		if t == "*" || t == ">" {
			tokens[i] = "x"
		}
	}
	return strings.Join(tokens, ".")
}

// needDefaultAccount ends the spec if our client cannot see what happens in the vector's account: vectors speak of $G.
func (s *Suite) needDefaultAccount(account string) {
	if account != s.Account() {
		s.NotTested(report.NeedsClient)
	}
}
