package etcdstore

import (
	"context"
	"fmt"

	"github.com/juju/worker/v3"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/lease"
)

// Store is a lease.Store in etcd, and a worker: Kill asks it to stop, Wait returns when it has. Any number of goroutines may use it.
//
// It owns a goroutine that watches, one that frees leases whose time is over, and one that cleans up behind operations; the latter two start
// a few short-lived ones. None of them outlives Wait. Stopping the store ends the operations that run, but not the leases: they go on to their ends on the server, and
// another store may extend them. It stops by itself, with an error, only if the cluster refuses it (for want of permission, say).
type Store struct {
	tomb tomb.Tomb

	// alive ends when the store is to stop.
	alive context.Context

	config Config
	cache  *cache
	reaper *reaper
	leases pb.LeaseClient
	inUse  inUse
}

var (
	_ lease.Store          = (*Store)(nil)
	_ lease.RevokingStore  = (*Store)(nil)
	_ lease.NotifyingStore = (*Store)(nil)
	_ worker.Worker        = (*Store)(nil)
)

// New returns a running store that knows the leases and pins that there are. If the cluster cannot be reached in the OperationTimeout, the
// error wraps lease.ErrTimeout.
func New(config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	s := &Store{
		config: config,
		cache:  newCache(),
		// The client's own Grant does not let the caller choose the id, so that a grant of unknown outcome could not be revoked.
		leases: clientv3.RetryLeaseClient(config.Client),
	}
	s.alive = s.tomb.Context(context.Background())
	s.reaper = newReaper(s)
	ctx, cancel := context.WithTimeout(context.Background(), config.OperationTimeout)
	defer cancel()
	if err := s.list(ctx); err != nil {
		if isTransient(err) {
			err = fmt.Errorf("%w: %w", lease.ErrTimeout, err)
		}
		return nil, fmt.Errorf("cannot read leases: %w", err)
	}
	s.tomb.Go(func() error {
		s.tomb.Go(s.reaper.run)
		s.tomb.Go(s.expireDue)
		return s.watch()
	})
	return s, nil
}

// Kill asks the store to stop, and does not wait for it.
func (s *Store) Kill() { s.tomb.Kill(nil) }

// Wait returns when the store has stopped, with the error that stopped it if there was one. It takes a second longer if etcd leases are left to revoke
// and the cluster is out of reach.
func (s *Store) Wait() error { return s.tomb.Wait() }

// Autoexpire is part of lease.Store. The server expires leases.
func (s *Store) Autoexpire() bool { return true }

// Leases is part of lease.Store.
func (s *Store) Leases(keys ...lease.Key) map[lease.Key]lease.Info {
	return s.cache.infos(s.config.Clock.Now(), keys...)
}

// LeaseGroup is part of lease.Store.
func (s *Store) LeaseGroup(namespace, modelUUID string) map[lease.Key]lease.Info {
	keys := s.cache.members(group{namespace, modelUUID})
	if len(keys) == 0 {
		return map[lease.Key]lease.Info{}
	}
	return s.Leases(keys...)
}

// Pinned is part of lease.Store. The entities of each lease are sorted.
func (s *Store) Pinned() map[lease.Key][]string { return s.cache.pinned() }
