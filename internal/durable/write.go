package durable

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile makes data the whole content of the file at path, which is created
// with perm (before umask) or replaced. It writes a temporary file in the same
// directory, syncs and closes it, renames it, and syncs the directory.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	if err := writeFile(path, data, perm); err != nil {
		return fmt.Errorf("cannot write %q: %w", path, err)
	}
	return nil
}

func writeFile(path string, data []byte, perm fs.FileMode) error {
	if err := refuseFailed(path); err != nil {
		return err
	}
	// The directory is opened first: once the file is renamed there must be
	// no reason left, such as too many open files, not to sync it.
	dir, err := openDir("write/open-dir", filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()

	f, temp, err := createTemp(path, perm)
	if err != nil {
		return err
	}
	if err := replace(path, f, temp, data); err != nil {
		// The error at hand says more than one of tidying up would.
		_ = step(Op{Label: "write/discard", Path: temp}, func() error {
			return os.Remove(temp)
		})
		return err
	}
	return syncDir("write/fsync-dir", dir)
}

// replace fills the temporary file and puts it in the place of path. It closes f
// whatever happens.
func replace(path string, f *os.File, temp string, data []byte) error {
	err := step(Op{Label: "write/data", Path: temp, Data: data}, func() error {
		_, err := f.Write(data)
		return err
	})
	if err == nil {
		if err = step(Op{Label: "write/fsync", Path: temp}, f.Sync); err != nil {
			err = syncFailed(path, err)
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	if err := step(Op{Label: "write/close", Path: temp}, f.Close); err != nil {
		// A seam may have failed the step without closing; twice does no harm.
		f.Close()
		return err
	}
	return step(Op{Label: "write/rename", Path: temp, NewPath: path}, func() error {
		return os.Rename(temp, path)
	})
}

func openDir(label, dir string) (d *os.File, err error) {
	err = step(Op{Label: label, Path: dir}, func() error {
		d, err = os.Open(dir)
		return err
	})
	return d, err
}

func syncDir(label string, dir *os.File) error {
	if err := step(Op{Label: label, Path: dir.Name()}, dir.Sync); err != nil {
		return syncFailed(dir.Name(), err)
	}
	return nil
}
