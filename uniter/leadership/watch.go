package leadership

import (
	"time"

	"github.com/juju/clock"
	"golang.org/x/sys/unix"
)

// instant is one look at the clocks.
type instant struct {
	at   time.Time     // as the Clock gave it: wall clock, and monotonic reading if it has one
	boot time.Duration // CLOCK_BOOTTIME, 0 if not looked at
}

// elapsed tells how much time passed between two looks, by the clock that counted most. The monotonic clock stands
// still while the machine sleeps; the others do not. The wall clock may have been set, and where that makes a
// lease seem shorter than it is, the lease is given up too early, which is safe. A look from before start counts 0.
func elapsed(start, end instant) time.Duration {
	// Sub would do for the wall clock too, after Round(0), at twice the cost of all of this.
	wall := time.Duration(end.at.Unix()-start.at.Unix())*time.Second +
		time.Duration(end.at.Nanosecond()-start.at.Nanosecond())
	passed := max(0, end.at.Sub(start.at), wall)
	if start.boot != 0 && end.boot != 0 {
		passed = max(passed, end.boot-start.boot)
	}
	return passed
}

// watch reads the clocks.
type watch struct {
	clock clock.Clock
	// boot reads a clock that goes on in suspend, whatever is done to the wall clock. It is nil unless clock is the
	// real one.
	boot func() time.Duration
}

func newWatch(c clock.Clock) watch {
	w := watch{clock: c}
	if c == clock.Clock(clock.WallClock) {
		w.boot = bootTime
	}
	return w
}

// glance reads what costs no system call. Every answer of a ticket is judged by a glance.
func (w watch) glance() instant {
	return instant{at: w.clock.Now()}
}

// look reads all clocks.
func (w watch) look() instant {
	now := w.glance()
	if w.boot != nil {
		now.boot = w.boot()
	}
	return now
}

// wakeEvery bounds the time that passes after a suspend before the tracker notices by itself. A timer alone would
// come too late by the length of the suspend.
const wakeEvery = time.Second

// nap is how long to sleep at a stretch when there is nothing to do for d.
func (w watch) nap(d time.Duration) time.Duration {
	if w.boot != nil {
		return min(d, wakeEvery)
	}
	return d
}

// bootTime returns 0 where the kernel does not have the clock.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
