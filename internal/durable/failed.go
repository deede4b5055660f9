package durable

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// ErrSync is what errors.Is finds in the error of an operation whose fsync
// failed, and in those of all later operations on that file or in that directory.
// What is on the disk is then unknown, and only a new process may ask.
var ErrSync = errors.New("fsync failed")

var (
	failedMu sync.Mutex
	// failed holds the absolute paths of files and directories whose fsync failed.
	failed = make(map[string]bool)
	// anyFailed spares the look into failed while it is empty.
	anyFailed atomic.Bool
)

// syncFailed remembers that path could not be synced, and returns the error to say so.
func syncFailed(path string, err error) error {
	failedMu.Lock()
	defer failedMu.Unlock()
	failed[absolute(path)] = true
	anyFailed.Store(true)
	return fmt.Errorf("%w: %w", ErrSync, err)
}

// refuseFailed returns an error if path, or the directory that it is in, could not
// be synced before.
func refuseFailed(path string) error {
	if !anyFailed.Load() {
		return nil
	}
	failedMu.Lock()
	defer failedMu.Unlock()
	path = absolute(path)
	for _, p := range []string{path, filepath.Dir(path)} {
		if failed[p] {
			return fmt.Errorf("%w earlier on %q, and this process must not try again", ErrSync, p)
		}
	}
	return nil
}

func forgetFailures(dir string) {
	failedMu.Lock()
	defer failedMu.Unlock()
	for p := range failed {
		if within(p, dir) {
			delete(failed, p)
		}
	}
	anyFailed.Store(len(failed) > 0)
}
