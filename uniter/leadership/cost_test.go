package leadership_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// manyTickets is how many wait at once in the tests of what a ticket costs.
const manyTickets = 100_000

// Asking for a ticket never blocks, also while a claim hangs in the network.
func TestAskingNeverBlocks(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *fixture{
		"first claim hangs": func(t *testing.T) *fixture {
			f := newFixture(t)
			f.nextClaim()
			return f
		},
		"renewal hangs": func(t *testing.T) *fixture {
			f := newLeader(t)
			f.advance(duration)
			f.nextClaim()
			return f
		},
		"renewal hangs past the guarantee": func(t *testing.T) *fixture {
			f := newLeader(t)
			minion := f.tracker.WaitMinion()
			f.advance(duration)
			f.nextClaim()
			f.advance(duration)
			f.want(minion, true)
			return f
		},
		"wait for release": func(t *testing.T) *fixture {
			f, _ := newMinion(t)
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			timers := len(f.clock.Alarms())
			for range manyTickets {
				_, _, _ = f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()
			}
			if more := len(f.clock.Alarms()) - timers; more > 1 { // one may have been about to be set
				t.Errorf("questions set %d timers", more)
			}
		})
	}
}

// Tickets are cheap: 100,000 that wait have no goroutine and cost under 200 bytes each, with the channels that show
// when they are ready.
func TestWaitingTicketsAreCheap(t *testing.T) {
	for name, ask := range map[string]func(leadership.Tracker) leadership.Ticket{
		"ClaimLeader": leadership.Tracker.ClaimLeader,
		"WaitLeader":  leadership.Tracker.WaitLeader,
		"WaitMinion":  leadership.Tracker.WaitMinion,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			claim := f.nextClaim()
			goroutines, memory := runtime.NumGoroutine(), heap()
			tickets, ready := manyWaiting(f.tracker, ask)
			if each := (heap() - memory) / manyTickets; each >= 200 {
				t.Errorf("a ticket costs %d bytes", each)
			}
			if more := runtime.NumGoroutine() - goroutines; more > 10 {
				t.Errorf("tickets cost %d goroutines", more)
			}
			f.wantOpen(tickets[0])
			claim.answer(leadership.ErrClaimDenied)
			f.nextWait().answer(nil)
			f.nextClaim().answer(nil)
			for i, ticket := range tickets {
				f.want(ticket, name == "WaitLeader")
				if _, open := <-ready[i]; open {
					t.Fatal("ready channel is not closed")
				}
			}
		})
	}
}

// ClaimLeader().Wait() while leader takes no more than 2 allocations.
func TestAskingALeaderAllocatesLittle(t *testing.T) {
	f := newLeader(t)
	var says bool
	if allocs := testing.AllocsPerRun(1000, func() { says = f.tracker.ClaimLeader().Wait() }); allocs > 2 {
		t.Errorf("ClaimLeader().Wait() takes %v allocations", allocs)
	}
	if !says {
		t.Error("not leader")
	}
}

func manyWaiting(
	tracker leadership.Tracker, ask func(leadership.Tracker) leadership.Ticket,
) ([]leadership.Ticket, []<-chan struct{}) {
	tickets := make([]leadership.Ticket, manyTickets)
	ready := make([]<-chan struct{}, manyTickets)
	for i := range tickets {
		tickets[i] = ask(tracker)
		ready[i] = tickets[i].Ready()
	}
	return tickets, ready
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// idleClaimer answers every claim at once with its error, or never if hangs is set, and no wait, until it is closed.
type idleClaimer struct {
	err    error
	hangs  bool
	closed chan struct{}
}

func (c *idleClaimer) ClaimLeadership(string, string, time.Duration) error {
	if c.hangs {
		<-c.closed
	}
	return c.err
}

func (c *idleClaimer) BlockUntilLeadershipReleased(string) error {
	<-c.closed
	return nil
}

func benchmarkTracker(b *testing.B, claimer *idleClaimer) *leadership.TrackerWorker {
	claimer.closed = make(chan struct{})
	tracker := leadership.NewTracker(unit, claimer, clock.WallClock, duration)
	b.Cleanup(func() {
		tracker.Kill()
		_ = tracker.Wait()
		close(claimer.closed)
	})
	if !claimer.hangs && tracker.ClaimLeader().Wait() != (claimer.err == nil) {
		b.Fatalf("tracker does not say what %+v says", claimer)
	}
	b.ReportAllocs()
	return tracker
}

// BenchmarkClaimLeaderWait is the question that is-leader asks, of a leader: on one core, and on all.
func BenchmarkClaimLeaderWait(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		tracker := benchmarkTracker(b, &idleClaimer{})
		for b.Loop() {
			if !tracker.ClaimLeader().Wait() {
				b.Fatal("not leader")
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		tracker := benchmarkTracker(b, &idleClaimer{})
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if !tracker.ClaimLeader().Wait() {
					b.Error("not leader")
					return
				}
			}
		})
	})
	b.Run("minion", func(b *testing.B) {
		tracker := benchmarkTracker(b, &idleClaimer{err: leadership.ErrClaimDenied})
		for b.Loop() {
			if tracker.ClaimLeader().Wait() {
				b.Fatal("leader")
			}
		}
	})
}

// BenchmarkTimeNow is what two of the looks at the clock in BenchmarkClaimLeaderWait cost by themselves.
func BenchmarkTimeNow(b *testing.B) {
	for b.Loop() {
		_, _ = clock.WallClock.Now(), clock.WallClock.Now()
	}
}

// BenchmarkWaitingTicket is what a ticket costs that waits, one of 100,000.
func BenchmarkWaitingTicket(b *testing.B) {
	tracker := benchmarkTracker(b, &idleClaimer{hangs: true})
	goroutines, memory := runtime.NumGoroutine(), heap()
	var bytes, more int64
	for b.Loop() {
		tickets, ready := manyWaiting(tracker, leadership.Tracker.WaitLeader)
		b.StopTimer()
		bytes, more = heap()-memory, int64(runtime.NumGoroutine()-goroutines)
		runtime.KeepAlive(tickets)
		runtime.KeepAlive(ready)
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/manyTickets, "heap-B/ticket")
	b.ReportMetric(float64(more)/manyTickets, "goroutines/ticket")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/manyTickets, "ns/ticket")
}
