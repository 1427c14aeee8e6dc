package overnight

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// defaultEntries is more than any target has reached in a night.
const defaultEntries = 5000

// prune keeps a corpus at a size that is read in a moment when a turn begins: entries with the same content go, then the largest
// beyond the limit (0: defaultEntries). Smaller inputs that reach the same are found again soon. It tells how many went.
func prune(dir string, limit int) (int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	type entry struct {
		path string
		size int
	}
	var kept []entry
	var gone []string
	seen := map[[sha256.Size]byte]bool{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		if sum := sha256.Sum256(content); seen[sum] {
			gone = append(gone, path)
		} else {
			seen[sum] = true
			kept = append(kept, entry{path, len(content)})
		}
	}
	slices.SortStableFunc(kept, func(a, b entry) int { return cmp.Compare(a.size, b.size) })
	for _, e := range kept[min(len(kept), cmp.Or(limit, defaultEntries)):] {
		gone = append(gone, e.path)
	}
	for _, path := range gone {
		err = errors.Join(err, os.Remove(path))
	}
	return len(gone), err
}
