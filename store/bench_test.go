package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sys/unix"
)

func BenchmarkOpen(b *testing.B) {
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := b.TempDir()
			b.StartTimer()
			s, err := store.Open(testContext(b), store.Config{Dir: dir, Logger: quiet()})
			b.StopTimer()
			if err != nil {
				b.Fatal(err)
			}
			closeStore(b, s)
			b.StartTimer()
		}
	})
	for _, units := range []int{10, 1000} {
		b.Run(fmt.Sprintf("existing/units=%d", units), func(b *testing.B) { benchmarkOpenExisting(b, units) })
	}
	b.Run("served", func(b *testing.B) {
		dir := b.TempDir()
		openStore(b, store.Config{Dir: dir})
		for b.Loop() {
			s, err := store.Open(testContext(b), store.Config{Dir: dir, Logger: quiet()})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			closeStore(b, s)
			b.StartTimer()
		}
	})
}

// benchmarkOpenExisting opens what a model of so many units may leave: for each, 20 keys of
// 500 bytes, each written twice.
func benchmarkOpenExisting(b *testing.B, units int) {
	dir := b.TempDir()
	s := openStore(b, store.Config{Dir: dir})
	value := strings.Repeat("v", 500)
	for unit := range units {
		for range 2 {
			var ops []clientv3.Op
			for key := range 20 {
				ops = append(ops, clientv3.OpPut(fmt.Sprintf("/unit/%d/%d", unit, key), value))
			}
			if _, err := s.Client().Txn(testContext(b)).Then(ops...).Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	closeStore(b, s)
	for b.Loop() {
		s, err := store.Open(testContext(b), store.Config{Dir: dir, Logger: quiet()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		closeStore(b, s)
		b.StartTimer()
	}
}

// BenchmarkPut shows a durable write of 500 bytes, beside what the disk alone takes for one.
func BenchmarkPut(b *testing.B) {
	value := strings.Repeat("v", 500)
	b.Run("floor=write+fdatasync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "log"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if err := unix.Fallocate(int(f.Fd()), 0, 0, 64<<20); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := f.WriteString(value); err != nil {
				b.Fatal(err)
			}
			if err := unix.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		s := openStore(b, store.Config{Dir: b.TempDir()})
		ctx := testContext(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Client().Put(ctx, "k", value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel=64", func(b *testing.B) {
		s := openStore(b, store.Config{Dir: b.TempDir()})
		ctx := testContext(b)
		b.SetParallelism(32) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Client().Put(ctx, "k", value); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("get", func(b *testing.B) {
		s := openStore(b, store.Config{Dir: b.TempDir()})
		put(b, s, "k", value)
		ctx := testContext(b)
		for b.Loop() {
			if _, err := s.Client().Get(ctx, "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkIdle shows what a process costs that serves a store and does nothing else.
func BenchmarkIdle(b *testing.B) {
	const look = 5 * time.Second
	for b.Loop() {
		cmd := startProcess(b, b.TempDir())
		cmd.expect("serving")
		cmd.ask("put k v", "ok")
		before := cpuTime(b, cmd.cmd.Process.Pid)
		time.Sleep(look)
		used := cpuTime(b, cmd.cmd.Process.Pid) - before
		b.ReportMetric(float64(used.Microseconds())/look.Seconds(), "cpu-µs/s")
		b.ReportMetric(float64(statusKB(b, cmd.cmd.Process.Pid, "VmRSS:"))/1024, "MiB-rss")
		b.ReportMetric(float64(statusKB(b, cmd.cmd.Process.Pid, "RssAnon:"))/1024, "MiB-anon")
		cmd.kill()
	}
}

// cpuTime returns how long a process has run, from the scheduler's own count: that in
// /proc/PID/stat has ticks of 10 ms.
func cpuTime(b *testing.B, pid int) (total time.Duration) {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		b.Skip("no schedstat here")
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(ns)
	}
	return total
}

func statusKB(b *testing.B, pid int, field string) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(text), field)
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkTakeover shows how long after the serving process was killed a standby's write is done.
func BenchmarkTakeover(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		p := startProcess(b, dir)
		p.expect("serving")
		s := openStore(b, store.Config{Dir: dir, Standby: true})
		put(b, s, "k", "v")
		b.StartTimer()
		p.kill()
		for { // the first may be sent to the dead
			if _, err := s.Client().Put(testContext(b), "k", "w"); err == nil {
				break
			}
		}
		b.StopTimer()
		closeStore(b, s)
		b.StartTimer()
	}
}
