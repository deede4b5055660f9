package statedir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// besideFloor runs floor and ours, which have the same effect, the floor with none
// but the operating system's help. Then it runs them by turns, and reports how many
// times the floor ours takes, median by median: what else the machine is busy with
// slows both.
func besideFloor(b *testing.B, floor, ours func(*testing.B)) {
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			floor(b)
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ours(b)
		}
	})
	b.Run("by-turns", func(b *testing.B) {
		var floors, all []time.Duration
		for b.Loop() {
			start := time.Now()
			floor(b)
			middle := time.Now()
			ours(b)
			floors = append(floors, middle.Sub(start))
			all = append(all, time.Since(middle))
		}
		b.ReportMetric(float64(median(all))/float64(median(floors)), "times-floor")
	})
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func BenchmarkReadAllStateDirs(b *testing.B) {
	const relations, members = 100, 100
	dir := b.TempDir()
	for id := range relations {
		sub := filepath.Join(dir, fmt.Sprint(id))
		if err := os.Mkdir(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for n := range members {
			writeMember(b, sub, n, 1000*id+n)
		}
	}
	ours := func(b *testing.B) {
		dirs, err := statedir.ReadAllStateDirs(dir)
		if err != nil || len(dirs) != relations {
			b.Fatalf("read %d: %v", len(dirs), err)
		}
	}
	besideFloor(b, func(b *testing.B) { bareRead(b, dir) }, ours)
	b.Run("member", func(b *testing.B) {
		for b.Loop() {
			ours(b)
		}
		allocs := testing.AllocsPerRun(1, func() { ours(b) })
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*relations*members), "ns/member")
		b.ReportMetric(allocs/(relations*members), "allocs/member")
	})
}

func BenchmarkStateDirWrite(b *testing.B) {
	for _, members := range []int{1, 1000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			dir := b.TempDir()
			d, err := statedir.ReadStateDir(dir, 1)
			if err != nil {
				b.Fatal(err)
			}
			if err := d.Ensure(); err != nil {
				b.Fatal(err)
			}
			bare := filepath.Join(dir, "bare")
			if err := os.Mkdir(bare, 0o755); err != nil {
				b.Fatal(err)
			}
			for n := range members {
				writeMember(b, filepath.Join(dir, "1"), n, 0)
				writeMember(b, bare, n, 0)
			}
			hi := hook.Info{Kind: hooks.RelationChanged, RelationId: 1, RemoteUnit: "foo/0"}
			besideFloor(b,
				func(b *testing.B) { bareWrite(b, bare, "foo-0", []byte("change-version: 1\n")) },
				func(b *testing.B) {
					hi.ChangeVersion++
					if err := d.Write(hi); err != nil {
						b.Fatal(err)
					}
				})
		})
	}
}

func writeMember(b *testing.B, dir string, number, version int) {
	b.Helper()
	content := fmt.Sprintf("change-version: %d\n", version)
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("foo-%d", number)), []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}

// bareRead reads all that ReadAllStateDirs reads, and makes nothing of it.
func bareRead(b *testing.B, dir string) {
	relations, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, relation := range relations {
		path := filepath.Join(dir, relation.Name())
		files, err := os.ReadDir(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(filepath.Join(path, file.Name())); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// bareWrite is the least that replaces a file for good.
func bareWrite(b *testing.B, dir, name string, content []byte) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		b.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		b.Fatal(err)
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}
