package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// The delays between two tries to watch again after the watch was lost.
const (
	firstWatchDelay = 10 * time.Millisecond
	maxWatchDelay   = time.Second
)

// watch keeps the cache up to date until the store is to stop.
func (s *Store) watch() error {
	defer s.cache.silence()
	delay := firstWatchDelay
	for {
		before := s.cache.reached()
		err := s.follow()
		if errors.Is(err, rpctypes.ErrCompacted) {
			err = s.listAgain()
		}
		if s.alive.Err() != nil {
			return nil
		}
		if err != nil && !isTransient(err) {
			return fmt.Errorf("cannot watch leases: %w", err)
		}
		if s.cache.reached() > before {
			delay = firstWatchDelay
		}
		s.config.Logger.Debug("watch of leases was lost", "prefix", s.config.Prefix, "error", err, "again", delay)
		if !pause(s.alive, delay) {
			return nil
		}
		delay = min(2*delay, maxWatchDelay)
	}
}

// follow enters into the cache what the watch tells, from where it ended last, until it is lost.
func (s *Store) follow() error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(s.alive))
	defer s.cache.watched()
	defer cancel()
	from := s.cache.watchFrom(cancel)
	for response := range s.config.Client.Watch(ctx, s.config.Prefix, clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithProgressNotify()) {
		if err := response.Err(); err != nil {
			return err
		}
		s.observe(ctx, response)
	}
	return nil
}

// observe enters one response of the watch into the cache. What one transaction did comes in one.
func (s *Store) observe(ctx context.Context, response clientv3.WatchResponse) {
	now := s.config.Clock.Now()
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if ctx.Err() != nil {
		return // it tells of a history that was replaced
	}
	for _, event := range response.Events {
		at, ok := s.config.locate(event.Kv.Key)
		if !ok {
			continue
		}
		if event.Type == mvccpb.DELETE {
			s.absent(at, event.Kv.ModRevision)
		} else {
			s.present(at, event.Kv, now)
		}
	}
	if len(response.Events) > 0 {
		s.cache.reach(response.Events[len(response.Events)-1].Kv.ModRevision)
	} else if response.IsProgressNotify() {
		s.cache.reach(response.Header.Revision)
	}
}

// present enters what stands at a key. The caller holds the lock of the cache.
func (s *Store) present(at place, kv *mvccpb.KeyValue, now time.Time) {
	if !at.pins {
		if e := s.entry(kv, now); e != nil {
			s.cache.put(at.key, e)
		} else {
			s.absent(at, kv.ModRevision)
		}
		return
	}
	if p := s.pinning(kv); p != nil {
		s.cache.pin(at.key, p)
	} else {
		s.absent(at, kv.ModRevision)
	}
}

// absent enters that nothing stood at a key at a revision. The caller holds the lock of the cache.
func (s *Store) absent(at place, revision int64) {
	if at.pins {
		s.cache.unpin(at.key, revision)
	} else {
		s.cache.vacate(at.key, revision)
	}
}

// entry reads a lease, of which the store heard now. It returns nil if the key holds no such thing.
func (s *Store) entry(kv *mvccpb.KeyValue, now time.Time) *entry {
	r, err := decodeRecord(kv.Value, clientv3.LeaseID(kv.Lease))
	if err != nil {
		s.config.Logger.Warn("key of a lease holds something else", "key", string(kv.Key), "error", err)
		return nil
	}
	e := &entry{
		record:   r,
		create:   kv.CreateRevision,
		mod:      kv.ModRevision,
		bound:    kv.Lease != 0,
		trapdoor: trapdoor(string(kv.Key), kv.CreateRevision),
	}
	if r.ttl > 0 && r.ttl <= maxTTL {
		e.term = term{now, time.Duration(r.ttl) * time.Second}
	}
	return e
}

// pinning reads the pins of a lease. It returns nil if the key holds no such thing.
func (s *Store) pinning(kv *mvccpb.KeyValue) *pinning {
	p, err := decodePins(kv.Value, kv.ModRevision)
	if err != nil {
		s.config.Logger.Warn("key of a lease's pins holds something else", "key", string(kv.Key), "error", err)
		return nil
	}
	return p
}

// list enters all that there is into the cache, and that the rest is gone, and has the watch go on from there.
func (s *Store) list(ctx context.Context) error {
	before := s.cache.reached()
	response, err := s.config.Client.Get(ctx, s.config.Prefix, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if response.Header.Revision < before && s.cache.startOver(before) {
		s.config.Logger.Warn("etcd counts from a lower revision: was it restored from a backup?",
			"prefix", s.config.Prefix, "before", before, "now", response.Header.Revision)
	}
	s.enter(response, true)
	if s.cache.unwatch == nil {
		// A watch that runs has to get there by itself, or what it tells of the time in between would be taken for new.
		s.cache.reach(response.Header.Revision)
	}
	return nil
}

// listAgain lists after the watch missed something that the server does not know any more.
func (s *Store) listAgain() error {
	ctx, cancel := context.WithTimeout(s.alive, s.config.OperationTimeout)
	defer cancel()
	return s.list(ctx)
}

// enter brings the cache up to the state of a listing of everything below the prefix. Of keys that came without a value it takes only that they are
// there. The caller holds the lock of the cache.
func (s *Store) enter(response *clientv3.GetResponse, values bool) {
	now, revision := s.config.Clock.Now(), response.Header.Revision
	there := make(map[place]bool)
	for _, kv := range response.Kvs {
		if at, ok := s.config.locate(kv.Key); ok {
			there[at] = true
			if values {
				s.present(at, kv, now)
			}
		}
	}
	for key := range s.cache.leases {
		if at := (place{key: key}); !there[at] {
			s.absent(at, revision)
		}
	}
	for key := range s.cache.pins {
		if at := (place{key: key, pins: true}); !there[at] {
			s.absent(at, revision)
		}
	}
}

// watchFrom returns the revision that a watch is to begin with. Stop ends the watch.
func (c *cache) watchFrom(stop func()) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unwatch = stop
	return c.position + 1
}

// watched takes note that the watch has ended.
func (c *cache) watched() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unwatch = nil
}

// startOver forgets at which revisions things were, because the cluster counts anew, and ends the watch, which waits for revisions that may
// never come. It returns false if another did so since the revision was before. The caller holds the lock.
func (c *cache) startOver(before int64) bool {
	if c.position != before {
		return false
	}
	c.position = 0
	clear(c.gone)
	for key, e := range c.leases {
		unknown := *e
		unknown.mod = 0
		c.leases[key] = &unknown
	}
	for key, p := range c.pins {
		unknown := *p
		unknown.mod = 0
		c.pins[key] = &unknown
	}
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
	return true
}

// reached returns the revision up to which the watch has told everything.
func (c *cache) reached() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.position
}

// current returns the revision of what the cache has at a place, 0 if nothing.
func (c *cache) current(at place) int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	seen := sight{lease: c.leases[at.key], pins: c.pins[at.key]}
	if at.pins {
		return seen.pinsMod()
	}
	return seen.leaseMod()
}
