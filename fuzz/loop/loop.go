// Package loop makes inputs for the targets of package fuzz without an engine: a seed, the grammar of package gen, and a form for each
// target. It knows nothing of coverage, and where the grammar is good that is no loss: it starts at once, it is as fast as the
// target, and the same seed gives the same inputs.
package loop

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
)

// Maker makes the inputs of one target. Not for concurrent use.
type Maker struct {
	form func(m *Maker) []byte
	rand *rand.Rand
	src  *gen.Source
	env  gen.Env
	buf  []byte
}

// New returns the maker for a target of package fuzz, by its name.
func New(target string, seed uint64) *Maker {
	m := &Maker{rand: rand.New(rand.NewPCG(seed, 0x6c6f6f70)), src: gen.FromSeed(seed), env: gen.FixedEnv()}
	switch target {
	case "Parse":
		m.form = (*Maker).stream
	case "Split":
		m.form = (*Maker).splitStream
	case "Info":
		m.form = func(m *Maker) []byte { return m.body("INFO") }
	case "Connect":
		m.form = func(m *Maker) []byte { return m.body("CONNECT") }
	default:
		m.form = (*Maker).decisions
	}
	return m
}

// Next returns an input, good until the next call.
func (m *Maker) Next() []byte {
	m.buf = m.buf[:0]
	return m.form(m)
}

// decisions are bytes of any value, which the target decodes: mostly some hundred, seldom many.
func (m *Maker) decisions() []byte {
	n := m.rand.IntN(64 << m.rand.IntN(6))
	for range n {
		m.buf = append(m.buf, byte(m.rand.Uint32()))
	}
	return m.buf
}

// stream is a byte that chooses the dialect, and what a connection sends.
func (m *Maker) stream() []byte {
	m.buf = append(m.buf, byte(m.rand.Uint32()))
	m.traffic()
	return m.buf
}

// splitStream has the number of cuts and the distances between them in front too.
func (m *Maker) splitStream() []byte {
	places := m.rand.IntN(8)
	m.buf = append(m.buf, byte(m.rand.Uint32()), byte(places))
	for range places {
		m.buf = append(m.buf, byte(m.rand.IntN(1<<(1+m.rand.IntN(8)))))
	}
	m.traffic()
	return m.buf
}

// traffic appends what a connection sends: now and then without the handshake, for there is more room for other things, and with a byte
// or two that the grammar did not choose.
func (m *Maker) traffic() {
	start := len(m.buf)
	seq := m.src.Generate(gen.Options{Conns: 1})
	bare := m.rand.IntN(2) == 0
	for i := range seq.Steps {
		step := &seq.Steps[i]
		if step.End || step.Conn != 0 || bare && step.Message.Object {
			continue
		}
		m.buf = step.Message.Append(m.buf, 0, &m.env)
	}
	if len(m.buf) == start {
		return
	}
	switch at := start + m.rand.IntN(len(m.buf)-start); m.rand.IntN(8) {
	case 0, 1:
		m.buf[at] = byte(m.rand.Uint32())
	case 2:
		m.repeat(at)
	}
}

// repeat puts the argument at or behind a place there some times more: lists that are long break what is counted on to be short.
func (m *Maker) repeat(at int) {
	lo := bytes.IndexByte(m.buf[at:], ' ')
	if lo < 0 {
		return
	}
	lo += at
	n := bytes.IndexAny(m.buf[lo+1:], " \r\n")
	if n < 0 || n > 32 {
		return
	}
	argument := bytes.Repeat(m.buf[lo:lo+1+n], 1+m.rand.IntN(40))
	m.buf = slices.Insert(m.buf, lo, argument...)
}

// body is the JSON text of an INFO or CONNECT of the grammar.
func (m *Maker) body(verb string) []byte {
	for {
		seq := m.src.Generate(gen.Options{Conns: 1})
		for i := range seq.Steps {
			message := &seq.Steps[i].Message
			if !message.Object || !strings.EqualFold(message.Verb, verb) {
				continue
			}
			bare := *message
			bare.Verb, bare.Fields, bare.End, bare.Payload, bare.Close = "", nil, "", "", ""
			return bare.Append(m.buf, 0, &m.env)
		}
	}
}
