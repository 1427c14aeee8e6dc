package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// The framing of an S2 stream: chunks of one byte of kind, three of length, and a body. Blocks begin with a checksum of
// what they hold.
const (
	frameHeader = 4
	checksum    = 4

	frameCompressed   = 0x00
	frameUncompressed = 0x01
	frameSkippable    = 0x80 // to 0xfe: padding, an index, what others may have put there
	frameMagic        = 0xff

	magicS2     = "S2sTwO"
	magicSnappy = "sNaPpY" // the older format, which every S2 stream contains

	maxBlock  = 4 << 20 // bytes in a block, the most that the format allows
	keepBlock = 2 << 20 // memory kept between blocks; servers write blocks of 1 MiB
)

// inflater reads an S2 stream that comes in pieces. What it holds is bounded by one block, in both forms.
type inflater struct {
	begun bool   // the stream has said what it is
	skip  int    // bytes of a skippable frame that are to come
	frame []byte // the part of a frame that has come
	block []byte // what next has returned
}

// next takes bytes off in up to the end of a block and returns what that holds, good until the next call, and what is left of in. No
// block: all of in is used up. After an error the stream is worth nothing.
func (f *inflater) next(in []byte) (block, rest []byte, err error) {
	if cap(f.block) > keepBlock {
		f.block = nil
	}
	if len(f.frame) == 0 && cap(f.frame) > keepBlock {
		f.frame = nil
	}
	for len(in) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(in))
			f.skip, in = f.skip-n, in[n:]
			continue
		}
		if in = f.take(in, frameHeader); len(f.frame) < frameHeader {
			continue
		}
		kind, size := f.frame[0], int(f.frame[1])|int(f.frame[2])<<8|int(f.frame[3])<<16
		if err := f.judge(kind, size); err != nil {
			return nil, nil, err
		}
		if kind >= frameSkippable && kind < frameMagic {
			f.skip, f.frame = size, f.frame[:0]
			continue
		}
		if in = f.take(in, frameHeader+size); len(f.frame) < frameHeader+size {
			continue
		}
		body := f.frame[frameHeader:]
		f.frame = f.frame[:0]
		if kind == frameMagic {
			if string(body) != magicS2 && string(body) != magicSnappy {
				return nil, nil, errors.New("S2 stream: it begins with another format's name")
			}
			f.begun = true
			continue
		}
		block, err = f.open(kind, body)
		if err != nil || len(block) > 0 {
			return block, in, err
		}
	}
	return nil, nil, nil
}

// take moves bytes of in to the frame until that has size bytes.
func (f *inflater) take(in []byte, size int) []byte {
	n := min(max(size-len(f.frame), 0), len(in))
	f.frame = append(f.frame, in[:n]...)
	return in[n:]
}

// judge refuses what no S2 stream has.
func (f *inflater) judge(kind byte, size int) error {
	switch {
	case !f.begun && kind != frameMagic:
		return errors.New("S2 stream: it does not begin with the format's name")
	case kind == frameMagic && size != len(magicS2):
		return errors.New("S2 stream: the format's name has the wrong length")
	case kind > frameUncompressed && kind < frameSkippable:
		return fmt.Errorf("S2 stream: frame of unknown kind %#x", kind)
	case kind <= frameUncompressed && (size < checksum || size > checksum+s2.MaxEncodedLen(maxBlock)):
		return fmt.Errorf("S2 stream: block of %d bytes", size)
	}
	return nil
}

// open returns what a block holds.
func (f *inflater) open(kind byte, body []byte) ([]byte, error) {
	sum, data := binary.LittleEndian.Uint32(body), body[checksum:]
	if kind == frameCompressed {
		size, err := s2.DecodedLen(data)
		if err == nil && size > maxBlock {
			err = s2.ErrTooLarge
		}
		if err == nil {
			data, err = s2.Decode(f.block[:cap(f.block)], data)
		}
		if err != nil {
			return nil, fmt.Errorf("S2 stream: %w", err)
		}
		f.block = data
	}
	if masked(data) != sum {
		return nil, fmt.Errorf("S2 stream: %w", s2.ErrCRC)
	}
	return data, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of a block's contents, in the form of the format.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
