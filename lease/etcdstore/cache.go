package etcdstore

import (
	"maps"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// cache is what the store knows of the leases and pins. It takes what it is told in any order: each piece says at which revision it was so,
// and older never replaces newer.
type cache struct {
	mu     sync.RWMutex
	leases map[lease.Key]*entry
	pins   map[lease.Key]*pinning

	// groups has the keys of leases, by namespace and model. No set is empty.
	groups map[group]map[lease.Key]struct{}

	// position is the revision up to which the watch has told everything.
	position int64

	// unwatch ends the watch that is running; nil if none is.
	unwatch func()

	// gone says of what is not there at which revision it was not, as long as the watch may still tell of earlier times.
	gone map[place]int64

	subscribers map[*subscriber]struct{}

	// deadlines says when to look whether the time of which lease is over, and looks has the one for each lease that counts. Sooner, which has
	// room for one, tells that there is a new first.
	deadlines deadlines
	looks     map[lease.Key]time.Time
	sooner    chan struct{}
}

type group struct{ namespace, modelUUID string }

func groupOf(key lease.Key) group { return group{key.Namespace, key.ModelUUID} }

// entry is a lease that is held. It is not changed once it is in the cache.
type entry struct {
	record
	create, mod int64

	trapdoor lease.Trapdoor

	// bound tells whether the server ends the lease when the counter is over.
	bound bool

	// term ends at the latest time at which the lease can be valid without a renewal: for a term that this store gave, from before the
	// call; for any other, from when this store heard of it.
	term term

	// own tells that the counter is of this store's granting, and asked for how many seconds. Only its granter keeps a counter alive:
	// whoever else may have doubts about the claim that it was made for, and revoke it.
	own   bool
	asked int64
}

// sight is what was seen of one lease and its pins at one time.
type sight struct {
	lease *entry   // nil if nobody holds it
	pins  *pinning // nil if it is not pinned

	// strange says that there is something that is neither.
	strange bool
}

func (s sight) leaseMod() int64 {
	if s.lease == nil {
		return 0
	}
	return s.lease.mod
}

func (s sight) pinsMod() int64 {
	if s.pins == nil {
		return 0
	}
	return s.pins.mod
}

func newCache() *cache {
	return &cache{
		leases:      make(map[lease.Key]*entry),
		pins:        make(map[lease.Key]*pinning),
		groups:      make(map[group]map[lease.Key]struct{}),
		gone:        make(map[place]int64),
		subscribers: make(map[*subscriber]struct{}),
		looks:       make(map[lease.Key]time.Time),
		sooner:      make(chan struct{}, 1),
	}
}

// look returns what is known of a lease.
func (c *cache) look(key lease.Key) sight {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return sight{lease: c.leases[key], pins: c.pins[key]}
}

// infos returns those of the given leases that are held.
func (c *cache) infos(now time.Time, keys ...lease.Key) map[lease.Key]lease.Info {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := slices.Values(keys)
	size := len(keys)
	if size == 0 {
		all, size = maps.Keys(c.leases), len(c.leases)
	}
	infos := make(map[lease.Key]lease.Info, size)
	for key := range all {
		if held := c.leases[key]; held != nil {
			infos[key] = held.info(now)
		}
	}
	return infos
}

// members returns the keys of a group.
func (c *cache) members(of group) []lease.Key {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Collect(maps.Keys(c.groups[of]))
}

// pinned returns who pins what.
func (c *cache) pinned() map[lease.Key][]string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	pinned := make(map[lease.Key][]string, len(c.pins))
	for key, p := range c.pins {
		pinned[key] = slices.Clone(p.entities)
	}
	return pinned
}

// put takes note of a lease that is held. The caller holds the lock.
func (c *cache) put(key lease.Key, e *entry) {
	if c.gone[place{key: key}] >= e.mod {
		return
	}
	old := c.leases[key]
	if old != nil {
		same := old.create == e.create && old.counter == e.counter && old.renewals == e.renewals
		switch {
		case e.own && same && old.mod >= e.mod:
			// The watch was faster with this, or with what came after it; but what it cannot know is the term.
			newer := *old
			newer.term, newer.own, newer.asked = e.term, true, e.asked
			e = &newer
		case old.mod >= e.mod:
			return
		case !e.own && same:
			e.term, e.own, e.asked = old.term, old.own, old.asked
		}
	}
	delete(c.gone, place{key: key})
	c.leases[key] = e
	c.schedule(key, e)
	if old == nil {
		members, ok := c.groups[groupOf(key)]
		if !ok {
			members = make(map[lease.Key]struct{})
			c.groups[groupOf(key)] = members
		}
		members[key] = struct{}{}
	} else if old.create != e.create || old.holder != e.holder {
		c.tell(key) // it was free in between
	}
}

// vacate takes note that nobody held the lease at a revision. The caller holds the lock.
func (c *cache) vacate(key lease.Key, revision int64) {
	old := c.leases[key]
	if old != nil && old.mod > revision {
		return
	}
	c.missing(place{key: key}, revision)
	if old == nil {
		return
	}
	delete(c.leases, key)
	members := c.groups[groupOf(key)]
	if delete(members, key); len(members) == 0 {
		delete(c.groups, groupOf(key))
	}
	c.tell(key)
}

// pin takes note of a lease's pins. The caller holds the lock.
func (c *cache) pin(key lease.Key, p *pinning) {
	at := place{key: key, pins: true}
	if old := c.pins[key]; c.gone[at] >= p.mod || old != nil && old.mod >= p.mod {
		return
	}
	delete(c.gone, at)
	c.pins[key] = p
}

// unpin takes note that a lease had no pins at a revision. The caller holds the lock.
func (c *cache) unpin(key lease.Key, revision int64) {
	if old := c.pins[key]; old != nil && old.mod > revision {
		return
	}
	delete(c.pins, key)
	c.missing(place{key: key, pins: true}, revision)
}

func (c *cache) missing(at place, revision int64) {
	if revision > c.position {
		c.gone[at] = max(c.gone[at], revision)
	}
}

// reach takes note that the watch has told everything up to a revision. The caller holds the lock.
func (c *cache) reach(revision int64) {
	if revision <= c.position {
		return
	}
	c.position = revision
	for at, then := range c.gone {
		if then <= revision {
			delete(c.gone, at)
		}
	}
}

// info tells of the lease as of now.
func (e *entry) info(now time.Time) lease.Info {
	return lease.Info{Holder: e.holder, Expiry: e.term.expiry(now), Trapdoor: e.trapdoor}
}

// give takes note that this store gave the lease the time of a grant.
func (e *entry) give(g *grant) {
	e.own, e.asked, e.term = true, g.asked, g.term
}

// counting returns the etcd lease to bind the key to: none while the lease is pinned.
func (r *record) counting(pins *pinning) clientv3.LeaseID {
	if pins != nil {
		return clientv3.NoLease
	}
	return r.counter
}
