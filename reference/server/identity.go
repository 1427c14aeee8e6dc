package server

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
)

// newServerID returns an id of the form servers use: N and 55 characters of base 32, drawn at random. An id is used once:
// servers refuse a second connection with one they know.
func newServerID() string { return "N" + randomText(55) }

// randomText returns n random characters of base 32.
func randomText(n int) string {
	raw := make([]byte, n) // more than enough: eight characters for five bytes
	rand.Read(raw)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)[:n]
}

func randomSeed() uint64 {
	var raw [8]byte
	rand.Read(raw[:])
	return binary.LittleEndian.Uint64(raw[:])
}
