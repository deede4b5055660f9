package lease

import "time"

// A store that does not expire its leases itself may be shared with others who
// claim leases and then die. A sweep finds those leases, now and then, so that
// they expire too. It is the only thing whose cost grows with the number of
// leases, and it keeps the loop for a moment at a time only.

// sweepChunk is how many leases the loop takes from a sweep at a time.
const sweepChunk = 256

// sweep starts a sweep, or sees to it that one follows that which is going on.
func (l *loop) sweep() {
	l.nextSweep = l.clock.Now().Add(l.m.config.MaxSleep)
	if l.sweeping {
		l.sweepAgain = true
		return
	}
	l.sweeping, l.sweepAgain = true, false
	l.start(func() {
		chunk := make([]sighting, 0, sweepChunk)
		for key, info := range l.store.Leases() {
			if chunk = append(chunk, sighting{key, info.Expiry}); len(chunk) == sweepChunk {
				if l.m.report(found{leases: chunk}) != nil {
					return
				}
				chunk = make([]sighting, 0, sweepChunk)
			}
		}
		_ = l.m.report(found{leases: chunk, last: true})
	})
}

// sighting is a lease that a sweep came across.
type sighting struct {
	key    Key
	expiry time.Time
}

// found is a part of what a sweep came across.
type found struct {
	leases []sighting
	last   bool
}

// on looks at the leases that the loop does not know, or knows to end later.
func (f found) on(l *loop) error {
	if f.last {
		l.sweeping = false
		if l.sweepAgain {
			l.sweep()
		}
	}
	for _, seen := range f.leases {
		if d, known := l.deadlines.byKey[seen.key]; !known || seen.expiry.Before(d.at) {
			l.observe(seen.key)
		}
	}
	return nil
}
