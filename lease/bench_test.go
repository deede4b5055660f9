package lease_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/juju/clock"
	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: cost does not grow with the number of leases held. Compare the
// figures of one operation for different numbers of leases.
//
//	go test ./lease -run '^$' -bench .

// benchSizes are the numbers of leases that are held, through the manager, while
// an operation on one of them is measured.
var benchSizes = []int{10, 1_000, 100_000}

// benchmark measures op, with a manager that holds n leases for long enough.
func benchmark(b *testing.B, op func(b *testing.B, m *lease.ManagerWorker, names []string)) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("leases=%d", n), func(b *testing.B) {
			manager, err := lease.NewManager(lease.ManagerConfig{
				Secretary: anySecretary,
				Store:     memstore.New(clock.WallClock),
				Clock:     clock.WallClock,
				Logger:    slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				manager.Kill()
				if err := manager.Wait(); err != nil {
					b.Fatal(err)
				}
			}()
			claimer := must(manager.Claimer(namespace, model))
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("app-%d", i)
				// Each ends at its own time, so that the heap has work to do.
				if err := claimer.Claim(names[i], "app/0", time.Hour+time.Duration(i%997)*time.Second); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime()
			op(b, manager, names)
			// What the processors worked, which a busy machine changes less
			// than the time on the wall.
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkExtend(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, names []string) {
		claimer := must(m.Claimer(namespace, model))
		duration := 2 * time.Hour
		i := 0
		for b.Loop() {
			duration += time.Millisecond
			if err := claimer.Claim(names[i%len(names)], "app/0", duration); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

func BenchmarkClaimAndRevoke(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, _ []string) {
		claimer, revoker := must(m.Claimer(namespace, model)), must(m.Revoker(namespace, model))
		for b.Loop() {
			if err := claimer.Claim("other", "app/0", time.Hour); err != nil {
				b.Fatal(err)
			}
			if err := revoker.Revoke("other", "app/0"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClaimDenied(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, names []string) {
		claimer := must(m.Claimer(namespace, model))
		i := 0
		for b.Loop() {
			if err := claimer.Claim(names[i%len(names)], "app/1", time.Hour); err != lease.ErrClaimDenied {
				b.Fatal(err)
			}
			i++
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, names []string) {
		token := must(m.Checker(namespace, model)).Token(names[len(names)/2], "app/0")
		for b.Loop() {
			if err := token.Check(0, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWait measures a wait that begins and is cancelled.
func BenchmarkWait(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, names []string) {
		claimer := must(m.Claimer(namespace, model))
		cancel := make(chan struct{})
		close(cancel)
		i := 0
		for b.Loop() {
			if err := claimer.WaitUntilExpired(names[i%len(names)], cancel); err != lease.ErrWaitCancelled {
				b.Fatal(err)
			}
			i++
		}
	})
}

// BenchmarkHandover measures the way from one holder to the next: a revoke, the
// wait that it ends, and the claim after it.
func BenchmarkHandover(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, _ []string) {
		claimer, revoker := must(m.Claimer(namespace, model)), must(m.Revoker(namespace, model))
		turns := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
		done := make(chan error, 1)
		rounds := 0
		go func() {
			defer close(done)
			for range turns[0] {
				if err := claimer.WaitUntilExpired("other", nil); err != nil {
					done <- err
					return
				}
				if err := claimer.Claim("other", "app/1", time.Hour); err != nil {
					done <- err
					return
				}
				if err := revoker.Revoke("other", "app/1"); err != nil {
					done <- err
					return
				}
				turns[1] <- struct{}{}
			}
		}()
		for b.Loop() {
			if err := claimer.Claim("other", "app/0", time.Hour); err != nil {
				b.Fatal(err)
			}
			turns[0] <- struct{}{}
			if err := revoker.Revoke("other", "app/0"); err != nil {
				b.Fatal(err)
			}
			<-turns[1]
			rounds++
		}
		close(turns[0])
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkClaimParallel measures extensions of different leases by many at
// once.
func BenchmarkClaimParallel(b *testing.B) {
	benchmark(b, func(b *testing.B, m *lease.ManagerWorker, names []string) {
		claimer := must(m.Claimer(namespace, model))
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if err := claimer.Claim(names[i%len(names)], "app/0", time.Hour); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
