package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness"
)

// twin is a second server that gets what the target gets. Where a quirk keeps the reference from saying what has to come, the twin says it: two
// releases, or a server and the one that it is modelled on, are compared there.
type twin struct {
	t *target
	p *player
}

// openTwin starts the second server; nil: there is none.
func openTwin(ctx context.Context, cfg *Config) (*twin, error) {
	if cfg.Beside == "" {
		return nil, nil
	}
	own := *cfg
	own.Server, own.Client, own.Launch, own.Dialect, own.TLS = "", "", cfg.Beside, "", nil
	t, err := openTarget(ctx, &own)
	if err != nil {
		return nil, fmt.Errorf("the server beside the target: %w", err)
	}
	p, err := newPlayer(t)
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return &twin{t, p}, nil
}

func (b *twin) close() error {
	if b == nil {
		return nil
	}
	return b.t.close()
}

func (b *twin) fresh(ctx context.Context) error {
	if b == nil {
		return nil
	}
	err := b.t.fresh(ctx)
	if err == nil {
		b.p, err = newPlayer(b.t)
	}
	return err
}

// compare plays the sequence that the target has just answered on the twin too, and wants the same answer. Where the reference judges the answer, or knows that
// the two generations differ, there is nothing to compare; nor where an answer is never the same twice. What differs in haste is looked at again
// without it. The error says that the twin has died and does not start again.
func (w *worker) compare(ctx context.Context, seq *gen.Sequence, o *outcome, opts playOptions) (*Symptom, error) {
	if w.twin == nil || o.whole() || o.died() || o.silent >= 0 || !w.p.steady(seq) {
		return nil, nil
	}
	w.run.compared.Add(1)
	s, err := w.beside(ctx, seq, o, opts)
	if s == nil || err != nil || w.run.met(s) {
		return s, err
	}
	opts.patient = true
	again := w.p.play(seq, opts)
	return w.beside(ctx, seq, &again, opts)
}

// beside plays the sequence on the twin, with the ids that the target has met.
func (w *worker) beside(ctx context.Context, seq *gen.Sequence, o *outcome, opts playOptions) (*Symptom, error) {
	b := w.twin
	b.p.nonce, b.p.count, b.p.hasty = w.p.nonce, w.p.count-1, w.p.hasty
	other := b.p.play(seq, opts)
	if o.guarded || other.guarded || !b.p.steady(seq) {
		return nil, nil
	}
	if (other.died() || other.silent >= 0 || unexpectedClose(&other)) && b.t.vitals(ctx, &other) != nil {
		return nil, b.fresh(ctx) // its own defect, and found where it is the target
	}
	if slices.ContainsFunc(o.conns, func(c connOutcome) bool { return !sameDue(&c, other.conn(c.number)) }) || len(o.conns) != len(other.conns) {
		return nil, nil
	}
	return versions(o, &other, b.t), nil
}

// conn is what a connection of the sequence said; nil: there was none.
func (o *outcome) conn(number int) *connOutcome {
	for i := range o.conns {
		if o.conns[i].number == number {
			return &o.conns[i]
		}
	}
	return nil
}

// sameDue tells whether the reference would say the same in both dialects.
func sameDue(a, b *connOutcome) bool { return b != nil && slices.Equal(a.want, b.want) }

// versions is where two servers part.
func versions(o, other *outcome, twin *target) *Symptom {
	for i := range o.conns {
		got, want := o.conns[i].tokens, other.conn(o.conns[i].number).tokens
		if i, j, equal := firstDifference(got, want); !equal {
			return versionsSymptom(o, verbOf(tokenAt(got, i)), verbOf(tokenAt(want, j)), tokenAt(got, i), tokenAt(want, j), twin)
		}
	}
	if slices.Equal(o.got, other.got) {
		return nil
	}
	return versionsSymptom(o, fmt.Sprintf("%d deliveries", len(o.got)), fmt.Sprint(len(other.got)), strings.Join(o.got, ", "), strings.Join(other.got, ", "), twin)
}

func versionsSymptom(o *outcome, got, want, said, saidBeside string, twin *target) *Symptom {
	return &Symptom{
		Kind: Versions, Class: fmt.Sprintf("%s instead of %s, %s", got, want, o.quirk.name),
		Detail: fmt.Sprintf("the target says %s where %s (%s) says %s", harness.Printable(said), twin.name(), harness.Printable(twin.info.Version), harness.Printable(saidBeside)),
	}
}
