package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// What parsing costs: BenchmarkFloor does the least that anyone must do who wants the next message (find each LF, read the
// size, step over the payload), BenchmarkParse does what this package does, over the same streams. BenchmarkRatio measures both in turn
// and prints the quotient: it is the one to read on a machine that does other things too.
//
//	go test -run '^$' -bench Ratio -benchmem ./reference/wire

// benchStream is a stream of operations and how many they are.
type benchStream struct {
	name  string
	bytes []byte
	ops   int
}

func benchStreams(tb testing.TB) []benchStream {
	streams := []benchStream{{"sub", subLines(1000), 1000}}
	for _, size := range []int{0, 16, 128, 1024, 65536} {
		n := 16 + 1000*128/(size+128)
		streams = append(streams, benchStream{fmt.Sprintf("msg-%d", size), messages(n, size), n})
	}
	return append(streams, established(tb))
}

// subLines is interest as a server announces it to a peer.
func subLines(n int) []byte {
	var b []byte
	for i := range n {
		op := NewSub("$G", fmt.Sprintf("orders.%d.new", i))
		b = op.AppendTo(b)
	}
	return b
}

func messages(n, size int) []byte {
	op := NewMsg("$G", "orders.eu.new", "", bytes.Repeat([]byte("x"), size))
	var b []byte
	for range n {
		b = op.AppendTo(b)
	}
	return b
}

// established is what all captures hold beside INFO and CONNECT, whose JSON no floor compares with. Connections in
// another mode (pinned, LS- with origin) or compressed are left out, because one parser reads them all.
func established(tb testing.TB) benchStream {
	s := benchStream{name: "capture"}
	for _, c := range captures(tb) {
		if strings.HasSuffix(c.name, "compression-s2") || strings.HasSuffix(c.name, "leaf-over-route") {
			continue
		}
		streams := make(map[string][]byte)
		var order []string
		pinned := make(map[string]bool)
		for _, p := range c.pieces {
			side := p.conn + p.sender
			if streams[side] == nil {
				order = append(order, side)
			}
			streams[side] = append(streams[side], p.bytes...)
			pinned[p.conn] = pinned[p.conn] || bytes.Contains(p.bytes, []byte(`"route_account"`))
		}
		for _, side := range order {
			if pinned[side[:len(side)-1]] {
				continue
			}
			read := naive.Parse(anyFirst(), streams[side], func(*Op, Mode) Mode { return Mode{} })
			if read.Err != nil {
				tb.Fatalf("%s: %v", c.name, read.Err)
			}
			ops := read.Ops
			for i := range ops {
				if ops[i].Kind == Info || ops[i].Kind == Connect {
					continue
				}
				s.bytes = ops[i].AppendTo(s.bytes)
				s.ops++
			}
		}
	}
	return s
}

// BenchmarkRatio runs parser and floor in turn and compares the best round of each.
func BenchmarkRatio(b *testing.B) {
	for _, s := range benchStreams(b) {
		b.Run(s.name, func(b *testing.B) {
			parser, rounds := parserOf(s), 1+20000/s.ops
			best := func(so time.Duration, run func() int) time.Duration {
				start := time.Now()
				for range rounds {
					if n := run(); n != s.ops {
						b.Fatalf("%d operations instead of %d", n, s.ops)
					}
				}
				return min(so, time.Since(start))
			}
			parse, least := time.Hour, time.Hour
			b.ReportAllocs()
			for b.Loop() {
				parse = best(parse, parser)
				least = best(least, func() int { return floor(s.bytes) })
			}
			perMsg := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(rounds*s.ops) }
			b.ReportMetric(perMsg(parse), "parse-ns/msg")
			b.ReportMetric(perMsg(least), "floor-ns/msg")
			b.ReportMetric(float64(parse)/float64(least), "x-floor")
			b.ReportMetric(0, "ns/op") // a round of both says nothing
		})
	}
}

// parserOf returns a run of the parser over the whole stream in one feed.
func parserOf(s benchStream) func() int {
	p, op := NewParser(anyFirst()), new(Op)
	return func() int {
		p.Feed(s.bytes)
		n := 0
		for p.Next(op) == nil {
			n++
		}
		return n
	}
}

func BenchmarkParse(b *testing.B) {
	for _, s := range benchStreams(b) {
		b.Run(s.name, func(b *testing.B) { perMessage(b, s, parserOf(s)) })
	}
}

// BenchmarkPieces is BenchmarkParse with the stream in reads of 32 KiB, so that an operation now and then straddles two.
func BenchmarkPieces(b *testing.B) {
	const read = 32 << 10
	for _, s := range benchStreams(b) {
		b.Run(s.name, func(b *testing.B) {
			p, op := NewParser(anyFirst()), new(Op)
			perMessage(b, s, func() int {
				n := 0
				for from := 0; from < len(s.bytes); from += read {
					p.Feed(s.bytes[from:min(from+read, len(s.bytes))])
					for p.Next(op) == nil {
						n++
					}
				}
				return n
			})
		})
	}
}

func BenchmarkFloor(b *testing.B) {
	for _, s := range benchStreams(b) {
		b.Run(s.name, func(b *testing.B) {
			perMessage(b, s, func() int { return floor(s.bytes) })
		})
	}
}

func floor(in []byte) int {
	n := 0
	for len(in) > 0 {
		end := bytes.IndexByte(in, '\n')
		step := end + 1
		if in[1] == 'M' { // RMSG, HMSG, LMSG: a size ends the line
			size := 0
			for i, unit := end-2, 1; in[i] != ' '; i, unit = i-1, unit*10 {
				size += int(in[i]-'0') * unit
			}
			step += size + 2
		}
		in = in[step:]
		n++
	}
	return n
}

func perMessage(b *testing.B, s benchStream, run func() int) {
	b.ReportAllocs()
	b.SetBytes(int64(len(s.bytes)))
	for b.Loop() {
		if n := run(); n != s.ops {
			b.Fatalf("%d operations instead of %d", n, s.ops)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.ops), "ns/msg")
}
