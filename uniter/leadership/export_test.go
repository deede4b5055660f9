package leadership

import (
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
)

// NewTrackerWithBootClock returns a tracker that believes the clock to be the real one, with boot for CLOCK_BOOTTIME.
func NewTrackerWithBootClock(
	tag names.UnitTag, claimer Claimer, clock clock.Clock, duration time.Duration, boot func() time.Duration,
) *TrackerWorker {
	return newTracker(tag, claimer, watch{clock: clock, boot: boot}, duration)
}

// BootTime is the boot clock of a real tracker.
var BootTime = bootTime

const (
	FirstDelay    = firstDelay
	MaxDelay      = maxDelay
	MaxRetryDelay = maxRetryDelay
	WakeEvery     = wakeEvery
)
