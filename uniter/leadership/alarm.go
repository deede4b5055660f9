package leadership

import (
	"time"

	"github.com/juju/clock"
)

// alarm wakes one goroutine, which alone uses it. It may ring early; whoever it wakes looks at the clocks.
type alarm struct {
	watch watch
	timer clock.Timer // nil if not set
	since instant
	after time.Duration
}

// set has the alarm ring once after has passed since then. It leaves an alarm alone that is set for that already.
func (a *alarm) set(since instant, after time.Duration) {
	if a.timer != nil && a.since == since && a.after == after {
		return
	}
	a.stop()
	now := a.watch.look()
	left := after - elapsed(since, now)
	a.timer, a.since, a.after = a.watch.clock.NewTimer(a.watch.nap(left)), since, after
}

// ring returns nil if the alarm is not set.
func (a *alarm) ring() <-chan time.Time {
	if a.timer == nil {
		return nil
	}
	return a.timer.Chan()
}

// rang must be called after a receive from ring, so that the next set is not taken for the one that rang.
func (a *alarm) rang() { a.timer = nil }

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}
