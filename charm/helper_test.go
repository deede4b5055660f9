package charm_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// metadata is the least that a charm must say of itself.
const metadata = "name: mysql\nsummary: S\ndescription: D\n"

// files are the files of a directory by path. A path that ends in "/" is an
// empty directory, one that ends in "*" an executable file, and one with "->"
// in it a symlink.
type files map[string]string

// makeDir makes a directory with the files.
func makeDir(t testing.TB, f files) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, f)
	return dir
}

func writeFiles(t testing.TB, dir string, f files) {
	t.Helper()
	for name, content := range f {
		name, link, isLink := strings.Cut(name, "->")
		name, isExecutable := strings.CutSuffix(name, "*")
		path := filepath.Join(dir, name)
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			if err = os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			perm := fs.FileMode(0o644)
			if isExecutable {
				perm = 0o755
			}
			if isLink {
				err = os.Symlink(link, path)
			} else {
				err = os.WriteFile(path, []byte(content), perm)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readDir returns what is in a directory, in the same form, but for directories
// that have something in them.
func readDir(t testing.TB, dir string) files {
	t.Helper()
	f := make(files)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			entries, err := os.ReadDir(path)
			if err == nil && len(entries) == 0 {
				f[name+"/"] = ""
			}
			return err
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			f[name+"->"+link] = ""
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			name += "*"
		}
		content, err := os.ReadFile(path)
		f[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}
