package etcdstore

import (
	"context"

	"github.com/unit-agent/unit-agent/lease"
)

// subscriber is somebody who reads vacancies. Its fields are under the lock of the cache.
type subscriber struct {
	// batches has room for one batch. Invariant: only who holds the lock sends, so after a receive there is room.
	batches chan []lease.Key

	// queued has the keys of the batch that the reader has not taken.
	queued map[lease.Key]struct{}
}

// Vacancies is part of lease.NotifyingStore. The channel is closed early if the store stops.
func (s *Store) Vacancies(ctx context.Context) <-chan []lease.Key {
	sub := &subscriber{batches: make(chan []lease.Key, 1)}
	s.cache.subscribe(sub)
	context.AfterFunc(ctx, func() { s.cache.unsubscribe(sub) })
	return sub.batches
}

// subscribe adds a reader, or closes its channel if there will be nothing to tell.
func (c *cache) subscribe(sub *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscribers == nil {
		close(sub.batches)
		return
	}
	c.subscribers[sub] = struct{}{}
}

func (c *cache) unsubscribe(sub *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.subscribers[sub]; ok {
		delete(c.subscribers, sub)
		close(sub.batches)
	}
}

// silence closes the channels of all readers, present and future.
func (c *cache) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sub := range c.subscribers {
		close(sub.batches)
	}
	c.subscribers = nil
}

// tell adds a key to the batch that waits for each reader, or begins a new one if the reader has taken the last. The caller holds the lock.
func (c *cache) tell(key lease.Key) {
	for sub := range c.subscribers {
		var batch []lease.Key
		select {
		case batch = <-sub.batches:
		default:
			sub.queued = make(map[lease.Key]struct{})
		}
		if _, ok := sub.queued[key]; !ok {
			sub.queued[key] = struct{}{}
			batch = append(batch, key)
		}
		sub.batches <- batch
	}
}
