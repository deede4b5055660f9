package machine_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/unit-agent/unit-agent/machine"
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
	config, waiting := benchConfig(b)
	// A charm without hooks: what is measured comes after them.
	benchDeploy(b, config, "idle", units, "0", map[string]string{
		"metadata.yaml": "name: idle\nsummary: s\ndescription: d\n",
	})
	agents, err := machine.New(config)
	if err != nil {
		b.Fatal(err)
	}
	for {
		<-waiting
		progress, err := machine.Look(context.Background(), config.DataDir, "0", config.Model)
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
