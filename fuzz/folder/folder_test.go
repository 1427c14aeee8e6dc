package folder

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is entered is read back, the newest last, however often the ledger goes round, and a record that was cut off is
// left out.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		f, err := Open(dir)
		if err != nil {
			rt.Fatal(err)
		}
		l, err := f.Ledger(0)
		if err != nil {
			rt.Fatal(err)
		}
		var all [][]byte
		for i := range rapid.IntRange(1, 12).Draw(rt, "cases") {
			size := rapid.SampledFrom([]int{0, 10, 1000, 900_000}).Draw(rt, "size")
			text := []byte(strconv.Itoa(i) + strings.Repeat("x", size))
			if err := l.Enter(text); err != nil {
				rt.Fatal(err)
			}
			all = append(all, text)
		}
		at, last := l.at, all[len(all)-1]
		got, err := f.InFlight(0, 2)
		if err != nil || len(got) == 0 || !bytes.Equal(got[len(got)-1], last) {
			rt.Fatalf("%d read back of %d, %v", len(got), len(all), err)
		}
		if _, err := l.file.WriteAt([]byte("torn"), at-4); err != nil {
			rt.Fatal(err)
		}
		got, err = f.InFlight(0, 1)
		if err != nil || len(got) == 1 && bytes.Equal(got[0], last) {
			rt.Fatalf("a torn record was read, %v", err)
		}
		if err := errors.Join(l.Close(), f.Close()); err != nil {
			rt.Fatal(err)
		}
	})
}

// What a run has stored is there when the folder is opened again, and is not new then.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for again := range 2 {
		f, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := f.Find("crash-x", []byte("text"))
		if err != nil || fresh != (again == 0) {
			t.Errorf("opened the %d. time: new is %v, %v", again+1, fresh, err)
		}
		if err := errors.Join(f.Keep([]byte("a")), f.Keep([]byte("a")), f.Keep([]byte("b"))); err != nil {
			t.Error(err)
		}
		if findings, found, corpus := f.Counts(); findings != 1 || found != 1-again || corpus != 2 {
			t.Errorf("opened the %d. time: %d findings, %d new, %d in the corpus", again+1, findings, found, corpus)
		}
		name, err := f.Suspect([]byte("suspect"))
		if err != nil {
			t.Fatal(err)
		}
		if again == 0 {
			f.Settled(name)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var read []string
	faulty := errors.New("faulty")
	err = f.Each(Corpus, func(_ string, text []byte) error {
		read = append(read, string(text))
		return faulty
	})
	if len(read) != 2 || !errors.Is(err, faulty) {
		t.Errorf("read %q, %v", read, err)
	}
	if names, err := f.Names(Suspects); err != nil || len(names) != 1 {
		t.Errorf("suspects %q, %v", names, err)
	}
	if _, err := f.InFlight(7, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ledger that nobody made: %v", err)
	}
}
