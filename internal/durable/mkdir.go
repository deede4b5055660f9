package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// MkdirAll makes the directory at path and those above it that are not there,
// with perm (before umask), and syncs every directory that has got a new entry. It
// is nil if path is a directory already, which is then made durable too: the
// process that made it may have been killed at once.
func MkdirAll(path string, perm fs.FileMode) error {
	if err := mkdirAll(filepath.Clean(path), perm); err != nil {
		return fmt.Errorf("cannot make directory %q: %w", path, err)
	}
	return nil
}

func mkdirAll(path string, perm fs.FileMode) error {
	there, missing, err := splitMissing(path)
	if err != nil {
		return err
	}
	if err := syncEntry(there); err != nil {
		return err
	}
	for _, dir := range missing {
		if err := mkdir(dir, perm); err != nil {
			return err
		}
	}
	return nil
}

// splitMissing returns the part of path that is there, and the directories
// that are not, from the top down.
func splitMissing(path string) (there string, missing []string, err error) {
	for there = path; ; there = filepath.Dir(there) {
		info, err := os.Stat(there)
		switch {
		case err == nil && info.IsDir():
			slices.Reverse(missing)
			return there, missing, nil
		case err == nil:
			return "", nil, &fs.PathError{Op: "mkdir", Path: there, Err: syscall.ENOTDIR}
		case !errors.Is(err, fs.ErrNotExist) || there == filepath.Dir(there):
			return "", nil, err
		}
		missing = append(missing, there)
	}
}

func mkdir(dir string, perm fs.FileMode) error {
	if err := refuseFailed(dir); err != nil {
		return err
	}
	parent, err := openDir("mkdir/open-dir", filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer parent.Close()
	err = step(Op{Label: "mkdir/mkdir", Path: dir}, func() error {
		return os.Mkdir(dir, perm)
	})
	// Somebody else may make the same directory at the same time.
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir("mkdir/fsync-dir", parent)
}

// syncEntry makes the name of a directory durable that was found there. A parent
// that this process may not read, or that cannot be synced at all, is not one that
// it has made the directory in.
func syncEntry(dir string) error {
	if dir == filepath.Dir(dir) {
		return nil
	}
	if err := refuseFailed(dir); err != nil {
		return err
	}
	parent, err := openDir("mkdir/open-dir", filepath.Dir(dir))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	err = step(Op{Label: "mkdir/fsync-found-dir", Path: parent.Name()}, parent.Sync)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	if err != nil {
		return syncFailed(parent.Name(), err)
	}
	return nil
}
