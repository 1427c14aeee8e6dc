package fuzz

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/fuzz/gen"
)

var update = flag.Bool("update", false, "write the seeds that captures, the page and the decoders give into corpus/seeds")

// TestSeeds: the seeds that are made from captures and the page's examples are all there, and some for every target, each under its name;
// -update writes them, and those that the decoders make of chance. Others, which engines have found or runs have left, may be there too.
func TestSeeds(t *testing.T) {
	for _, target := range Targets() {
		dir := filepath.Join("..", target.SeedDir())
		if *update {
			for _, seed := range append(madeSeeds(t, target.Name), decodedSeeds(t, target.Name)...) {
				if _, err := WriteSeed(dir, seed); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, seed := range madeSeeds(t, target.Name) {
			if _, err := os.Stat(filepath.Join(dir, SeedName(seed))); err != nil {
				t.Errorf("%v: run go test ./fuzz -run TestSeeds -update", err)
			}
		}
		if seeds, err := ReadSeeds(dir); err != nil || len(seeds) < 8 {
			t.Errorf("%s has %d seeds, %v", dir, len(seeds), err)
		}
	}
}

func TestWriteSeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	for _, want := range []bool{true, false} {
		if added, err := WriteSeed(dir, []byte("x")); err != nil || added != want {
			t.Errorf("added %v, %v", added, err)
		}
	}
	seeds, err := ReadSeeds(dir)
	if err != nil || len(seeds) != 1 || string(seeds[0]) != "x" {
		t.Errorf("%q %v", seeds, err)
	}
	if err := os.WriteFile(filepath.Join(dir, SeedName([]byte("x"))), []byte("y"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSeeds(dir); err == nil {
		t.Error("a changed seed passes")
	}
}

func madeSeeds(t *testing.T, target string) [][]byte {
	switch target {
	case "Parse":
		return parseSeeds(t)
	case "Split":
		return splitSeeds(t)
	case "Info":
		return bodySeeds(t, "INFO")
	case "Connect":
		return bodySeeds(t, "CONNECT")
	case "Subjects":
		return subjectSeeds()
	}
	return nil
}

// featuresOf says what an input of a structured target shows.
var featuresOf = map[string]func([]byte) []string{
	"RoundTrip": roundTripFeatures, "Session": sessionFeatures, "PeerPair": peerPairFeatures, "Subjects": subjectFeatures,
}

// examples show every operation and every form once, the page's own among them.
var examples = []string{
	`INFO {"server_id":"KP19vTlB417XElnv8kKaC5","version":"2.0.0","go":"","host":"localhost","port":5222,"auth_required":false,"tls_required":false,` +
		`"tls_verify":false,"max_payload":1048576,"ip":"nats-route://127.0.0.1:5222/","connect_urls":["localhost:4222"]}` + "\r\n",
	"CONNECT {\"tls_required\":false,\"name\":\"wt0vffeQyoDGMVBC2aKX0b\"}\r\n",
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

// dialectOf is the dialect of a capture's version.
func dialectOf(version string) string {
	switch {
	case strings.HasPrefix(version, "2.1."):
		return "srv-2.1"
	case strings.HasPrefix(version, "2.9."):
		return "srv-2.5"
	case strings.HasPrefix(version, "2.10."):
		return "srv-2.10"
	}
	return "srv-2.15"
}

// streams are what the ends of captured connections have sent, without those that differ only in what is said inside an INFO.
func streams(t *testing.T) (all []stream) {
	t.Helper()
	captures, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, c := range captures {
		for _, s := range c.Streams() {
			in := c.Bytes(s)
			if shape := c.Version + shapeOf(in); !seen[shape] {
				seen[shape] = true
				all = append(all, stream{dialectOf(c.Version), in})
			}
		}
	}
	return all
}

type stream struct {
	dialect string
	bytes   []byte
}

// shapeOf is the first word and the number of words of each line.
func shapeOf(in []byte) string {
	var shape []string
	for line := range strings.Lines(string(in)) {
		words := strings.Fields(line)
		if len(words) > 0 && len(words[0]) < 8 && !slices.Contains(shape, fmt.Sprint(words[0], len(words))) {
			shape = append(shape, fmt.Sprint(words[0], len(words)))
		}
	}
	return strings.Join(shape, " ")
}

func parseSeeds(t *testing.T) (seeds [][]byte) {
	for i, in := range examples {
		for _, name := range []string{"any first", "srv-2.1", "tiny"} {
			if seed, _ := StreamSeed(name, []byte(in)); name != "srv-2.1" || i%3 == 0 {
				seeds = append(seeds, seed)
			}
		}
	}
	for _, s := range streams(t) {
		seed, ok := StreamSeed(s.dialect, s.bytes)
		if !ok {
			t.Fatalf("no dialect %s", s.dialect)
		}
		if s.dialect == "srv-2.15" && seed[1]|0x20 != 'c' { // what an acceptor sends begins with INFO
			seed, _ = StreamSeed("any first", s.bytes)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// splitSeeds are those of Parse with two cuts.
func splitSeeds(t *testing.T) (seeds [][]byte) {
	for i, seed := range parseSeeds(t) {
		cuts := []byte{2, byte(1 + i*7), byte(3 + i*5)}
		seeds = append(seeds, slices.Concat(seed[:1], cuts, seed[1:]))
	}
	return seeds
}

// bodySeeds are the bodies of captured lines, one for each set of members, and some that no server sends.
func bodySeeds(t *testing.T, name string) [][]byte {
	seeds := [][]byte{
		[]byte("{}"), []byte("null"), []byte(`{"a":1,"A":2,"a":3}`), []byte(`{"PORT":1,"port":null,"Name":"x","name":"y"}`), []byte(`{"max_payload":2147483648}`),
		[]byte(`{"server_id":1}`), []byte(`{"import":{"allow":["a"]},"import":{"deny":["b"]}}`), []byte(`{"connect_urls":["a"],"connect_urls":[]}`),
		[]byte(` {"host":"\u0031\ud800"} `), []byte(`{"x":1e400,"port":1.0}`), []byte(`[`), []byte(`{"verbose":true}x`),
	}
	seen := make(map[string]bool)
	for _, s := range streams(t) {
		for line := range bytes.Lines(s.bytes) {
			body, ok := bytes.CutPrefix(line, []byte(name+" "))
			members := memberList(body)
			if ok && !seen[members] {
				seen[members] = true
				seeds = append(seeds, bytes.TrimSpace(body))
			}
		}
	}
	return seeds
}

func memberList(body []byte) string {
	var names []string
	for _, part := range strings.Split(string(body), ",") {
		name, _, _ := strings.Cut(part, ":")
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

func subjectSeeds() (seeds [][]byte) {
	for _, text := range []string{
		"foo.*\nfoo.>\nfoo\nfoo.bar", ">\n*\n*.*\na.b", "a..b\n.a\na.\na..b", "foo.>.bar\nfoo.*bar\nfoo*\nfoo*", "*.b\n*.>\na.*.c\na.b.c", "\n\n", "a\na\na\na",
		"$SYS.>\n>\n$SYS.REQ\n$SYS.REQ.x",
	} {
		seeds = append(seeds, []byte(text))
	}
	return seeds
}

// decodedSeeds chooses among random inputs of a structured target those that show something which none before them has shown.
func decodedSeeds(t *testing.T, name string) (seeds [][]byte) {
	t.Helper()
	features := featuresOf[name]
	if features == nil {
		return nil
	}
	r := rand.New(rand.NewPCG(11, uint64(len(name))))
	seen := make(map[string]bool)
	for range 4000 {
		in := make([]byte, 40+r.IntN(400))
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		fresh := false
		for _, feature := range features(in) {
			fresh = fresh || !seen[feature]
			seen[feature] = true
		}
		if fresh {
			seeds = append(seeds, in)
		}
	}
	return seeds
}

func roundTripFeatures(in []byte) []string {
	src := gen.FromBytes(in)
	src.Bool()
	src.Bool()
	return []string{fmt.Sprint(in[0]&1, in[1]&1, in[2]%15)}
}

func subjectFeatures(in []byte) []string { return []string{fmt.Sprint(len(subjectsOf(in)))} }

// sessionFeatures: what is sent and closed, by dialect.
func sessionFeatures(in []byte) (features []string) {
	s := newSession(gen.FromBytes(in))
	for i := range s.seq.Steps {
		if s.play(&s.seq.Steps[i]) != nil {
			return nil
		}
		for _, m := range s.got.sends {
			feature := m.kind.String()
			if feature == "-ERR" {
				feature, _, _ = strings.Cut(m.line(), `"`)
			}
			features = append(features, s.model.cfg.Dialect.Name+" "+feature)
		}
		features = append(features, fmt.Sprintf("%s closed %v, delivered %v", s.model.cfg.Dialect.Name, s.got.closed, len(s.got.delivered) > 0))
	}
	return features
}

// peerPairFeatures: which servers meet, and what happens between them.
func peerPairFeatures(in []byte) []string {
	h := newHistory(in)
	h.tells = true
	h.start()
	features := []string{fmt.Sprint(len(h.members))}
	for _, line := range h.log {
		features = append(features, line[2:]) // without the server's name
	}
	h.log = nil
	for range 1 + h.src.Intn(16) {
		h.act()
	}
	for _, line := range h.log {
		features = append(features, strings.Join(strings.Fields(line)[1:3], " "))
	}
	return features
}
