package etcdstore

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// Refresh is part of lease.Store. It asks the cluster, not the watch. ErrTimeout if the cluster does not answer.
func (s *Store) Refresh() error {
	if !s.inUse.enter() {
		return fmt.Errorf("cannot refresh leases: %w", errStopped)
	}
	defer s.inUse.leave()
	ctx, cancel := context.WithTimeout(s.alive, s.config.OperationTimeout)
	defer cancel()
	for {
		err := s.refresh(ctx)
		switch {
		case err == nil:
			return nil
		case s.alive.Err() != nil:
			return fmt.Errorf("cannot refresh leases: %w", errStopped)
		case !isTransient(err):
			return fmt.Errorf("cannot refresh leases: %w", err)
		case !pause(ctx, readAgain):
			return fmt.Errorf("cannot refresh leases: %w: %w", lease.ErrTimeout, err)
		}
	}
}

// maxReads is how many keys are read one by one. More are read with everything around them.
const maxReads = 64

// refresh reads the names and revisions of all keys, and then those of which the cache has not the newest: mostly none. What else stands below the
// prefix may be large.
func (s *Store) refresh(ctx context.Context) error {
	before := s.cache.reached()
	response, err := s.config.Client.Get(ctx, s.config.Prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	if response.Header.Revision < before {
		return s.list(ctx)
	}
	var behind []clientv3.Op
	var places []place
	for _, kv := range response.Kvs {
		if at, ok := s.config.locate(kv.Key); ok && s.cache.current(at) < kv.ModRevision {
			behind = append(behind, clientv3.OpGet(string(kv.Key)))
			places = append(places, at)
		}
	}
	if len(behind) > maxReads {
		if response, err = s.config.Client.Get(ctx, s.config.Prefix, clientv3.WithPrefix()); err != nil {
			return err
		}
	}
	s.cache.mu.Lock()
	s.enter(response, len(behind) > maxReads)
	s.cache.mu.Unlock()
	if len(behind) == 0 || len(behind) > maxReads {
		return nil
	}
	values, err := s.config.Client.Txn(ctx).Then(behind...).Commit()
	if err != nil {
		return err
	}
	now := s.config.Clock.Now()
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	for i, at := range places {
		if kvs := values.Responses[i].GetResponseRange().Kvs; len(kvs) > 0 {
			s.present(at, kvs[0], now)
		} else {
			s.absent(at, values.Header.Revision)
		}
	}
	return nil
}
