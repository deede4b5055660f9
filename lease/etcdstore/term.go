package etcdstore

import "time"

// term is a stretch of time that begins at a reading of the store's clock. The zero term has no known end.
type term struct {
	from   time.Time
	length time.Duration
}

func (t term) known() bool { return !t.from.IsZero() }

// end is when the term ends if the clock counted all the time that passed.
func (t term) end() time.Time {
	if !t.known() {
		return time.Time{}
	}
	return t.from.Add(t.length)
}

// expiry is when the term ends, as far as can be told at now: earlier than end by as long as the machine slept.
func (t term) expiry(now time.Time) time.Time {
	if !t.known() {
		return time.Time{}
	}
	return t.from.Add(t.length - slept(t.from, now))
}

// slept returns by how much the wall clock went ahead of the monotonic one between two readings: time that the monotonic clock did not
// count because the machine was suspended. It is never negative. Of readings that have no monotonic part nothing can be told.
func slept(from, now time.Time) time.Duration {
	wall := now.Round(0).Sub(from.Round(0))
	return max(wall-now.Sub(from), 0)
}

// wakeful is how far the two clocks may drift apart in an operation. A clock that is being disciplined drifts by half a thousandth.
const wakeful = 100 * time.Millisecond
