package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkParse holds for any input: the first byte chooses a dialect, the second the cuts, the rest is the stream.
//
//   - nothing panics, and an error is one of the three types and sticks
//   - any chunking gives the same operations, the same error at the same offset
//   - the second parser agrees
//   - what is kept stays within the limits and follows the bytes that came, not the sizes announced
//   - each operation, appended and parsed again, means the same, and appended once more gives the same bytes
func checkParse(data []byte) error {
	if len(data) < 2 {
		return nil
	}
	d, in := fuzzDialect(data[0]), data[2:]
	var want parsed
	want.ops, want.inside, want.err = oracleParse(d, in, follow)

	var bytewise []int
	for i := 1; i < len(in) && len(in) <= 512; i++ {
		bytewise = append(bytewise, i)
	}
	r := rand.New(rand.NewPCG(uint64(data[1]), uint64(len(in))))
	for _, cuts := range [][]int{nil, bytewise, randomCuts(r, len(in), 1), randomCuts(r, len(in), 1+len(in)/16)} {
		got, err := parse(d, in, cuts, follow)
		if err != nil {
			return fmt.Errorf("%s cut at %v: %w", d.Name, cuts, err)
		}
		if err := same(got, want); err != nil {
			return fmt.Errorf("%s cut at %v: parser against oracle: %w", d.Name, cuts, err)
		}
	}
	var mode Mode
	for i := range want.ops {
		op := &want.ops[i]
		if op.Offset == 0 && !op.More {
			if err := checkRoundTrip(op, mode); err != nil {
				return err
			}
		}
		mode = follow(op, mode)
	}
	return nil
}

// fuzzDialect is one of the dialects, or one whose limits a short input reaches.
func fuzzDialect(b byte) Dialect {
	all := append(Dialects(), anyFirst(), tiny(), Dialect{Name: "unlimited", Headers: true, Leaf: true})
	return all[int(b)%len(all)]
}

// checkRoundTrip appends op and parses it again, on a connection of that mode.
func checkRoundTrip(op *Op, mode Mode) error {
	line := op.AppendTo(nil)
	again, err := parseOne(line, mode)
	if err != nil {
		return fmt.Errorf("%q, appended by us: %w", line, err)
	}
	if !op.Equal(&again) {
		return fmt.Errorf("%q means %s, it was %s", line, &again, op)
	}
	if twice := again.AppendTo(nil); !bytes.Equal(line, twice) {
		return fmt.Errorf("%q is not canonical: %q", line, twice)
	}
	if op.Body == nil || op.Kind == Err {
		return nil
	}
	// The members alone have to mean what the text meant.
	bare := op.Clone()
	bare.Body = nil
	return checkRoundTrip(&bare, mode)
}

// parseOne parses exactly one operation, without limits.
func parseOne(line []byte, mode Mode) (Op, error) {
	p := NewParser(Dialect{Headers: true, Leaf: true})
	p.SetMode(mode)
	p.Feed(line)
	var op Op
	if err := p.Next(&op); err != nil {
		return op, err
	}
	if p.Offset() != int64(len(line)) {
		return op, fmt.Errorf("ends at %d of %d", p.Offset(), len(line))
	}
	return op.Clone(), nil
}

func FuzzParse(f *testing.F) {
	for _, in := range fuzzSeeds {
		for choice := range byte(len(Dialects()) + 3) {
			f.Add(append([]byte{choice, 7}, in...))
		}
	}
	for _, c := range captures(f) {
		streams := make(map[string][]byte)
		for _, p := range c.pieces {
			streams[p.conn+p.sender] = append(streams[p.conn+p.sender], p.bytes...)
		}
		for _, in := range streams {
			f.Add(append([]byte{6, 7}, in[:min(len(in), 2048)]...))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkParse(data); err != nil {
			t.Fatal(err)
		}
	})
}

// fuzzSeeds show every operation and every form once; tables of other tests hold the rest.
var fuzzSeeds = []string{
	"CONNECT {\"name\":\"a\",\"cluster\":\"c\",\"new\":[1]}\r\nINFO {\"server_id\":\"a\",\"lnocu\":true} \r\nLS- o $G foo q\r\n",
	"connect{}\ninfo \t{\"route_account\":\"A\"}\t\r\nRS+ foo q 3\r\nRMSG foo + r q 2\r\nok\r\n",
	"PING\r\nPONG\r\n+OK\r\n-ERR 'Stale Connection'\r\n-err \r\nPINGxyz\r\n",
	"RS+ $G foo.*.>\r\nRS+\t$G  foo q 0000000003 \r\nRS- $G foo q\r\nrs- $G fo\ro\n",
	"RMSG $G foo 0\r\n\r\nRMSG $G foo r 2\r\nok\r\nRMSG $G foo + r q1 q2 12\r\n123456789012\r\nRMSG $G foo | q 1\nx\r\n",
	"HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nok\r\nLMSG o $G foo r 0 18\r\n123456789012345678\r\nRMSG $G foo + r 0\r\n\r\n",
	"LS+ o $G foo\r\nLS+ _ $G foo q 1\r\nLS- $G foo\r\nA+ ACC\r\nA- \r\n",
	"RMSG $G foo 21\r\nRMSG $G foo 999999999\r\n",
	"RS+ $G 901234567890123\r\r\n",
}

// The seeds and a little more hold in every run, not only in a fuzzing one.
func TestCheckParse(t *testing.T) {
	r := seeded("check")
	for _, seed := range fuzzSeeds {
		for choice := range byte(len(Dialects()) + 3) {
			in := append([]byte{choice, 7}, seed...)
			if err := checkParse(in); err != nil {
				t.Fatal(err)
			}
			for range 40 {
				bad := bytes.Clone(in)
				for range 1 + r.IntN(3) {
					bad[2+r.IntN(len(bad)-2)] = " \t\r\n+-|01239{}\"RSMGx\x00\xff"[r.IntN(22)]
				}
				if err := checkParse(bad); err != nil {
					t.Fatalf("%q: %v", bad, err)
				}
			}
		}
	}
}
