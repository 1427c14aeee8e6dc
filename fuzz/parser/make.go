package parser

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// lengths of streams: behind the first fault nothing is read any more.
var lengths = []int{1, 2, 4, 8}

// longestStream bounds a stream in bytes: a request has to be answered at once. Limits of 64 KiB are in reach.
const longestStream = 192 << 10

// make makes a case that nobody has sent: one made anew, or a neighbour of one that showed something new.
func (r *run) make(src *gen.Source) Case {
	o := gen.Options{Conns: 1, Ops: lengths[src.Intn(len(lengths))], InMemory: true}
	var c Case
	if base, donors, ok := r.pick(src); ok && src.Chance(2) {
		c = base
		c.Stream = src.Mutate(&base.Stream, donors, o)
	} else {
		c.Setting = setting(src, r.dialect)
		c.Stream = src.Generate(o)
	}
	if !c.Setting.ConnectFirst && src.Bool() { // streams begin with CONNECT and INFO: what comes behind is to come first, too
		c.Stream.Steps = slices.DeleteFunc(c.Stream.Steps, func(st gen.Step) bool { return st.Message.Object })
	}
	if src.Chance(4) {
		c.edge(src, r.dialect)
	}
	if r.masks.Tame(&c.Stream) {
		r.masked.Add(1)
	}
	c = c.alone()
	for len(c.bytes()) > longestStream && len(c.Stream.Steps) > 0 {
		c.Stream.Steps = c.Stream.Steps[:len(c.Stream.Steps)-1]
	}
	at, length := 0, len(c.bytes())
	c.Cuts = nil
	for range 1 + src.Intn(4) {
		if at += 1 + src.Intn(max(length/2, 1)); at < length {
			c.Cuts = append(c.Cuts, at)
		}
	}
	return c
}

// setting is what the parser is told: mostly that nothing has been agreed on.
func setting(src *gen.Source, d wire.Dialect) pipe.Setting {
	return pipe.Setting{
		Dialect: d.Name, ConnectFirst: d.ConnectFirst && src.Chance(4), Pinned: d.Pools && src.Chance(4), LNOCU: d.Leaf && src.Chance(4),
	}
}

// edge puts a message to the edge of one of the dialect's limits: the digits of its size, or the length of its arguments.
func (c *Case) edge(src *gen.Source, d wire.Dialect) {
	var steps []int
	for i := range c.Stream.Steps {
		if m := &c.Stream.Steps[i].Message; len(m.Fields) > 0 && !m.Object {
			steps = append(steps, i)
		}
	}
	if len(steps) == 0 {
		return
	}
	m := &c.Stream.Steps[steps[src.Intn(len(steps))]].Message
	*m = m.Clone()
	off := src.Intn(3) - 1
	if last := len(m.Fields) - 1; d.Limits.SizeDigits > 0 && m.Fields[last] == " @size@" && !src.Chance(4) {
		digits := len(strconv.Itoa(len(m.Payload)))
		m.Fields[last] = " " + strings.Repeat("0", d.Limits.SizeDigits+off-digits) + "@size@"
		return
	}
	long := d.Limits.ControlLine > 8<<10 // costs as much as dozens of others
	if missing := d.Limits.ControlLine + off - argumentBytes(m); missing > 0 && missing < longestStream && (!long || src.Chance(16)) {
		m.Fields[0] += strings.Repeat("x", missing)
	}
}

// argumentBytes is the length of a message's arguments, from the first byte that is no blank to the line end.
func argumentBytes(m *gen.Message) int {
	line := gen.Message{Fields: m.Fields, Payload: m.Payload} // sizes stand for the payload's
	env := gen.FixedEnv()
	text := line.Append(nil, 0, &env)
	return len(bytes.TrimLeft(text, " \t")) - len(m.Payload)
}
