package server

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestQueue checks with random sizes that everything comes out in order, that the size is right, and that memory is not much more than
// the bytes that wait.
func TestQueue(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var h queueHistory
		for range 60 {
			if rng.IntN(4) == 0 {
				h.write(t)
			} else {
				h.push(t, randomSize(rng))
			}
			h.check(t)
		}
		for h.queue.size > 0 {
			h.write(t)
		}
		if !bytes.Equal(h.in, h.out) {
			t.Fatalf("seed %d: what came out is not what went in", seed)
		}
	}
}

// randomSize prefers the sizes at which push and pop decide.
func randomSize(rng *rand.Rand) int {
	switch n := rng.IntN(100); {
	case n == 0:
		return maxBatch + 1
	case n < 20:
		return blockSize/2 - 50 + rng.IntN(100)
	case n < 25:
		return blockSize - 50 + rng.IntN(100)
	default:
		return 1 + rng.IntN(200)
	}
}

// queueHistory is a queue with all that has gone through it.
type queueHistory struct {
	queue   queue
	buffer  []byte   // the producer's
	batch   [][]byte // the writer's
	in, out []byte
	pushes  int
}

func (h *queueHistory) push(t *testing.T, n int) {
	t.Helper()
	h.pushes++
	piece := bytes.Repeat([]byte{byte(h.pushes)}, n)
	h.in = append(h.in, piece...)
	if h.buffer = h.queue.push(append(h.buffer, piece...)); len(h.buffer) != 0 {
		t.Fatalf("push gave back a buffer with %d bytes", len(h.buffer))
	}
}

// write ends one write and begins the next.
func (h *queueHistory) write(t *testing.T) {
	t.Helper()
	for _, b := range h.batch {
		h.out = append(h.out, b...)
	}
	h.queue.done(h.batch)
	h.batch = h.queue.pop(h.batch[:0])
	if n := total(h.batch); n > maxBatch && len(h.batch) > 1 {
		t.Fatalf("a batch of %d buffers has %d bytes", len(h.batch), n)
	}
}

func (h *queueHistory) check(t *testing.T) {
	t.Helper()
	waiting, writing := total(h.queue.waiting), total(h.batch)
	if h.queue.size != waiting+writing || len(h.in) != len(h.out)+h.queue.size {
		t.Fatalf("size %d: %d bytes wait, %d are being written, %d of %d are out", h.queue.size, waiting, writing, len(h.out), len(h.in))
	}
	held := 0
	for _, b := range h.queue.waiting {
		held += cap(b)
	}
	// Buffers are at least half full, but for the first, which may be a spare, and the last.
	if limit := 2*waiting + maxSpare + blockSize; held > limit {
		t.Fatalf("%d bytes are held for %d that wait", held, waiting)
	}
}

func total(buffers [][]byte) (n int) {
	for _, b := range buffers {
		n += len(b)
	}
	return n
}
