package leadership_test

import (
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/juju/clock"
	"github.com/juju/clock/testclock"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// sleeper is a clock with a monotonic reading, which stands still while the machine sleeps, and a wall clock, which
// does not, like the real one.
type sleeper struct {
	*testclock.Clock
	slept atomic.Int64 // seconds
}

func (s *sleeper) Now() time.Time {
	now := s.Clock.Now()
	// A time.Time with a monotonic reading has its wall clock's seconds above 30 bits of nanoseconds. There is no
	// other way to have one move without the other; wallAhead fails the test if this ceases to be one.
	*(*uint64)(unsafe.Pointer(&now)) += uint64(s.slept.Load()) << 30
	return now
}

func (s *sleeper) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	before := s.Now()
	s.slept.Add(int64(d / time.Second))
	after := s.Now()
	if after.Sub(before) != 0 || after.Round(0).Sub(before.Round(0)) != d {
		t.Fatalf("cannot make a wall clock go ahead: %v, then %v", before, after)
	}
}

func newSleeper(t *testing.T) (*fixture, *sleeper) {
	// Only time.Now has a monotonic reading. What it is does not matter.
	f := &fixture{t: t, clock: testclock.NewClock(time.Now()), claimer: newHeldClaimer()}
	s := &sleeper{Clock: f.clock}
	f.use(leadership.NewTracker(unit, f.claimer, s, duration))
	f.nextClaim().answer(nil)
	f.want(f.tracker.ClaimLeader(), true)
	return f, s
}

// After a suspend longer than the lease no ticket says true before a fresh claim, though no timer has fired.
func TestSuspendLongerThanTheLease(t *testing.T) {
	f, s := newSleeper(t)
	claim, leader, minion := f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()
	s.sleep(t, leased)
	f.want(claim, false)
	f.want(leader, false)
	f.want(f.tracker.ClaimLeader(), false)
	f.want(minion, true)

	fresh := f.nextClaim()
	again := f.tracker.WaitLeader()
	f.wantOpen(again)
	f.want(f.tracker.ClaimLeader(), false)
	fresh.answer(nil)
	f.want(again, true)
	f.want(f.tracker.ClaimLeader(), true)
	f.want(claim, false)
}

// Each question is enough to find out; each has the tracker claim anew.
func TestSuspendIsFoundOutByAnyQuestion(t *testing.T) {
	for name, ask := range map[string]func(leadership.Tracker, leadership.Ticket) leadership.Ticket{
		"ClaimLeader":   func(tr leadership.Tracker, _ leadership.Ticket) leadership.Ticket { return tr.ClaimLeader() },
		"WaitMinion":    func(tr leadership.Tracker, _ leadership.Ticket) leadership.Ticket { return tr.WaitMinion() },
		"ticket before": func(_ leadership.Tracker, held leadership.Ticket) leadership.Ticket { return held },
	} {
		t.Run(name, func(t *testing.T) {
			f, s := newSleeper(t)
			held := f.tracker.ClaimLeader()
			s.sleep(t, leased)
			f.want(ask(f.tracker, held), false)
			f.nextClaim().answer(nil)
			f.want(f.tracker.WaitLeader(), true)
		})
	}
	t.Run("WaitLeader", func(t *testing.T) {
		f, s := newSleeper(t)
		s.sleep(t, leased)
		leader := f.tracker.WaitLeader()
		f.wantOpen(leader)
		f.nextClaim().answer(nil)
		f.want(leader, true)
	})
}

// After a suspend that left less than a duration, the answer waits for a renewal, which is sent when somebody asks.
func TestSuspendShorterThanTheLease(t *testing.T) {
	f, s := newSleeper(t)
	held, minion := f.tracker.ClaimLeader(), f.tracker.WaitMinion()
	s.sleep(t, duration+duration/2)
	asked := f.tracker.ClaimLeader()
	f.wantOpen(asked)
	f.nextClaim().answer(nil)
	f.want(asked, true)
	f.want(held, true)
	f.wantOpen(minion)
}

// A claim during which the machine slept for longer than its lease grants nothing.
func TestSuspendDuringAClaim(t *testing.T) {
	f, s := newSleeper(t)
	held := f.tracker.ClaimLeader()
	f.advance(duration)
	renewal := f.nextClaim()
	s.sleep(t, leased)
	renewal.answer(nil)
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.want(held, false)
}

// A suspend is noticed also if the wall clock was set back meanwhile, and if nobody asks: by CLOCK_BOOTTIME, within a
// second.
func TestSuspendIsNoticedByTheBootClock(t *testing.T) {
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1_700_000_000, 0)), claimer: newHeldClaimer()}
	var boot atomic.Int64
	boot.Store(int64(time.Hour))
	f.use(leadership.NewTrackerWithBootClock(unit, f.claimer, f.clock, duration,
		func() time.Duration { return time.Duration(boot.Load()) }))
	f.nextClaim().answer(nil)
	claim := f.tracker.WaitLeader()
	f.want(claim, true)
	minion := f.tracker.WaitMinion()

	f.advance(leadership.WakeEvery)
	f.advance(0) // it woke, looked, and sleeps again
	boot.Add(int64(leased))
	f.advance(leadership.WakeEvery)
	f.want(minion, true)
	f.want(claim, false)
	f.want(f.tracker.ClaimLeader(), false)
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
}

func TestBootClockGoesOn(t *testing.T) {
	before := leadership.BootTime()
	if before == 0 {
		t.Skip("kernel has no CLOCK_BOOTTIME")
	}
	start := time.Now()
	for time.Since(start) < time.Millisecond {
	}
	if passed := leadership.BootTime() - before; passed < time.Millisecond {
		t.Errorf("CLOCK_BOOTTIME went on by %s in a millisecond", passed)
	}
}

// A tracker on the real clock works as one on a fake.
func TestRealClock(t *testing.T) {
	f := &fixture{t: t, claimer: newHeldClaimer()}
	f.use(leadership.NewTracker(unit, f.claimer, clock.WallClock, time.Hour))
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.want(f.tracker.ClaimLeader(), true)
	f.wantOpen(f.tracker.WaitMinion())
}
