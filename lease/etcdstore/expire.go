package etcdstore

import (
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// ExpireLease is part of lease.Store. The store does it by itself, and the server does it too, if later. A renewal that crosses it wins.
func (s *Store) ExpireLease(key lease.Key) error {
	return s.run("expire", key, nil, nil, (*operation).expire)
}

func (o *operation) expire() error {
	var over clientv3.LeaseID
	err := o.transact(func(now sight) (change, error) {
		held := now.lease
		// The time is over for whoever wrote the record if it is over on a clock that counts no more than passed: end, not expiry.
		if held == nil || now.pins != nil || !held.term.known() || o.config.Clock.Now().Before(held.overAt()) {
			if o.doubt && held == nil {
				return change{}, errSettled
			}
			return change{}, lease.ErrInvalid
		}
		over = held.counter
		return change{vacate: true}, nil
	})
	o.vacated(over, err)
	return err
}

// RevokeLease is part of lease.RevokingStore.
func (s *Store) RevokeLease(key lease.Key, holder string, stop <-chan struct{}) error {
	return s.run("revoke", key, lease.ValidateString(holder), stop, func(o *operation) error { return o.revoke(holder) })
}

func (o *operation) revoke(holder string) error {
	var term *entry
	err := o.transact(func(now sight) (change, error) {
		held := now.lease
		if o.doubt && term != nil && (held == nil || held.create != term.create) {
			return change{}, errSettled
		}
		if held == nil || held.holder != holder {
			return change{}, lease.ErrInvalid
		}
		term = held
		return change{vacate: true}, nil
	})
	if term != nil {
		o.vacated(term.counter, err)
	}
	return err
}

// vacated disposes of the etcd lease of a lease that was made free.
func (o *operation) vacated(counter clientv3.LeaseID, err error) {
	switch {
	case counter == 0:
	case err == nil:
		o.reaper.revoke(counter, int64(maxReapTime.Seconds()))
	case o.doubt:
		o.reaper.resolve(&attempt{operation: o, replaces: counter, ttl: int64(maxReapTime.Seconds())})
	}
}
