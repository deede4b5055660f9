package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// protocol is one use of the package, with all that it may leave on the disk.
type protocol struct {
	name    string
	prepare func(t *testing.T, dir string)
	run     func(dir string) error
	// steps are those of a run in which nothing goes wrong.
	steps []string
	// states are what a crash may leave, as tree writes it; the first is that of
	// before, the last that of after.
	states []string
	// ignore is a directory that may be in any state.
	ignore string
}

var protocols = []protocol{{
	name: "write new",
	run: func(dir string) error {
		return durable.WriteFile(filepath.Join(dir, "file"), []byte("new content"), 0o600)
	},
	steps: []string{"write/open-dir", "write/create", "write/data", "write/fsync", "write/close",
		"write/rename", "write/fsync-dir"},
	states: []string{"", "file=new content"},
}, {
	name:    "write over",
	prepare: files("file", "old"),
	run: func(dir string) error {
		return durable.WriteFile(filepath.Join(dir, "file"), []byte("new content"), 0o600)
	},
	steps: []string{"write/open-dir", "write/create", "write/data", "write/fsync", "write/close",
		"write/rename", "write/fsync-dir"},
	states: []string{"file=old", "file=new content"},
}, {
	name:    "remove",
	prepare: files("file", "old", "other", "stays"),
	run:     func(dir string) error { return durable.Remove(filepath.Join(dir, "file")) },
	steps:   []string{"remove/open-dir", "remove/unlink", "remove/fsync-dir"},
	states:  []string{"file=old other=stays", "other=stays"},
}, {
	name:    "remove directory",
	prepare: files("d/.x.0123456789abcdef.tmp", "left by a crash"),
	run:     func(dir string) error { return durable.RemoveDir(filepath.Join(dir, "d")) },
	steps:   []string{"remove-dir/open-dir", "sweep/remove", "remove-dir/rmdir", "remove-dir/fsync-dir"},
	states:  []string{"d/", ""},
}, {
	name:    "remove tree",
	prepare: files("d/a", "1", "d/e/b", "2", "other", "stays"),
	run:     func(dir string) error { return durable.RemoveAll(filepath.Join(dir, "d")) },
	steps:   []string{"remove-all/open-dir", "remove-all/rename", "remove-all/fsync-dir", "remove-all/delete"},
	states:  []string{"d/ d/a=1 d/e/ d/e/b=2 other=stays", "other=stays"},
}, {
	name:   "make directories",
	run:    func(dir string) error { return durable.MkdirAll(filepath.Join(dir, "a/b/c"), 0o700) },
	states: []string{"", "a/", "a/ a/b/", "a/ a/b/ a/b/c/"},
	steps: []string{"mkdir/open-dir", "mkdir/mkdir", "mkdir/fsync-dir",
		"mkdir/open-dir", "mkdir/mkdir", "mkdir/fsync-dir",
		"mkdir/open-dir", "mkdir/mkdir", "mkdir/fsync-dir"},
}, {
	name:    "rename here",
	prepare: files("file", "1"),
	run: func(dir string) error {
		return again(dir, "file", durable.Rename(filepath.Join(dir, "file"), filepath.Join(dir, "moved")))
	},
	steps:  []string{"rename/open-dir", "rename/open-dir", "rename/rename", "rename/fsync-new-dir"},
	states: []string{"file=1", "moved=1"},
}, {
	name:    "rename over there",
	prepare: files("a/file", "1", "b/file", "2"),
	run: func(dir string) error {
		return again(dir, "a/file", durable.Rename(filepath.Join(dir, "a/file"), filepath.Join(dir, "b/file")))
	},
	steps: []string{"rename/open-dir", "rename/open-dir", "rename/rename",
		"rename/fsync-new-dir", "rename/fsync-old-dir"},
	// Between the two syncs the file has two names.
	states: []string{"a/ a/file=1 b/ b/file=2", "a/ a/file=1 b/ b/file=1", "a/ b/ b/file=1"},
}, {
	name:    "install a tree",
	prepare: func(*testing.T, string) {},
	run: func(dir string) error {
		stage, charm := filepath.Join(dir, "stage"), filepath.Join(dir, "charm")
		if _, err := os.Stat(charm); err == nil {
			// There, and now for good.
			return durable.MkdirAll(charm, 0o755)
		}
		if err := stageTree(stage); err != nil {
			return err
		}
		if err := durable.SyncTree(stage); err != nil {
			return err
		}
		return durable.Rename(stage, charm)
	},
	steps: []string{"sync-tree/fsync-dir", "sync-tree/fsync", "sync-tree/fsync-dir", "sync-tree/fsync",
		"rename/open-dir", "rename/open-dir", "rename/rename", "rename/fsync-new-dir"},
	states: []string{"", "charm/ charm/dispatch=x charm/lib/ charm/lib/a=y charm/link@dispatch"},
	ignore: "stage",
}}

// stageTree writes as one does who leaves all syncing to SyncTree.
func stageTree(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "dispatch"), []byte("x"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "lib/a"), []byte("y"), 0o644); err != nil {
		return err
	}
	return os.Symlink("dispatch", filepath.Join(dir, "link"))
}

// again forgives a rename whose file was moved by the run that crashed.
func again(dir, oldName string, err error) error {
	_, gone := os.Lstat(filepath.Join(dir, oldName))
	if errors.Is(err, fs.ErrNotExist) && gone != nil {
		return nil
	}
	return err
}

// files makes files out of pairs of path and content.
func files(pairs ...string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			path := filepath.Join(dir, pairs[i])
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(pairs[i+1]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tree writes what is in dir as a line, without temporary files.
func tree(t *testing.T, dir, ignore string) string {
	t.Helper()
	var parts []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil || name == ".":
			return err
		case durable.IsTemp(entry.Name()) || name == ignore:
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir():
			parts = append(parts, name+"/")
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			parts = append(parts, name+"@"+target)
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			parts = append(parts, name+"="+string(content))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(parts, " ")
}
