package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Rename moves the file or directory at oldpath to newpath, on the same file
// system, and syncs both their directories. A file at newpath is replaced, as is an
// empty directory by a directory. A directory that is moved keeps what it holds,
// but only what was synced in it outlives a crash: see SyncTree.
//
// If there is nothing at oldpath, which errors.Is(err, fs.ErrNotExist) tells, the
// directories are synced all the same: a process that was killed may have moved it.
func Rename(oldpath, newpath string) error {
	if err := rename(oldpath, newpath); err != nil {
		return fmt.Errorf("cannot rename %q to %q: %w", oldpath, newpath, err)
	}
	return nil
}

func rename(oldpath, newpath string) error {
	for _, path := range []string{oldpath, newpath} {
		if err := refuseFailed(path); err != nil {
			return err
		}
	}
	oldDir, err := openDir("rename/open-dir", filepath.Dir(filepath.Clean(oldpath)))
	if err != nil {
		return err
	}
	defer oldDir.Close()
	newDir, err := openDir("rename/open-dir", filepath.Dir(filepath.Clean(newpath)))
	if err != nil {
		return err
	}
	defer newDir.Close()
	err = step(Op{Label: "rename/rename", Path: oldpath, NewPath: newpath}, func() error {
		return os.Rename(oldpath, newpath)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The new name first: between the two syncs the file may then have two
	// names, but never none.
	if err := syncDir("rename/fsync-new-dir", newDir); err != nil {
		return err
	}
	if oldDir.Name() != newDir.Name() {
		if err := syncDir("rename/fsync-old-dir", oldDir); err != nil {
			return err
		}
	}
	return err
}
