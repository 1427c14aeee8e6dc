package server

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

// inflate reads a stream in pieces of that size.
func inflate(stream []byte, piece int) ([]byte, error) {
	var f inflater
	var out []byte
	for len(stream) > 0 {
		in := stream[:min(piece, len(stream))]
		stream = stream[len(in):]
		for len(in) > 0 {
			block, rest, err := f.next(in)
			if err != nil {
				return out, err
			}
			out = append(out, block...)
			in = rest
		}
	}
	if len(f.frame) > 0 || f.skip > 0 {
		return out, io.ErrUnexpectedEOF
	}
	return out, nil
}

// texts are small and large, compressible and not.
func texts() [][]byte {
	noise := make([]byte, 300_000)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(noise)
	return [][]byte{
		[]byte("PING\r\n"), []byte(strings.Repeat("RS+ $G orders.new\r\n", 500)), noise, bytes.Repeat([]byte("0123456789"), 150_000), noise[:1],
	}
}

var levels = []string{"s2_uncompressed", "s2_fast", "s2_better", "s2_best"}

// TestDeflateInflate checks both ways against each other, however the stream is cut.
func TestDeflateInflate(t *testing.T) {
	for _, level := range levels {
		d := newDeflater(level)
		var stream, want []byte
		for _, text := range texts() {
			stream, want = append(stream, d.append(nil, text)...), append(want, text...)
		}
		for _, piece := range []int{1, 2, 3, 7, 4096, 65536, len(stream)} {
			if got, err := inflate(stream, piece); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s in pieces of %d: %d bytes of %d, %v", level, piece, len(got), len(want), err)
			}
		}
	}
}

// TestLevelsDiffer checks that the level is the one that was asked for.
func TestLevelsDiffer(t *testing.T) {
	text := texts()[1]
	sizes := map[string]int{}
	for _, level := range levels {
		sizes[level] = len(newDeflater(level).append(nil, text))
	}
	if sizes["s2_uncompressed"] <= len(text) || sizes["s2_fast"] >= len(text)/2 {
		t.Errorf("of %d bytes came %v", len(text), sizes)
	}
}

// TestDeflateIsReadByTheLibrary and the other way round: its streams with padding, an index and small blocks.
func TestDeflateIsReadByTheLibrary(t *testing.T) {
	text := texts()[3]
	got, err := io.ReadAll(s2.NewReader(bytes.NewReader(newDeflater("s2_fast").append(nil, text))))
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("read %d bytes of %d, %v", len(got), len(text), err)
	}
	for _, options := range [][]s2.WriterOption{
		{s2.WriterPadding(1000)}, {s2.WriterAddIndex()}, {s2.WriterSnappyCompat(), s2.WriterBlockSize(64 << 10)}, {s2.WriterBlockSize(4 << 20)},
	} {
		var stream bytes.Buffer
		w := s2.NewWriter(&stream, options...)
		w.Write(text)
		w.Close()
		if got, err := inflate(stream.Bytes(), 100); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
	}
}

// TestBrokenStreams checks that what is no S2 stream is refused, and that nobody makes us hold more than a block.
func TestBrokenStreams(t *testing.T) {
	const good = "ff060000" + "53327354774f" // S2sTwO
	for name, text := range map[string]string{
		"plain bytes":               hex.EncodeToString([]byte("PING\r\n")),
		"another name":              "ff060000" + "533273547755", // S2sTwU
		"a name of another length":  "ff07000053327354774f4f",
		"a block at the beginning":  "000500000000000000",
		"an unknown kind":           good + "02000000",
		"a block without checksum":  good + "01030000aabbcc",
		"a wrong checksum":          good + "010500000000000050",
		"a block that is none":      good + "0007000000000000ffffff",
		"a block that is too large": good + "00ffffff",
		"a bomb":                    good + "000800000000000080808004", // says that it holds 8 MiB
	} {
		stream, _ := hex.DecodeString(text)
		if got, err := inflate(stream, len(stream)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) || len(got) > 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := inflate(newDeflater("s2_fast").append(nil, []byte("PING\r\n"))[:20], 5); err != io.ErrUnexpectedEOF || len(got) > 0 {
		t.Errorf("a stream that is cut: %q, %v", got, err)
	}
}
