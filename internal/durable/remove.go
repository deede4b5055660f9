package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Remove removes the file at path and syncs its directory. A file that is not
// there is no error, and its absence is made durable.
func Remove(path string) error {
	if err := unlinkIn("remove", path, func() error {
		return removeStep("remove/unlink", path)
	}); err != nil {
		return fmt.Errorf("cannot remove %q: %w", path, err)
	}
	return nil
}

// RemoveDir removes the directory at path, which may hold nothing but temporary
// files of this package, and syncs the directory that it was in. A directory that
// is not there is no error. If it holds anything else nothing is changed, and the
// error is one for which errors.Is(err, syscall.ENOTEMPTY) holds.
func RemoveDir(path string) error {
	if err := unlinkIn("remove-dir", path, func() error {
		if err := holdsOnlyTemp(path); err != nil {
			return err
		}
		if err := sweepTemp(path); err != nil {
			return err
		}
		return removeStep("remove-dir/rmdir", path)
	}); err != nil {
		return fmt.Errorf("cannot remove directory %q: %w", path, err)
	}
	return nil
}

func holdsOnlyTemp(path string) error {
	names, err := readNames(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		if !IsTemp(name) {
			return &fs.PathError{Op: "remove", Path: filepath.Join(path, name), Err: syscall.ENOTEMPTY}
		}
	}
	return nil
}

// RemoveAll removes the file or the tree at path. To be whole or gone at any
// moment, it is first renamed to a temporary name beside path, and that is made
// durable; an error after that leaves a tree that SweepTemp removes. A path
// that is not there is no error.
func RemoveAll(path string) error {
	temp := tempPath(filepath.Clean(path))
	err := unlinkIn("remove-all", path, func() error {
		return ignoreNotExist(step(Op{Label: "remove-all/rename", Path: path, NewPath: temp}, func() error {
			return os.Rename(path, temp)
		}))
	})
	if err == nil {
		err = step(Op{Label: "remove-all/delete", Path: temp}, func() error {
			return os.RemoveAll(temp)
		})
	}
	if err != nil {
		return fmt.Errorf("cannot remove %q: %w", path, err)
	}
	return nil
}

// unlinkIn calls unlink and syncs the directory that path is, or was, in. Where
// that directory itself is not there it does nothing.
func unlinkIn(protocol, path string, unlink func() error) error {
	if err := refuseFailed(path); err != nil {
		return err
	}
	parent, err := openDir(protocol+"/open-dir", filepath.Dir(filepath.Clean(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	if err := unlink(); err != nil {
		return err
	}
	// Also if there was nothing to remove: a process that was killed before it
	// came here may have removed it.
	return syncDir(protocol+"/fsync-dir", parent)
}

func removeStep(label, path string) error {
	return ignoreNotExist(step(Op{Label: label, Path: path}, func() error {
		return os.Remove(path)
	}))
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
