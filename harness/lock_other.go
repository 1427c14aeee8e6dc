//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package harness

import (
	"errors"
	"os"
	"time"
)

// staleLock is the age at which a lock file is taken for that of a builder that was killed.
const staleLock = 15 * time.Minute

// tryLock makes a file that must not exist yet.
func tryLock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	switch {
	case err == nil:
		_ = file.Close()
		return func() { _ = os.Remove(path) }, nil
	case !errors.Is(err, os.ErrExist):
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleLock {
		_ = os.Remove(path)
	}
	return nil, errLocked
}
