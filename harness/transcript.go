package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// How much of a connection is kept.
const (
	transcriptHead = 64 << 10 // bytes of all entries from the start
	transcriptTail = 16 << 10 // bytes of all entries before the end
	entryWhole     = 8 << 10  // an entry up to this size is kept whole,
	entryHead      = 4 << 10  // a longer one as its first bytes,
	entryTail      = 1 << 10  // its last ones, its length and its hash
)

// Transcript keeps the bytes of one connection, both ways, timed: at most 64 KiB of head and 16 KiB of tail, the cut is
// said. Passwords and tokens are masked when recorded, also where a write or read ends inside of one.
// Safe for concurrent use.
type Transcript struct {
	conn   string
	start  time.Time
	secret []byte // is masked wherever it stands

	mu        sync.Mutex
	sent, got masker
	head      []Entry
	headBytes int
	tail      []Entry
	tailBytes int
	cut       int   // entries left out between head and tail,
	cutBytes  int64 // and the bytes in them
}

// Entry is one write or read.
type Entry struct {
	At   time.Duration // since the target was made
	Conn string        // the peer's letter
	Dir  byte          // '>' sent to the target, '<' received, '#' note (opened, closed)
	Data []byte        // the bytes, masked; the first of them when Tail is set

	// Of bytes that were S2 on the wire: Data is what stood inside the stream, Wire the bytes of the stream that came or
	// went for it. Of a block that is read in parts all of Wire is with the first.
	S2   bool
	Wire int

	// Of an entry too long to be kept whole: its last bytes, the length of all of it and their SHA-256 in hex.
	Tail   []byte
	Size   int
	SHA256 string
}

func newTranscript(conn string, start time.Time, secret string) *Transcript {
	t := &Transcript{conn: conn, start: start}
	if len(secret) >= 4 { // a shorter one would blot out protocol text
		t.secret = []byte(secret)
	}
	return t
}

// Entries returns a copy, in order. Where entries were left out, a note between head and tail says how many.
func (t *Transcript) Entries() []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Entry, 0, len(t.head)+1+len(t.tail))
	all = append(all, t.head...)
	if t.cut > 0 {
		text := fmt.Sprintf("%d bytes in %d entries left out", t.cutBytes, t.cut)
		all = append(all, Entry{At: t.tail[0].At, Conn: t.conn, Dir: '#', Data: []byte(text), Size: len(text)})
	}
	return append(all, t.tail...)
}

// Sent returns the bytes that went to the target, secrets masked, as far as they were kept whole: up to the first write that was cut, or
// that stood in an S2 stream.
func (t *Transcript) Sent() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := t.head
	if t.cut == 0 {
		entries = append(entries[:len(entries):len(entries)], t.tail...)
	}
	var stream []byte
	for _, e := range entries {
		if e.Dir != '>' {
			continue
		}
		if e.S2 || e.Tail != nil {
			break
		}
		stream = append(stream, e.Data...)
	}
	return stream
}

// now is the time of an entry made at this moment.
func (t *Transcript) now() time.Duration { return time.Since(t.start) }

func (t *Transcript) wrote(b []byte) { t.add(Entry{Dir: '>'}, b) }
func (t *Transcript) read(b []byte)  { t.add(Entry{Dir: '<'}, b) }

// inside records bytes that stand inside an S2 stream.
func (t *Transcript) inside(dir byte, b []byte, wire int) {
	t.add(Entry{Dir: dir, S2: true, Wire: wire}, b)
}

func (t *Transcript) note(format string, args ...any) {
	t.add(Entry{Dir: '#'}, fmt.Appendf(nil, format, args...))
}

// add completes e by what is kept of b.
func (t *Transcript) add(e Entry, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Dir {
	case '>':
		b = t.sent.mask(b)
	case '<':
		b = t.got.mask(b)
	}
	if t.secret != nil {
		b = bytes.ReplaceAll(b, t.secret, []byte(maskText))
	}
	e.At, e.Conn = t.now(), t.conn
	e.hold(b)
	t.keep(e)
}

// hold copies what is kept of b.
func (e *Entry) hold(b []byte) {
	e.Size = len(b)
	if len(b) <= entryWhole {
		e.Data = bytes.Clone(b)
		return
	}
	sum := sha256.Sum256(b)
	e.Data = bytes.Clone(b[:entryHead])
	e.Tail = bytes.Clone(b[len(b)-entryTail:])
	e.SHA256 = hex.EncodeToString(sum[:])
}

// keep puts e into the head while there is room, then into the tail, whose oldest entries make room.
func (t *Transcript) keep(e Entry) {
	size := len(e.Data) + len(e.Tail)
	if t.tail == nil && t.headBytes+size <= transcriptHead {
		t.head = append(t.head, e)
		t.headBytes += size
		return
	}
	t.tail = append(t.tail, e)
	t.tailBytes += size
	gone := 0
	for t.tailBytes > transcriptTail && gone < len(t.tail)-1 {
		old := t.tail[gone]
		t.tailBytes -= len(old.Data) + len(old.Tail)
		t.cut++
		t.cutBytes += int64(old.Size)
		gone++
	}
	if gone > 0 {
		t.tail = append(t.tail[:0], t.tail[gone:]...)
	}
}
