package durable

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SyncTree syncs every regular file and directory at path and below it, so that
// a tree that was built by other means can be renamed into place with Rename. It
// does not sync the directory that path is in. Symbolic links are synced with the
// directory that holds them; what they point at is not followed.
func SyncTree(path string) error {
	if err := filepath.WalkDir(path, syncFile); err != nil {
		return fmt.Errorf("cannot sync %q: %w", path, err)
	}
	return nil
}

func syncFile(path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if !entry.IsDir() && !entry.Type().IsRegular() {
		return nil
	}
	if err := refuseFailed(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	label := "sync-tree/fsync"
	if entry.IsDir() {
		label = "sync-tree/fsync-dir"
	}
	if err := step(Op{Label: label, Path: path}, f.Sync); err != nil {
		return syncFailed(path, err)
	}
	return nil
}
