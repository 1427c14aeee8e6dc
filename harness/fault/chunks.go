package fault

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"
)

// Chunk is one of a peer's S2 stream. Its content is not the fault's to keep.
type Chunk struct {
	Kind    byte
	Content []byte
	Reads   int // in how many reads it came

	number int // of chunks before it
}

// Kinds of chunks.
const (
	chunkCompressed = 0x00
	chunkPlain      = 0x01
	chunkSkippable  = 0x80 // and above
	chunkIdentifier = 0xff
)

// chunkHeader is a kind and a length of three bytes.
const chunkHeader = 4

// longestChunk is what the box keeps of one, in bytes; longer ones pass as they come.
const longestChunk = 6 << 20

// closeOnChunk ends the connection at a chunk that is picked.
func closeOnChunk(picked func(*Link, Chunk) bool) func(*Link, Chunk) bool {
	return func(l *Link, c Chunk) bool {
		if picked(l, c) {
			l.Close()
			return false
		}
		return true
	}
}

// dropChunk loses chunks that are picked.
func dropChunk(picked func(Chunk) bool) func(*Link, Chunk) bool {
	return func(_ *Link, c Chunk) bool { return !picked(c) }
}

// damaged tells whether the checksum of a chunk of data is wrong.
func (c Chunk) damaged() bool {
	if c.Kind > chunkPlain || len(c.Content) < 4 {
		return false
	}
	data := c.Content[4:]
	if c.Kind == chunkCompressed {
		var err error
		if data, err = s2.Decode(nil, data); err != nil {
			return true
		}
	}
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.Uint32(c.Content) != (sum>>15|sum<<17)+0xa282ead8
}

// chunks reads a stream chunk by chunk, and leaves out those that take does not let pass. Plain bytes, which are no chunk,
// come as one that is as long as what was read.
type chunks struct {
	from   io.Reader
	take   func(Chunk) bool
	held   []byte
	out    bytes.Buffer
	reads  int
	number int
	err    error
}

func (c *chunks) Read(b []byte) (int, error) {
	buf := make([]byte, 64<<10)
	for c.out.Len() == 0 {
		c.next()
		if c.out.Len() > 0 {
			break
		}
		if c.err != nil {
			c.out.Write(c.held) // a chunk that was cut short
			c.held = nil
			if c.out.Len() > 0 {
				break
			}
			return 0, c.err
		}
		var n int
		n, c.err = c.from.Read(buf)
		if n > 0 {
			c.reads++
			c.held = append(c.held, buf[:n]...)
		}
	}
	return c.out.Read(b)
}

// next takes whole chunks off what is held.
func (c *chunks) next() {
	for len(c.held) >= chunkHeader {
		kind := c.held[0]
		n := chunkHeader + (int(c.held[1]) | int(c.held[2])<<8 | int(c.held[3])<<16)
		if n > longestChunk || 'A' <= kind && kind <= 'Z' {
			n = len(c.held)
		}
		if len(c.held) < n {
			return
		}
		if c.take(Chunk{Kind: kind, Content: c.held[chunkHeader:n], Reads: max(1, c.reads), number: c.number}) {
			c.out.Write(c.held[:n])
		}
		c.number++
		c.held, c.reads = c.held[n:], 1
	}
	if len(c.held) == 0 {
		c.reads = 0
	}
}
