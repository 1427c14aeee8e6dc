package fuzz

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SeedName is the file name of a seed: the first 16 hexadecimal digits of its SHA-256.
func SeedName(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// SeedDir is the folder of a target's seeds, below the repository's root.
func (t Target) SeedDir() string { return filepath.Join("corpus", "seeds", strings.ToLower(t.Name)) }

// WriteSeed puts data into dir under its name, and says whether it is new there. The file is whole or not there.
func WriteSeed(dir string, data []byte) (added bool, err error) {
	path := filepath.Join(dir, SeedName(data))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	tmp, err := os.CreateTemp(dir, ".seed-*")
	if err != nil {
		return false, err
	}
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return false, errors.Join(err, os.Remove(tmp.Name()))
	}
	return true, os.Rename(tmp.Name(), path)
}

// ReadSeeds reads the seeds of a folder, in the order of their names. A file whose name is not that of its content has been changed, and
// is an error; a folder that is not there has none.
func ReadSeeds(dir string) ([][]byte, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var seeds [][]byte
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") {
			continue // one that was being written
		}
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			return nil, err
		}
		if name := SeedName(data); name != file.Name() {
			return nil, fmt.Errorf("%s: its content is that of %s", filepath.Join(dir, file.Name()), name)
		}
		seeds = append(seeds, data)
	}
	return seeds, nil
}

// StreamSeed is the seed of Parse for what one end of a connection of that dialect has sent, the first kilobytes of it; false: there is no such
// dialect. Transcripts of conformance runs come into the corpus by it.
func StreamSeed(dialect string, stream []byte) ([]byte, bool) {
	choice, ok := StreamChoice(dialect)
	return append([]byte{choice}, stream[:min(len(stream), maxStreamSeed)]...), ok
}

const maxStreamSeed = 2048
