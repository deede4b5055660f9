package etcdstore

import (
	"container/heap"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// The server notices within half a second that a lease is over, and lets it count anew when etcd changes its leader. So every store that knows of
// a lease makes it free itself when its time is over, unless somebody was faster: all of them would, and the first transaction wins.

const (
	// spread is how much later than the first the last of many stores tries, so that mostly one does.
	spread = 30 * time.Millisecond

	// unlikeClocks is how many seconds it takes for one second's difference between the clocks of two machines.
	unlikeClocks = 2000

	// expireAgain is the time between two tries to expire a lease.
	expireAgain = time.Second

	// maxExpiring bounds the leases that are being expired at a time.
	maxExpiring = 16
)

// deadline is a lease to look at, and when.
type deadline struct {
	at  time.Time
	key lease.Key
}

// deadlines is a heap, the earliest first.
type deadlines []deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)        { *d = append(*d, x.(deadline)) }
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}

// overAt is when the lease's time is over for whoever gave it.
func (e *entry) overAt() time.Time {
	return e.term.end().Add(e.term.length / unlikeClocks)
}

// schedule sees to it that the lease is looked at when its time is over. A renewal leaves what is there: a look too early is cheaper than to
// set it anew for each. The caller holds the lock.
func (c *cache) schedule(key lease.Key, e *entry) {
	if e.term.known() {
		c.scheduleAt(key, e.overAt().Add(rand.N(spread)))
	}
}

func (c *cache) scheduleAt(key lease.Key, at time.Time) {
	if before, ok := c.looks[key]; ok && !at.Before(before) {
		return
	}
	c.looks[key] = at
	heap.Push(&c.deadlines, deadline{at, key})
	if c.deadlines[0].key == key {
		select {
		case c.sooner <- struct{}{}:
		default:
		}
	}
}

// due removes and returns the leases whose time is over, at most as many as limit, and tells when to look again, zero for never.
func (c *cache) due(now time.Time, limit int) (keys []lease.Key, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.deadlines) > 0 && len(keys) < limit {
		first := c.deadlines[0]
		if first.at.After(now) {
			return keys, first.at
		}
		heap.Pop(&c.deadlines)
		if !c.looks[first.key].Equal(first.at) {
			continue // an earlier look was set after this one
		}
		delete(c.looks, first.key)
		held := c.leases[first.key]
		switch {
		case held == nil || !held.term.known() || c.pins[first.key] != nil:
			// An unpin writes the lease, and so sets a new look.
		case now.Before(held.overAt()):
			c.schedule(first.key, held)
		default:
			keys = append(keys, first.key)
		}
	}
	return keys, time.Time{}
}

// again sees to it that a lease that is there yet is looked at once more.
func (c *cache) again(key lease.Key, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leases[key] != nil {
		c.scheduleAt(key, at)
	}
}

// expireDue expires leases until the store is to stop.
func (s *Store) expireDue() error {
	var running sync.WaitGroup
	defer running.Wait()
	timer := s.config.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	slots := make(chan struct{}, maxExpiring)
	for s.alive.Err() == nil {
		keys, next := s.cache.due(s.config.Clock.Now(), maxExpiring)
		for _, key := range keys {
			select {
			case slots <- struct{}{}:
			case <-s.alive.Done():
				return nil
			}
			running.Go(func() {
				if err := s.ExpireLease(key); err != nil {
					s.cache.again(key, s.config.Clock.Now().Add(expireAgain))
				}
				<-slots
			})
		}
		if len(keys) > 0 {
			continue
		}
		if next.IsZero() {
			next = s.config.Clock.Now().Add(time.Hour)
		}
		timer.Reset(next.Sub(s.config.Clock.Now()))
		select {
		case <-timer.Chan():
		case <-s.cache.sooner:
		case <-s.alive.Done():
		}
	}
	return nil
}
