package model

import (
	"fmt"
	"runtime"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// BenchmarkCommit is the flush of a typical hook: settings in one relation and a status, fenced by the claim.
func BenchmarkCommit(b *testing.B) {
	r := newRig(b)
	id := r.related()
	claim := r.claim("mysql/0", "0")
	r.stop(claim)
	b.Run("flush", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r.check(r.Commit(r.ctx, Flush{
				Unit: "mysql/0",
				RelationUnit: map[int]map[string]string{id: {
					"host": "10.0.0.1", "port": "3306", "user": "wordpress", "generation": fmt.Sprint(i),
				}},
				WorkloadStatus: &StatusInfo{Status: StatusActive, Message: "ready"},
				Fence:          claim.Fence(),
			}))
		}
	})
	b.Run("flush that changes nothing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.check(r.Commit(r.ctx, Flush{
				Unit: "mysql/0", RelationUnit: map[int]map[string]string{id: {"host": "10.0.0.1"}}, Fence: claim.Fence(),
			}))
		}
	})
	b.Run("empty flush", func(b *testing.B) {
		for b.Loop() {
			r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", Fence: claim.Fence()}))
		}
	})
	b.Run("floor put", func(b *testing.B) {
		b.ReportAllocs()
		value := r.value(r.keys.member(id, "mysql/0"))
		for b.Loop() {
			r.put("/floor", value)
		}
	})
	b.Run("floor get", func(b *testing.B) {
		for b.Loop() {
			r.value("/floor")
		}
	})
}

// BenchmarkHop is the way of a change of settings to the one who watches them.
func BenchmarkHop(b *testing.B) {
	r := newRig(b)
	id := r.related()
	b.Run("watcher", func(b *testing.B) {
		w, err := r.WatchRelationUnits(id, "wordpress/0")
		r.check(err)
		receive(b, w.Changes())
		key, value := r.keys.member(id, "mysql/0"), r.value(r.keys.member(id, "mysql/0"))
		for b.Loop() {
			r.put(key, value)
			receive(b, w.Changes())
		}
		r.check(w.Stop())
	})
	b.Run("flush to watcher", func(b *testing.B) {
		w, err := r.WatchRelationUnits(id, "wordpress/0")
		r.check(err)
		receive(b, w.Changes())
		for i := 0; b.Loop(); i++ {
			r.flush(id, "mysql/0", fmt.Sprint(i), false)
			receive(b, w.Changes())
		}
		r.check(w.Stop())
	})
	b.Run("floor", func(b *testing.B) {
		events := r.client.Watch(r.ctx, "/floor")
		for b.Loop() {
			r.put("/floor", "x")
			receive(b, events)
		}
	})
}

// BenchmarkFanOut is the way of one change to a thousand units of one process that see it.
func BenchmarkFanOut(b *testing.B) {
	r := newRig(b)
	id := r.related()
	const n = 1000
	watchers := make([]*RelationUnitsWatcher, n)
	for i := range watchers {
		w, err := r.WatchRelationUnits(id, fmt.Sprintf("wordpress/%d", i))
		r.check(err)
		receive(b, w.Changes())
		watchers[i] = w
	}
	key, value := r.keys.member(id, "mysql/0"), r.value(r.keys.member(id, "mysql/0"))
	for b.Loop() {
		r.put(key, value)
		for _, w := range watchers {
			receive(b, w.Changes())
		}
	}
	b.StopTimer()
	for _, w := range watchers {
		r.check(w.Stop())
	}
}

// BenchmarkIdleUnits is what the model's part of a unit that waits costs: its claim, its watcher, one relation with
// another application and one with its peers. The store is in the same process and counted in.
func BenchmarkIdleUnits(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				idleUnits(b, n)
			}
		})
	}
}

func idleUnits(b *testing.B, n int) {
	r := newRig(b)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 0)
	id := r.relate("wordpress", "mysql").Id
	units, err := r.AddUnits(r.ctx, "mysql", n, "")
	r.check(err)
	const peer = 0
	for _, unit := range units {
		r.enter(id, unit)
		r.enter(peer, unit)
	}
	before, goroutines := footprint(), runtime.NumGoroutine()
	var workers []ending
	for _, unit := range units {
		claim, err := r.ClaimUnit(r.ctx, unit, "0")
		r.check(err)
		w, err := r.WatchUnit(unit)
		r.check(err)
		receive(b, w.Changes())
		other, err := r.WatchRelationUnits(id, unit)
		r.check(err)
		receive(b, other.Changes())
		peers, err := r.WatchRelationUnits(peer, unit)
		r.check(err)
		receive(b, peers.Changes())
		workers = append(workers, claim, w, other, peers)
	}
	after := footprint()
	b.ReportMetric(float64(after-before)/float64(n)/1024, "KiB/unit")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(n), "goroutines/unit")
	for _, w := range workers {
		w.Kill()
	}
	for _, w := range workers {
		r.check(w.Wait())
	}
}

// footprint returns the memory in use, stacks included.
func footprint() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// BenchmarkStatus is a snapshot of a thousand units.
func BenchmarkStatus(b *testing.B) {
	r := newRig(b)
	units := r.deploy(mysql, 1000)
	for chunk := 0; chunk < len(units); chunk += 50 {
		var ops []clientv3.Op
		for _, unit := range units[chunk : chunk+50] {
			for _, suffix := range []string{workloadSuffix, agentSuffix} {
				ops = append(ops, clientv3.OpPut(r.keys.unitPart(unit, suffix), `{"current":"active","since":"2026-01-01T00:00:00Z"}`))
			}
		}
		_, err := r.client.Txn(r.ctx).Then(ops...).Commit()
		r.check(err)
	}
	for b.Loop() {
		_, err := r.Status(r.ctx)
		r.check(err)
	}
}
