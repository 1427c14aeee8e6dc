// Package shrink makes failing cases of a fuzzer smaller.
package shrink

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/fuzz/gen"
)

// reducer makes a failing case smaller: sequences, connections, steps, parts of messages, bytes, in this order, over and over until
// nothing goes any more or the budget is used up.
type reducer struct {
	Limits
	fails func([]gen.Sequence) bool // the case shows the same bucket
	best  []gen.Sequence
	tried map[[sha256.Size]byte]bool // by their texts, which can be long: cases that do not fail
}

// Limits bound the work on one case.
type Limits struct {
	Tests int       // at most
	Until time.Time // no test begins later

	// KeepNumbers leaves large numbers as they are, where nothing but a death tells what a case has done: a size that is a few digits shorter may
	// end a server too, and for another reason.
	KeepNumbers bool
}

// Sequences returns the smallest case found that fails, within the limits. seqs itself is known to fail. What is tried shares messages with
// seqs: fails changes nothing.
func Sequences(seqs []gen.Sequence, limits Limits, fails func([]gen.Sequence) bool) []gen.Sequence {
	r := &reducer{Limits: limits, fails: fails, best: seqs, tried: map[[sha256.Size]byte]bool{}}
	for before := ""; before != text(r.best) && r.left(); {
		before = text(r.best)
		r.sequences()
		r.conns()
		r.steps()
		r.parts()
		r.bytes()
	}
	return r.best
}

// text is a case in one string, so that two can be compared.
func text(seqs []gen.Sequence) string {
	var b strings.Builder
	for i := range seqs {
		b.WriteString(seqs[i].String())
		b.WriteByte('\n')
	}
	return b.String()
}

func (r *reducer) left() bool { return r.Tests > 0 && time.Now().Before(r.Until) }

// try takes a candidate over if it fails too.
func (r *reducer) try(candidate []gen.Sequence) bool {
	if !r.left() || len(candidate) == 0 {
		return false
	}
	key := sha256.Sum256([]byte(text(candidate)))
	if r.tried[key] {
		return false
	}
	r.Tests--
	if !r.fails(candidate) {
		r.tried[key] = true
		return false
	}
	r.best = candidate
	return true
}

// Runs cuts runs out of a list, halves first (delta debugging, Zeller and Hildebrandt): of a case that needs hundreds to be seen, most go at once. cut
// leaves out what stands from one place up to another, and tells whether it has.
func Runs(length func() int, cut func(from, to int) bool) {
	for size := length() / 2; size >= 1; size /= 2 {
		for at := 0; at < length(); {
			if !cut(at, min(at+size, length())) {
				at += size
			}
		}
	}
}

func (r *reducer) sequences() {
	Runs(func() int { return len(r.best) }, func(from, to int) bool {
		return r.try(slices.Delete(slices.Clone(r.best), from, to))
	})
}

// with is the best case with another sequence at that place.
func (r *reducer) with(i int, steps []gen.Step) []gen.Sequence {
	all := slices.Clone(r.best)
	all[i] = gen.Sequence{Steps: steps}
	return all
}

// conns leaves out all that one connection does.
func (r *reducer) conns() {
	for i := range r.best {
		for conn := gen.Client; conn < gen.MaxConns; conn++ {
			rest := slices.DeleteFunc(slices.Clone(r.best[i].Steps), func(st gen.Step) bool { return st.Conn == conn })
			if len(rest) > 0 && len(rest) < len(r.best[i].Steps) {
				r.try(r.with(i, rest))
			}
		}
	}
}

func (r *reducer) steps() {
	for i := range r.best {
		Runs(func() int { return len(r.best[i].Steps) }, func(from, to int) bool {
			rest := slices.Delete(slices.Clone(r.best[i].Steps), from, to)
			return len(rest) > 0 && r.try(r.with(i, rest))
		})
	}
}

// change tries the case with one message changed; change returns false where it has nothing to do.
func (r *reducer) change(i, step int, change func(*gen.Message) bool) bool {
	steps := slices.Clone(r.best[i].Steps)
	m := steps[step].Message.Clone()
	if steps[step].End || !change(&m) || m.Equal(&steps[step].Message) {
		return false
	}
	steps[step].Message = m
	return r.try(r.with(i, steps))
}

// parts leaves out fields and members, and puts plain ones in the place of odd ones.
func (r *reducer) parts() {
	for i := range r.best {
		for step := range r.best[i].Steps {
			r.members(i, step)
			for at := 0; ; at++ {
				m := &r.best[i].Steps[step].Message
				if at >= len(m.Fields) {
					break
				}
				if r.change(i, step, func(m *gen.Message) bool { m.Fields = slices.Delete(m.Fields, at, at+1); return true }) {
					at--
					continue
				}
				r.plainField(i, step, at)
			}
			r.change(i, step, func(m *gen.Message) bool { m.Payload, m.Close = "", ""; return true })
			r.change(i, step, func(m *gen.Message) bool { m.Payload = ""; return true })
			r.change(i, step, func(m *gen.Message) bool { m.Verb = strings.ToUpper(m.Verb); return true })
			r.change(i, step, func(m *gen.Message) bool { m.End = "\r\n"; return true })
		}
	}
}

func (r *reducer) members(i, step int) {
	r.change(i, step, func(m *gen.Message) bool { m.Members = nil; return m.Object })
	for at := 0; at < len(r.best[i].Steps[step].Message.Members); {
		if !r.change(i, step, func(m *gen.Message) bool { m.Members = slices.Delete(m.Members, at, at+1); return true }) {
			at++
		}
	}
}

// plainField tries ordinary texts in the place of a field, the plainest first: sizes where a message has them.
func (r *reducer) plainField(i, step, at int) {
	m := &r.best[i].Steps[step].Message
	field := m.Fields[at]
	for _, plain := range []string{" @size@", " $G", " foo", " q", " 1"} {
		if plain == " @size@" && (m.Close == "" || at < len(m.Fields)-2) {
			continue
		}
		if field == plain || r.change(i, step, func(m *gen.Message) bool { m.Fields[at] = plain; return true }) {
			return
		}
	}
	r.change(i, step, func(m *gen.Message) bool { m.Fields[at] = " " + strings.TrimLeft(m.Fields[at], " \t"); return true })
}

// bytes makes long texts shorter.
func (r *reducer) bytes() {
	for i := range r.best {
		for step := range r.best[i].Steps {
			parts := 0
			m := r.best[i].Steps[step].Message.Clone()
			m.Parts(func(*string) { parts++ })
			for part := range parts {
				r.shorten(i, step, part)
			}
		}
	}
}

// shorten cuts pieces out of one part of a message, halves first.
func (r *reducer) shorten(i, step, part int) {
	length, number := 0, false
	set := func(m *gen.Message, edit func(*string)) {
		n := 0
		m.Parts(func(p *string) {
			if n == part {
				edit(p)
			}
			n++
		})
	}
	measure := func() {
		m := r.best[i].Steps[step].Message.Clone()
		set(&m, func(p *string) { length, number = len(*p), strings.Trim(*p, " \t0123456789") == "" })
	}
	measure()
	if length <= 4 || number && r.KeepNumbers {
		return
	}
	for size := length / 2; size >= 1; size /= 2 {
		for at := 0; at < length; {
			cut := r.change(i, step, func(m *gen.Message) bool {
				set(m, func(p *string) { *p = (*p)[:at] + (*p)[min(at+size, len(*p)):] })
				return true
			})
			if measure(); !cut {
				at += size
			}
			if !r.left() {
				return
			}
		}
	}
}
