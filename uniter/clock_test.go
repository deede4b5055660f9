package uniter_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/juju/clock"
	"github.com/juju/clock/testclock"

	"github.com/unit-agent/unit-agent/uniter"
)

// fakeClock is a clock that stands still until it is advanced, and remembers the
// timers that were asked for.
type fakeClock struct {
	*testclock.Clock
	mu     sync.Mutex
	delays []time.Duration
}

func newClock() *fakeClock {
	return &fakeClock{Clock: testclock.NewClock(time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))}
}

func (c *fakeClock) NewTimer(d time.Duration) clock.Timer {
	c.mu.Lock()
	c.delays = append(c.delays, d)
	c.mu.Unlock()
	return c.Clock.NewTimer(d)
}

// timers returns those between the bounds, in the order in which they were made.
func (c *fakeClock) timers(from, to time.Duration) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.delays), func(d time.Duration) bool { return d < from || d > to })
}

func by(c clock.Clock) func(*uniter.Config) {
	return func(config *uniter.Config) { config.Clock = c }
}

// every has update-status run at that interval.
func every(interval time.Duration) func(*uniter.Config) {
	return func(config *uniter.Config) { config.UpdateStatusInterval = interval }
}

func TestRetryDelay(t *testing.T) {
	for failures, seconds := range map[int]int{0: 5, 1: 5, 2: 10, 3: 20, 4: 40, 5: 80, 6: 160, 7: 300, 8: 300, 1000: 300} {
		longest := time.Duration(seconds) * time.Second
		if got := uniter.RetryDelay(failures, 0); got != longest {
			t.Errorf("after %d failures: %v, want %v", failures, got, longest)
		}
		if got := uniter.RetryDelay(failures, 0.999999); got > longest*81/100 || got < longest*8/10 {
			t.Errorf("after %d failures at the least: %v of %v", failures, got, longest)
		}
	}
}

func TestUpdateStatusDelay(t *testing.T) {
	for jitter, want := range map[float64]time.Duration{0: 4 * time.Minute, 0.5: 5 * time.Minute, 1: 6 * time.Minute} {
		if got := uniter.UpdateStatusDelay(5*time.Minute, jitter).Round(time.Millisecond); got != want {
			t.Errorf("jitter %v: got %v, want %v", jitter, got, want)
		}
	}
}
