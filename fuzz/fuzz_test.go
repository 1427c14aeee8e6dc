package fuzz

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// An execution leaves little behind, and a worker's heap is small: collecting it less often makes each execution a quarter cheaper. A worker does one
// thing at a time: with a second processor the engine would wake a thread at the begin and at the end of each execution, to no avail.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1000)
	if slices.Contains(os.Args, "-test.fuzzworker") {
		runtime.GOMAXPROCS(1)
	}
	os.Exit(m.Run())
}

func FuzzParse(f *testing.F)     { native(f, "Parse") }
func FuzzSplit(f *testing.F)     { native(f, "Split") }
func FuzzRoundTrip(f *testing.F) { native(f, "RoundTrip") }
func FuzzInfo(f *testing.F)      { native(f, "Info") }
func FuzzConnect(f *testing.F)   { native(f, "Connect") }
func FuzzSession(f *testing.F)   { native(f, "Session") }
func FuzzPeerPair(f *testing.F)  { native(f, "PeerPair") }
func FuzzSubjects(f *testing.F)  { native(f, "Subjects") }

// FuzzEmpty does nothing: the floor that the others' rates are measured against.
func FuzzEmpty(f *testing.F) {
	f.Add([]byte("PING\r\n"))
	f.Fuzz(func(*testing.T, []byte) {})
}

// masksVariable names, in the environment, a file of buckets that are no failures: natsroute fuzz --overnight goes on behind what it has
// found.
const masksVariable = "NATSROUTE_FUZZ_MASKS"

// native gives the native engine the raw seeds, which go test runs too. A failure ends with the bucket's name in a line of its own.
func native(f *testing.F, name string) {
	target := targetOf(f, name)
	masks, err := ReadMasks(os.Getenv(masksVariable))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seedsOf(f, target) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := target.Try(data); err != nil {
			if bucket := target.Bucket(err); !masks[bucket] {
				t.Fatalf("%v\nbucket: %s", err, bucket)
			}
		}
	})
}

func targetOf(tb testing.TB, name string) Target {
	tb.Helper()
	for _, target := range Targets() {
		if target.Name == name {
			return target
		}
	}
	tb.Fatalf("no target %s", name)
	return Target{}
}

func seedsOf(tb testing.TB, target Target) [][]byte {
	tb.Helper()
	seeds, err := ReadSeeds(filepath.Join("..", target.SeedDir()))
	if err != nil {
		tb.Fatal(err)
	}
	return seeds
}

// Every seed with a byte or two changed, and random inputs, hold: the least that an engine would try.
func TestNeighboursOfSeeds(t *testing.T) {
	for _, target := range Targets() {
		t.Run(target.Name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			try := func(in []byte) {
				if err := target.Check(in); err != nil {
					t.Fatalf("%x: %v", in, err)
				}
			}
			for _, seed := range seedsOf(t, target) {
				for range 8 {
					in := bytes.Clone(seed)
					for range 1 + r.IntN(3) {
						if len(in) > 1 {
							in[1+r.IntN(len(in)-1)] = " \t\r\n+-|01239{}\"RSMGx\x00\xff"[r.IntN(22)]
						}
					}
					try(in)
				}
			}
			for range 1000 {
				in := make([]byte, r.IntN(600))
				for i := range in {
					in[i] = byte(r.Uint32())
				}
				try(in)
			}
		})
	}
}

// BenchmarkTargets runs each target over its seeds: the work of an execution, without an engine.
func BenchmarkTargets(b *testing.B) {
	for _, target := range Targets() {
		b.Run(target.Name, func(b *testing.B) {
			seeds := seedsOf(b, target)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := target.Check(seeds[i%len(seeds)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
