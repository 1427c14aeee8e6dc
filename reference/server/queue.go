package server

const (
	blockSize = 64 << 10 // small outputs that have to wait are gathered in blocks of this size
	maxBatch  = 1 << 20  // bytes of one write, which the write deadline is for
	maxSpare  = 256 << 10
	maxSpares = 2
)

// queue is the output that waits for one connection's writer: buffers that are handed over, not copied, except where
// small ones would pile up. The writer holds what it has popped until it says done.
type queue struct {
	waiting [][]byte
	size    int // bytes waiting and popped
	spares  [][]byte
}

// push appends out and returns an empty buffer in exchange.
func (q *queue) push(out []byte) []byte {
	q.size += len(out)
	last := len(q.waiting) - 1
	switch {
	case last < 0 || len(out) >= blockSize/2:
		q.waiting = append(q.waiting, out)
		return q.spare(len(out))
	case cap(q.waiting[last])-len(q.waiting[last]) < len(out):
		q.waiting = append(q.waiting, make([]byte, 0, blockSize))
		last++
	}
	q.waiting[last] = append(q.waiting[last], out...)
	return out[:0]
}

// pop appends to batch what makes up the next write.
func (q *queue) pop(batch [][]byte) [][]byte {
	n, size := 0, 0
	for n < len(q.waiting) && (n == 0 || size+len(q.waiting[n]) <= maxBatch) {
		size += len(q.waiting[n])
		n++
	}
	batch = append(batch, q.waiting[:n]...)
	if rest := copy(q.waiting, q.waiting[n:]); n > 0 {
		clear(q.waiting[rest:])
		q.waiting = q.waiting[:rest]
	}
	return batch
}

// done takes back the buffers of a batch that has been written.
func (q *queue) done(batch [][]byte) {
	for i, b := range batch {
		q.size -= len(b)
		if cap(b) <= maxSpare && len(q.spares) < maxSpares {
			q.spares = append(q.spares, b[:0])
		}
		batch[i] = nil
	}
}

// spare returns a buffer for the output that follows one of size bytes. A busy connection gets one that need not grow.
func (q *queue) spare(size int) []byte {
	if n := len(q.spares); n > 0 {
		b := q.spares[n-1]
		q.spares = q.spares[:n-1]
		return b
	}
	if size < blockSize/2 {
		return nil
	}
	return make([]byte, 0, min(size+size/8, maxSpare))
}
