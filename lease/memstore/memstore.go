// Package memstore keeps leases in memory. It serves tests, simulations, and
// programs that are one process: what it promises, it promises within the
// process, and nothing of it outlives that.
//
// The store does not expire leases itself; the manager that uses it does. Any
// number of goroutines, and of managers, may use one store. It never fails for
// want of a network, so it never answers lease.ErrTimeout. Its leases have no
// Trapdoor to open, because there is no substrate to write to.
package memstore

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
)

// Store is a lease.Store in memory. The zero value is not usable; see New.
type Store struct {
	clock clock.Clock

	mu     sync.Mutex
	leases map[lease.Key]entry

	// groups has the keys of leases, by namespace and model. No set is empty.
	groups map[group]map[lease.Key]struct{}

	// pins has the entities of each pinned lease. No set is empty.
	pins map[lease.Key]map[string]struct{}

	subscribers map[*subscriber]struct{}
}

var (
	_ lease.Store          = (*Store)(nil)
	_ lease.RevokingStore  = (*Store)(nil)
	_ lease.NotifyingStore = (*Store)(nil)
)

// entry is a lease that is held.
type entry struct {
	holder string
	expiry time.Time
}

func (e entry) info() lease.Info {
	return lease.Info{Holder: e.holder, Expiry: e.expiry, Trapdoor: lease.LockedTrapdoor}
}

type group struct{ namespace, modelUUID string }

func groupOf(key lease.Key) group { return group{key.Namespace, key.ModelUUID} }

// New returns a store without leases that goes by the given clock.
func New(clock clock.Clock) *Store {
	return &Store{
		clock:       clock,
		leases:      make(map[lease.Key]entry),
		groups:      make(map[group]map[lease.Key]struct{}),
		pins:        make(map[lease.Key]map[string]struct{}),
		subscribers: make(map[*subscriber]struct{}),
	}
}

// Autoexpire is part of lease.Store. Leases stay until they are expired.
func (s *Store) Autoexpire() bool { return false }

// Refresh is part of lease.Store. There is nothing older than what is shown.
func (s *Store) Refresh() error { return nil }

// ClaimLease is part of lease.Store.
func (s *Store) ClaimLease(key lease.Key, request lease.Request, stop <-chan struct{}) error {
	expiry := s.clock.Now().Add(request.Duration)
	if err := check(key, request.Validate(), stop); err != nil {
		return fmt.Errorf("cannot claim lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.leases[key]; held {
		return lease.ErrInvalid
	}
	s.leases[key] = entry{holder: request.Holder, expiry: expiry}
	members, ok := s.groups[groupOf(key)]
	if !ok {
		members = make(map[lease.Key]struct{})
		s.groups[groupOf(key)] = members
	}
	members[key] = struct{}{}
	return nil
}

// ExtendLease is part of lease.Store.
func (s *Store) ExtendLease(key lease.Key, request lease.Request, stop <-chan struct{}) error {
	expiry := s.clock.Now().Add(request.Duration)
	if err := check(key, request.Validate(), stop); err != nil {
		return fmt.Errorf("cannot extend lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	held, ok := s.leases[key]
	if !ok || held.holder != request.Holder {
		return lease.ErrInvalid
	}
	if expiry.After(held.expiry) {
		held.expiry = expiry
		s.leases[key] = held
	}
	return nil
}

// ExpireLease is part of lease.Store.
func (s *Store) ExpireLease(key lease.Key) error {
	if err := key.Validate(); err != nil {
		return fmt.Errorf("cannot expire lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	held, ok := s.leases[key]
	if !ok || len(s.pins[key]) > 0 || s.clock.Now().Before(held.expiry) {
		return lease.ErrInvalid
	}
	s.vacate(key)
	return nil
}

// RevokeLease is part of lease.RevokingStore.
func (s *Store) RevokeLease(key lease.Key, holder string, stop <-chan struct{}) error {
	if err := check(key, lease.ValidateString(holder), stop); err != nil {
		return fmt.Errorf("cannot revoke lease %q: %w", key.Lease, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.leases[key]; !ok || held.holder != holder {
		return lease.ErrInvalid
	}
	s.vacate(key)
	return nil
}

// vacate makes a lease free and tells of it. The caller holds the lock.
func (s *Store) vacate(key lease.Key) {
	delete(s.leases, key)
	members := s.groups[groupOf(key)]
	if delete(members, key); len(members) == 0 {
		delete(s.groups, groupOf(key))
	}
	for sub := range s.subscribers {
		sub.tell(key)
	}
}

// Leases is part of lease.Store.
func (s *Store) Leases(keys ...lease.Key) map[lease.Key]lease.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(keys) == 0 {
		return s.infos(len(s.leases), maps.Keys(s.leases))
	}
	return s.infos(len(keys), slices.Values(keys))
}

// LeaseGroup is part of lease.Store.
func (s *Store) LeaseGroup(namespace, modelUUID string) map[lease.Key]lease.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := s.groups[group{namespace, modelUUID}]
	return s.infos(len(members), maps.Keys(members))
}

// infos returns those of the given leases that are held. The caller holds the
// lock.
func (s *Store) infos(size int, keys func(yield func(lease.Key) bool)) map[lease.Key]lease.Info {
	infos := make(map[lease.Key]lease.Info, size)
	for key := range keys {
		if held, ok := s.leases[key]; ok {
			infos[key] = held.info()
		}
	}
	return infos
}

// check returns an error if a call asks for nonsense or was stopped already.
func check(key lease.Key, invalid error, stop <-chan struct{}) error {
	if err := key.Validate(); err != nil {
		return err
	}
	if invalid != nil {
		return invalid
	}
	select {
	case <-stop:
		return lease.ErrAborted
	default:
		return nil
	}
}
