package lease_test

import (
	"sync"
	"time"

	"github.com/juju/clock"
	"github.com/juju/clock/testclock"
)

// recordingClock is a fake clock that remembers the timers and alarms that were
// set, so that a test can wait for them and look at their times.
type recordingClock struct {
	*testclock.Clock

	mu     sync.Mutex
	delays []time.Duration // of each NewTimer
	alarms []time.Time     // of each alarm that was set
	nows   int             // calls of Now
}

func (c *recordingClock) Now() time.Time {
	c.mu.Lock()
	c.nows++
	c.mu.Unlock()
	return c.Clock.Now()
}

// asked returns how often somebody asked for the time.
func (c *recordingClock) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nows
}

func newRecordingClock() *recordingClock {
	return &recordingClock{Clock: testclock.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
}

func (c *recordingClock) NewTimer(d time.Duration) clock.Timer {
	timer := c.Clock.NewTimer(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delays = append(c.delays, d)
	return timer
}

func (c *recordingClock) NewAlarm(at time.Time) clock.Alarm {
	alarm := recordingAlarm{c.Clock.NewAlarm(at), c}
	c.record(at)
	return alarm
}

type recordingAlarm struct {
	clock.Alarm
	clock *recordingClock
}

func (a recordingAlarm) Reset(at time.Time) bool {
	active := a.Alarm.Reset(at)
	a.clock.record(at)
	return active
}

func (c *recordingClock) record(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = append(c.alarms, at)
}

// timers returns the delays of the timers set so far.
func (c *recordingClock) timers() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.delays...)
}

// nextAlarm returns the time of the alarm set last.
func (c *recordingClock) nextAlarm() (at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.alarms) == 0 {
		return time.Time{}, false
	}
	return c.alarms[len(c.alarms)-1], true
}

// armed tells whether the alarm set last is for the given time.
func (c *recordingClock) armed(at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.alarms) > 0 && c.alarms[len(c.alarms)-1].Equal(at)
}
