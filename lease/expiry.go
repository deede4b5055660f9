package lease

import (
	"fmt"
	"time"
)

// maxExpiring bounds the expiries that run at a time, so that the end of very
// many leases at once costs memory for no more than these.
const maxExpiring = 1000

// runDue looks at every lease whose deadline has come. Each one leaves the heap
// or gets a later deadline, so it comes to an end.
func (l *loop) runDue() {
	first := l.deadlines.first()
	if first == nil && l.nextSweep.IsZero() {
		return
	}
	now := l.clock.Now()
	if !l.nextSweep.IsZero() && !now.Before(l.nextSweep) {
		l.sweep()
	}
	var pinned map[Key][]string // read at most once, and only if need be
	for ; first != nil && !now.Before(first.at) && l.expiring < maxExpiring; first = l.deadlines.first() {
		l.deadlines.park(first)
		if _, busy := l.lanes[first.key]; busy {
			continue // what is running there will look at the lease when done
		}
		info, held := l.m.lookup(first.key)
		switch {
		case !held:
			l.gone(first.key)
		case !isOver(info, now):
			l.held(first.key, info)
		case l.autoexpire:
			l.putOff(first, now)
			l.held(first.key, info)
		default:
			if pinned == nil {
				pinned = l.store.Pinned()
			}
			if len(pinned[first.key]) > 0 {
				// An unpin of ours looks at once. For those of others, look at
				// all the pinned leases together.
				first.notBefore = l.nextSweep
				l.held(first.key, info)
				continue
			}
			l.lanes[first.key] = nil
			l.startExpiry(first.key)
		}
	}
}

// isOver tells whether the time of a lease is over.
func isOver(info Info, now time.Time) bool {
	return !info.Expiry.IsZero() && !now.Before(info.Expiry)
}

// putOff lets the next look at a lease that is held past its expiry wait, the
// longer the more often it happens.
func (l *loop) putOff(d *deadline, now time.Time) {
	delay := l.m.config.MaxSleep
	if d.tries < 30 { // further on, it would not fit a Duration
		delay = min(delay, firstDelay<<d.tries)
	}
	d.tries++
	d.notBefore = now.Add(delay)
}

// startExpiry expires a lease. Its lane must be taken already.
func (l *loop) startExpiry(key Key) {
	l.expiring++
	l.start(func() {
		_ = l.m.report(expired{key, l.store.ExpireLease(key)})
	})
}

// expired is the end of an expiry.
type expired struct {
	key Key
	err error
}

// on wakes those who wait for the lease, or sees to it that the expiry is tried
// again if the lease is held as before.
func (e expired) on(l *loop) error {
	l.expiring--
	switch {
	case e.err == nil:
		l.m.metrics.expiries.Inc()
		l.wake(e.key)
	case IsInvalid(e.err):
		// Somebody else was faster: expired it, or renewed it.
	case IsTimeout(e.err):
		l.m.metrics.retries.Inc()
	default:
		return fmt.Errorf("cannot expire lease %q: %w", e.key.Lease, e.err)
	}
	info, held := l.m.lookup(e.key)
	if now := l.clock.Now(); held && isOver(info, now) {
		d := l.deadlines.of(e.key)
		l.putOff(d, now)
		l.m.config.Logger.Warn("lease is held past its expiry",
			"lease", e.key.Lease, "model", e.key.ModelUUID, "holder", info.Holder,
			"error", e.err, "tries", d.tries, "next", d.notBefore.Sub(now))
	}
	l.note(e.key, info, held)
	l.advance(e.key, l.lanes[e.key])
	return nil
}

// observe looks at a lease and takes note of what it finds.
func (l *loop) observe(key Key) {
	info, held := l.m.lookup(key)
	l.note(key, info, held)
}

func (l *loop) note(key Key, info Info, held bool) {
	if held {
		l.held(key, info)
	} else {
		l.gone(key)
	}
}

// gone takes note that nobody holds the lease.
func (l *loop) gone(key Key) {
	l.deadlines.remove(key)
	l.wake(key)
	l.m.metrics.held.Set(float64(len(l.deadlines.byKey)))
}

// held takes note of a lease that somebody holds, and sets when to look at it
// again.
func (l *loop) held(key Key, info Info) {
	now := l.clock.Now()
	d := l.deadlines.of(key)
	if !isOver(info, now) {
		d.tries, d.notBefore = 0, time.Time{}
	}
	latest := now.Add(l.m.config.MaxSleep)
	at := info.Expiry
	switch {
	case at.IsZero():
		at = latest
	case at.Before(d.notBefore):
		at = d.notBefore
	}
	if l.vacancies == nil && len(l.waiters[key]) > 0 && at.After(latest) {
		// Only a look can tell that another gave the lease up.
		at = latest
	}
	l.deadlines.set(d, at)
	l.m.metrics.held.Set(float64(len(l.deadlines.byKey)))
}
