package etcdstore

import (
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// PinLease is part of lease.Store.
func (s *Store) PinLease(key lease.Key, entity string, stop <-chan struct{}) error {
	return s.run("pin", key, lease.ValidateString(entity), stop, func(o *operation) error {
		return o.transact(func(now sight) (change, error) {
			if now.pins.has(entity) {
				return change{}, nil
			}
			pin := change{pin: now.pins.with(entity)}
			if now.lease != nil && now.lease.bound {
				pin.put = &now.lease.record // as it was, but bound to nothing
			}
			return pin, nil
		})
	})
}

// UnpinLease is part of lease.Store.
func (s *Store) UnpinLease(key lease.Key, entity string, stop <-chan struct{}) error {
	return s.run("unpin", key, lease.ValidateString(entity), stop, func(o *operation) error { return o.unpin(entity) })
}

func (o *operation) unpin(entity string) error {
	// over is an etcd lease that ended while the lease was pinned: the server has nothing to bind the key to.
	var over clientv3.LeaseID
	for {
		err := o.transact(func(now sight) (change, error) {
			if !now.pins.has(entity) {
				return change{}, nil
			}
			if fewer := now.pins.without(entity); fewer != nil {
				return change{pin: fewer}, nil
			}
			switch {
			case now.lease == nil:
				return change{unpin: true}, nil
			case now.lease.counter == over:
				return change{unpin: true, vacate: true}, nil
			}
			return change{unpin: true, put: &now.lease.record}, nil
		})
		if !isLeaseNotFound(err) {
			return err
		}
		over = o.tried.lease.counter
	}
}
