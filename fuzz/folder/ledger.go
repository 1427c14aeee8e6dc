package folder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Ledger is a file of fixed size that holds the cases which a worker has sent last. Each is in it before it is sent: one write into
// pages that are there already, so that it survives the end of the process, whatever ends it. It is not for concurrent use.
//
// A record is a mark, its number, its length, a checksum over these and the text, and the text. Records go round.
type Ledger struct {
	file *os.File
	at   int64
	next uint64
	buf  []byte
}

const (
	ledgers    = "ledger"
	ledgerSize = 4 << 20
	recordHead = len(recordMark) + 8 + 4 + 4
	recordMark = "\xffledger\x00" // a text form has no such bytes
)

func (f *Folder) ledgerPath(worker int) string {
	return filepath.Join(f.dir, ledgers, fmt.Sprintf("%d", worker))
}

// Ledger makes the ledger of a worker; what a former one has left is gone. The caller closes it.
func (f *Folder) Ledger(worker int) (*Ledger, error) {
	file, err := os.OpenFile(f.ledgerPath(worker), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &Ledger{file: file, next: 1}, file.Truncate(ledgerSize)
}

// Close ends a ledger whose worker has ended as it should: nothing in it is open.
func (l *Ledger) Close() error { return errors.Join(l.file.Close(), os.Remove(l.file.Name())) }

// Enter notes a case that is about to be sent. Its text holds no byte 0xff.
func (l *Ledger) Enter(text []byte) error {
	if len(text) > ledgerSize/2 {
		return fmt.Errorf("a case of %d bytes does not fit the ledger", len(text))
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

// InFlight returns the last cases of a worker that was killed, the newest last, at most n: the one that was in flight, and those before
// it. The error is fs.ErrNotExist where there is no ledger: that worker has ended as it should, or there was none.
func (f *Folder) InFlight(worker, n int) ([][]byte, error) {
	b, err := os.ReadFile(f.ledgerPath(worker))
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
	var texts [][]byte
	for _, r := range last {
		if r != nil {
			texts = append(texts, r.text)
		}
	}
	return texts, nil
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
