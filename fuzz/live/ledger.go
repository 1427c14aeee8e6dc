package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/natsroute/natsroute/fuzz/gen"
)

// ledger is a file of fixed size that holds the sequences which a worker has sent last. Each is in it before it is sent: one write into
// pages that are there already, so that it survives the end of the process, whatever ends it.
//
// A record is a mark, its number, its length, a checksum over these and the text, and the text. Records go round.
type ledger struct {
	file *os.File
	at   int64
	next uint64
	buf  []byte
}

const (
	ledgerSize = 4 << 20
	recordHead = len(recordMark) + 8 + 4 + 4
	recordMark = "\xffledger\x00" // a text form has no such bytes
)

func ledgerPath(dir string, worker int) string {
	return filepath.Join(dir, "ledger", fmt.Sprintf("%d", worker))
}

func openLedger(dir string, worker int) (*ledger, error) {
	f, err := os.OpenFile(ledgerPath(dir, worker), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &ledger{file: f, next: 1}, f.Truncate(ledgerSize)
}

// close ends a ledger whose worker has ended as it should: nothing in it is open.
func (l *ledger) close() error { return errors.Join(l.file.Close(), os.Remove(l.file.Name())) }

// enter notes a sequence that is about to be sent.
func (l *ledger) enter(seq *gen.Sequence) error {
	text, _ := seq.MarshalText()
	if len(text) > ledgerSize/2 {
		return fmt.Errorf("a sequence of %d bytes does not fit the ledger", len(text))
	}
	b := binary.LittleEndian.AppendUint64(append(l.buf[:0], recordMark...), l.next)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = append(b, text...)
	binary.LittleEndian.PutUint32(b[recordHead-4:], crc32.ChecksumIEEE(b))
	l.buf = b
	if l.at+int64(len(b)) > ledgerSize {
		l.at = 0
	}
	if _, err := l.file.WriteAt(b, l.at); err != nil {
		return err
	}
	l.at += int64(len(b))
	l.next++
	return nil
}

// readLedger returns the last sequences of a ledger, the newest last, at most n.
func readLedger(path string, n int) ([]gen.Sequence, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	type record struct {
		number uint64
		text   []byte
	}
	var records []record
	newest := uint64(0)
	for {
		at := bytes.Index(b, []byte(recordMark))
		if at < 0 {
			break
		}
		b = b[at:]
		number, text, ok := readRecord(b)
		if !ok { // overwritten in part
			b = b[len(recordMark):]
			continue
		}
		records = append(records, record{number, text})
		newest = max(newest, number)
		b = b[recordHead+len(text):]
	}
	last := make([]*record, n)
	for i := range records {
		if age := newest - records[i].number; age < uint64(n) {
			last[n-1-int(age)] = &records[i]
		}
	}
	var seqs []gen.Sequence
	for _, r := range last {
		var seq gen.Sequence
		if r != nil && seq.UnmarshalText(r.text) == nil {
			seqs = append(seqs, seq)
		}
	}
	return seqs, nil
}

// readRecord reads the record that b begins with; false: it is not whole.
func readRecord(b []byte) (number uint64, text []byte, ok bool) {
	if len(b) < recordHead {
		return 0, nil, false
	}
	head := b[len(recordMark):recordHead]
	number, size, sum := binary.LittleEndian.Uint64(head), int(binary.LittleEndian.Uint32(head[8:])), binary.LittleEndian.Uint32(head[12:])
	if size > len(b)-recordHead {
		return 0, nil, false
	}
	whole := append([]byte(nil), b[:recordHead+size]...)
	clear(whole[recordHead-4 : recordHead])
	return number, whole[recordHead:], crc32.ChecksumIEEE(whole) == sum
}
