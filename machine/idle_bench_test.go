package machine_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/store"
)

// BenchmarkIdleUnits reports what a unit that has nothing to do costs in memory,
// with the embedded store in the same process: the heap in use after a collection,
// and the stacks.
func BenchmarkIdleUnits(b *testing.B) {
	sizes := []int{10, 100, 500}
	used := make(map[int]uint64)
	for i, units := range sizes {
		b.Run(strconv.Itoa(units), func(b *testing.B) {
			used[units] = idleMemory(b, units)
			b.ReportMetric(float64(used[units])/1024, "KiB")
			if i > 0 {
				fewer := sizes[i-1]
				b.ReportMetric(float64(used[units]-used[fewer])/float64(units-fewer)/1024, "KiB/further-unit")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func idleMemory(b *testing.B, units int) uint64 {
	ctx := context.Background()
	dir := b.TempDir()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := store.Open(ctx, store.Config{Dir: filepath.Join(dir, "etcd"), Logger: logger})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Wait()
	defer s.Kill()
	limits := s.Limits()
	m, err := model.Open(ctx, model.Config{
		Client: s.Client(), Logger: logger, MaxTxnOps: limits.MaxTxnOps, MaxRequestBytes: limits.MaxRequestBytes,
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.AddMachine(ctx, model.Machine{Hostname: "bench", Addresses: []string{"127.0.0.1"}}); err != nil {
		b.Fatal(err)
	}
	// A charm without hooks: what is measured comes after them.
	source := filepath.Join(dir, "charms", "idle")
	if err := os.MkdirAll(source, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "metadata.yaml"), []byte("name: idle\nsummary: s\ndescription: d\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	read, err := charm.Read(source)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Deploy(ctx, model.DeployArgs{
		Application: "idle", NumUnits: units, Machine: "0",
		Charm: model.Charm{Name: "idle", Path: source, Documents: read.Documents},
	}); err != nil {
		b.Fatal(err)
	}
	waiting := make(chan struct{}, 1)
	leases, err := machine.NewLeases(m, clock.WallClock, logger)
	if err != nil {
		b.Fatal(err)
	}
	defer leases.Wait()
	defer leases.Kill()
	config := machine.Config{
		DataDir: dir, Machine: "0", Model: m, Clock: clock.WallClock, Logger: logger,
		HookTool:    "/bin/false",
		LeaderLease: 30 * time.Second,
		Waiting: func() {
			select {
			case waiting <- struct{}{}:
			default:
			}
		},
	}
	if err := leases.Lead(&config); err != nil {
		b.Fatal(err)
	}
	agents, err := machine.New(config)
	if err != nil {
		b.Fatal(err)
	}
	for {
		<-waiting
		progress, err := machine.Look(ctx, dir, "0", m)
		if err != nil {
			b.Fatal(err)
		}
		if progress.Idle() {
			break
		}
	}
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	b.Logf("heap %d KiB, stacks %d KiB, %d goroutines", stats.HeapInuse/1024, stats.StackInuse/1024, runtime.NumGoroutine())
	agents.Kill()
	if err := agents.Wait(); err != nil {
		b.Fatal(err)
	}
	return stats.HeapInuse + stats.StackInuse
}
