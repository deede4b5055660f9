package memstore

import (
	"fmt"
	"maps"
	"slices"

	"github.com/unit-agent/unit-agent/lease"
)

// PinLease is part of lease.Store.
func (s *Store) PinLease(key lease.Key, entity string, stop <-chan struct{}) error {
	if err := check(key, lease.ValidateString(entity), stop); err != nil {
		return fmt.Errorf("cannot pin lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entities, ok := s.pins[key]
	if !ok {
		entities = make(map[string]struct{})
		s.pins[key] = entities
	}
	entities[entity] = struct{}{}
	return nil
}

// UnpinLease is part of lease.Store.
func (s *Store) UnpinLease(key lease.Key, entity string, stop <-chan struct{}) error {
	if err := check(key, lease.ValidateString(entity), stop); err != nil {
		return fmt.Errorf("cannot unpin lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entities := s.pins[key]
	if delete(entities, entity); len(entities) == 0 {
		delete(s.pins, key)
	}
	return nil
}

// Pinned is part of lease.Store. The entities of each lease are sorted.
func (s *Store) Pinned() map[lease.Key][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	pinned := make(map[lease.Key][]string, len(s.pins))
	for key, entities := range s.pins {
		pinned[key] = slices.Sorted(maps.Keys(entities))
	}
	return pinned
}
