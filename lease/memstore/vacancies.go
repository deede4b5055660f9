package memstore

import (
	"context"

	"github.com/unit-agent/unit-agent/lease"
)

// subscriber is somebody who reads vacancies. Its fields are under the lock of
// the store.
type subscriber struct {
	// batches has room for one batch. Invariant: only who holds the lock sends,
	// so after a receive there is room.
	batches chan []lease.Key

	// queued has the keys of the batch that the reader has not taken.
	queued map[lease.Key]struct{}
}

// Vacancies is part of lease.NotifyingStore.
func (s *Store) Vacancies(ctx context.Context) <-chan []lease.Key {
	sub := &subscriber{batches: make(chan []lease.Key, 1)}
	s.mu.Lock()
	s.subscribers[sub] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, sub)
		close(sub.batches)
	})
	return sub.batches
}

// tell adds a key to the batch that waits for the reader, or begins a new one
// if the reader has taken the last.
func (sub *subscriber) tell(key lease.Key) {
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
