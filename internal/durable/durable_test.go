package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
)

func TestWriteFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, perm := range []fs.FileMode{0o600, 0o640, 0o400, 0o600} {
		if err := durable.WriteFile(path, nil, perm); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != perm {
			t.Errorf("mode %o, want %o", got, perm)
		}
	}
}

func TestWriteFileReplacesALinkNotItsTarget(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	files("target", "precious")(t, dir)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := tree(t, dir, ""), "link=new target=precious"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("n", 255))
	if err := durable.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Error(err)
	}
	if err := durable.RemoveAll(path); err != nil {
		t.Error(err)
	}
	if got := tree(t, dir, ""); got != "" {
		t.Errorf("left %q", got)
	}
}

func TestRelativePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := durable.MkdirAll("a/b", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile("file", []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Rename("file", "a/b/file"); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncTree("a"); err != nil {
		t.Fatal(err)
	}
	if got, want := tree(t, ".", ""), "a/ a/b/ a/b/file=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := durable.Remove("a/b/file"); err != nil {
		t.Fatal(err)
	}
	if err := durable.RemoveDir("a/b"); err != nil {
		t.Fatal(err)
	}
	if err := durable.RemoveAll("a"); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, ".", ""); got != "" {
		t.Errorf("left %q", got)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "x"), filepath.Join(dir, "x/y/z")} {
		for name, remove := range map[string]func(string) error{
			"Remove": durable.Remove, "RemoveDir": durable.RemoveDir, "RemoveAll": durable.RemoveAll,
			"SweepTemp": durable.SweepTemp,
		} {
			if err := remove(path); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := durable.SyncTree(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("SyncTree: %v", err)
		}
		if err := durable.Rename(path, filepath.Join(dir, "new")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Rename: %v", err)
		}
	}
	err := durable.WriteFile(filepath.Join(dir, "x/y"), nil, 0o600)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "cannot write ") {
		t.Errorf("WriteFile: %v", err)
	}
	if got := tree(t, dir, ""); got != "" {
		t.Errorf("made %q", got)
	}
}

func TestRemoveDirKeepsWhatIsInIt(t *testing.T) {
	dir := t.TempDir()
	files("d/.a.0123456789abcdef.tmp", "", "d/precious", "1")(t, dir)
	err := durable.RemoveDir(filepath.Join(dir, "d"))
	if !errors.Is(err, syscall.ENOTEMPTY) || !strings.Contains(err.Error(), "precious") {
		t.Errorf("got %v", err)
	}
	if got, want := tree(t, dir, ""), "d/ d/precious=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if names := tempNames(t, filepath.Join(dir, "d")); len(names) != 1 {
		t.Errorf("temporary files %q: it must change nothing", names)
	}
}

func TestMkdirAllOfAFile(t *testing.T) {
	dir := t.TempDir()
	files("file", "1")(t, dir)
	for _, path := range []string{"file", "file/a", "file/a/b"} {
		if err := durable.MkdirAll(filepath.Join(dir, path), 0o700); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestMkdirAllMode(t *testing.T) {
	dir := t.TempDir()
	if err := durable.MkdirAll(filepath.Join(dir, "a/b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a", "a/b"} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("%s: mode %o", path, got)
		}
	}
}

func TestIsTemp(t *testing.T) {
	for name, want := range map[string]bool{
		".foo-1.0123456789abcdef.tmp":            true,
		"..0123456789abcdef.tmp":                 true,
		".a.b.c.ffffffffffffffff.tmp":            true,
		"":                                       false,
		".":                                      false,
		".tmp":                                   false,
		"foo-1":                                  false,
		"foo-1.0123456789abcdef.tmp":             false,
		".foo-1.0123456789abcde.tmp":             false,
		".foo-1.0123456789ABCDEF.tmp":            false,
		".foo-1.0123456789abcdef.tmp.gz":         false,
		".profile":                               false,
		".unit-state.db":                         false,
		"operation.yaml":                         false,
		".foo\n1.0123456789abcdef.tmp\nand more": false,
	} {
		if got := durable.IsTemp(name); got != want {
			t.Errorf("IsTemp(%q) = %v", name, got)
		}
	}
}

func TestSweepTemp(t *testing.T) {
	dir := t.TempDir()
	files(".a.0123456789abcdef.tmp", "", ".d.0123456789abcdef.tmp/file", "", "a", "1",
		"sub/.b.0123456789abcdef.tmp", "")(t, dir)
	if err := durable.SweepTemp(dir); err != nil {
		t.Fatal(err)
	}
	if names := tempNames(t, dir); len(names) > 0 {
		t.Errorf("left %q", names)
	}
	if names := tempNames(t, filepath.Join(dir, "sub")); len(names) != 1 {
		t.Errorf("it went into directories")
	}
	if got, want := tree(t, dir, ""), "a=1 sub/"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSyncTreeFollowsNoLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "round")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncTree(dir); err != nil {
		t.Error(err)
	}
}
