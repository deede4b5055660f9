package store_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/store"
	bolt "go.etcd.io/bbolt"
)

func database(dir string) string { return filepath.Join(dir, "member/snap/db") }

// lastLog returns the newest file of the log.
func lastLog(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "member/wal/*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no log: %v", err)
	}
	return files[len(files)-1]
}

// overwrite puts n bytes of noise into a file.
func overwrite(t *testing.T, path string, off int64, n int) {
	t.Helper()
	noise := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(noise)
	writeAt(t, path, off, noise)
}

func writeAt(t *testing.T, path string, off int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt(b, off)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func damageDatabase(t *testing.T, dir string) { overwrite(t, database(dir), 0, 4*4096) }

// logOffset finds the place of a key's record in the log.
func logOffset(t *testing.T, dir, key string) int64 {
	t.Helper()
	b, err := os.ReadFile(lastLog(t, dir))
	must(t, err)
	off := bytes.Index(b, []byte(key))
	if off < 0 {
		t.Fatalf("%s is not in the log", key)
	}
	return int64(off)
}

// setInDatabase changes what etcd keeps beside the keys.
func setInDatabase(t *testing.T, dir, bucket, key, value string) {
	t.Helper()
	db, err := bolt.Open(database(dir), 0, nil)
	must(t, err)
	defer db.Close()
	must(t, db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value))
	}))
}

const (
	restore   = "(restore the directory from a backup, or move it away to begin with an empty model)"
	useNewer  = "(it was written by a newer version: use that version)"
	otherDir  = "or use another data directory)"
	puts      = 100
	middleKey = "key-50-"
)

var damages = []struct {
	name   string
	damage func(t *testing.T, dir string)
	want   []string // parts of the error; none if the store opens with all its data
}{{
	name:   "none",
	damage: func(t *testing.T, dir string) {},
}, {
	name:   "database overwritten at the start",
	damage: damageDatabase,
	want:   []string{"member/snap/db is damaged: page 0: it does not begin as a database does", restore},
}, {
	name: "database is something else",
	damage: func(t *testing.T, dir string) {
		must(t, os.WriteFile(database(dir), []byte("hello\n"), 0o600))
	},
	want: []string{"member/snap/db is damaged: page 0: it does not begin as a database does", restore},
}, {
	name: "database is a directory",
	damage: func(t *testing.T, dir string) {
		must(t, os.Remove(database(dir)))
		must(t, os.Mkdir(database(dir), 0o700))
	},
	want: []string{"member/snap/db is damaged", restore},
}, {
	name:   "database cut to its first pages",
	damage: func(t *testing.T, dir string) { must(t, os.Truncate(database(dir), 2*4096)) },
	want:   []string{"member/snap/db is damaged", restore},
}, {
	name:   "database overwritten after the first pages",
	damage: func(t *testing.T, dir string) { overwrite(t, database(dir), 2*4096, 30*4096) },
	want:   []string{"member/snap/db is damaged", restore},
}, {
	name:   "database lost with the log whole",
	damage: func(t *testing.T, dir string) { must(t, os.Remove(database(dir))) },
}, {
	name:   "database empty with the log whole",
	damage: func(t *testing.T, dir string) { must(t, os.Truncate(database(dir), 0)) },
}, {
	name:   "log overwritten at the start",
	damage: func(t *testing.T, dir string) { overwrite(t, lastLog(t, dir), 0, 512) },
	want:   []string{"member/wal is damaged: it does not begin as a log does", restore},
}, {
	name:   "log overwritten in the middle",
	damage: func(t *testing.T, dir string) { overwrite(t, lastLog(t, dir), logOffset(t, dir, middleKey), 20) },
	want:   []string{"member/wal is damaged", "crc mismatch", restore},
}, {
	name: "log overwritten with zeros in the middle",
	damage: func(t *testing.T, dir string) {
		writeAt(t, lastLog(t, dir), logOffset(t, dir, middleKey)/512*512, make([]byte, 1024))
	},
	want: []string{"member/wal is damaged", restore},
}, {
	name:   "log cut short below what the database has",
	damage: func(t *testing.T, dir string) { must(t, os.Truncate(lastLog(t, dir), logOffset(t, dir, middleKey))) },
	want:   []string{"member/wal is damaged: it ends at entry", restore},
}, {
	name:   "log emptied",
	damage: func(t *testing.T, dir string) { must(t, os.Truncate(lastLog(t, dir), 0)) },
	want:   []string{"member/wal is damaged: it does not begin as a log does", restore},
}, {
	name:   "log file lost",
	damage: func(t *testing.T, dir string) { must(t, os.Remove(lastLog(t, dir))) },
	want:   []string{"member/wal is damaged: it is missing", restore},
}, {
	name:   "log lost",
	damage: func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "member/wal"))) },
	want:   []string{"member/wal is damaged: it is missing", restore},
}, {
	name: "log with a stray file",
	damage: func(t *testing.T, dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "member/wal/notes.wal"), []byte("hello"), 0o600))
	},
}, {
	name: "record cut short at the end of the log, as a crash leaves it",
	damage: func(t *testing.T, dir string) {
		// A length that promises more than the zeros behind it.
		b, err := os.ReadFile(lastLog(t, dir))
		must(t, err)
		end := (len(bytes.TrimRight(b, "\x00")) + 8) / 8 * 8
		writeAt(t, lastLog(t, dir), int64(end), []byte{100})
	},
}, {
	name: "database of a newer etcd",
	damage: func(t *testing.T, dir string) {
		setInDatabase(t, dir, "meta", "storageVersion", "9.0.0")
	},
	want: []string{useNewer},
}, {
	name: "database of a slightly newer etcd",
	damage: func(t *testing.T, dir string) {
		setInDatabase(t, dir, "meta", "storageVersion", "3.99.0")
	},
	want: []string{useNewer},
}, {
	name: "cluster of a newer etcd",
	damage: func(t *testing.T, dir string) {
		setInDatabase(t, dir, "cluster", "clusterVersion", "9.0.0")
	},
	want: []string{useNewer},
}}

// Etcd ends the process on much of this, so a process of its own opens each.
func TestDamage(t *testing.T) {
	for _, test := range damages {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, store.Config{Dir: dir})
			for i := range puts {
				put(t, s, fmt.Sprintf("key-%d-", i), strings.Repeat("v", 100))
			}
			closeStore(t, s)
			test.damage(t, dir)
			before := files(t, dir)

			p := startProcess(t, dir)
			got := p.read()
			if len(test.want) == 0 {
				if got != "serving" {
					t.Fatalf("got %q\n%s", got, p.log.String())
				}
				p.stop()
				s := openStore(t, store.Config{Dir: dir})
				for i := range puts {
					checkValue(t, s, fmt.Sprintf("key-%d-", i), strings.Repeat("v", 100))
				}
				return
			}
			p.end()
			if !strings.HasPrefix(got, "error cannot open store in "+dir+": ") || p.cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("got %q, %v\n%s", got, p.cmd.ProcessState, p.log.String())
			}
			for _, part := range test.want {
				if !strings.Contains(got, part) {
					t.Errorf("got %q, which lacks %q", got, part)
				}
			}
			if strings.HasSuffix(got, restore) {
				if after := files(t, dir); after != before {
					t.Errorf("damaged files were changed from:\n%s\nto:\n%s", before, after)
				}
			}
		})
	}
}

// files describes the files below dir/member.
func files(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	must(t, filepath.WalkDir(filepath.Join(dir, "member"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&all, path, info.Size(), info.ModTime())
		}
		return err
	}))
	return all.String()
}

func TestDirIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	for _, dir := range []string{path, filepath.Join(path, "etcd")} {
		_, err := store.Open(testContext(t), store.Config{Dir: dir, Logger: quiet()})
		if err == nil || !strings.Contains(err.Error(), "not a directory") || !strings.HasSuffix(err.Error(), otherDir) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDirOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs to be root to be somebody else")
	}
	parent := t.TempDir()
	must(t, os.Chmod(parent, 0o755))
	for _, dir := range []string{filepath.Join(parent, "there"), filepath.Join(parent, "absent")} {
		if strings.HasSuffix(dir, "there") {
			must(t, os.Mkdir(dir, 0o700))
		}
		got := openAs(t, dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
		if !strings.Contains(got, "permission denied") || !strings.Contains(got, "(run as the user that owns it "+otherDir) {
			t.Errorf("got %q", got)
		}
	}
}

func TestDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	got := openAs(t, dir, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}, "STORE_TEST_TMPFS=4m")
	if strings.Contains(got, "cannot mount") {
		t.Skip(got)
	}
	if !strings.Contains(got, "no space left on device") || !strings.Contains(got, "(free some space on its file system, at least 64 MiB)") {
		t.Errorf("got %q", got)
	}
}

// openAs returns what a process of another kind says to opening dir.
func openAs(t *testing.T, dir string, attr *syscall.SysProcAttr, env ...string) string {
	t.Helper()
	cmd := exec.Command(reachableBinary(t))
	cmd.Env = append(append(os.Environ(), processEnv+"="+dir), env...)
	cmd.SysProcAttr = attr
	cmd.Dir = "/"
	out, err := cmd.Output()
	if len(out) == 0 {
		t.Skipf("cannot run a process like that: %v", err)
	}
	return string(out)
}

// reachableBinary copies the test binary to where every user can run it.
func reachableBinary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "store-test")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	b, err := os.ReadFile(os.Args[0])
	must(t, err)
	path := filepath.Join(dir, "store.test")
	must(t, os.WriteFile(path, b, 0o755))
	return path
}
