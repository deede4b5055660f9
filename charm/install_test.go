package charm_test

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
)

// deployed is what whole() is deployed as.
func deployed() files {
	f := whole()
	for _, ignored := range []string{".git/config", "lib/a/x.pyc", "secret/key"} {
		delete(f, ignored)
	}
	f["metadata.yaml"] = metadata + "requires: {db: {interface: pgsql}}\n"
	f["config.yaml"] = "options: {a: {type: string}}\n"
	return f
}

func TestInstall(t *testing.T) {
	src := makeDir(t, whole())
	home := filepath.Join(t.TempDir(), "units", "mysql-0")
	dst := filepath.Join(home, "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	if got, want := readDir(t, dst), deployed(); !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if entries, _ := os.ReadDir(home); len(entries) != 1 {
		t.Errorf("there is something beside the charm: %v", entries)
	}
	if got, want := readDir(t, src), whole(); !maps.Equal(got, want) {
		t.Errorf("the source was changed: %q", got)
	}
}

func TestInstallKeepsPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	src := makeDir(t, files{"metadata.yaml": metadata, "a*": "", "dir/b": "", "closed/c": "", "metadata2.yaml": ""})
	modes := map[string]fs.FileMode{
		"a": 0o775, "dir": fs.ModeDir | 0o777, "dir/b": 0o464, "closed": fs.ModeDir | 0o550, "closed/c": 0o644, "metadata.yaml": 0o606,
	}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(src, name), mode.Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(src, "a"), 0o775|fs.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(src, "closed"), 0o755) })
	modes["closed"] = fs.ModeDir | 0o750 // or it could not be filled
	dst := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	for name, want := range modes {
		info, err := os.Lstat(filepath.Join(dst, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

// A metadata.yaml that is a symlink and has to be written in another form
// becomes a file; what it led to stays.
func TestInstallMaterialisesASymlink(t *testing.T) {
	const short = metadata + "requires: {db: pgsql}\n"
	src := makeDir(t, files{"src/m.yaml": short, "metadata.yaml->src/m.yaml": ""})
	dst := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	want := files{"src/m.yaml": short, "metadata.yaml": metadata + "requires: {db: {interface: pgsql}}\n"}
	if got := readDir(t, dst); !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// The files that make a charm are there even if .jujuignore says otherwise.
func TestInstallDespiteIgnore(t *testing.T) {
	src := makeDir(t, files{"metadata.yaml": metadata, "dispatch*": "x", ".jujuignore": "*.yaml\n"})
	dst := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	want := files{"metadata.yaml": metadata, "dispatch*": "x", ".jujuignore": "*.yaml\n"}
	if got := readDir(t, dst); !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestInstallRefuses(t *testing.T) {
	for about, test := range map[string]struct {
		files files
		make  func(t *testing.T, dir string)
		want  string
	}{
		"a socket": {make: func(t *testing.T, dir string) {
			l, err := net.Listen("unix", filepath.Join(dir, "s"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, want: "s is a socket: a charm holds files, directories and symlinks only; remove it, or name it in .jujuignore"},
		"a pipe": {make: func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "p"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, want: "p is a named pipe: a charm holds files, directories and symlinks only; remove it, or name it in .jujuignore"},
		"an absolute symlink": {files: files{"a->/etc/passwd": ""}, want: `symlink a leads to "/etc/passwd": it must be relative and stay inside the charm`},
		"a symlink out":       {files: files{"a/b->../../c": ""}, want: `symlink a/b leads to "../../c": it must be relative and stay inside the charm`},
		"a bad pattern":       {files: files{".jujuignore": "["}, want: `.jujuignore: bad pattern "[": check its brackets and backslashes`},
	} {
		t.Run(about, func(t *testing.T) {
			src := makeDir(t, files{"metadata.yaml": metadata})
			writeFiles(t, src, test.files)
			if test.make != nil {
				test.make(t, src)
			}
			home := t.TempDir()
			err := charm.Install(src, filepath.Join(home, "charm"))
			if want := `cannot install charm "` + src + `": ` + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if entries, _ := os.ReadDir(home); len(entries) > 0 {
				t.Errorf("it left %v", entries)
			}
		})
	}
}

// What cannot be part of a charm does no harm where it is ignored.
func TestInstallIgnoresSpecialFiles(t *testing.T) {
	src := makeDir(t, files{"metadata.yaml": metadata, ".jujuignore": "run/\n", "run/x": ""})
	if err := syscall.Mkfifo(filepath.Join(src, "run", "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := charm.Install(src, filepath.Join(t.TempDir(), "charm")); err != nil {
		t.Error(err)
	}
}

func TestInstallLeavesACharmAlone(t *testing.T) {
	dst := makeDir(t, files{"metadata.yaml": "name: other", ".unit-state.db": "precious", "hooks/x*": ""})
	staging := filepath.Join(filepath.Dir(dst), "."+filepath.Base(dst)+".new")
	writeFiles(t, staging, files{"half": "done"})
	before := readDir(t, dst)
	for _, src := range []string{makeDir(t, whole()), filepath.Join(t.TempDir(), "not there")} {
		if err := charm.Install(src, dst); err != nil {
			t.Errorf("from %s: %v", src, err)
		}
		if after := readDir(t, dst); !maps.Equal(before, after) {
			t.Errorf("it was changed to %q", after)
		}
	}
	if _, err := os.Lstat(staging); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}

func TestInstallOverWhatIsNotACharm(t *testing.T) {
	src := makeDir(t, whole())
	if err := charm.Install(src, makeDir(t, nil)); err != nil {
		t.Errorf("over an empty directory: %v", err)
	}
	dst := makeDir(t, files{"precious": "x"})
	err := charm.Install(src, dst)
	if err == nil || !strings.HasSuffix(err.Error(), dst+" is not empty and has no metadata.yaml: move it away and try again") {
		t.Errorf("got error %v", err)
	}
	file := filepath.Join(makeDir(t, files{"charm": "x"}), "charm")
	if err := charm.Install(src, file); err == nil {
		t.Error("no error over a file")
	}
	if got := readDir(t, dst); !maps.Equal(got, files{"precious": "x"}) {
		t.Errorf("it was changed to %q", got)
	}
}

// small is a charm of few files, since each is a step, with its deployed form.
func small() (src, deployed files) {
	return files{"charmcraft.yaml": metadata, "hooks/install*": "x", "hooks/start->install": ""},
		files{"charmcraft.yaml": metadata, "metadata.yaml": metadata, "hooks/install*": "x", "hooks/start->install": ""}
}

// In each of these tests something happens at each step in turn, and then the
// charm is installed again.
func eachStep(t *testing.T, happen func(t *testing.T, disk *durabletest.Disk, n int, install func() error)) {
	for n := 0; ; n++ {
		charmFiles, want := small()
		src := makeDir(t, charmFiles)
		root := t.TempDir()
		disk := durabletest.NewDisk(t, root)
		dst := filepath.Join(root, "units", "mysql-0", "charm")
		tripped := false
		happen(t, disk, n, func() error {
			err := charm.Install(src, dst)
			if tripped = disk.Tripped(); tripped == (err == nil) {
				t.Fatalf("step %d: tripped %v, error %v", n, tripped, err)
			}
			return err
		})
		// Nothing, or all of it.
		if _, err := os.Lstat(dst); err == nil {
			if got := readDir(t, dst); !maps.Equal(got, want) {
				t.Fatalf("step %d of %q: there is a charm, but it is %q", n, disk.Labels(), got)
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		} else if !tripped {
			t.Fatalf("step %d: it succeeded, and the charm is lost", n)
		}
		if err := charm.Install(src, dst); err != nil {
			t.Fatalf("step %d: again: %v", n, err)
		}
		// What the second one said is done must outlive a power cut, even if
		// the first had done most of it.
		disk.PowerCycle()
		if got := readDir(t, dst); !maps.Equal(got, want) {
			t.Fatalf("step %d: after all there is %q", n, got)
		}
		entries, err := os.ReadDir(filepath.Dir(dst))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Name() != "charm" && !durable.IsTemp(entry.Name()) {
				t.Errorf("step %d: %s is left", n, entry.Name())
			}
		}
		if !tripped {
			if n < 15 {
				t.Errorf("only %d steps were tried: %q", n, disk.Labels())
			}
			return
		}
	}
}

func TestInstallPowerCutAtEachStep(t *testing.T) {
	eachStep(t, func(t *testing.T, disk *durabletest.Disk, n int, install func() error) {
		disk.OffAt(n)
		install()
		disk.PowerCycle()
	})
}

func TestInstallLuckyPowerCutAtEachStep(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachStep(t, func(t *testing.T, disk *durabletest.Disk, n int, install func() error) {
		disk.OffAt(n)
		install()
		disk.PowerCycleLucky(r)
	})
}

func TestInstallKilledAtEachStep(t *testing.T) {
	eachStep(t, func(t *testing.T, disk *durabletest.Disk, n int, install func() error) {
		disk.OffAt(n)
		install()
		disk.Restart()
	})
}

func TestInstallErrorAtEachStep(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		eachStep(t, func(t *testing.T, disk *durabletest.Disk, n int, install func() error) {
			disk.FailAt(n, fault)
			if err := install(); err != nil && !errors.Is(err, fault) {
				t.Errorf("step %d: got error %v", n, err)
			}
			disk.Restart()
		})
	}
}
