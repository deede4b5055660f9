package durable_test

import (
	"errors"
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

func (p protocol) before() string { return p.states[0] }
func (p protocol) after() string  { return p.states[len(p.states)-1] }

// start returns a disk on which the protocol may be run, in its own directory: so
// that what it does to dir's parent is on the disk too.
func (p protocol) start(t *testing.T) (*durabletest.Disk, string) {
	t.Helper()
	dir := t.TempDir()
	if p.prepare != nil {
		p.prepare(t, dir)
	}
	disk := durabletest.NewDisk(t, dir)
	if got := tree(t, dir, p.ignore); got != p.before() {
		t.Fatalf("prepared %q, want %q", got, p.before())
	}
	return disk, dir
}

// finish runs the protocol in a new process, and checks that it is durably done.
func (p protocol) finish(t *testing.T, disk *durabletest.Disk, dir string) {
	t.Helper()
	if err := p.run(dir); err != nil {
		t.Fatalf("run again: %v", err)
	}
	disk.PowerCycle()
	if got := tree(t, dir, p.ignore); got != p.after() {
		t.Fatalf("run again and power-cycled: %q, want %q", got, p.after())
	}
}

func eachProtocol(t *testing.T, test func(t *testing.T, p protocol)) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

func TestProtocolIsDurableWhenItReturns(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		disk, dir := p.start(t)
		if err := p.run(dir); err != nil {
			t.Fatal(err)
		}
		if got := disk.Labels(); !slices.Equal(got, p.steps) {
			t.Errorf("steps\n%q, want\n%q", got, p.steps)
		}
		disk.PowerCycle()
		if got := tree(t, dir, p.ignore); got != p.after() {
			t.Errorf("got %q, want %q", got, p.after())
		}
		disk.Restart()
		p.finish(t, disk, dir)
	})
}

func TestPowerCutAtEachStep(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		for n, label := range p.steps {
			disk, dir := p.start(t)
			disk.OffAt(n)
			if err := p.run(dir); !errors.Is(err, durabletest.ErrOff) {
				t.Fatalf("off at %s: error %v", label, err)
			}
			disk.PowerCycle()
			if got := tree(t, dir, p.ignore); !slices.Contains(p.states, got) {
				t.Fatalf("off at %s: left %q", label, got)
			}
			p.finish(t, disk, dir)
		}
	})
}

func TestPowerCutWithLuckAtEachStep(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		for n, label := range p.steps {
			for seed := range uint64(8) {
				disk, dir := p.start(t)
				disk.OffAt(n)
				if err := p.run(dir); !errors.Is(err, durabletest.ErrOff) {
					t.Fatalf("off at %s: error %v", label, err)
				}
				disk.PowerCycleLucky(rand.New(rand.NewPCG(seed, 0)))
				if got := tree(t, dir, p.ignore); !slices.Contains(p.states, got) {
					t.Fatalf("off at %s, seed %d: left %q", label, seed, got)
				}
				p.finish(t, disk, dir)
			}
		}
	})
}

// A process that is killed leaves what it had done in the page cache. The next
// one sees it, and what the next one is told is durable must be so even then.
func TestKillAtEachStep(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		for n, label := range p.steps {
			disk, dir := p.start(t)
			disk.OffAt(n)
			if err := p.run(dir); !errors.Is(err, durabletest.ErrOff) {
				t.Fatalf("off at %s: error %v", label, err)
			}
			disk.Restart()
			if got := tree(t, dir, p.ignore); !slices.Contains(p.states, got) {
				t.Fatalf("killed at %s: left %q", label, got)
			}
			p.finish(t, disk, dir)
			if err := durable.SweepTemp(dir); err != nil {
				t.Fatal(err)
			}
			if names := tempNames(t, dir); len(names) > 0 {
				t.Errorf("killed at %s: %q left after a sweep", label, names)
			}
		}
	})
}

func TestFailureOfEachStep(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		for n, label := range p.steps {
			for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
				disk, dir := p.start(t)
				disk.FailAt(n, cause)
				err := p.run(dir)
				if !errors.Is(err, cause) {
					t.Fatalf("%s fails: error %v", label, err)
				}
				isSync := strings.Contains(label, "/fsync")
				if errors.Is(err, durable.ErrSync) != isSync {
					t.Errorf("%s fails: is it a failed fsync? %v", label, err)
				}
				if got := tree(t, dir, p.ignore); !slices.Contains(p.states, got) {
					t.Fatalf("%s fails: left %q", label, got)
				}
				disk.Restart()
				p.finish(t, disk, dir)
			}
		}
	})
}

func TestFailedWriteLeavesNoTemporaryFile(t *testing.T) {
	for _, label := range []string{"write/data", "write/fsync", "write/close", "write/rename"} {
		dir := t.TempDir()
		disk := durabletest.NewDisk(t, dir)
		disk.FailOn(label, syscall.ENOSPC)
		if err := durable.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err == nil {
			t.Fatalf("%s: no error", label)
		}
		if names := tempNames(t, dir); len(names) > 0 {
			t.Errorf("%s fails: left %q", label, names)
		}
	}
}

func tempNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if durable.IsTemp(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestNoTryAfterAFailedFsync(t *testing.T) {
	dir := t.TempDir()
	disk := durabletest.NewDisk(t, dir)
	write := func(name string) error {
		return durable.WriteFile(filepath.Join(dir, name), []byte(name), 0o600)
	}
	disk.FailOn("write/fsync", syscall.EIO)
	if err := write("bad"); !errors.Is(err, durable.ErrSync) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	tried := len(disk.Labels())
	for _, try := range []func() error{
		func() error { return write("bad") },
		func() error { return durable.Remove(filepath.Join(dir, "bad")) },
		func() error { return durable.RemoveAll(filepath.Join(dir, "bad")) },
		func() error { return durable.Rename(filepath.Join(dir, "bad"), filepath.Join(dir, "b")) },
	} {
		if err := try(); !errors.Is(err, durable.ErrSync) {
			t.Errorf("tried again: %v", err)
		}
	}
	if got := disk.Labels()[tried:]; len(got) > 0 {
		t.Errorf("went to the disk again: %q", got)
	}
	if err := write("good"); err != nil {
		t.Errorf("another file: %v", err)
	}

	// The directory's fsync is about every name in it.
	disk.FailOn("write/fsync-dir", syscall.EIO)
	if err := write("good"); !errors.Is(err, durable.ErrSync) {
		t.Fatalf("got %v", err)
	}
	for _, try := range []func() error{
		func() error { return write("other") },
		func() error { return durable.MkdirAll(filepath.Join(dir, "d"), 0o700) },
		func() error { return durable.RemoveDir(filepath.Join(dir, "d")) },
		func() error { return durable.SyncTree(dir) },
	} {
		if err := try(); !errors.Is(err, durable.ErrSync) {
			t.Errorf("in a directory that could not be synced: %v", err)
		}
	}

	disk.Restart()
	for _, name := range []string{"bad", "good"} {
		if err := write(name); err != nil {
			t.Errorf("in a new process: %v", err)
		}
	}
}
