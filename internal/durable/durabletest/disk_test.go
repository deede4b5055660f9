package durabletest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
)

// place is a directory with a disk below it.
type place struct {
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place { return place{t, t.TempDir()} }

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// write is what a program does that has not heard of fsync.
func (p place) write(name, content string) {
	p.t.Helper()
	p.check(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	p.check(os.WriteFile(p.path(name), []byte(content), 0o600))
}

// syncDir syncs the names in a directory, and nothing else.
func (p place) syncDir(name string) {
	p.t.Helper()
	p.check(durable.Remove(filepath.Join(p.path(name), "nothing by this name")))
}

func (p place) tree() string {
	p.t.Helper()
	var parts []string
	p.check(filepath.WalkDir(p.dir, func(path string, entry fs.DirEntry, err error) error {
		switch name, _ := filepath.Rel(p.dir, path); {
		case err != nil || name == ".":
			return err
		case entry.IsDir():
			parts = append(parts, name+"/")
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			parts = append(parts, name+"="+string(content))
		}
		return nil
	}))
	return strings.Join(parts, " ")
}

func (p place) want(tree string) {
	p.t.Helper()
	if got := p.tree(); got != tree {
		p.t.Errorf("got %q, want %q", got, tree)
	}
}

func TestPowerCycleLosesWhatWasNotSynced(t *testing.T) {
	for _, test := range []struct {
		about string
		do    func(p place)
		want  string
	}{
		{"nothing was done",
			func(p place) {}, "a=1 d/ d/b=2"},
		{"a new file",
			func(p place) { p.write("new", "x") }, "a=1 d/ d/b=2"},
		{"a new file in a synced directory has a name and no content",
			func(p place) { p.write("new", "x"); p.syncDir(".") }, "a=1 d/ d/b=2 new="},
		{"a file written over has its old content",
			func(p place) { p.write("a", "changed") }, "a=1 d/ d/b=2"},
		{"a file appended to, also where its directory is synced",
			func(p place) { p.write("a", "1 and more"); p.syncDir(".") }, "a=1 d/ d/b=2"},
		{"a removal",
			func(p place) { p.check(os.Remove(p.path("a"))) }, "a=1 d/ d/b=2"},
		{"a synced removal is kept",
			func(p place) { p.check(os.Remove(p.path("a"))); p.syncDir(".") }, "d/ d/b=2"},
		{"a removed tree",
			func(p place) { p.check(os.RemoveAll(p.path("d"))) }, "a=1 d/ d/b=2"},
		{"a rename",
			func(p place) { p.check(os.Rename(p.path("a"), p.path("c"))) }, "a=1 d/ d/b=2"},
		{"a rename over a file",
			func(p place) { p.check(os.Rename(p.path("a"), p.path("d/b"))) }, "a=1 d/ d/b=2"},
		{"a rename synced where it came from only",
			func(p place) { p.check(os.Rename(p.path("a"), p.path("d/c"))); p.syncDir(".") }, "d/ d/b=2"},
		{"a rename synced where it went only",
			func(p place) { p.check(os.Rename(p.path("a"), p.path("d/c"))); p.syncDir("d") }, "a=1 d/ d/b=2 d/c=1"},
		{"a new directory, though what is in it was synced",
			func(p place) { p.write("n/x", "1"); p.check(durable.SyncTree(p.path("n"))) }, "a=1 d/ d/b=2"},
		{"a new directory that was synced, but not what is in it",
			func(p place) { p.write("n/x", "1"); p.syncDir(".") }, "a=1 d/ d/b=2 n/"},
		{"a tree, all of it synced, is kept",
			func(p place) { p.write("n/x", "1"); p.check(durable.SyncTree(p.dir)) }, "a=1 d/ d/b=2 n/ n/x=1"},
		{"what durable wrote is kept",
			func(p place) { p.check(durable.WriteFile(p.path("a"), []byte("new"), 0o600)) }, "a=new d/ d/b=2"},
		{"a file with the inode of one that was removed",
			func(p place) {
				p.check(os.Remove(p.path("a")))
				p.write("new", "x")
				p.check(durable.SyncTree(p.path("new")))
			}, "a=1 d/ d/b=2"},
	} {
		t.Run(test.about, func(t *testing.T) {
			p := newPlace(t)
			p.t = t
			p.write("a", "1")
			p.write("d/b", "2")
			disk := durabletest.NewDisk(t, p.dir)
			test.do(p)
			disk.PowerCycle()
			p.want(test.want)
			disk.PowerCycle()
			p.want(test.want)
		})
	}
}

func TestLuckKeepsAnyOfWhatWasNotSynced(t *testing.T) {
	seen := make(map[string]bool)
	for seed := range uint64(200) {
		p := newPlace(t)
		p.write("a", "1")
		disk := durabletest.NewDisk(t, p.dir)
		p.write("b", "23")
		p.check(os.Remove(p.path("a")))
		disk.PowerCycleLucky(rand.New(rand.NewPCG(seed, 1)))
		seen[p.tree()] = true
	}
	for _, want := range []string{"", "a=1", "b=", "b=2", "b=23", "a=1 b=", "a=1 b=2", "a=1 b=23"} {
		if !seen[want] {
			t.Errorf("never left %q", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("left what cannot be: %v", seen)
	}
}

func TestLuckNeverLosesAFileOnTheWay(t *testing.T) {
	seen := make(map[string]bool)
	for seed := range uint64(100) {
		p := newPlace(t)
		p.write("from/a", "1")
		p.write("to/a", "old")
		disk := durabletest.NewDisk(t, p.dir)
		p.check(os.Rename(p.path("from/a"), p.path("to/a")))
		disk.PowerCycleLucky(rand.New(rand.NewPCG(seed, 2)))
		seen[p.tree()] = true
	}
	moved, not := "from/ to/ to/a=1", "from/ from/a=1 to/ to/a=old"
	if len(seen) != 2 || !seen[moved] || !seen[not] {
		t.Errorf("left %v", seen)
	}
}

func TestLuckIsRepeatable(t *testing.T) {
	var first string
	for i := range 5 {
		p := newPlace(t)
		disk := durabletest.NewDisk(t, p.dir)
		for n := range 20 {
			p.write(fmt.Sprint(n), "content")
		}
		disk.PowerCycleLucky(rand.New(rand.NewPCG(7, 7)))
		if i == 0 {
			first = p.tree()
		}
		p.want(first)
	}
}

func TestModesAndLinksAreKept(t *testing.T) {
	p := newPlace(t)
	p.write("d/run", "#!")
	p.check(os.Chmod(p.path("d/run"), 0o751))
	p.check(os.Chmod(p.path("d"), 0o711))
	p.check(os.Symlink("d/run", p.path("link")))
	disk := durabletest.NewDisk(t, p.dir)
	disk.PowerCycle()
	for name, want := range map[string]fs.FileMode{"d": fs.ModeDir | 0o711, "d/run": 0o751, "link": fs.ModeSymlink | 0o777} {
		info, err := os.Lstat(p.path(name))
		p.check(err)
		if info.Mode() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode(), want)
		}
	}
	target, err := os.Readlink(p.path("link"))
	if err != nil || target != "d/run" {
		t.Errorf("link to %q, %v", target, err)
	}
}

func TestOff(t *testing.T) {
	p := newPlace(t)
	disk := durabletest.NewDisk(t, p.dir)
	write := func() error { return durable.WriteFile(p.path("file"), []byte("content"), 0o600) }
	p.check(write())
	steps := len(disk.Labels())
	if disk.Tripped() {
		t.Error("tripped without a fault")
	}
	disk.OffAt(steps + 2)
	p.check(write())
	if err := write(); !errors.Is(err, durabletest.ErrOff) || !disk.Tripped() {
		t.Errorf("after %d steps: %v", steps+2, err)
	}
	for range 3 {
		if err := write(); !errors.Is(err, durabletest.ErrOff) {
			t.Errorf("switched off: %v", err)
		}
	}
	disk.PowerCycle()
	if disk.Tripped() {
		t.Error("tripped after a power cycle")
	}
	p.check(write())

	disk.OffOn("remove/unlink")
	p.check(write())
	if err := durable.Remove(p.path("file")); !errors.Is(err, durabletest.ErrOff) {
		t.Errorf("switched off: %v", err)
	}
	disk.Restart()
	p.want("file=content")
	p.check(write())
}

func TestFail(t *testing.T) {
	p := newPlace(t)
	disk := durabletest.NewDisk(t, p.dir)
	disk.FailAt(1, syscall.EIO)
	disk.FailOn("write/rename", syscall.ENOSPC)
	write := func() error { return durable.WriteFile(p.path("file"), []byte("content"), 0o600) }
	if err := write(); !errors.Is(err, syscall.EIO) {
		t.Errorf("first: %v", err)
	}
	if err := write(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("second: %v", err)
	}
	p.check(write())
	p.want("file=content")
	disk.FailOn("write/create", syscall.EIO)
	disk.Restart()
	p.check(write())
}

func TestFailedWriteWritesHalf(t *testing.T) {
	p := newPlace(t)
	disk := durabletest.NewDisk(t, p.dir)
	disk.FailOn("write/data", syscall.ENOSPC)
	disk.FailOn("write/discard", syscall.EIO)
	if err := durable.WriteFile(p.path("file"), []byte("content"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if got := p.tree(); !strings.HasPrefix(got, ".file.") || !strings.HasSuffix(got, ".tmp=con") {
		t.Errorf("left %q", got)
	}
}

func TestLabels(t *testing.T) {
	p := newPlace(t)
	disk := durabletest.NewDisk(t, p.dir)
	p.check(durable.Remove(p.path("file")))
	if got, want := disk.Labels(), []string{"remove/open-dir", "remove/unlink", "remove/fsync-dir"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDisksSideBySide(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			disk := durabletest.NewDisk(t, p.dir)
			for n := 0; ; n++ {
				disk.OffAt(n)
				err := durable.WriteFile(p.path("file"), []byte("x"), 0o600)
				if !disk.Tripped() {
					p.check(err)
					break
				}
				disk.PowerCycle()
			}
		})
	}
}

func TestNoFilesLeftOpen(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := open()
	t.Run("", func(t *testing.T) {
		p := newPlace(t)
		for n := range 50 {
			p.write(fmt.Sprint(n), "")
		}
		disk := durabletest.NewDisk(t, p.dir)
		if during := open(); during < before+50 {
			t.Errorf("%d files open: what pins the inodes?", during-before)
		}
		disk.PowerCycle()
	})
	if after := open(); after != before {
		t.Errorf("%d files open before, %d after", before, after)
	}
}
